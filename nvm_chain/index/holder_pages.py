"""Holders of plans, for people: how many there are, counted by the database, and the accounts of one plan in pages."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from nvm_chain.errors.fields import PlanId, Quantity, Time
from nvm_chain.index.accounts import unpack_lots
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.chosen_plans import ask_ids
from nvm_chain.index.reading import HELD, PERHAPS_HELD, build_account
from nvm_chain.index.results import IndexedAccount
from nvm_chain.index.rows import account_key, ask, plan_key, read_id
from nvm_chain.types.addresses import ZERO_ADDRESS

MOST_LOOKED: Final = 20_000
"""How many accounts, whose first credits have expired, are looked at one by one. The database cannot count these."""
CERTAIN: Final = (
    f"SELECT a.plan, count(*) AS holders FROM accounts a WHERE a.plan IN ({{ids}}) AND {HELD} GROUP BY a.plan"  # noqa: S608
)
PERHAPS: Final = f"SELECT a.plan, a.lots FROM accounts a WHERE a.plan IN ({{ids}}) AND {PERHAPS_HELD} LIMIT :most"  # noqa: S608
PAGE: Final = f"""
SELECT a.plan, a.holder, a.balance, a.settled, a.access_until, a.is_granted, a.lots, p.terms
FROM accounts a JOIN plans p ON p.plan = a.plan
WHERE a.plan = :plan AND a.holder > :after AND ({HELD} OR ({PERHAPS_HELD})) ORDER BY a.holder LIMIT :most
"""  # noqa: S608  constants


class HolderCounts(NamedTuple):
    """How many accounts have something of each plan. ``is_exact`` is False if there are at least so many."""

    by_plan: dict[PlanId, Quantity]
    is_exact: bool


class HolderPage(NamedTuple):
    """Some accounts of a plan that have something, in the order of their addresses.

    ``after`` is the address behind which the next page begins. None at the end.
    """

    accounts: list[IndexedAccount]
    after: str | None


def count_holders(connection: Connection, plan_ids: Sequence[PlanId], at: Time) -> HolderCounts:
    """Return how many accounts have credits, periods or access at a second, not before the index's block."""
    counts = {read_id(row.plan): int(row.holders) for row in ask_ids(connection, CERTAIN, plan_ids, at=at)}
    rows = ask_ids(connection, PERHAPS, plan_ids, at=at, most=MOST_LOOKED)
    for row in rows:
        plan_id = read_id(row.plan)
        counts[plan_id] = counts.get(plan_id, 0) + (unpack_lots(row.lots)[-1].expires_at > at)
    return HolderCounts(counts, len(rows) < MOST_LOOKED)


def read_holder_page(
    connection: Connection, plan_id: PlanId, at: Time, *, after: str = ZERO_ADDRESS, most: Quantity = 50
) -> HolderPage:
    """Return the next accounts of a plan that have something at a second. A page may have less than ``most`` before the end.

    Args:
        connection: The index.
        plan_id: The plan.
        at: The second, not before the index's block.
        after: The address behind which the page begins.
        most: How many accounts the page has at most.
    """
    key = plan_key(plan_id)
    rows = ask(connection, PAGE, plan=key, after=account_key(after), at=at, most=most + 1)
    accounts = [build_account(row, read_terms(row.terms), at) for row in rows[:most]]
    held = [account for account in accounts if account.balance > 0 or account.access_until > at]
    return HolderPage(held, accounts[-1].holder if len(rows) > most else None)
