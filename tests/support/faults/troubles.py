"""What befalls a chain in the middle of a call: blocks replaced or undone, a node restarted, no more blocks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeAlias

from tests.support.anvil import run_anvil
from tests.support.faults.behind_the_proxy import ask_all, wait_until_mined
from tests.support.faults.campaign import Campaign, Place, Run
from tests.support.faults.kinds import Fault
from tests.support.faults.proxy import Exchange, Served
from tests.support.faults.stage import Stage
from tests.support.odd_node import SEND

Trouble: TypeAlias = Callable[[Stage], object]
DEEPEST = 64
"""Blocks of the deepest reorganisation. So many without transactions are below each call, as none may reach a snapshot."""


def reorganise(stage: Stage, *, depth: int, drops: bool) -> None:
    """Put empty blocks in place of the latest ones. Unless the node drops them, their transactions wait again.

    anvil drops them: here they are handed to it once more. What is in a block still is refused.
    """
    wait_until_mined(stage)
    ask_all(stage, [("anvil_reorg", [depth, []])])
    if stage.node.sent and not drops:
        ask_all(stage, [(SEND, [signed]) for signed in stage.node.sent.values()])


def stop_mining(stage: Stage) -> None:
    """Have transactions wait from here on."""
    ask_all(stage, [("evm_setAutomine", [False])])


def go_on(stage: Stage) -> None:
    """Mine what waits, and each transaction again as it comes."""
    ask_all(stage, [("evm_setAutomine", [True]), ("evm_mine", [])])


@contextmanager
def restarts(campaign: Campaign) -> Iterator[Trouble]:
    """Give what puts another node in the place of the first, with its state. At the end of the block the first one is there again."""
    node, first = campaign.stage.node, campaign.stage.node.target
    with ExitStack() as others:

        def restart(stage: Stage) -> None:
            wait_until_mined(stage)
            (state,) = ask_all(stage, [("anvil_dumpState", [])])
            node.move(others.enter_context(run_anvil()))
            ask_all(stage, [("anvil_loadState", [state])])

        try:
            yield restart
        finally:
            node.move(first)
            campaign.go_back()


def befall(campaign: Campaign, call: str, label: str, before: int, trouble: Trouble) -> Run:
    """Make a call, and have trouble befall the chain before the node answers one of its requests."""

    def change(exchange: Exchange) -> Served | None:
        trouble(campaign.stage)
        return Served(exchange.forward())

    place = Place(call, label, before, Fault("trouble", change))
    return campaign.run(place, partial(go_on, campaign.stage), DEEPEST)
