"""Openings of access in the store: what a settler has to do, the transaction that it signs, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec.structs import replace as change

from nvm_chain.errors import AccessNotOpened, NvmChainError
from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.index.pens import Pen
from nvm_chain.index.rows import read_id
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.openings import CLOSED, Opening, OpeningState
from nvm_chain.meter.store.group_rows import CLOSED_SECONDS, AccountKey, GroupRows, Needs
from nvm_chain.meter.store.opening_rows import pack_opening, unpack_opening
from nvm_chain.meter.store.packing import pack_key, unpack_authority, unpack_window
from nvm_chain.meter.store.schema import authorities, openings, windows
from nvm_chain.meter.store.settlements import (
    Settlement,
    SettlementState,
    add_signed,
    read_opening_transactions,
)
from nvm_chain.meter.store.statements import READ_BOOKS, Books, write_statements
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now
from nvm_chain.meter.windows import NO_CEILING, WindowView

WANTED: Final = f"SELECT * FROM openings WHERE state = {int(OpeningState.WANTED)} ORDER BY asked_at"  # noqa: S608


@dataclass(frozen=True, slots=True)
class WantedOpening:
    """An opening that is not done, with what decides about it.

    ``view`` is the latest view of the window. ``refusal`` says why its sign-in is not good for it any more, or is empty.
    ``transactions`` are all that were signed for it.
    """

    opening: Opening
    view: WindowView
    refusal: str
    transactions: tuple[Settlement, ...]

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.opening.plan_id, self.opening.holder)

    @property
    def is_seen(self) -> bool:
        """Whether the latest view shows the window that the opening replaces."""
        return self.view.access_until == self.opening.seen

    @property
    def live(self) -> tuple[Settlement, ...]:
        """The transactions that have opened access, or still can."""
        return tuple(each for each in self.transactions if is_live(each))

    @property
    def has_opened(self) -> bool:
        """Whether one of its transactions has opened access."""
        return any(each.items[0].result is not None for each in self.live)


def is_live(settlement: Settlement) -> bool:
    """Return whether a transaction has opened access, or still can. One that reverted in a final block cannot."""
    is_reverted = settlement.state is SettlementState.DONE and settlement.items[0].result is None
    return settlement.state is not SettlementState.GONE and not is_reverted


def read_wanted(store: Store) -> list[WantedOpening]:
    """Return the openings that are not done, the oldest first. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        books = _read_books(store, pen)
        return [_read_one(pen, unpack_opening(row), books) for row in pen.ask(WANTED)]


def _read_books(store: Store, pen: Pen) -> Books:
    (books,) = pen.ask(READ_BOOKS[store.engine.dialect.name])
    return tuple(books)


def _read_one(pen: Pen, opening: Opening, books: Books) -> WantedOpening:
    key = AccountKey(opening.plan_id, opening.holder)
    window = [unpack_window(row, key) for row in pen.find(windows, [pack_key(key)])]
    view = next((each.past[-1] for each in window if each.past), CLOSED)
    signed = read_opening_transactions(pen, key, opening.seen) if opening.signed else ()
    return WantedOpening(opening, view, _find_refusal(pen, opening, books), tuple(signed))


def _find_refusal(pen: Pen, opening: Opening, books: Books) -> str:
    """Return why the sign-in of an opening is not good for it any more, or an empty text."""
    clock, head_time, _, closed_until = books
    key = AccountKey(opening.plan_id, opening.holder)
    found = [unpack_authority(row, key) for row in pen.find(authorities, [(opening.authority_id,)])]
    if not found:
        return "its sign-in is not in the books"
    authority: Authority = found[0]
    if authority.revoked or authority.unsigned:
        return "its sign-in was revoked"
    if authority.start <= closed_until - CLOSED_SECONDS:
        return "its sign-in is from before a restored backup"
    return "its sign-in has ended" if find_now(head_time, clock) > authority.end else ""


def note_signed_opening(store: Store, opening: Opening, settlement: Settlement) -> None:
    """Write a signed transaction down that opens access, before it is sent, while the account is locked.

    Raises:
        AccessNotOpened: The opening is not wanted any more, its sign-in is not good any more, or another transaction for it
            could still be mined. Nothing was written.
        IndexFailure: The books cannot be written.
    """
    key = AccountKey(opening.plan_id, opening.holder)
    with store.asking() as pen:
        statements = write_statements(pen)
        _, books, ((row,),) = statements.read([pack_key(key)], [(openings, [(*pack_key(key), opening.seen)])])
        found = _read_one(pen, unpack_opening(row), books)
        refusal = _find_obstacle(found, opening)
        if refusal:
            raise AccessNotOpened(NO_CEILING, *key, refusal, 0)
        add_signed(store, pen, settlement)
        statements.put(openings, [pack_opening(replace(opening, signed=opening.signed + 1))])


def _find_obstacle(found: WantedOpening, opening: Opening) -> str:
    if found.opening != opening:
        return "somebody else has changed the opening"
    return "a transaction for it is under way" if found.live else found.refusal


@dataclass(frozen=True, slots=True)
class EndOpening:
    """End an opening, if nobody has changed it since it was read. If it was not done, its sign-in has its periods again.

    ``pause_seconds`` is how long no other is wanted in its place.
    """

    opening: Opening
    state: OpeningState
    reason: str = ""
    pause_seconds: Seconds = 0

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.opening.plan_id, self.opening.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the opening, and its sign-in."""
        needs.accounts.add(self.key)
        needs.ended_openings.add((self.key, self.opening.seen))
        needs.authorities.add(self.opening.authority_id)

    def decide(self, group: GroupRows) -> Opening | NvmChainError:
        """End it, and return it as it is then."""
        found = group.openings.get((self.key, self.opening.seen))
        if found is None or found != self.opening:
            return found or self.opening
        paused_until: Time = group.clock + self.pause_seconds if self.pause_seconds else 0
        ended = replace(found, state=self.state, ended_at=group.clock, reason=self.reason, paused_until=paused_until)
        authority = group.find_authority(self.key, found.authority_id)
        if self.state is OpeningState.RETURNED and authority is not None:
            group.put_authority(change(authority, opened=authority.opened - found.periods))
        group.put_opening(ended)
        return ended


def read_openings(store: Store, keys: Sequence[tuple[AccountKey, Time]]) -> list[Opening]:
    """Return openings by their accounts and the windows that were seen. Missing ones are left out. Raises IndexFailure."""
    with store.asking() as pen:
        return [unpack_opening(row) for row in pen.find(openings, [(*pack_key(key), seen) for key, seen in keys])]


def list_plans_with_openings(store: Store) -> list[int]:
    """Return the plans of which access was to be opened on first use. Raises IndexFailure."""
    with store.asking() as pen:
        return [read_id(bytes(row[0])) for row in pen.ask("SELECT DISTINCT plan FROM openings ORDER BY plan")]
