"""A seller with a whole meter in a process of its own, who also settles. It is made to be killed, anywhere."""

import asyncio
import os
import signal
import threading
from asyncio.events import Handle
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple

from nvm_chain.chain.client import open_rpc
from nvm_chain.errors import IndexUnavailable, NvmChainError
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.settling import settler as settler_module
from nvm_chain.meter.store import store
from tests.meter.faults.ground import Ground, build_settler
from tests.meter.faults.seller import WholeSeller
from tests.support.meter_runner import Teller, _leave_out_commits, _pause_in_writes

SETTLE_PAUSE_SECONDS = 0.03
LEASE_SECONDS = 2
"""How long nobody else may settle after a settler was killed."""
PLANTS = ("none", "leaves out commits", "does not wait for the server's disk")
"""The mistakes that can be planted."""


class Orders(NamedTuple):
    """What a seller is told.

    ``seed`` decides about each request. ``pause_at`` is which statement of a write to pause after, until something comes
    through the pipe, and 0 for none. ``die_at`` is which step of the loop to be killed before: each await ends in one. It is 0
    for none. ``plant`` is one of `PLANTS`.
    """

    seed: int
    pause_at: int = 0
    die_at: int = 0
    plant: str = "none"


def serve(pipe: Pipe, where: str, ground: Ground, node_url: str, orders: Orders) -> None:
    """Serve requests and settle for ever.

    The pipe gets what `WholeSeller` tells, ``("paused",)`` at the pause, and ``("ended", text)`` for an error.
    """
    _plant(orders.plant)
    teller = Teller(pipe)
    _pause_in_writes(teller, orders.pause_at)
    _die_in_the_loop(orders.die_at)
    try:
        while True:
            with suppress(IndexUnavailable):  # the server was killed while the books were opened
                asyncio.run(_serve(teller, where, ground, node_url, orders.seed))
            threading.Event().wait(SETTLE_PAUSE_SECONDS)
    except NvmChainError as error:  # any other error ends the process, and the parent sees the end of the pipe
        teller.tell("ended", repr(error))


async def _serve(teller: Teller, where: str, ground: Ground, node_url: str, seed: int) -> None:
    def tell(what: str, number: int, hold_id: str, owner: str, credits: int) -> None:
        teller.tell(what, number, hold_id, owner, credits)

    async with open_meter(where, ground.index, ground.settings, renews=True) as meter:
        settling = asyncio.ensure_future(_settle(meter, ground, node_url))
        await WholeSeller(meter, ground, tell, seed).serve()
        await settling


async def _settle(meter: Meter, ground: Ground, node_url: str) -> None:
    """Settle again and again. What fails is due again the next time."""
    settler_module.LEASE_SPARE_SECONDS = 0  # type: ignore[misc]
    chain = await asyncio.to_thread(open_rpc, node_url, LEASE_SECONDS)
    settler = build_settler(chain, meter, ground)
    while True:
        with suppress(NvmChainError):  # the books are away, or the node's answer came too late
            await asyncio.to_thread(settler.settle)
        await asyncio.sleep(SETTLE_PAUSE_SECONDS)


def _die_in_the_loop(die_at: int) -> None:
    """End this process without a word before a step of the loop."""
    real, steps = Handle._run, 0

    def run(handle: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        real(handle)

    if die_at:
        Handle._run = run  # type: ignore[method-assign,assignment]


def _plant(plant: str) -> None:
    if plant == "leaves out commits":
        _leave_out_commits()
    elif plant == "does not wait for the server's disk":
        store.WAIT_FOR_DISK = "SELECT 1"  # type: ignore[misc]
