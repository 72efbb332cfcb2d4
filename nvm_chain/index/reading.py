"""Reads of an index: plans, the holders of a plan, and what an account holds. Each read sees one instant."""

from collections.abc import Iterator
from typing import Any, Final, cast

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.errors import InvalidConfig
from nvm_chain.index.accounts import load_ledger, unpack_lots
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.database import Index
from nvm_chain.index.results import IndexedAccount, IndexedPlan
from nvm_chain.index.rows import (
    Conditions,
    Row,
    account_key,
    ask,
    explain_unknown,
    plan_key,
    read_address,
    read_head,
    read_id,
)
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Terms

OWNED: Final = "{}.plan IN (SELECT plan FROM plans WHERE owner = :owner)"
PLANS: Final = """
SELECT p.*, b.time AS registered_at FROM plans p JOIN blocks b ON b.number = (p.place >> 20)
WHERE {where} ORDER BY p.place
"""
SOLD: Final = "SELECT s.plan, exact_sum(s.quantity) AS sold FROM sales s WHERE {where} GROUP BY s.plan"
HELD: Final = "(a.access_until > :at OR (a.balance > 0 AND (a.next_expiry IS NULL OR a.next_expiry > :at)))"
"""The accounts that certainly have something at a time."""
PERHAPS_HELD: Final = "a.access_until <= :at AND a.balance > 0 AND a.next_expiry <= :at AND a.lots IS NOT NULL"
"""The accounts with lots, of which the first have expired at a time."""
HOLDERS: Final = "SELECT a.plan, count(*) AS holders FROM accounts a WHERE {where} GROUP BY a.plan"
LOTS: Final = "SELECT a.plan, a.lots FROM accounts a WHERE {where}"
ACCOUNTS: Final = """
SELECT a.plan, a.holder, a.balance, a.settled, a.access_until, a.is_granted, a.lots, p.terms
FROM accounts a JOIN plans p ON p.plan = a.plan WHERE {where} ORDER BY p.place, a.holder
"""


# ---------------------------------------------------------------- plans


def list_plans(index: Index, *, owner: str | None = None, at: int | None = None) -> list[IndexedPlan]:
    """Return all plans, or those of one owner, in the order of their registration.

    Args:
        index: The index.
        owner: The address that owns the plans now. All plans if not given.
        at: The Unix second for the number of holders, not before the index's block. That block's time if not given.

    Raises:
        InvalidAddress: The owner is not an address.
        InvalidConfig: The time is before the index's block.
    """
    key = None if owner is None else account_key(parse_address(owner, "owner address"))
    with index.snapshot() as connection:
        holders = _count_holders(connection, key, find_time(connection, at))
        sales, plans = Conditions(), Conditions()
        sales.add(OWNED.format("s"), owner=key)
        plans.add("p.owner = :owner", owner=key)
        sold = {row.plan: int(row.sold) for row in ask(connection, sales.within(SOLD), **sales.values)}
        rows = ask(connection, plans.within(PLANS), **plans.values)
        return [_build_plan(row, sold.get(row.plan, 0), holders.get(row.plan, 0)) for row in rows]


def _count_holders(connection: Connection, owner: bytes | None, at: int) -> dict[bytes, int]:
    """Return the number of accounts with credits, periods or access, by plan."""
    certain, perhaps = Conditions(), Conditions()
    for conditions, condition in ((certain, HELD), (perhaps, PERHAPS_HELD)):
        conditions.add(OWNED.format("a"), owner=owner)
        conditions.add(condition, at=at)
    holders = {row.plan: int(row.holders) for row in ask(connection, certain.within(HOLDERS), **certain.values)}
    for row in ask(connection, perhaps.within(LOTS), **perhaps.values):
        holders[row.plan] = holders.get(row.plan, 0) + (unpack_lots(row.lots)[-1].expires_at > at)
    return holders


def _build_plan(row: Row, sold: int, holders: int) -> IndexedPlan:
    return IndexedPlan(
        **describe_plan(row),
        creator=cast(ChecksumAddress, read_address(row.creator)),
        registered_at=row.registered_at,
        sold=sold,
        holders=holders,
    )


def describe_plan(row: Row) -> dict[str, Any]:
    """Return the fields of a `Plan` from a row of plans."""
    return {
        "plan_id": read_id(row.plan),
        "terms": read_terms(row.terms),
        "owner": read_address(row.owner),
        "pending_owner": read_address(row.pending_owner),
        "active": bool(row.is_active),
        "fee_bps": row.fee_bps,
        "uri": row.uri,
    }


# ---------------------------------------------------------------- accounts


def list_holders(index: Index, plan_id: int | str, *, at: int | None = None) -> list[IndexedAccount]:
    """Return the accounts of a plan that have credits, periods or access at a time. Those with the most come first.

    Args:
        index: The index.
        plan_id: The plan, in any spelling.
        at: The Unix second at which the accounts are looked at, not before the index's block. Credits expire, and
            periods end, up to that second. The time of the index's block if not given.

    Raises:
        UnknownPlan: The index has no such plan.
        InvalidConfig: The time is before the index's block.
    """
    number = parse_plan_id(plan_id)
    with index.snapshot() as connection:
        second = find_time(connection, at)
        check_plan(connection, number)
        accounts = read_accounts(connection, second, plan=plan_key(number))
        held = [item for item in accounts if _is_held(item, second)]
    return sorted(held, key=lambda item: (-item.balance, -item.access_until, item.holder))


def read_holdings(index: Index, holder: str, *, at: int | None = None) -> list[IndexedAccount]:
    """Return what an account holds at a time: its credits, periods and access on each plan.

    The arguments and errors are those of `list_holders`. Raises InvalidAddress if the holder is not an address.
    """
    address = parse_address(holder, "holder address")
    with index.snapshot() as connection:
        second = find_time(connection, at)
        accounts = read_accounts(connection, second, holder=account_key(address))
        return [item for item in accounts if _is_held(item, second)]


def read_accounts(
    connection: Connection, second: int, *, plan: bytes | None = None, holder: bytes | None = None
) -> Iterator[IndexedAccount]:
    """Yield accounts at a time, also empty ones, in the order of their plans."""
    conditions = Conditions()
    conditions.add("a.plan = :plan", plan=plan)
    conditions.add("a.holder = :holder", holder=holder)
    known: dict[bytes, Terms] = {}
    for row in ask(connection, conditions.within(ACCOUNTS), **conditions.values):
        terms = known.get(row.plan) or known.setdefault(row.plan, read_terms(row.terms))
        yield build_account(row, terms, second)


def build_account(row: Row, terms: Terms, second: int) -> IndexedAccount:
    """Return an account at a time from its row."""
    ledger = load_ledger(terms, row[2:])
    ledger.advance(second)
    return IndexedAccount(
        plan_id=read_id(row.plan),
        kind=terms.kind,
        holder=cast(ChecksumAddress, read_address(row.holder)),
        balance=ledger.balance,
        settled=ledger.settled,
        access_until=ledger.access_until,
        trial_taken=terms.trial and ledger.is_granted,
        lots=tuple(ledger.lots),
    )


def _is_held(account: IndexedAccount, second: int) -> bool:
    return account.balance > 0 or account.access_until > second


def find_time(connection: Connection, at: int | None) -> int:
    """Return the time to look at: the given one, or that of the index's block. Raises InvalidConfig for an earlier one."""
    head = read_head(connection)
    newest = 0 if head is None else head.timestamp
    second = newest if at is None else check_uint(at, 64, "at")
    if second < newest:
        raise InvalidConfig(
            f"the time {second} is before the index's block, of second {newest}",
            "read a statement, which knows the past: `read_plan_statement(chain, plan_id, end=…, index=index)`",
        )
    return second


def check_plan(connection: Connection, plan_id: int) -> None:
    """Raise UnknownPlan if the index has no such plan."""
    if not ask(connection, "SELECT 1 FROM plans WHERE plan = :plan", plan=plan_key(plan_id)):
        raise explain_unknown(connection, plan_id)
