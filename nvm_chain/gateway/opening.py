"""The door of a gateway: the index that follows the chain, the meter, the settler, and the application on top."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError, SecondSettler
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.catalogue import build_meter_settings, read_services
from nvm_chain.gateway.kept_answers import AnswerBox
from nvm_chain.gateway.serving import Server
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.upstream import FindHeader, Upstreams
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.operations.wallets import ask_wallets
from nvm_chain.signing.keys import Signer, check_message_signer

logger: Final = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 15
"""The pause before following or settling begins again after an error, such as a node that does not answer."""
Connect = Callable[[], Chain]
"""Connects to the chain. Each thread that works for the gateway has a connection of its own."""


def build_gateway(
    connect: Connect,
    signer: Signer,
    settings: GatewaySettings,
    *,
    rules: SettleRules | None = None,
    first_block: int = 0,
    follows: bool = True,
    settles: bool = True,
    renews: bool = False,
    find_header: FindHeader | None = None,
    former_redeemers: tuple[ChecksumAddress, ...] = (),
) -> GatewayApp:
    """Return the ASGI application of a gateway. Nothing is opened until a server starts it.

    Args:
        connect: A function that connects to the chain.
        signer: The redeemer. It settles, and signs receipts.
        settings: What is served.
        rules: When to settle.
        first_block: The block in which Credits was deployed, or an earlier one.
        follows: Whether this process follows the chain into the index. Otherwise another one does.
        settles: Whether this process settles. Otherwise another one does.
        renews: Whether the chain mines on demand, so that no new block does not mean that the index stands still.
        find_header: A function that returns the header with the seller's secret for a service, as it is now.
        former_redeemers: Keys of the seller that settled before.
    """

    @asynccontextmanager
    async def open_server() -> AsyncIterator[Server]:
        chain = await asyncio.to_thread(connect)
        services = await asyncio.to_thread(read_services, chain, settings, signer.address)
        meter_settings = build_meter_settings(chain, settings, services, signer.address, former_redeemers)
        await asyncio.to_thread(_make_index, chain, settings, first_block)
        box = None if settings.answer_key is None else AnswerBox(settings.answer_key)
        with _following(connect, settings) if follows else nullcontext():
            async with open_meter(
                settings.meter,
                settings.index,
                meter_settings,
                ask_chain=ask_wallets(chain),
                receipt_signer=check_message_signer(signer),
                renews=renews,
                on_trouble=tell,
            ) as meter:
                upstreams = Upstreams(find_header)
                try:
                    async with _settling(connect, signer, meter, rules) if settles else nullcontext():
                        yield Server(
                            meter, services, upstreams, base=settings.url, box=box, metrics_token=settings.metrics_token
                        )
                finally:
                    await upstreams.close()

    return GatewayApp(open_server, cors_origins=settings.cors_origins)


def _make_index(chain: Chain, settings: GatewaySettings, first_block: int) -> None:
    """Make the index if there is none yet. Raises IndexFailure."""
    open_index(
        settings.index,
        chain_id=chain.chain_id,
        credits=chain.credits.address,
        agents=chain.agents.address,
        first_block=first_block,
        create=True,
    ).close()


@contextmanager
def _following(connect: Connect, settings: GatewaySettings) -> Iterator[None]:
    """Follow the chain into the index, in a thread."""
    stop = threading.Event()

    def follow() -> None:
        chain = connect()
        with closing(open_index(settings.index, chain_id=chain.chain_id)) as index:
            Follower(chain, index, waits=True).follow(stop)

    thread = threading.Thread(target=_work, args=(follow, stop), name="nvm-chain follower", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@asynccontextmanager
async def _settling(connect: Connect, signer: Signer, meter: Meter, rules: SettleRules | None) -> AsyncIterator[None]:
    """Settle what is due, in a thread. The batch under way is finished at the end."""
    stop = threading.Event()

    def settle() -> None:
        Settler(connect(), signer, meter.writer, meter.settings, rules).run(stop, tell)

    settling = asyncio.ensure_future(asyncio.to_thread(_work, settle, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([settling])


def _work(work: Callable[[], None], stop: threading.Event) -> None:
    """Do some work until it is to stop. If it ends by an error, tell it, and begin again a little later."""
    while not stop.is_set():
        try:
            work()
        except NvmChainError as error:
            tell(error)
            stop.wait(AGAIN_SECONDS)


def tell(what: object) -> None:
    """Log what an operator has to know: troubles, and settlements that failed. Another process may settle."""
    error = what if isinstance(what, NvmChainError) else getattr(what, "error", None)
    if isinstance(error, NvmChainError) and not isinstance(error, SecondSettler):
        logger.warning("%s", error.message())
