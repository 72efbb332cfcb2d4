"""The door of a meter: its books, the feed that keeps their views at the head of an index, and the engine on top."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.index.database import open_index
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.feed.following import Feed
from nvm_chain.meter.feed.store_sink import StoreSink
from nvm_chain.meter.feed.store_windows import StoreWindowSink
from nvm_chain.meter.receipt_signing import ReceiptSigner, take_signer
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.forgetting import MOST_AT_ONCE, forget_answers, forget_authorities
from nvm_chain.meter.store.notices import sweep_notices
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.sign_ins import sweep_nonces
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, find_overdue, sweep
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.signatures import AskChain

SWEEP_SECONDS: Final = 10
"""How often a meter looks for holds whose end has passed."""
TURNS_OF_OLD: Final = 60
"""In every so many of these looks, a meter forgets what is too old to matter."""
MOST_PARTS: Final = 20
"""In how many transactions at most it forgets the sessions and answers of one look."""


@asynccontextmanager
async def open_meter(
    where: str | Path,
    index: str | Path,
    settings: MeterSettings,
    *,
    ask_chain: AskChain | None = None,
    receipt_signer: ReceiptSigner | None = None,
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
        ask_chain: A function that asks a contract at the holder's address (ERC-1271). Sessions and sign-ins of contract
            wallets need it.
        receipt_signer: The redeemer's account, or a function that has a receipt signed. Receipts need it.
        renews: Whether the chain mines on demand, so that no new block does not mean that the index stands still.
        on_trouble: Called with each failure of the index or the books after which the feed tries again, and with the one
            that ends it.

    Raises:
        WrongDatabase: The books or the index are a database of another program.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The books cannot be opened.
        InvalidConfig: The signer of receipts is not the redeemer.
    """
    if receipt_signer is not None:
        take_signer(receipt_signer, settings)  # before anything is opened
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
    following.add_done_callback(partial(_tell_end, on_trouble=on_trouble))
    meter = Meter(writer, settings, feed, ask_chain=ask_chain, receipt_signer=receipt_signer)
    sweeping = asyncio.ensure_future(_sweep(writer, on_trouble))
    try:
        yield meter
    finally:
        sweeping.cancel()
        stop.set()
        await asyncio.wait([following])
        await meter.close()


def _tell_end(following: "asyncio.Future[None]", on_trouble: Callable[[NvmChainError], object] | None) -> None:
    """Tell why the feed has ended, if it should not have. New accounts are refused from then on with the same error."""
    error = None if following.cancelled() else following.exception()
    if on_trouble is not None and isinstance(error, NvmChainError):
        on_trouble(error)


async def _sweep(writer: Writer, on_trouble: Callable[[NvmChainError], object] | None) -> None:
    """Release again and again the holds whose end has passed: those of processes that were killed, for example.

    Now and then, forget what is too old to matter. That is nonces that were used, notices that were delivered, sessions and
    sign-ins that have ended, and answers whose time is over.
    """
    for turn in count():
        try:
            await asyncio.to_thread(writer.run, lambda store: sweep(store, find_overdue(store)))
            if turn % TURNS_OF_OLD == 0:
                await asyncio.to_thread(writer.run, sweep_nonces)
                await asyncio.to_thread(writer.run, sweep_notices)
                for forget in (forget_authorities, forget_answers):
                    await _forget(writer, forget)
        except NvmChainError as error:
            if on_trouble is not None:
                on_trouble(error)
        await asyncio.sleep(SWEEP_SECONDS)


async def _forget(writer: Writer, forget: Callable[[Store], int]) -> None:
    """Forget in parts, until there is nothing more or enough for now. The next look goes on."""
    for _ in range(MOST_PARTS):
        if await asyncio.to_thread(writer.run, forget) < MOST_AT_ONCE:
            return


def _open_books(where: str | Path, settings: MeterSettings) -> Store:
    store = open_store(where, chain_id=settings.chain_id, credits=settings.credits)
    if store.is_sqlite:
        sweep(store, find_abandoned(store), owner_is_gone=True)
    return store
