"""Lists from an index: orders and other sales, and agents with their plans. Each read sees one instant."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.index.database import Index
from nvm_chain.index.kinds import SaleCode, split_place
from nvm_chain.index.places import find_places
from nvm_chain.index.results import IndexedOrder
from nvm_chain.index.rows import Conditions, Row, account_key, ask, plan_key, read_address, read_id, write_hash
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.agents import Agent, AttachedPlan
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id

ORDERS: Final = """
SELECT s.*, p.token, e.tx, b.time FROM sales s
JOIN plans p ON p.plan = s.plan JOIN events e ON e.place = s.place JOIN blocks b ON b.number = (s.place >> 20)
WHERE {where} ORDER BY s.place DESC LIMIT :most
"""
MOST_ORDERS: Final = 2**62
AGENTS: Final = "SELECT a.agent, a.owner, a.uri FROM agents a WHERE {where} ORDER BY a.place"
AGENT_PLANS: Final = """
SELECT x.agent, x.plan, x.min_credits, x.max_credits FROM agent_plans x JOIN agents a ON a.agent = x.agent
WHERE {where} ORDER BY x.place, x.plan
"""
ACCEPTS: Final = "a.agent IN (SELECT agent FROM agent_plans WHERE plan = :plan)"


# ---------------------------------------------------------------- orders


def list_orders(
    index: Index,
    *,
    plan_id: int | str | None = None,
    payer: str | None = None,
    receiver: str | None = None,
    start: int | None = None,
    end: int | None = None,
    most: int | None = None,
) -> list[IndexedOrder]:
    """Return orders, payments of usage plans and payments outside the chain, newest first.

    Args:
        index: The index.
        plan_id: Only those of this plan.
        payer: Only those that this address paid.
        receiver: Only those whose credits this address got.
        start: Only those from this Unix second on.
        end: Only those before this Unix second.
        most: The largest number of sales to return. All if not given.

    Raises:
        InvalidConfig: The period ends before it starts.
        InvalidAddress: The payer or the receiver is not an address.
    """
    conditions = Conditions()
    conditions.add("s.plan = :plan", plan=None if plan_id is None else plan_key(parse_plan_id(plan_id)))
    conditions.add("s.payer = :payer", payer=None if payer is None else account_key(parse_address(payer, "payer")))
    to = None if receiver is None else account_key(parse_address(receiver, "receiver"))
    conditions.add("s.receiver = :receiver", receiver=to)
    limit = MOST_ORDERS if most is None else check_uint(most, 62, "most")
    with index.snapshot() as connection:
        places = find_places(connection, start, end)
        conditions.add("s.place >= :first AND s.place < :end", first=places.first, end=places.end)
        return [
            _build_order(row) for row in ask(connection, conditions.within(ORDERS), **conditions.values, most=limit)
        ]


def _build_order(row: Row) -> IndexedOrder:
    block_number, log_index = split_place(row.place)
    return IndexedOrder(
        plan_id=read_id(row.plan),
        kind=SaleCode(row.kind).name.lower(),
        payer=read_address(row.payer),
        receiver=read_address(row.receiver),
        quantity=int(row.quantity),
        cost=int(row.cost),
        token=cast(ChecksumAddress, read_address(row.token)),
        context=None if row.context is None else bytes(row.context),
        timestamp=row.time,
        block_number=block_number,
        log_index=log_index,
        transaction=write_hash(row.tx),
    )


# ---------------------------------------------------------------- agents


def list_agents(index: Index, *, owner: str | None = None, plan_id: int | str | None = None) -> list[Agent]:
    """Return agents with the plans that they accept now, in the order of their registration.

    Args:
        index: The index.
        owner: Only the agents of this address.
        plan_id: Only the agents that accept this plan.

    Raises:
        InvalidAddress: The owner is not an address.
        InvalidConfig: The index was made without AgentRegistry.
    """
    if index.state.agents is None:
        raise InvalidConfig(
            f"the index {index.label} was made without AgentRegistry, and has no agents",
            "build a new index with the address of AgentRegistry: `agents=chain.agents.address`",
        )
    conditions = Conditions()
    conditions.add("a.owner = :owner", owner=None if owner is None else account_key(parse_address(owner, "owner")))
    conditions.add(ACCEPTS, plan=None if plan_id is None else plan_key(parse_plan_id(plan_id)))
    with index.snapshot() as connection:
        plans = _group_plans(ask(connection, conditions.within(AGENT_PLANS), **conditions.values))
        agents = ask(connection, conditions.within(AGENTS), **conditions.values)
    return [
        Agent(
            read_id(row.agent),
            cast(ChecksumAddress, read_address(row.owner)),
            row.uri,
            tuple(plans.get(row.agent, ())),
        )
        for row in agents
    ]


def _group_plans(rows: Iterable[Row]) -> Mapping[bytes, list[AttachedPlan]]:
    found: dict[bytes, list[AttachedPlan]] = {}
    for row in rows:
        found.setdefault(row.agent, []).append(AttachedPlan(read_id(row.plan), row.min_credits, row.max_credits))
    return found
