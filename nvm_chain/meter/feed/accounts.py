"""Views of accounts on credits plans: a snapshot of an index, told as changes of the books."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from nvm_chain.index.accounts import load_ledger
from nvm_chain.index.kinds import PLACE_BITS
from nvm_chain.index.rows import account_key
from nvm_chain.meter.feed.asking import (
    find_page,
    read_changes,
    read_movements,
    read_pages,
    read_totals,
    split_keys,
)
from nvm_chain.meter.feed.replaying import Page, Replay, Totals, UnknownLedger, replay
from nvm_chain.meter.feed.starts import Pages, Standing, Start, find_start
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.views import KEPT_BLOCKS, PastView
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ledgers import Ledger, open_ledger
from nvm_chain.types.plans import Terms

MOST_KEPT: Final = 50_000
"""Of how many accounts a reader remembers sums."""
AnyChange = TypeVar("AnyChange")


@dataclass(frozen=True, slots=True)
class Telling(Generic[AnyChange]):
    """A change of the books of an account.

    ``recent`` are the blocks that changed the account, and that are not followed by as many blocks as a grant needs. Each
    one that gets so deep may change what counts. ``next_end`` is the end of the first lot in the latest view.
    """

    change: AnyChange
    recent: tuple[int, ...]
    next_end: int | None = None


def find_first(pages: Pages, depth: int, limit: int | None = None) -> int:
    """Return the number of the block of a first view. It is so deep that the views after a rollback are known, too."""
    first = max(pages.floor, pages.head.number - depth - KEPT_BLOCKS)
    return first if limit is None else min(first, limit)


def find_recent_changes(numbers: Iterable[int], pages: Pages, depth: int) -> tuple[int, ...]:
    """Return those of the numbers of blocks that are less deep than a grant has to be, and each once."""
    return tuple(sorted({number for number in numbers if number + depth > pages.head.number}))


class AccountReader:
    """Reader of the views of accounts. Not for two threads at a time.

    It remembers the sums of accounts at the block that it told last, so that reading one again costs time only for what
    is new.
    """

    def __init__(self, redeemers: Iterable[str], depth: int, terms: Mapping[int, Terms]) -> None:
        """Take the meter's keys, the number of blocks that follow a grant, and the terms of plans.

        Others may be added to the terms later. Raises InvalidAddress.
        """
        self._depth, self._terms = check_uint(depth, 16, "depth"), terms
        self._redeemers = sorted(account_key(parse_address(redeemer, "redeemer")) for redeemer in redeemers)
        self._sums: dict[AccountKey, tuple[Page, Totals]] = {}

    def read(
        self, connection: Connection, label: str, books: Mapping[AccountKey, Sequence[PastView]]
    ) -> list[Telling[SeeView]]:
        """Return what to change in the books of accounts, so that they are at the head of the snapshot.

        Args:
            connection: A snapshot of the index.
            label: The name of the index, for messages.
            books: The views in the books of each account, the latest last.

        Raises:
            IndexBehind: The index is empty.
        """
        if len(self._sums) > MOST_KEPT:
            self._sums.clear()
        return [
            telling
            for keys in split_keys(books)
            for telling in self._read_some(connection, label, {key: books[key] for key in keys})
        ]

    def _read_some(
        self, connection: Connection, label: str, books: Mapping[AccountKey, Sequence[PastView]]
    ) -> list[Telling[SeeView]]:
        pages = read_pages(connection, label, self._name_blocks(books))
        starts = {
            key: find_start(past, pages, lambda limit: find_page(connection, find_first(pages, self._depth, limit)))
            for key, past in books.items()
        }
        ledgers = self._read_ledgers(connection, starts, pages.floor)
        known = {key: start.page for key, start in starts.items() if key in ledgers}
        totals = self._read_totals(connection, known, pages)
        spans = {
            key: (start.page.number + 1 if key in ledgers else 0, pages.head.number) for key, start in starts.items()
        }
        moved = read_movements(connection, spans, self._redeemers)
        tellings = list[Telling[SeeView]]()
        for key, start in starts.items():
            ledger = ledgers.get(key) or self._open_ledger(key)
            account = Replay(ledger, totals.get(key, Totals()), start.page.time)
            views = replay(account, moved.get(key, []), start.page, pages.head)
            self._sums[key] = pages.head, account.totals
            change = SeeView(key, tuple(views if start.is_told else views[1:]), self._depth, start.rolls_back)
            recent = find_recent_changes((movement.page.number for movement in moved.get(key, ())), pages, self._depth)
            lots = views[-1].lots
            tellings.append(Telling(change, recent, lots[0].end if lots else None))
        return tellings

    def _name_blocks(self, books: Mapping[AccountKey, Sequence[PastView]]) -> set[int]:
        """Return the numbers of the blocks that the books and the remembered sums name."""
        numbers = {view.block_number for past in books.values() for view in past}
        return numbers | {self._sums[key][0].number for key in books if key in self._sums}

    def _open_ledger(self, key: AccountKey) -> Ledger:
        terms = self._terms.get(key.plan_id)
        return UnknownLedger() if terms is None else open_ledger(terms)

    def _read_ledgers(
        self, connection: Connection, starts: Mapping[AccountKey, Start], floor: int
    ) -> dict[AccountKey, Ledger]:
        """Return the ledgers of accounts at their starts.

        If the index does not remember the state at a start, the account is left out. Then all its movements have to be
        applied.
        """
        since = {key: max(start.page.number, floor) for key, start in starts.items()}
        oldest: dict[AccountKey, Any] = {}
        for key, block, row in read_changes(connection, list(starts), min(since.values())):
            if key not in oldest and (block is None or block > since[key]):
                oldest[key] = row
        ledgers = dict[AccountKey, Ledger]()
        for key, start in starts.items():
            row = oldest.get(key)
            if row is None or row.place is None:
                ledgers[key] = self._open_ledger(key)
            elif row.place >> PLACE_BITS <= start.page.number:
                ledgers[key] = load_ledger(self._terms[key.plan_id], _columns(row))
        return ledgers

    def _read_totals(
        self, connection: Connection, starts: Mapping[AccountKey, Page], pages: Pages
    ) -> dict[AccountKey, Totals]:
        """Return the sums of accounts up to blocks. What is remembered does not have to be added again."""
        known = {key: self._recall(key, page, pages) for key, page in starts.items()}
        spans = {key: (known[key][0] + 1, page.number) for key, page in starts.items() if known[key][0] < page.number}
        new = read_totals(connection, spans, self._redeemers)
        return {
            key: Totals(*map(sum, zip(sums, new.get(key, Totals()), strict=True))) for key, (_, sums) in known.items()
        }

    def _recall(self, key: AccountKey, page: Page, pages: Pages) -> tuple[int, Totals]:
        """Return the number of a block up to a block, and the sums of an account up to that."""
        kept, totals = self._sums.get(key, (None, Totals()))
        if kept is None or kept.number > page.number:
            return -1, Totals()
        is_kept = kept == page or pages.judge(kept.number, kept.hash) is Standing.KEPT
        return (kept.number, totals) if is_kept else (-1, Totals())


def _columns(row: Any) -> Sequence[Any]:
    """Return the columns of an account after its key."""
    return row.balance, row.settled, row.access_until, row.is_granted, row.lots
