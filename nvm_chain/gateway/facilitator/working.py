"""What a facilitator needs beside its paths: threads with connections, and the work on settlements until nothing changes them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import Number, Seconds
from nvm_chain.gateway.checkout.desks import Desk
from nvm_chain.gateway.facilitator.credits import MeterCases
from nvm_chain.gateway.facilitator.paths import CreditsCases, FacilitatorPaths, FindCallers
from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.gateway.workers import Workers
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer
from nvm_chain.x402.facilitator.desk import Facilitator
from nvm_chain.x402.facilitator.orders import ORDER_GAS
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.settling.jobs import PaymentJobs
from nvm_chain.x402.settling.transfers import TransferRules, Transfers

VERIFYING: Final = 8
SETTLING: Final = 32
"""How many settlements wait for their transactions at the same time."""
MOST_WAITING: Final = 256
BUSY: Final = "Too many servers ask the facilitator at the moment. Ask the same again in a few seconds."
BUSY_PAUSE_SECONDS: Final[Seconds] = 2
IDLE_PAUSE_SECONDS: Final[Seconds] = 4
"""How often settlements are looked at that can change still, and how often it is looked for new ones."""


@asynccontextmanager
async def open_facilitator(
    connect: Callable[[], Chain],
    signer: Signer,
    writer: Writer,
    settings: FacilitatorSettings,
    chain_id: Number,
    find_callers: FindCallers,
    *,
    tell: Callable[[NvmChainError], object],
    credits: CreditsCases | None = None,
) -> AsyncIterator[FacilitatorPaths]:
    """Open a facilitator for the block of an ``async with``. It connects to the chain when it is first asked.

    Args:
        connect: A function that connects to the chain. Each thread has a connection of its own.
        signer: The key that sends settlements, and pays their gas.
        writer: The books.
        settings: The rules.
        chain_id: The chain.
        find_callers: A function that returns who may ask, as it is now.
        tell: A function that tells the operator of faults.
        credits: What verifies and settles payments with credits.
    """

    def connect_patiently() -> Chain:
        chain = connect()
        chain.timeout_seconds = settings.wait_seconds
        return chain

    facilitator = Facilitator(settings, signer, writer)
    verifying = Desk(connect, threads=VERIFYING, most_waiting=MOST_WAITING, busy=BUSY)
    settling = Desk(connect_patiently, threads=SETTLING, most_waiting=MOST_WAITING, busy=BUSY)
    try:
        yield FacilitatorPaths(facilitator, verifying, settling, chain_id, find_callers, tell=tell, credits=credits)
    finally:
        verifying.close()
        settling.close()


@asynccontextmanager
async def open_own_facilitator(
    connect: Callable[[], Chain],
    signer: Signer,
    meter: Meter,
    part: FacilitatorPart | None,
    tell: Callable[[NvmChainError], object],
) -> AsyncIterator[FacilitatorPaths | None]:
    """Open the facilitator of a gateway for the block of an ``async with``. None if its settings do not have one.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends settlements, and pays their gas.
        meter: The meter, whose books keep the settlements, and which settles vouchers.
        part: The settings.
        tell: A function that tells the operator of faults.

    Raises:
        InvalidConfig: The settings name no token, and no USDC is known on the chain.
        NetworkError: The node does not answer.
    """
    if part is None:
        yield None
        return
    settings = part.fill((await asyncio.to_thread(connect)).usdc)
    opened = open_facilitator(
        *(connect, signer, meter.writer, settings, meter.settings.chain_id, lambda: part.callers),
        tell=tell,
        credits=MeterCases(meter),
    )
    async with opened as paths:
        yield paths


@asynccontextmanager
async def following_settlements(
    connect: Callable[[], Chain], signer: Signer, writer: Writer, tell: Callable[[NvmChainError], object]
) -> AsyncIterator[None]:
    """Follow settlements until nothing can change them, for the block of an ``async with``. A lost transaction is sent again.

    In a gateway, what follows all payments of its books does so.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends settlements, and pays their gas.
        writer: The books.
        tell: A function that tells the operator of faults.
    """
    stop = threading.Event()

    def work() -> None:
        chain = connect()
        transfers = Transfers(chain, signer, writer, TransferRules(most_gas=ORDER_GAS))
        jobs = PaymentJobs(chain, transfers, None, writer, depth=0)
        while not stop.is_set():
            stop.wait(BUSY_PAUSE_SECONDS if jobs.work(tell) else IDLE_PAUSE_SECONDS)

    working = asyncio.ensure_future(asyncio.to_thread(Workers(tell).work, "settlements", work, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([working])
