"""The door of a meter: its books, the feed that keeps their views at the head of an index, and the engine on top."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.index.database import open_index
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.feed.following import Feed
from nvm_chain.meter.feed.store_sink import StoreSink
from nvm_chain.meter.feed.store_windows import StoreWindowSink
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, find_overdue, sweep
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.signatures import AskChain

SWEEP_SECONDS: Final = 10
"""How often a meter looks for holds whose end has passed."""


@asynccontextmanager
async def open_meter(
    where: str | Path,
    index: str | Path,
    settings: MeterSettings,
    *,
    ask_chain: AskChain | None = None,
    renews: bool = False,
    on_trouble: Callable[[NvmChainError], object] | None = None,
) -> AsyncIterator[Meter]:
    """Open a meter for the block of an ``async with``. At the end, what was charged is stored, and everything is closed.

    Holds that a killed process left open are released: in a file at once, and in PostgreSQL when their end has passed. The
    seller bears what they had served.

    Args:
        where: The books: the path of a file of SQLite, or a URL of PostgreSQL. They are made if there are none.
        index: The index of the chain: a path or a URL. Another process, or another thread, follows the chain into it.
        settings: What is served, on which plans.
        ask_chain: A function that asks a contract at the holder's address (ERC-1271). Sessions of contract wallets need it.
        renews: Whether the chain mines on demand, so that no new block does not mean that the index stands still.
        on_trouble: Called with each failure of the index or the books after which the feed tries again.

    Raises:
        WrongDatabase: The books or the index are a database of another program.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The books cannot be opened.
    """
    store = await asyncio.to_thread(_open_books, where, settings)
    writer = Writer(store)
    feed = Feed(
        lambda: open_index(index, chain_id=settings.chain_id, credits=settings.credits),
        settings.plan_ids,
        (settings.redeemer, *settings.former_redeemers),
        settings.depth,
        StoreSink(writer),
        StoreWindowSink(writer),
        renews=renews,
        on_trouble=on_trouble,
    )
    stop = threading.Event()
    following = asyncio.ensure_future(asyncio.to_thread(feed.run, stop))
    meter = Meter(writer, settings, feed, ask_chain=ask_chain)
    sweeping = asyncio.ensure_future(_sweep(writer, on_trouble))
    try:
        yield meter
    finally:
        sweeping.cancel()
        stop.set()
        await asyncio.wait([following])
        await meter.close()
        if not following.cancelled() and (error := following.exception()) is not None and on_trouble is not None:
            on_trouble(error)  # type: ignore[arg-type]


async def _sweep(writer: Writer, on_trouble: Callable[[NvmChainError], object] | None) -> None:
    """Release again and again the holds whose end has passed: those of processes that were killed, for example."""
    while True:
        try:
            await asyncio.to_thread(writer.run, lambda store: sweep(store, find_overdue(store)))
        except NvmChainError as error:
            if on_trouble is not None:
                on_trouble(error)
        await asyncio.sleep(SWEEP_SECONDS)


def _open_books(where: str | Path, settings: MeterSettings) -> Store:
    store = open_store(where, chain_id=settings.chain_id, credits=settings.credits)
    if store.is_sqlite:
        sweep(store, find_abandoned(store), owner_is_gone=True)
    return store
