"""Sums of a plan: what its accounts have charged, held and owe. They are read in parts, so that requests are stored in between."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from nvm_chain.errors.fields import Credits, PlanId, Quantity
from nvm_chain.index.rows import plan_key
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer

ROWS_AT_ONCE: Final = 2_000
PART: Final = """
SELECT count(*), coalesce(sum(committed), 0), coalesce(sum(held), 0), coalesce(sum(taken), 0), coalesce(sum(written_off), 0),
    coalesce(sum(CASE WHEN committed - written_off > taken THEN committed - written_off - taken ELSE 0 END), 0), max(holder)
FROM (
    SELECT holder, committed, held, taken, written_off FROM accounts
    WHERE plan = ? AND holder > ? ORDER BY holder LIMIT ?
) part
"""


@dataclass(frozen=True, slots=True)
class PlanSums:
    """The sums of all accounts on a plan. ``taken`` are credits that the seller's keys took on the chain."""

    accounts: Quantity = 0
    charged: Credits = 0
    held: Credits = 0
    taken: Credits = 0
    written_off: Credits = 0
    owed: Credits = 0


def read_plan_sums(writer: Writer, plan_id: PlanId, rows: int = ROWS_AT_ONCE) -> PlanSums:
    """Return the sums of a plan. Not for a thread with an event loop. Raises IndexFailure if the books cannot be read."""
    sums, after = [0] * 6, b""
    while True:
        numbers, last = writer.run(partial(_read_part, plan=plan_key(plan_id), after=after, rows=rows))
        sums = [one + other for one, other in zip(sums, numbers, strict=True)]
        if numbers[0] < rows or last is None:
            return PlanSums(*sums)
        after = last


def _read_part(store: Store, *, plan: bytes, after: bytes, rows: int) -> tuple[list[int], bytes | None]:
    with store.asking() as pen:
        ((*numbers, last),) = pen.ask(PART, (plan, after, rows))
    return [int(number) for number in numbers], None if last is None else bytes(last)
