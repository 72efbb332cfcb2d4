"""The page of sellers, opened on the meter of a gateway that serves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.pages.seller_answers import SellerAnswers
from nvm_chain.gateway.pages.seller_paths import SellerPagePaths
from nvm_chain.gateway.pages.visitors import Visitors
from nvm_chain.gateway.sellers.desk import SellerDesk
from nvm_chain.gateway.sellers.opening import build_views, keep_tokens
from nvm_chain.gateway.sellers.tokens import FindTokens
from nvm_chain.gateway.sellers.views import Look
from nvm_chain.gateway.serving import Server
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.index.database import open_index

CHAIN_THREADS: Final = 2


@asynccontextmanager
async def open_seller_page(
    connect: Callable[[], Chain],
    server: Server,
    settings: GatewaySettings,
    visitors: Visitors,
    look: Look,
    find_tokens: FindTokens | None = None,
) -> AsyncIterator[SellerPagePaths]:
    """Open the page for a ``with`` block. It opens the index, and connects to the chain, when somebody has signed in.

    Args:
        connect: A function that connects to the chain.
        server: What serves.
        settings: The settings of the gateway.
        visitors: What knows accounts that have signed in.
        look: A function that returns what would be settled with some settings.
        find_tokens: A function that returns the tokens of sellers as they are now. Those of the settings if not given.
    """
    own = server.meter.settings
    desk = SellerDesk(partial(open_index, settings.index, chain_id=own.chain_id, credits=own.credits))
    chain_desk = ChainDesk(connect, threads=CHAIN_THREADS)
    views = build_views(settings, server.services)
    answers = SellerAnswers(server.meter, server.services, views, desk, chain_desk, look)
    try:
        yield SellerPagePaths(answers, visitors, find_tokens or keep_tokens(settings), base=server.base)
    finally:
        desk.close()
        chain_desk.close()
