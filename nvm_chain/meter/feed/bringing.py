"""Bringing accounts to the head: which ones have to be told, and the steps from the index to the books."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidConfig
from nvm_chain.index.rows import read_head, write_hash
from nvm_chain.index.schema import KEPT_BLOCKS
from nvm_chain.index.store import Index
from nvm_chain.meter.feed.accounts import AccountReader, Telling
from nvm_chain.meter.feed.agenda import Agenda
from nvm_chain.meter.feed.asking import list_changed, list_ends, read_pages, read_plans
from nvm_chain.meter.feed.sinks import ViewSink, WindowSink
from nvm_chain.meter.feed.starts import Pages, Standing
from nvm_chain.meter.feed.watcher import Told
from nvm_chain.meter.feed.windows import WindowReader
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.types.events import Block
from nvm_chain.types.plans import Terms

AT_ONCE: Final = 2_000
"""How many accounts are read from one snapshot."""
AHEAD_SECONDS: Final = 3_600
"""For how long before they end lots are on the agenda."""
MOST_EMPTY: Final = 50_000
"""How many empty accounts a feed remembers. It reads others again when they are wanted again."""
RENEW_SECONDS: Final = 5
"""How often the head is noted again while there is no new block."""


class Bringer:
    """Brings the accounts of some plans to the head of an index. Only for the thread of the feed."""

    def __init__(
        self,
        plan_ids: Collection[int],
        redeemers: Iterable[str],
        depth: int,
        books: ViewSink,
        windows: WindowSink | None,
        *,
        renews: bool = False,
    ) -> None:
        """Take what a feed takes. Raises InvalidAddress."""
        self._plan_ids, self._depth, self._books, self._windows = plan_ids, depth, books, windows
        self._terms: dict[int, Terms] = {}
        self._account_reader = AccountReader(redeemers, depth, self._terms)
        self._window_reader = WindowReader(depth)
        self._agenda = Agenda()
        self._waiting = set[AccountKey]()
        self._recent: dict[int, tuple[bytes, set[AccountKey]]] = {}
        self._checked: Block | None = None
        self._renews, self._has_begun = renews, False
        self._horizon = 0
        self._told: Told | None = None
        self._noted: tuple[Block, int] | None = None
        self._empty, self._filled = set[AccountKey](), set[AccountKey]()
        """Empty accounts that were wanted, and those of them that have changed since."""

    def take(self, told: Told) -> None:
        """Take what the watcher told. Accounts that changed wait until they were brought to the head."""
        self._waiting |= told.changed
        before = None if self._told is None else self._told.block
        block = before if told.block is None else told.block
        if told.begins:
            self._empty.clear()
        changed = self._empty & told.changed
        self._empty -= changed
        self._filled |= changed
        self._told = Told(block, frozenset(), told.seen_at)

    def bring(self, index: Index, wanted: Collection[AccountKey]) -> set[AccountKey]:
        """Lead all accounts that wait to the head, and give the wanted ones their first views.

        The books leave out the views of an empty account. It is told as soon as something is granted to it.

        Returns:
            The wanted accounts whose plan the index does not have.

        Raises:
            IndexBehind: The index is empty.
            IndexUnavailable: The index or the books do not answer. Nothing is lost: the next call does the rest.
            NvmChainError: The books refused a view.
        """
        self._learn_plans(index)
        if not self._has_begun:
            self._begin(index)
        self._look_ahead(index)
        if self._told is not None and self._told.block is not None:
            self._waiting |= self._agenda.take(self._told.block)
            self._find_replaced(index, self._told.block)
        unknown = {key for key in wanted if key.plan_id not in self._terms}
        new = self._filled.union(wanted) - self._empty - unknown
        for keys in _divide(sorted(self._waiting - unknown | new)):
            self._bring_some(index, keys, new)
            self._waiting.difference_update(keys)
            self._filled.difference_update(keys)
        return unknown

    def note_head(self) -> None:
        """Note the head in the books, if it is another one. If the feed renews, note the same one again after some seconds."""
        if self._told is None or self._told.block is None or self._waiting:
            return
        block, seen_at = self._told.block, self._told.seen_at
        noted, noted_at = self._noted or (None, 0)
        if noted != block or (self._renews and seen_at - noted_at >= RENEW_SECONDS):
            self._books.note_head(block, seen_at)
            self._noted = block, seen_at

    # ------------------------------------------------------------------ which accounts

    def _learn_plans(self, index: Index) -> None:
        missing = [plan_id for plan_id in self._plan_ids if plan_id not in self._terms]
        if missing:
            with index.snapshot() as connection:
                self._terms.update(read_plans(connection, missing))
        if self._windows is None and any(terms.kind is PlanKind.TIME for terms in self._terms.values()):
            raise InvalidConfig("a plan is a time plan, and there are no books of windows", "give books of windows")

    def _begin(self, index: Index) -> None:
        """Let all accounts wait that may have changed since the books were at the head."""
        noted = self._books.read_head()
        with index.snapshot() as connection:
            pages = read_pages(connection, index.label, [] if noted is None else [noted.number])
            since = _find_certain(noted, pages)
            until = pages.head.number if noted is None else since
            for key, number in list_changed(connection, self._plan_ids, until - self._depth):
                self._waiting.add(key)
                if number + self._depth > pages.head.number:
                    self._agenda.note_block(key, number + self._depth)
        for sink in (self._books, self._windows):
            if sink is not None:
                self._waiting.update(sink.list_later(since))
        head = Block(pages.head.number, write_hash(pages.head.hash), pages.head.time)
        self._horizon = head.timestamp if noted is None else min(noted.timestamp, head.timestamp)
        if self._told is None or self._told.block is None:
            self._told = Told(head, frozenset(), 0 if self._told is None else self._told.seen_at)
        self._has_begun = True

    def _look_ahead(self, index: Index) -> None:
        """Put the lots on the agenda that end soon."""
        block = None if self._told is None else self._told.block
        if block is None or self._horizon > block.timestamp + AHEAD_SECONDS // 2:
            return
        until = block.timestamp + AHEAD_SECONDS
        expiring = [
            plan_id for plan_id, terms in self._terms.items() if terms.kind is PlanKind.CREDITS and terms.duration
        ]
        if expiring:
            with index.snapshot() as connection:
                for key, end in list_ends(connection, expiring, self._horizon, until):
                    self._agenda.note_first_end(key, end)
        self._horizon = until

    def _find_replaced(self, index: Index, block: Block) -> None:
        """Let accounts wait whose latest view is of a block that was replaced, whether or not they changed.

        A lot may have ended in the replaced block, and not in the new one, which has an earlier time.
        """
        if block == self._checked or not self._recent:
            return
        with index.snapshot() as connection:
            pages = read_pages(connection, index.label, self._recent)
        for number, (block_hash, _) in list(self._recent.items()):
            if pages.judge(number, block_hash) is Standing.REPLACED:
                self._waiting |= self._recent.pop(number)[1]
        for number in [number for number in self._recent if number <= pages.head.number - KEPT_BLOCKS]:
            del self._recent[number]
        self._checked = block

    # ------------------------------------------------------------------ from the index to the books

    def _bring_some(self, index: Index, keys: Sequence[AccountKey], wanted: Collection[AccountKey]) -> None:
        credits = [key for key in keys if self._kind(key) in (PlanKind.CREDITS, None)]
        times = [key for key in keys if self._kind(key) in (PlanKind.TIME, None)]
        past = self._books.find_past(credits)
        books = {key: past.get(key, ()) for key in credits if key in past or key in wanted}
        past_windows = self._windows.find_past(times) if self._windows is not None and times else {}
        windows = {key: past_windows.get(key, ()) for key in times if key in past_windows or key in wanted}
        with index.snapshot() as connection:
            head = read_head(connection)
            told = self._account_reader.read(connection, index.label, books) if books else []
            told_windows = self._window_reader.read(connection, index.label, windows) if windows else []
        self._books.see([telling.change for telling in told if telling.change.views])
        if self._windows is not None:
            self._windows.see([telling.change for telling in told_windows])
        empty = {telling.change.key for telling in told if _is_empty(telling.change, past)}
        empty |= {telling.change.key for telling in told_windows if _is_empty(telling.change, past_windows)}
        self._note_empty(empty)
        if head is not None:
            self._note_recent(head, (books.keys() | windows.keys()) - empty)
        self._note(telling for telling in told if telling.change.key not in empty)
        self._note(telling for telling in told_windows if telling.change.key not in empty)

    def _note_empty(self, keys: Collection[AccountKey]) -> None:
        """Note which accounts are empty, so that they are read again only when they change."""
        if len(self._empty) + len(keys) > MOST_EMPTY:
            self._empty.clear()
        self._empty.update(keys)

    def _note_recent(self, head: Block, keys: Collection[AccountKey]) -> None:
        """Note which accounts have a view of a block."""
        block_hash = bytes.fromhex(head.hash[2:])
        before, noted = self._recent.get(head.number, (block_hash, set[AccountKey]()))
        if before != block_hash:
            self._waiting |= noted
            noted = set()
        self._recent[head.number] = block_hash, noted.union(keys)

    def _kind(self, key: AccountKey) -> PlanKind | None:
        terms = self._terms.get(key.plan_id)
        return None if terms is None else terms.kind

    def _note(self, tellings: "Iterable[Telling[SeeView]] | Iterable[Telling[SeeWindow]]") -> None:
        """Put accounts on the agenda that have to be told again."""
        for telling in tellings:
            key, end = telling.change.key, telling.next_end
            for number in telling.recent:
                self._agenda.note_block(key, number + self._depth)
            self._agenda.note_end(key, end if end is not None and end <= self._horizon else None)


def _find_certain(noted: Block | None, pages: Pages) -> int:
    """Return the block up to which the books were told all that is on the chain. -1 if it is not known."""
    if noted is None:
        return -1
    if pages.judge(noted.number, bytes.fromhex(noted.hash[2:])) is not Standing.REPLACED:
        return noted.number
    return max(-1, min(noted.number, pages.head.number) - KEPT_BLOCKS)


def _is_empty(change: SeeView | SeeWindow, books: Collection[AccountKey]) -> bool:
    """Return whether an account is without books, and empty. Then the books leave its views out."""
    return change.key not in books and all(view.is_empty for view in change.views)


def _divide(keys: Sequence[AccountKey]) -> Iterator[Sequence[AccountKey]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
