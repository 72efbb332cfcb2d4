"""Buying, opened on a gateway that serves: what takes payments, and the worker that goes on with those that are not finished."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.buying.paths import BuyingPaths
from nvm_chain.gateway.buying.purchases import Keys, Purchases
from nvm_chain.gateway.buying.requests import Requests
from nvm_chain.gateway.buying.serving import BuyingServer
from nvm_chain.gateway.buying.tills import Tills
from nvm_chain.gateway.buying.troubles import Tell
from nvm_chain.gateway.serving import Server
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.upstream import Upstreams
from nvm_chain.meter.store.payments import list_unfinished
from nvm_chain.signing.keys import Signer
from nvm_chain.x402.settling.grants import Grants
from nvm_chain.x402.settling.jobs import PaymentJobs
from nvm_chain.x402.settling.transfers import Transfers

BUSY_PAUSE_SECONDS: Final = 2
"""The pause between two looks at payments that are not finished."""
IDLE_PAUSE_SECONDS: Final = 15
"""The pause while all are. Another process may have begun one, and ended."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open: what serves requests, what answers on paths of its own, and what takes payments for requests and plans."""

    serving: BuyingServer
    paths: BuyingPaths
    requests: Requests
    purchases: Purchases


@asynccontextmanager
async def open_buying(
    connect: Callable[[], Chain],
    signer: Signer,
    minter: Signer | None,
    server: Server,
    upstreams: Upstreams,
    settings: GatewaySettings,
    *,
    tell: Tell,
) -> AsyncIterator[Opened]:
    """Open buying for a ``with`` block. It connects to the chain with the first payment, or for one that is not finished.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends the payments of buyers, and pays the gas.
        minter: The key that grants plans for transfers. None if no plan is sold by them.
        server: What serves requests.
        upstreams: The client that calls upstreams.
        settings: The settings of the gateway.
        tell: A function that tells the operator of errors.
    """
    writer, stop, due = server.meter.writer, threading.Event(), threading.Event()
    tills = Tills(connect, signer, writer)
    keys = Keys(signer.address, None if minter is None else minter.address)
    purchases = Purchases(tills, writer, keys, settings.buying, settings.checkout, due.set)
    requests = Requests(tills, writer, upstreams, settings.buying)

    def work() -> None:
        jobs: PaymentJobs | None = None
        while not stop.is_set():
            count = len(writer.run(list_unfinished))
            if count and jobs is None:
                chain = connect()
                grants = None if minter is None else Grants(chain, minter, writer)
                jobs = PaymentJobs(chain, Transfers(chain, signer, writer), grants, writer, depth=settings.depth)
            count = jobs.work(tell) if count and jobs is not None else 0
            due.wait(BUSY_PAUSE_SECONDS if count else IDLE_PAUSE_SECONDS)
            due.clear()

    working = asyncio.ensure_future(asyncio.to_thread(server.workers.work, "payments", work, stop))
    own = (signer.address,) if minter is None else (signer.address, minter.address)
    try:
        serving = BuyingServer(server, requests, purchases, signer.address, tell)
        yield Opened(serving, BuyingPaths(server, purchases, own, tell), requests, purchases)
    finally:
        stop.set()
        due.set()
        await asyncio.wait([working])
        tills.close()
