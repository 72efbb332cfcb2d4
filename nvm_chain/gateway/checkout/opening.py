"""The checkout, opened on the meter of a gateway that serves."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.account_paths import AccountPaths
from nvm_chain.gateway.checkout.cards import Cards
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.orders import Orders
from nvm_chain.gateway.checkout.paths import CheckoutPaths
from nvm_chain.gateway.checkout.relays import Relays
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.meter.engine import Meter
from nvm_chain.signing.keys import Signer


@asynccontextmanager
async def open_checkout(
    connect: Callable[[], Chain],
    signer: Signer,
    meter: Meter,
    services: Mapping[str, SoldService],
    settings: CheckoutSettings,
    tell: Callable[[NvmChainError], object],
    *,
    account: AccountPaths | None = None,
) -> AsyncIterator[CheckoutPaths]:
    """Open the checkout for a ``with`` block. It connects to the chain when the first page is asked for.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends signed orders, if the operator has switched that on.
        meter: The meter.
        services: What is sold.
        settings: The settings of the checkout.
        tell: A function that tells the operator of errors.
        account: The account page.
    """
    desk, shelves, own = ChainDesk(connect), Shelves(services), meter.settings
    relays = Relays(connect, signer, meter.writer, settings, desk, tell)
    orders = Orders(desk, Cards(), shelves, own.chain_id, own.depth)
    try:
        yield CheckoutPaths(orders, relays, shelves, chain_id=own.chain_id, credits=own.credits, account=account)
    finally:
        await relays.close()
        desk.close()
