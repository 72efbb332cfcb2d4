"""The journal of settlements in the books: each transaction is written before it is sent, and so is what came of it."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec
from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.enums import SettlementResult
from nvm_chain.errors.fields import Coin, Credits, Number, PlanId, Quantity, Time
from nvm_chain.index.pens import Pen
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.rows import account_key, plan_key, read_id
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store

NO_BLOCK: Final = bytes(32)
NO_RESULT: Final = -1
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode
COLUMNS: Final = (
    "hash, plan, redeemer, nonce, signed_at, state, block_number, block_hash, failed, gas, fee, items, raw, opens_from"
)
ADD: Final = (
    "INSERT INTO settlements VALUES (?, ?, ?, ?, {clock}, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING"
)
CHANGE: Final = (
    "UPDATE settlements SET state = ?, block_number = ?, block_hash = ?, failed = ?, gas = ?, fee = ?, items = ?, raw = ? "
    "WHERE hash = ?"
)


class SettlementState(IntEnum):
    """What has become of a transaction of the settler."""

    OPEN = 0
    """It was signed, and perhaps sent."""
    MINED = 1
    """It is in a block that could still be replaced."""
    LOST = 2
    """Another transaction has its nonce, or no node takes it. A replaced block could still bring it back."""
    DONE = 3
    """It is in a block that is not replaced any more."""
    GONE = 4
    """It will never be mined."""


class SettledItem(Struct, frozen=True, array_like=True):
    """One holder of a transaction: the total to reach, what was taken, and the result. The result is None while it is open.

    ``voucher`` is the digest of the voucher, or empty for an item without one.
    """

    holder: ChecksumAddress
    total: Credits
    taken: Credits = 0
    result: SettlementResult | None = None
    voucher: bytes = b""


class Settlement(Struct, frozen=True):
    """A transaction of the settler.

    ``raw`` are the signed bytes, which are dropped when the outcome is final. ``fee`` is in wei. ``signed_at`` is by the
    database's clock. A transaction that reverted is mined, and its items have no results. ``opens_from`` is None for a
    settlement. For a transaction that opens access, it is the end of the window before it, and the item's total is periods.
    ``block_number`` is that of its block. While it is open or lost, that is the latest block when it was first seen so, or 0.
    """

    hash: str
    plan_id: PlanId
    redeemer: ChecksumAddress
    nonce: Number
    items: tuple[SettledItem, ...]
    raw: bytes = b""
    signed_at: Time = 0
    state: SettlementState = SettlementState.OPEN
    block_number: Number = 0
    block_hash: bytes = NO_BLOCK
    gas: Quantity = 0
    fee: Coin = 0
    opens_from: Time | None = None

    @property
    def credits(self) -> Credits:
        """The credits that the transaction took."""
        return sum(item.taken for item in self.items)


def note_signed(store: Store, settlement: Settlement) -> None:
    """Write a signed transaction down before it is sent. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        add_signed(store, pen, settlement)


def add_signed(store: Store, pen: Pen, settlement: Settlement) -> None:
    """Write a signed transaction down, with what else a transaction of the books writes."""
    key = (bytes.fromhex(settlement.hash[2:]), plan_key(settlement.plan_id), account_key(settlement.redeemer))
    values = (*key, settlement.nonce, *_pack(settlement), settlement.opens_from)
    pen.change(ADD.format(clock=CLOCK[store.engine.dialect.name]), values)


def note_outcomes(
    store: Store,
    settlements: Sequence[Settlement],
    add: Callable[[Store, Pen, Sequence[Settlement]], None] | None = None,
) -> None:
    """Write what came of transactions, and what ``add`` writes with it. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        for settlement in settlements:
            pen.change(CHANGE, (*_pack(settlement), bytes.fromhex(settlement.hash[2:])))
        if add is not None:
            add(store, pen, settlements)


def _pack(settlement: Settlement) -> tuple[Any, ...]:
    """Return what an outcome changes, in the order of the columns."""
    items = [
        (
            account_key(item.holder),
            item.total,
            item.taken,
            NO_RESULT if item.result is None else item.result,
            item.voucher,
        )
        for item in settlement.items
    ]
    is_open = settlement.state is SettlementState.OPEN
    failed = 0 if is_open else sum(not item.taken for item in settlement.items)
    numbers = (int(settlement.state), settlement.block_number, settlement.block_hash, failed, settlement.gas)
    return (*numbers, str(settlement.fee), _encode(items), settlement.raw)


def unpack_settlement(row: Sequence[Any]) -> Settlement:
    """Return a transaction from its row, in the order of the table's columns."""
    items = tuple(
        SettledItem(name_address(holder), total, taken, None if result < 0 else SettlementResult(result), voucher)
        for holder, total, taken, result, voucher in _decode(bytes(row[11]))
    )
    return Settlement(
        f"0x{bytes(row[0]).hex()}",
        read_id(bytes(row[1])),
        name_address(bytes(row[2])),
        row[3],
        items,
        bytes(row[12]),
        row[4],
        SettlementState(row[5]),
        row[6],
        bytes(row[7]),
        row[9],
        int(row[10]),
        row[13],
    )


def read_open(store: Store) -> list[Settlement]:
    """Return the transactions of all keys whose outcome is not final, those of each key in the order of their nonces."""
    statement = f"SELECT {COLUMNS} FROM settlements WHERE state < {int(SettlementState.DONE)}"  # noqa: S608
    with store.asking() as pen:
        found = [unpack_settlement(row) for row in pen.ask(statement)]
    return sorted(found, key=lambda each: (each.redeemer, each.nonce, each.signed_at))


def read_opening_transactions(pen: Pen, key: AccountKey, seen: int) -> list[Settlement]:
    """Return the transactions that were signed to open access for a holder, and that replace one window."""
    statement = f"SELECT {COLUMNS} FROM settlements WHERE plan = ? AND opens_from = ?"  # noqa: S608
    found = [unpack_settlement(row) for row in pen.ask(statement, (plan_key(key.plan_id), seen))]
    return [settlement for settlement in found if settlement.items[0].holder == key.holder]


def read_all_opening_transactions(store: Store) -> list[Settlement]:
    """Return all transactions that open access, but those that will never be mined. Raises IndexFailure."""
    statement = f"SELECT {COLUMNS} FROM settlements WHERE opens_from IS NOT NULL AND state <> ?"  # noqa: S608
    with store.asking() as pen:
        return [unpack_settlement(row) for row in pen.ask(statement, (int(SettlementState.GONE),))]


def read_failed(store: Store, since: int) -> list[Settlement]:
    """Return the transactions that were signed at or after a second, and in which some item took nothing."""
    statement = f"SELECT {COLUMNS} FROM settlements WHERE signed_at >= ? AND failed > 0"  # noqa: S608
    with store.asking() as pen:
        return [unpack_settlement(row) for row in pen.ask(statement, (since,))]


def read_clock(store: Store) -> Time:
    """Return the second of the database's clock. Raises IndexFailure if it does not answer."""
    with store.asking() as pen:
        ((clock,),) = pen.ask(f"SELECT {CLOCK[store.engine.dialect.name]}")
    return int(clock)


def list_redeemers(store: Store) -> list[ChecksumAddress]:
    """Return the keys with which something was settled from these books. Raises IndexFailure."""
    with store.asking() as pen:
        return [name_address(bytes(row[0])) for row in pen.ask("SELECT DISTINCT redeemer FROM settlements")]
