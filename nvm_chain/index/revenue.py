"""Revenue from an index, by day, plan, token and receiver: the same to the unit as in statements.

Sales with equal costs are counted by the database. Each cost is divided once, with the rules of the contract, and
multiplied. No amount is ever a float, and the database divides none.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.database import Index
from nvm_chain.index.kinds import SaleCode, split_place
from nvm_chain.index.places import Places, find_places
from nvm_chain.index.reading import OWNED
from nvm_chain.index.results import RevenueLine
from nvm_chain.index.rows import Conditions, Row, account_key, ask, ask_each, plan_key, read_address, read_id
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.histories import PlanFacts
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import share_cost

PAID: Final = "s.kind <> :external AND s.place >= :first AND s.place < :end"
GROUPS: Final = """
SELECT s.plan, b.time - b.time % 86400 AS day, s.cost, count(*) AS sales
FROM sales s JOIN blocks b ON b.number = (s.place >> 20) WHERE {where} GROUP BY s.plan, 2, s.cost
"""
PLANS: Final = "SELECT s.plan, s.terms, s.fee_bps FROM plans s WHERE {where}"
FEES: Final = "SELECT place, receiver FROM fees ORDER BY place"
FORGONE: Final = """
SELECT s.place, s.plan, s.amount, e.tx FROM forgone s JOIN events e ON e.place = s.place
WHERE {where} ORDER BY s.place
"""
IN_BLOCKS: Final = """
SELECT s.place, s.plan, s.cost, e.tx, b.time - b.time % 86400 AS day
FROM {values} v JOIN sales s ON s.place >= (v.value << 20) AND s.place < ((v.value + 1) << 20)
JOIN events e ON e.place = s.place JOIN blocks b ON b.number = v.value
"""
"""The sales of some blocks."""


class Group(NamedTuple):
    """Sales of a plan on a day that had the same cost. Those of one group had their fee delivered to ``fee_receiver``.

    ``fee_receiver`` is None if the fee could not be delivered.
    """

    plan: bytes
    day: int
    cost: int
    fee_receiver: ChecksumAddress | None
    sales: int


@dataclass(slots=True)
class _Sum:
    """The amounts of one line: shares, fees and forgone fees, and the number of sales."""

    amounts: list[int] = field(default_factory=lambda: [0, 0, 0])
    sales: int = 0


def sum_revenue(
    index: Index,
    *,
    plan_id: int | str | None = None,
    owner: str | None = None,
    receiver: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> list[RevenueLine]:
    """Return the revenue of each receiver on each plan and day, in the order of days.

    Args:
        index: The index.
        plan_id: Only the revenue of this plan.
        owner: Only the revenue of the plans that this address owns now.
        receiver: Only the revenue of this receiver.
        start: Only sales from this Unix second on.
        end: Only sales before this Unix second.

    Raises:
        InvalidConfig: The period ends before it starts.
        InvalidAddress: The owner or the receiver is not an address.
    """
    plan = None if plan_id is None else plan_key(parse_plan_id(plan_id))
    of = None if owner is None else account_key(parse_address(owner, "owner address"))
    to = None if receiver is None else parse_address(receiver, "receiver address")
    with index.snapshot() as connection:
        reader = _Reader(connection, find_places(connection, start, end), plan, of)
        plans = reader.read_plans()
        lines = _share_all(plans, reader.read_groups(plans))
    return [line for line in lines if to in {None, line.receiver}]


class _Reader:
    """Reads the groups of sales in a period."""

    def __init__(self, connection: Connection, places: Places, plan: bytes | None, owner: bytes | None) -> None:
        self._connection, self._places, self._plan, self._owner = connection, places, plan, owner

    def _wanted(self) -> Conditions:
        conditions = Conditions()
        conditions.add("s.plan = :plan", plan=self._plan)
        conditions.add(OWNED.format("s"), owner=self._owner)
        return conditions

    def read_plans(self) -> dict[bytes, PlanFacts]:
        """Return the facts of the wanted plans."""
        wanted = self._wanted()
        rows = ask(self._connection, wanted.within(PLANS), **wanted.values)
        return {bytes(row.plan): PlanFacts(read_terms(row.terms), row.fee_bps) for row in rows}

    def read_groups(self, plans: Mapping[bytes, PlanFacts]) -> Iterator[Group]:
        """Yield the groups. A sale whose fee was not delivered is taken out of its group, and forms its own."""
        epochs = self._read_epochs()
        for places, fee_receiver in epochs:
            conditions = self._wanted()
            conditions.add(PAID, first=places.first, end=places.end, external=int(SaleCode.EXTERNAL))
            for row in ask(self._connection, conditions.within(GROUPS), **conditions.values):
                yield Group(bytes(row.plan), row.day, int(row.cost), fee_receiver, row.sales)
        for place, group in self._find_undelivered(plans):
            yield group
            fee_receiver = next(receiver for places, receiver in epochs if places.first <= place < places.end)
            yield group._replace(fee_receiver=fee_receiver, sales=-1)

    def _read_epochs(self) -> list[tuple[Places, ChecksumAddress]]:
        """Return the parts of the period in which the receiver of protocol fees was the same, with that receiver."""
        rows = ask(self._connection, FEES)
        starts = [0, *(row.place for row in rows)]
        receivers = [ZERO_ADDRESS, *(cast(ChecksumAddress, read_address(row.receiver)) for row in rows)]
        first, end = self._places
        parts = [
            (Places(max(first, start), min(end, stop)), receiver)
            for start, stop, receiver in zip(starts, [*starts[1:], end], receivers, strict=True)
        ]
        return [part for part in parts if part[0].first < part[0].end]

    def _find_undelivered(self, plans: Mapping[bytes, PlanFacts]) -> Iterator[tuple[int, Group]]:
        """Yield the place and a group of each sale whose fee was not delivered.

        It is the last sale before the event with the same plan, transaction and fee, as in `nvm_chain.statements.revenue`.
        """
        before: dict[tuple[bytes, bytes], list[tuple[int, Group]]] = defaultdict(list)
        events = self._ask_forgone()
        blocks = sorted({split_place(event.place)[0] for event in events})
        waiting = deque(sorted(ask_each(self._connection, IN_BLOCKS, blocks), key=lambda sale: sale.place))
        for event in events:
            while waiting and waiting[0].place < event.place:
                sale = waiting.popleft()
                group = Group(bytes(sale.plan), sale.day, int(sale.cost), None, 1)
                before[group.plan, bytes(sale.tx)].append((sale.place, group))
            sales, facts = before[bytes(event.plan), bytes(event.tx)], plans[bytes(event.plan)]
            matching = (sale for sale in reversed(sales) if _find_fee(facts, sale[1].cost) == int(event.amount))
            found = next(matching, None)
            if found is not None:
                sales.remove(found)
                yield found

    def _ask_forgone(self) -> list[Row]:
        conditions = self._wanted()
        conditions.add("s.place >= :first AND s.place < :end", first=self._places.first, end=self._places.end)
        return ask(self._connection, conditions.within(FORGONE), **conditions.values)


def _find_fee(facts: PlanFacts, cost: int) -> int:
    return share_cost(facts.terms, cost, facts.fee_bps)[1]


def _share_all(plans: Mapping[bytes, PlanFacts], groups: Iterable[Group]) -> list[RevenueLine]:
    """Divide the cost of each group, and add the amounts up by day, plan and receiver."""
    sums: dict[tuple[int, bytes, ChecksumAddress], _Sum] = defaultdict(_Sum)
    for group in groups:
        parts = _share(plans[group.plan], group)
        for receiver, column, amount in parts:
            sums[group.day, group.plan, receiver].amounts[column] += amount * group.sales
        for receiver in {receiver for receiver, _, _ in parts}:
            sums[group.day, group.plan, receiver].sales += group.sales
    lines = (_build_line(plans[key[1]], key, item) for key, item in sorted(sums.items(), key=lambda pair: pair[0]))
    return [line for line in lines if line.sales]


def _build_line(facts: PlanFacts, key: tuple[int, bytes, ChecksumAddress], item: _Sum) -> RevenueLine:
    day, plan, receiver = key
    shares, fees, forgone = item.amounts
    return RevenueLine(read_id(plan), facts.terms.token, receiver, shares, fees, forgone, item.sales, day)


def _share(facts: PlanFacts, group: Group) -> list[tuple[ChecksumAddress, int, int]]:
    """Return each receiver's amount of one sale, and its kind: share (0), fee (1) or forgone fee (2)."""
    shares, fee = share_cost(facts.terms, group.cost, facts.fee_bps)
    parts = [(receiver, 0, amount) for receiver, amount in shares if amount]
    if fee and group.fee_receiver is None:
        parts.append((facts.terms.splits[0].receiver, 2, fee))
    elif fee and group.fee_receiver is not None:
        parts.append((group.fee_receiver, 1, fee))
    return parts
