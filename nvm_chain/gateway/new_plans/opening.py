"""The page of a new plan, opened on a gateway that serves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.new_plans.paths import NewPlanPaths
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.serving import Server

THREADS: Final = 2
MOST_WAITING: Final = 16
"""How many drafts may be made or wait at the same time. Each asks the chain about ten questions."""
BUSY: Final = "Too many people make plans at the moment. Try again in a few seconds."


def build_desk(connect: Callable[[], Chain]) -> ChainDesk:
    """Return what asks the chain for drafts, in threads of its own."""
    return ChainDesk(connect, threads=THREADS, most_waiting=MOST_WAITING, busy=BUSY)


@asynccontextmanager
async def open_new_plans(connect: Callable[[], Chain], server: Server) -> AsyncIterator[NewPlanPaths]:
    """Open the page for a ``with`` block. It connects to the chain when it is first asked for."""
    own = server.meter.settings
    desk = build_desk(connect)
    try:
        yield NewPlanPaths(desk, Place(server.base, own.chain_id, own.credits, own.redeemer, server.services))
    finally:
        desk.close()
