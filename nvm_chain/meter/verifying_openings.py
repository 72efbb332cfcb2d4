"""Verification of openings: the periods that the journal says the seller's keys opened, against the events in an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.errors.fields import PlanId, Quantity
from nvm_chain.index.kinds import MovementCode
from nvm_chain.index.rows import account_key, ask, plan_key, read_head
from nvm_chain.index.store import Index
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.openings import list_plans_with_openings
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.settlements import Settlement, SettlementState, read_all_opening_transactions
from nvm_chain.meter.store.verifying import BooksDifference
from nvm_chain.meter.store.writer import Writer

OPENED: Final = "periods opened by the seller's keys"
INDEX: Final = "index"
REDEEMED: Final = f"""
SELECT m.plan, m.holder, exact_sum(m.amount) AS amount FROM movements m
WHERE m.plan IN ({{plans}}) AND m.party IN ({{keys}}) AND m.kind = {int(MovementCode.REDEMPTION)} GROUP BY m.plan, m.holder
"""  # noqa: S608
BLOCKS: Final = "SELECT number, hash FROM blocks WHERE number IN ({numbers})"


@dataclass(frozen=True, slots=True)
class _Range:
    """How many periods the journal has as opened in blocks of the index, and how many at most with what is not looked up."""

    certain: Quantity = 0
    most: Quantity = 0


def compare_openings(
    writer: Writer, index: Index, keys: Sequence[ChecksumAddress]
) -> tuple[Quantity, list[BooksDifference]]:
    """Return how many periods openings took on the chain, and each holder of whom the index says another number.

    Transactions that the settler has not looked up yet may be in the index or not, so their periods may be there or not.

    Args:
        writer: The books.
        index: An index of the chain.
        keys: All keys of the seller.

    Raises:
        IndexFailure: The books or the index cannot be read.
    """
    plans, transactions = writer.run(list_plans_with_openings), writer.run(read_all_opening_transactions)
    if not plans or not keys:
        return 0, []
    with index.snapshot() as connection:
        redeemed = _read_redeemed(connection, plans, keys)
        ranges = _find_ranges(connection, transactions)
    found = [
        BooksDifference(key, None, OPENED, by_books, entries, INDEX)
        for key in sorted(ranges.keys() | redeemed.keys())
        for counted, entries in [(ranges.get(key, _Range()), redeemed.get(key, 0))]
        if (by_books := min(max(entries, counted.certain), counted.most)) != entries
    ]
    return sum(each.certain for each in ranges.values()), found


def _read_redeemed(
    connection: Connection, plans: Sequence[PlanId], keys: Sequence[ChecksumAddress]
) -> dict[AccountKey, Quantity]:
    values: dict[str, object] = {f"p{number}": plan_key(plan) for number, plan in enumerate(plans)}
    values |= {f"k{number}": account_key(key) for number, key in enumerate(keys)}
    statement = REDEEMED.format(
        plans=", ".join(f":p{number}" for number in range(len(plans))),
        keys=", ".join(f":k{number}" for number in range(len(keys))),
    )
    rows = ask(connection, statement, **values)
    return {unpack_key(bytes(row.plan), bytes(row.holder)): -int(row.amount) for row in rows}


def _find_ranges(connection: Connection, transactions: Sequence[Settlement]) -> dict[AccountKey, _Range]:
    head = read_head(connection)
    numbers = ", ".join(str(number) for number in sorted({each.block_number for each in transactions}))
    rows = ask(connection, BLOCKS.format(numbers=numbers)) if numbers else []
    hashes = {row.number: bytes(row.hash) for row in rows}
    ranges: dict[AccountKey, _Range] = {}
    for each in transactions:
        key, item = AccountKey(each.plan_id, each.items[0].holder), each.items[0]
        known = ranges.get(key, _Range())
        is_mined = each.state in (SettlementState.MINED, SettlementState.DONE)
        is_certain = is_mined and hashes.get(each.block_number) == each.block_hash
        is_later = is_mined and (head is None or each.block_number > head.number)
        most = item.taken if is_mined else item.total
        ranges[key] = _Range(known.certain + (item.taken if is_certain else 0), known.most + (0 if is_later else most))
    return ranges
