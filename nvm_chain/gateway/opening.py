"""The door of a gateway: the index that follows the chain, the meter, the settler, and the application on top."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError, SecondSettler
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.buying.opening import open_buying
from nvm_chain.gateway.catalogue import SoldService, build_meter_settings, read_services
from nvm_chain.gateway.checkout.account_paths import open_account
from nvm_chain.gateway.checkout.opening import open_checkout
from nvm_chain.gateway.discovery.paths import Discovery
from nvm_chain.gateway.facilitator.working import open_own_facilitator
from nvm_chain.gateway.file_folders import FileUpstreams
from nvm_chain.gateway.kept_answers import AnswerBox
from nvm_chain.gateway.mpp.opening import open_charges
from nvm_chain.gateway.new_plans.opening import open_new_plans
from nvm_chain.gateway.pages.seller_opening import open_seller_page
from nvm_chain.gateway.pages.streamlit_paths import open_streamlit
from nvm_chain.gateway.pages.visitors import open_visitors
from nvm_chain.gateway.sellers.opening import build_seller_paths, look
from nvm_chain.gateway.sellers.tokens import FindTokens
from nvm_chain.gateway.sellers.views import Look
from nvm_chain.gateway.serving import FindToken, Server
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.troubles import PatientTeller
from nvm_chain.gateway.upstream import FindHeader
from nvm_chain.gateway.webhooks.running import keep_sending
from nvm_chain.gateway.webhooks.sending import FindKeys
from nvm_chain.gateway.workers import AGAIN_SECONDS, Workers
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.first_use import Opened
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settled, Settler
from nvm_chain.meter.store.settlement_notices import note_unsent
from nvm_chain.operations.wallets import ask_wallets
from nvm_chain.signing.keys import Signer, check_message_signer

logger: Final = logging.getLogger(__name__)

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
    minter: Signer | None = None,
    find_webhook_keys: FindKeys | None = None,
    find_seller_tokens: FindTokens | None = None,
    find_metrics_token: FindToken | None = None,
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
        minter: The key that grants plans for signed transfers. If not given, no plan is sold by them.
        find_webhook_keys: A function that returns the keys of a webhook, by its name, as they are now.
        find_seller_tokens: A function that returns the tokens of all sellers as they are now.
        find_metrics_token: A function that returns the token of the numbers as it is now. If not given, it is that of the settings.
    """

    @asynccontextmanager
    async def open_server() -> AsyncIterator[Server]:
        chain = await asyncio.to_thread(connect)
        may_mint = None if minter is None else minter.address
        services = await asyncio.to_thread(read_services, chain, settings, signer.address, may_mint)
        meter_settings = build_meter_settings(chain, settings, services, signer.address, former_redeemers)
        await asyncio.to_thread(_make_index, chain, settings, first_block)
        workers = Workers(tell, again_seconds=AGAIN_SECONDS)
        async with AsyncExitStack() as stack:
            if follows:
                stack.enter_context(_following(connect, settings, workers))
            opened = _open_meter(chain, signer, settings, meter_settings, workers, renews=renews)
            meter = await stack.enter_async_context(opened)
            upstreams = FileUpstreams(services, find_header)
            stack.push_async_callback(upstreams.close)
            if settles:
                await stack.enter_async_context(_settling(connect, signer, meter, rules, workers))
            await stack.enter_async_context(
                keep_sending(meter.writer, settings, services, find_webhook_keys, workers, tell)
            )
            server = _build_server(meter, services, upstreams, settings, workers, find_metrics_token)
            server.discovery = Discovery(server, chain.agents.address)
            await _open_buying(stack, connect, (signer, minter), server, upstreams, settings)
            looks = partial(look, connect, signer, meter, rules)
            server.sellers = build_seller_paths(*(meter, server.metrics, services, settings, looks, find_seller_tokens))
            await _open_pages(
                *(stack, connect, signer, server, settings), looks=looks, find_seller_tokens=find_seller_tokens
            )
            yield server

    return GatewayApp(open_server, cors_origins=settings.cors_origins)


async def _open_buying(
    stack: AsyncExitStack,
    connect: Connect,
    keys: tuple[Signer, Signer | None],
    server: Server,
    upstreams: FileUpstreams,
    settings: GatewaySettings,
) -> None:
    """Open what sells for money on a server, until the stack ends. ``keys`` are the redeemer and the minter."""
    buying = await stack.enter_async_context(open_buying(connect, *keys, server, upstreams, settings, tell=tell))
    server.buying, server.buying_paths = buying.serving, buying.paths
    if settings.buying.exact:
        await open_charges(server, buying, tuple(key.address for key in keys if key is not None), tell)


async def _open_pages(
    stack: AsyncExitStack,
    connect: Connect,
    signer: Signer,
    server: Server,
    settings: GatewaySettings,
    *,
    looks: Look,
    find_seller_tokens: FindTokens | None,
) -> None:
    """Open what people see on a server, until the stack ends."""
    meter, services = server.meter, server.services
    visitors = await open_visitors(meter, base=settings.url)
    own = meter.settings
    find_index = partial(open_index, settings.index, chain_id=own.chain_id, credits=own.credits)
    account = await stack.enter_async_context(open_account(connect, find_index, server, visitors))
    checkout = open_checkout(connect, signer, meter, services, settings.checkout, tell, account=account)
    server.checkout = await stack.enter_async_context(checkout)
    facilitator = open_own_facilitator(connect, signer, meter, settings.facilitator, tell)
    server.facilitator = await stack.enter_async_context(facilitator)
    server.streamlit = await stack.enter_async_context(open_streamlit(connect, server))
    server.new_plans = await stack.enter_async_context(open_new_plans(connect, server))
    seller_page = open_seller_page(connect, server, settings, visitors, looks, find_seller_tokens)
    server.seller_page = await stack.enter_async_context(seller_page)


def _open_meter(
    chain: Chain,
    signer: Signer,
    settings: GatewaySettings,
    meter_settings: MeterSettings,
    workers: Workers,
    *,
    renews: bool,
) -> AbstractAsyncContextManager[Meter]:
    return open_meter(
        *(settings.meter, settings.index, meter_settings),
        ask_chain=ask_wallets(chain),
        receipt_signer=check_message_signer(signer),
        renews=renews,
        on_trouble=PatientTeller(tell),
        on_end=partial(workers.note_end, "feed of the books"),
    )


def _build_server(
    meter: Meter,
    services: Mapping[str, SoldService],
    upstreams: FileUpstreams,
    settings: GatewaySettings,
    workers: Workers,
    find_metrics_token: FindToken | None,
) -> Server:
    box = None if settings.answer_key is None else AnswerBox(settings.answer_key)
    find = find_metrics_token or (lambda: settings.metrics_token)
    return Server(*(meter, services, upstreams), base=settings.url, box=box, find_metrics_token=find, workers=workers)


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
def _following(connect: Connect, settings: GatewaySettings, workers: Workers) -> Iterator[None]:
    """Follow the chain into the index, in a thread."""
    stop = threading.Event()

    def follow() -> None:
        chain = connect()
        with closing(open_index(settings.index, chain_id=chain.chain_id)) as index:
            Follower(chain, index, waits=True).follow(stop)

    thread = threading.Thread(
        target=workers.work, args=("follower", follow, stop), name="nvm-chain follower", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@asynccontextmanager
async def _settling(
    connect: Connect, signer: Signer, meter: Meter, rules: SettleRules | None, workers: Workers
) -> AsyncIterator[None]:
    """Settle what is due, in a thread. The batch under way is finished at the end."""
    stop = threading.Event()

    def settle() -> None:
        try:
            Settler(connect(), signer, meter.writer, meter.settings, rules).run(stop, tell_settled)
        except SecondSettler:  # another process of the gateway settles, as it should
            stop.wait(AGAIN_SECONDS)

    def tell_settled(what: Settled | Opened | NvmChainError) -> None:
        tell(what)
        if isinstance(what, Settled) and what.error is not None:
            told = (what.batch.plan_id, signer.address, len(what.batch.items), type(what.error).__name__)
            meter.writer.run(lambda store: note_unsent(store, *told))

    settling = asyncio.ensure_future(asyncio.to_thread(workers.work, "settler", settle, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([settling])


def tell(what: object) -> None:
    """Log what an operator has to know: troubles, and settlements that failed. Another process may settle."""
    error = what if isinstance(what, NvmChainError) else getattr(what, "error", None)
    if isinstance(error, NvmChainError) and not isinstance(error, SecondSettler):
        logger.warning("%s", error.message())
