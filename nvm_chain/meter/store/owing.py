"""Accounts that owe credits: what was charged and is not taken, with the time of the oldest such charge."""

from collections.abc import Sequence

from nvm_chain.meter.store.group_rows import HoldState, StoredAccount
from nvm_chain.meter.store.packing import unpack_account, unpack_key
from nvm_chain.meter.store.store import Store

OWING = """
SELECT a.*, (
    SELECT min(h.ended_at) FROM holds h
    WHERE h.holder = a.holder AND h.plan = a.plan AND h.state = {charged} AND h.total > a.taken + a.written_off
) FROM accounts a WHERE a.committed > a.taken + a.written_off AND a.plan IN ({plans})
"""


def read_owing(store: Store, plan_ids: Sequence[int]) -> list[tuple[StoredAccount, int]]:
    """Return the accounts of some plans that owe credits, each with the second of its oldest charge that was not taken."""
    if not plan_ids:
        return []
    statement = OWING.format(charged=int(HoldState.CHARGED), plans=", ".join("?" * len(plan_ids)))
    with store.asking() as pen:
        rows = pen.ask(statement, [plan_id.to_bytes(32) for plan_id in plan_ids])
    return [
        (unpack_account(unpack_key(bytes(row[0]), bytes(row[1])), row, None, has_past=False), row[15] or 0)
        for row in rows
    ]
