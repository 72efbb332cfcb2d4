"""The latest settlements of some plans, for people. Of the journal, only the newest part is looked at."""

from collections.abc import Set as AbstractSet
from typing import Final

from nvm_chain.errors.fields import PlanId, Quantity
from nvm_chain.index.rows import plan_key
from nvm_chain.meter.store.schema import settlements
from nvm_chain.meter.store.settlements import Settlement, SettlementState, unpack_settlement
from nvm_chain.meter.store.store import Store

LOOKED_AT: Final = 2_000
"""How many of the latest transactions of all plans are looked at."""
LATEST: Final = "SELECT hash, plan, state FROM settlements ORDER BY signed_at DESC, hash LIMIT ?"
OPEN: Final = f"SELECT hash, plan, state FROM settlements WHERE state < {int(SettlementState.DONE)}"  # noqa: S608  a constant


def read_recent(store: Store, plan_ids: AbstractSet[PlanId], most: Quantity) -> list[Settlement]:
    """Return the latest settlements of some plans, those whose outcome is not final first, and then the newest.

    Args:
        store: The books.
        plan_ids: The plans.
        most: How many there are at most.

    Raises:
        IndexFailure: The books cannot be read.
    """
    wanted = {plan_key(plan_id) for plan_id in plan_ids}
    with store.asking() as pen:
        rows = [*pen.ask(OPEN), *pen.ask(LATEST, (LOOKED_AT,))]
        hashes = dict.fromkeys(bytes(row[0]) for row in rows if bytes(row[1]) in wanted)
        found = [unpack_settlement(row) for row in pen.find(settlements, [(each,) for each in [*hashes][:most]])]
    return sorted(found, key=lambda each: (each.state >= SettlementState.DONE, -each.signed_at, each.hash))
