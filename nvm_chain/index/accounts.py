"""Accounts of holders: every movement is applied to the ledger of its account, by the rules of the contract."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias

from nvm_chain.enums import PlanKind
from nvm_chain.errors import IndexIncomplete
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.decoding import REDEMPTION, SETTLEMENT, TRANSFER_IN, Rows
from nvm_chain.index.kinds import PLACE_BITS
from nvm_chain.index.pens import Pen
from nvm_chain.index.schema import account_undo, accounts, plans
from nvm_chain.types.accounts import Lot
from nvm_chain.types.ledgers import Ledger, WindowLedger, open_ledger
from nvm_chain.types.plans import Terms

Key: TypeAlias = tuple[bytes, bytes]
"""A plan and a holder."""
_OF_ACCOUNT: Final = itemgetter(0, 1)
_TERMS: Final = next(number for number, column in enumerate(plans.columns) if column.name == "terms")


class AccountChanges:
    """The movements of a batch by account, and the rows that are needed to apply them."""

    def __init__(self, rows: Rows) -> None:
        """Take the rows of the batch. Its movements are put in the order of holder, plan and place."""
        rows.movements.sort()
        self._rows = rows
        self._groups = {(plan, holder): [*group] for (holder, plan), group in groupby(rows.movements, _OF_ACCOUNT)}
        self._keys = sorted(self._groups)
        self._plans = sorted({(plan,) for plan, _ in self._keys})
        self.wanted = ((plans, self._plans), (accounts, self._keys))

    def write(self, pen: Pen, found: Sequence[Sequence[Any]], times: Mapping[int, int], *, keeps_undo: bool) -> None:
        """Apply the movements to their accounts, and write these. The catalogue of the batch has been written.

        Args:
            pen: The transaction.
            found: The rows that are ``wanted``, as they were before the batch.
            times: The time of each block that has movements.
            keeps_undo: Whether to note each account as it was before each block.

        Raises:
            IndexIncomplete: A movement does not fit the ones before, or its plan is not registered.
        """
        known, before = found
        if len(known) < len(self._plans):  # some were registered in the batch
            known = pen.find(plans, self._plans)
        terms = {bytes(row[0]): read_terms(row[_TERMS]) for row in known}
        stored = {(bytes(row[0]), bytes(row[1])): row for row in before}
        desk = _Desk(self._rows.access, times, keeps_undo=keeps_undo)
        for key, group in self._groups.items():
            desk.apply(key, terms.get(key[0]), stored.get(key), group)
        pen.replace(accounts, desk.rows)
        pen.add(account_undo, desk.undo)


class _Desk:
    """The accounts of a batch, one after the other: their rows after it, and their rows before each block."""

    def __init__(self, access: Mapping[tuple[int, int], int], times: Mapping[int, int], *, keeps_undo: bool) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.undo: list[tuple[Any, ...]] = []
        self._access, self._times, self._keeps_undo = access, times, keeps_undo

    def apply(
        self, key: Key, terms: Terms | None, row: Sequence[Any] | None, movements: Sequence[tuple[Any, ...]]
    ) -> None:
        """Apply the movements of one account, in order, by the rules of the contract."""
        if terms is None:
            number = movements[0][2] >> PLACE_BITS
            raise IndexIncomplete(number, f"plan 0x{key[0].hex()} has a movement and no registration")
        ledger = open_ledger(terms) if row is None else load_ledger(terms, row[2:])
        last, block, second = None if row is None else row[-1], -1, 0
        has_window = terms.kind is PlanKind.TIME
        for _, _, place, item, code, amount, _ in movements:
            if place >> PLACE_BITS != block:
                block = place >> PLACE_BITS
                second = self._times[block]
                if self._keeps_undo:
                    self.undo.append((*key, block, *_describe(ledger, last)))
            before = ledger.access_until
            ledger.advance(second)
            if amount > 0:
                ledger.grant(second, amount)
                ledger.is_granted |= code != TRANSFER_IN
            elif amount < 0:
                _take(ledger, key, place, -amount, second)
                if code == SETTLEMENT:
                    ledger.settled -= amount
            if has_window or self._access:
                said = self._access.get((place, item))
                if said is not None and code == REDEMPTION:
                    ledger.open(second, -amount)
                _check_access(ledger.access_until, before if said is None else said, key, place)
            last = place
        self.rows.append((*key, *describe_ledger(ledger), last))


def _check_access(until: int, said: int, key: Key, place: int) -> None:
    """Compare the end of access with that of the event, or without an event with the end before."""
    if until != said:
        raise IndexIncomplete(place >> PLACE_BITS, f"{_name(key)} has another end of access than its event says")


def _take(ledger: Ledger, key: Key, place: int, amount: int, second: int) -> None:
    try:
        ledger.take(second, amount)
    except ValueError:
        what = f"{_name(key)} spent {amount} credits and had {ledger.balance}"
        raise IndexIncomplete(place >> PLACE_BITS, what) from None


def _describe(ledger: Ledger, place: int | None) -> tuple[Any, ...]:
    """Return an account without its key, as it is in the index. All are None if it is not there."""
    return (None,) * 7 if place is None else (*describe_ledger(ledger), place)


def load_ledger(terms: Terms, row: Sequence[Any]) -> Ledger:
    """Return the ledger of an account. ``row`` are its columns after the key, see `nvm_chain.index.schema.ACCOUNT`.

    The ledger is at the time of the account's last movement. `Ledger.advance` moves it to a later time.
    """
    balance, settled, access_until, is_granted, lots = row[:5]
    ledger = open_ledger(terms)
    ledger.restore(int(balance), int(settled), int(access_until), bool(is_granted), unpack_lots(lots))
    return ledger


def describe_ledger(ledger: Ledger) -> tuple[int, int, int, bool, bytes | None, int | None]:
    """Return the columns of an account, without its key and its place."""
    lots = ledger.lots
    expiry = lots[0].expires_at if lots else None
    if isinstance(ledger, WindowLedger) and ledger.access_until:
        expiry = ledger.access_until
    packed = pack_lots(lots) if lots else None
    return ledger.balance, ledger.settled, ledger.access_until, ledger.is_granted, packed, expiry


def pack_lots(lots: Iterable[Lot]) -> bytes:
    """Write lots as pairs of credits and expiry, 8 bytes each."""
    numbers = [number for lot in lots for number in (lot.credits, lot.expires_at)]
    return struct.pack(f"!{len(numbers)}Q", *numbers)


def unpack_lots(packed: bytes | None) -> list[Lot]:
    """Return the lots that `pack_lots` wrote. None stands for no lots.

    >>> unpack_lots(pack_lots([Lot(7, 1_800_000_000)]))
    [Lot(credits=7, expires_at=1800000000)]
    """
    if not packed:
        return []
    numbers = struct.unpack(f"!{len(packed) // 8}Q", packed)
    return [Lot(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]


def _name(key: Key) -> str:
    return f"account 0x{key[1].hex()} on plan 0x{key[0].hex()}"
