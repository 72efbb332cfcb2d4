"""What happens on plans, from an index: credits sold and used by day, what ends soon, and who buys again."""

from collections.abc import Iterator
from typing import Final

from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.database import Index
from nvm_chain.index.kinds import MovementCode, SaleCode
from nvm_chain.index.places import find_places
from nvm_chain.index.reading import ACCOUNTS, OWNED, build_account, find_time
from nvm_chain.index.results import CreditsLine, Expiring, Renewals
from nvm_chain.index.rows import Conditions, Row, account_key, ask, plan_key, read_id
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id

CREDITS: Final = """
SELECT m.plan, b.time - b.time % 86400 AS day, m.kind, exact_sum(m.amount) AS amount, count(*) AS movements
FROM movements m JOIN blocks b ON b.number = (m.place >> 20) WHERE {where} GROUP BY m.plan, 2, m.kind ORDER BY 2, 1, 3
"""
RENEWALS: Final = """
SELECT s.plan, count(*) AS orders, sum(CASE WHEN EXISTS (
    SELECT 1 FROM sales f WHERE f.receiver = s.receiver AND f.plan = s.plan AND f.place < s.place
) THEN 1 ELSE 0 END) AS renewals
FROM sales s WHERE {where} GROUP BY s.plan ORDER BY s.plan
"""


def sum_credits(
    index: Index,
    *,
    plan_id: int | str | None = None,
    owner: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> list[CreditsLine]:
    """Return the credits that moved, by day, plan and kind, in the order of days.

    Args:
        index: The index.
        plan_id: Only this plan.
        owner: Only the plans that this address owns now.
        start: Only movements from this Unix second on.
        end: Only movements before this Unix second.

    Raises:
        InvalidConfig: The period ends before it starts.
        InvalidAddress: The owner is not an address.
    """
    conditions = _choose_plans("m", plan_id, owner)
    with index.snapshot() as connection:
        places = find_places(connection, start, end)
        conditions.add("m.place >= :first AND m.place < :end", first=places.first, end=places.end)
        rows = ask(connection, conditions.within(CREDITS), **conditions.values)
    return [
        CreditsLine(row.day, read_id(row.plan), MovementCode(row.kind).name.lower(), int(row.amount), row.movements)
        for row in rows
    ]


def list_expiring(
    index: Index, before: int, *, plan_id: int | str | None = None, owner: str | None = None, at: int | None = None
) -> list[Expiring]:
    """Return the credits that expire, and the access that ends, before a Unix second, earliest first.

    Args:
        index: The index.
        before: The Unix second.
        plan_id: Only this plan.
        owner: Only the plans that this address owns now.
        at: The Unix second to look from, not before the index's block. That block's time if not given.

    Raises:
        InvalidConfig: ``at`` is before the index's block.
        InvalidAddress: The owner is not an address.
    """
    check_uint(before, 64, "before")
    conditions = _choose_plans("a", plan_id, owner)
    with index.snapshot() as connection:
        second = find_time(connection, at)
        ends = "(a.next_expiry < :before OR (a.access_until > :at AND a.access_until < :before))"
        conditions.add(ends, before=before, at=second)
        rows = ask(connection, conditions.within(ACCOUNTS), **conditions.values)
    found = (item for row in rows for item in _list_ends(row, second) if item.expires_at < before)
    return sorted(found, key=lambda item: (item.expires_at, item.plan_id, item.holder))


def _list_ends(row: Row, second: int) -> Iterator[Expiring]:
    terms = read_terms(row.terms)
    account = build_account(row, terms, second)
    for lot in account.lots:
        yield Expiring(account.plan_id, account.holder, lot.credits, lot.expires_at)
    if account.access_until > second:
        ending = account.balance if terms.starts_on_purchase else 0
        yield Expiring(account.plan_id, account.holder, ending, account.access_until)


def count_renewals(
    index: Index,
    *,
    plan_id: int | str | None = None,
    owner: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> list[Renewals]:
    """Return for each plan how many orders of a period were the receiver's first on the plan, and how many were not.

    The arguments and errors are those of `sum_credits`. Grants for payments outside the chain count as orders.
    """
    conditions = _choose_plans("s", plan_id, owner)
    conditions.add("s.kind <> :usage", usage=int(SaleCode.USAGE))
    with index.snapshot() as connection:
        places = find_places(connection, start, end)
        conditions.add("s.place >= :first AND s.place < :end", first=places.first, end=places.end)
        rows = ask(connection, conditions.within(RENEWALS), **conditions.values)
    return [Renewals(read_id(row.plan), row.orders - int(row.renewals), int(row.renewals)) for row in rows]


def _choose_plans(alias: str, plan_id: int | str | None, owner: str | None) -> Conditions:
    conditions = Conditions()
    conditions.add(f"{alias}.plan = :plan", plan=None if plan_id is None else plan_key(parse_plan_id(plan_id)))
    of = None if owner is None else account_key(parse_address(owner, "owner address"))
    conditions.add(OWNED.format(alias), owner=of)
    return conditions
