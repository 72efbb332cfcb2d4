"""People and agents of a sales report: customers, holders, and the agents that accept the plans."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.index.accounts import load_ledger, unpack_lots
from nvm_chain.index.kinds import MovementCode
from nvm_chain.index.places import Places
from nvm_chain.index.report.names import find_name
from nvm_chain.index.report.queries import AGENTS, EMPTY, HOLDERS, PAYERS, USED, ask_period, ask_plans
from nvm_chain.index.report.types import LISTED, AgentSummary, CustomerSummary, PlanSummary
from nvm_chain.index.rows import Row, read_address, read_id
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import Terms

ACCOUNT: Final = ("balance", "settled", "access_until", "is_granted", "lots", "next_expiry", "place")


class Holders(NamedTuple):
    """Accounts that have something now, by their addresses, and the number of accounts that ended, by plan."""

    held: Mapping[bytes, int]
    """The number of plans that each account holds."""
    by_plan: Mapping[int, int]
    ended: Mapping[int, int]


def read_holders(
    connection: Connection, terms: Mapping[int, Terms], first: int, start: int, end: int, now: int
) -> Holders:
    """Read who has credits, periods or access at the second ``now``, and whose ended in a period.

    ``first`` is the place at which the period begins, ``start`` its first second, and ``end`` the second after it.
    """
    held, by_plan, ended = Counter[bytes](), Counter[int](), Counter[int]()
    for row in ask_plans(connection, HOLDERS, list(terms), at=now):
        held[bytes(row.holder)] += 1
        by_plan[read_id(row.plan)] += 1
    for row in ask_plans(connection, EMPTY, list(terms), at=now, first=first, start=start):
        plan_id = read_id(row.plan)
        if _has_something(row, terms[plan_id], now):
            held[bytes(row.holder)] += 1
            by_plan[plan_id] += 1
        elif start <= _find_end(row) < end:
            ended[plan_id] += 1
    return Holders(held, by_plan, ended)


def _has_something(row: Row, terms: Terms, now: int) -> bool:
    ledger = load_ledger(terms, [getattr(row, column) for column in ACCOUNT])
    ledger.advance(now)
    return ledger.balance > 0 or ledger.access_until > now


def _find_end(row: Row) -> int:
    """Return the second since when an account has nothing: its last expiry, its end of access, or its last movement."""
    lots = unpack_lots(row.lots)
    return max(int(row.access_until), lots[-1].expires_at if lots else 0) or int(row.time)


def read_customers(
    connection: Connection,
    plans: Mapping[int, PlanSummary],
    places: Places,
    held: Mapping[bytes, int],
) -> tuple[list[CustomerSummary], int]:
    """Return the accounts that paid most, and the number of all that paid or used something.

    They are in the order of what they paid in the token of most sales, of their sales, and of what they used.
    """
    paid: dict[bytes, dict[ChecksumAddress, int]] = defaultdict(dict)
    sales, used = Counter[bytes](), Counter[bytes]()
    for row in ask_period(connection, PAYERS, list(plans), places):
        account, token = bytes(row.payer), plans[read_id(row.plan)].token
        paid[account][token] = paid[account].get(token, 0) + int(row.cost) * row.sales
        sales[account] += row.sales
    taking = {"redemption": int(MovementCode.REDEMPTION), "settlement": int(MovementCode.SETTLEMENT)}
    for row in ask_period(connection, USED, list(plans), places, **taking):
        used[bytes(row.holder)] -= int(row.amount)
    main = find_main_token(plans.values())
    accounts = sales.keys() | used.keys()
    ranked = sorted(accounts, key=lambda key: (-paid[key].get(main, 0), -sales[key], -used[key], key))
    return [
        CustomerSummary(
            cast(ChecksumAddress, read_address(key)),
            sales[key],
            {token: amount for token, amount in sorted(paid[key].items(), key=lambda item: item[0] != main) if amount},
            used[key],
            held.get(key, 0),
        )
        for key in ranked[:LISTED]
    ], len(accounts)


def find_main_token(plans: Iterable[PlanSummary]) -> ChecksumAddress:
    """Return the token of most sales, as in `Report.sales_by_token`."""
    sales = Counter[ChecksumAddress]()
    for plan in plans:
        sales[plan.token] += plan.sales
    return min(sales, key=lambda token: (-sales[token], token), default=ZERO_ADDRESS)


def read_agents(connection: Connection, plans: Mapping[int, PlanSummary]) -> list[AgentSummary]:
    """Return the agents that accept some of the plans: those with most sales and use on these plans."""
    accepted: dict[int, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    for row in ask_plans(connection, AGENTS, list(plans)):
        accepted[read_id(row.agent)].append(read_id(row.plan))
        names[read_id(row.agent)] = row.uri
    agents = [_build_agent(agent, names[agent], plan_ids, plans) for agent, plan_ids in accepted.items()]
    return sorted(agents, key=lambda agent: (-agent.sales, -agent.used, agent.agent_id))[:LISTED]


def _build_agent(agent: int, uri: str, plan_ids: Sequence[int], plans: Mapping[int, PlanSummary]) -> AgentSummary:
    sales, used = (sum(getattr(plans[plan_id], name) for plan_id in plan_ids) for name in ("sales", "used"))
    return AgentSummary(agent, find_name(uri), tuple(plan_ids), sales, used)
