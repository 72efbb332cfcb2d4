"""Reading of a sales report from an index, all of it at one instant."""

from collections.abc import Mapping, Sequence
from typing import Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.chain.networks import NETWORKS
from nvm_chain.errors import IndexBehind, InvalidConfig
from nvm_chain.index.activity import list_expiring
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.database import Index
from nvm_chain.index.instants import Instant
from nvm_chain.index.places import find_places
from nvm_chain.index.report.accounting import read_plans, read_sales, read_use, sum_up
from nvm_chain.index.report.people import read_agents, read_customers, read_holders
from nvm_chain.index.report.queries import OWNED
from nvm_chain.index.report.scales import DAY
from nvm_chain.index.report.types import LISTED, Report, TokenLabel
from nvm_chain.index.results import Expiring, RevenueLine
from nvm_chain.index.revenue import sum_revenue
from nvm_chain.index.rows import account_key, ask, read_head, read_id
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.amounts import NATIVE_DECIMALS, USDC_DECIMALS, check_uint
from nvm_chain.types.events import Block
from nvm_chain.types.ids import parse_plan_id

DAYS: Final = 30
"""Number of days of a report without a start, with the day of its end."""
SOON_SECONDS: Final = 7 * DAY
Labels = Mapping[ChecksumAddress, TokenLabel]


def read_report(
    index: Index,
    *,
    owner: str | None = None,
    plan_ids: Sequence[int | str] = (),
    start: int | None = None,
    end: int | None = None,
    soon_seconds: int = SOON_SECONDS,
    tokens: Labels | None = None,
) -> Report:
    """Read the sales report of all plans that an account owns now, or of chosen plans. All of it is of one instant.

    Args:
        index: The index.
        owner: The owner of the plans.
        plan_ids: The plans, in any spelling, if no owner is given.
        start: The first Unix second. If not given, the report has 30 days in UTC.
        end: The Unix second after the report. If not given, or later than the index's block, directly after that block.
        soon_seconds: How far after the index's block the ends of credits and access are listed.
        tokens: Symbols and decimals of tokens. The native coin and the USDC of known networks are known.

    Raises:
        InvalidConfig: There is neither an owner nor a plan, or both, or the period ends before it starts.
        UnknownPlan: The index has no such plan.
        IndexBehind: The index is empty.
        InvalidAddress: The owner is not an address.
        InvalidPlanId: A plan is not an id.
    """
    account = None if owner is None else parse_address(owner, "owner address")
    chosen = tuple(dict.fromkeys(map(parse_plan_id, plan_ids)))
    if (account is None) == (not chosen):
        raise InvalidConfig("a report is about the plans of one owner, or about chosen plans", "give one of the two")
    with index.snapshot() as connection:
        head = _find_head(connection, index.label)
        period = _find_period(head, start, end)
        desk = _Desk(Instant(index, connection), connection, head, account, chosen, period)
        return desk.read(check_uint(soon_seconds, 64, "soon_seconds"), tokens or {})


def _find_head(connection: Connection, label: str) -> Block:
    head = read_head(connection)
    if head is None:
        (state,) = ask(connection, "SELECT first_block FROM state")
        raise IndexBehind(label, state.first_block - 1, state.first_block)
    return head


def _find_period(head: Block, start: int | None, end: int | None) -> tuple[int, int]:
    """Return the first second of a report and the second after it. Raises InvalidConfig."""
    after = head.timestamp + 1
    last = after if end is None else min(after, check_uint(end, 64, "end"))
    first = max(0, ((last - 1) // DAY - DAYS + 1) * DAY) if start is None else check_uint(start, 64, "start")
    if first >= after:
        raise InvalidConfig(
            f"the period begins after the index's block, {head.number}, of second {head.timestamp}",
            "give an earlier start, or bring the index up to date with `nvm-chain index run`",
        )
    if first >= last:
        raise InvalidConfig("the end of the period is not after its start", "give a later end")
    return first, last


class _Desk:
    """Reads the parts of a report."""

    def __init__(
        self,
        index: Index,
        connection: Connection,
        head: Block,
        owner: ChecksumAddress | None,
        chosen: Sequence[int],
        period: tuple[int, int],
    ) -> None:
        self._index, self._connection, self._head, self._owner = index, connection, head, owner
        self._start, self._end = period
        owned = ask(connection, OWNED, owner=account_key(owner)) if owner is not None else []
        self._plan_ids = chosen or tuple(read_id(row.plan) for row in owned)

    def read(self, soon_seconds: int, tokens: Labels) -> Report:
        connection, plan_ids, now = self._connection, self._plan_ids, self._head.timestamp
        places = find_places(connection, self._start, self._end)
        rows = read_plans(connection, plan_ids)
        terms = {read_id(row.plan): read_terms(row.terms) for row in rows}
        sales, use = tuple(read_sales(connection, plan_ids, places)), tuple(read_use(connection, plan_ids, places))
        holders = read_holders(connection, terms, places.first, self._start, self._end, now)
        plans = {plan.plan_id: plan for plan in sum_up(rows, sales, use, holders.by_plan, holders.ended)}
        customers, customer_count = read_customers(connection, plans, places, holders.held)
        endings = self._list_endings(now + soon_seconds)
        state = self._index.read_state()
        return Report(
            chain_id=state.chain_id,
            credits=state.credits,
            owner=self._owner,
            first_second=self._start,
            end_second=self._end,
            soon_seconds=soon_seconds,
            head=self._head,
            tokens={**_find_tokens(state.chain_id), **tokens},
            plans=tuple(plans.values()),
            sales=sales,
            use=use,
            revenue=tuple(self._sum_revenue()),
            customers=tuple(customers),
            customer_count=customer_count,
            holder_count=len(holders.held),
            endings=tuple(endings[:LISTED]),
            ending_count=len(endings),
            agents=tuple(read_agents(connection, plans)),
        )

    def _sum_revenue(self) -> list[RevenueLine]:
        index, start, end = self._index, self._start, self._end
        if self._owner is not None:
            return sum_revenue(index, owner=self._owner, start=start, end=end)
        plan_ids = self._plan_ids
        return [line for plan in plan_ids for line in sum_revenue(index, plan_id=plan, start=start, end=end)]

    def _list_endings(self, before: int) -> list[Expiring]:
        if self._owner is not None:
            return list_expiring(self._index, before, owner=self._owner)
        found = [item for plan_id in self._plan_ids for item in list_expiring(self._index, before, plan_id=plan_id)]
        return sorted(found, key=lambda item: (item.expires_at, item.plan_id, item.holder))


def _find_tokens(chain_id: int) -> dict[ChecksumAddress, TokenLabel]:
    """Return the tokens that this package knows on a chain."""
    known = {
        network.usdc: TokenLabel("USDC", USDC_DECIMALS) for network in NETWORKS.values() if network.chain_id == chain_id
    }
    return {ZERO_ADDRESS: TokenLabel("ETH", NATIVE_DECIMALS), **known}
