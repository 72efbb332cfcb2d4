"""Troubles of a chain during a call: replaced or undone blocks, a restarted node, or no more blocks."""

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
"""The number of blocks in the deepest reorganisation.

As many empty blocks precede each call, because no reorganisation may reach a snapshot.
"""


def reorganise(stage: Stage, *, depth: int, drops: bool) -> None:
    """Replace the latest blocks with empty ones. Their transactions wait again, unless the node drops them.

    anvil drops the transactions, so they are sent to it again. It refuses those that are still in a block.
    """
    wait_until_mined(stage)
    ask_all(stage, [("anvil_reorg", [depth, []])])
    if stage.node.sent and not drops:
        ask_all(stage, [(SEND, [signed]) for signed in stage.node.sent.values()])


def stop_mining(stage: Stage) -> None:
    """Stop mining, so that new transactions wait."""
    ask_all(stage, [("evm_setAutomine", [False])])


def go_on(stage: Stage) -> None:
    """Mine the waiting transactions, and mine each new transaction at once again."""
    ask_all(stage, [("evm_setAutomine", [True]), ("evm_mine", [])])


@contextmanager
def restarts(campaign: Campaign) -> Iterator[Trouble]:
    """Yield a function that replaces the node by another one with the same state.

    At the end of the block the first node is back.
    """
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
    """Make a call with a trouble before the node answers one of its requests."""

    def change(exchange: Exchange) -> Served | None:
        trouble(campaign.stage)
        return Served(exchange.forward())

    place = Place(call, label, before, Fault("trouble", change))
    return campaign.run(place, partial(go_on, campaign.stage), DEEPEST)
