"""The door of a meter: its books, the feed that keeps their views at the head of an index, and the engine on top."""

import asyncio
import logging
import secrets
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
from nvm_chain.meter.retention import Retention
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.forgetting import MOST_AT_ONCE, forget_answers, forget_authorities
from nvm_chain.meter.store.forgetting_holds import forget_holds
from nvm_chain.meter.store.leases import take_lease
from nvm_chain.meter.store.notices import sweep_notices
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.payment_ends import forget_payments
from nvm_chain.meter.store.sign_ins import sweep_nonces
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, find_overdue, sweep
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import BEGIN, UsageCursor
from nvm_chain.signing.signatures import AskChain

SWEEP_SECONDS: Final = 10
"""How often a meter looks for holds whose end has passed."""
TURNS_OF_OLD: Final = 60
"""In every so many of these looks, a meter forgets what is too old to matter."""
MOST_PARTS: Final = 20
"""In how many transactions at most it forgets the things of one kind in one look."""
RETENTION: Final = "forget what is old"
"""The name of the lease for it."""
LEASE_SECONDS: Final = 2 * SWEEP_SECONDS * TURNS_OF_OLD
"""How long other processes leave it to one that may have ended."""

logger: Final = logging.getLogger(__name__)


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
    on_end: Callable[[BaseException], object] | None = None,
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
        on_end: Called with what ends the feed, whatever it is. Views then stay as they are, until nothing is served any more.

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
    following.add_done_callback(partial(_tell_end, on_trouble=on_trouble, on_end=on_end))
    meter = Meter(writer, settings, feed, ask_chain=ask_chain, receipt_signer=receipt_signer)
    sweeping = asyncio.ensure_future(_sweep(writer, on_trouble, settings.retention))
    try:
        yield meter
    finally:
        sweeping.cancel()
        stop.set()
        await asyncio.wait([following])
        await meter.close()


def _tell_end(
    following: "asyncio.Future[None]",
    on_trouble: Callable[[NvmChainError], object] | None,
    on_end: Callable[[BaseException], object] | None,
) -> None:
    """Tell why the feed has ended, if it should not have. New accounts are refused from then on with the same error."""
    error = None if following.cancelled() else following.exception()
    if error is not None and on_end is not None:
        on_end(error)
        return
    if on_trouble is not None and isinstance(error, NvmChainError):
        on_trouble(error)


async def _sweep(
    writer: Writer, on_trouble: Callable[[NvmChainError], object] | None, retention: Retention | None = None
) -> None:
    """Release again and again the holds whose end has passed: those of processes that were killed, for example.

    Now and then, forget what is too old to matter. An error that should not be is logged, and the next look tries again.
    """
    forgetter = Forgetter(writer, retention or Retention())
    for turn in count():
        try:
            await asyncio.to_thread(writer.run, lambda store: sweep(store, find_overdue(store)))
            await forgetter.forget(begins=turn % TURNS_OF_OLD == 0)
        except NvmChainError as error:
            if on_trouble is not None:
                on_trouble(error)
        except Exception as error:  # noqa: BLE001  # a mistake in one look may not end all others
            _tell_mistake(error)
        await asyncio.sleep(SWEEP_SECONDS)


def _tell_mistake(error: Exception) -> None:
    logger.error(
        "The sweep of the books failed with %s, and the next one tries again.", type(error).__name__, exc_info=error
    )


class Forgetter:
    """Forgets what is too old to matter, in parts between which requests are stored. One process at a time does so.

    That is nonces that were used, notices that were delivered, sessions and sign-ins that have ended, answers whose time is over,
    payments, and requests with what they cost. Requests are many, so each look forgets some of them.
    """

    def __init__(self, writer: Writer, retention: Retention) -> None:
        """Take the books, and how long they keep what they need no longer."""
        self._writer, self._retention = writer, retention
        self._owner = secrets.token_bytes(16)
        self._place: UsageCursor | None = None

    async def forget(self, *, begins: bool) -> None:
        """Forget some of what is old. ``begins`` says that a round begins, which goes on in later calls."""
        if not begins and self._place is None:
            return
        lease = partial(take_lease, name=RETENTION, owner=self._owner, seconds=LEASE_SECONDS)
        if await asyncio.to_thread(self._writer.run, lease) is not None:
            self._place = None
            return
        if begins:
            await self._forget_few()
            self._place = self._place or BEGIN
        for _ in range(MOST_PARTS):
            if self._place is not None:
                part = partial(forget_holds, seconds=self._retention.charges, after=self._place)
                self._place = (await asyncio.to_thread(self._writer.run, part)).next

    async def _forget_few(self) -> None:
        kept = self._retention
        await asyncio.to_thread(self._writer.run, sweep_nonces)
        for forget in (
            partial(sweep_notices, seconds=kept.notices),
            partial(forget_authorities, seconds=kept.sessions),
            partial(forget_payments, seconds=kept.charges),
            forget_answers,
        ):
            await _forget(self._writer, forget)


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
