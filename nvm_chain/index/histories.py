"""Histories of holders and plans from an index, for statements: the same events as the chain gives.

A history costs time for its own events only, however many others the index has.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.errors import IndexBehind, InvalidConfig
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.kinds import EventKind, MovementCode, split_place
from nvm_chain.index.raw_events import decode_arguments, name_address
from nvm_chain.index.rows import (
    Row,
    account_key,
    ask,
    ask_each,
    explain_unknown,
    plan_key,
    read_head,
    read_id,
    write_hash,
)
from nvm_chain.types.events import Block, Event
from nvm_chain.types.histories import History, Place, PlanFacts

OWN: Final = {
    "holder": "SELECT place FROM movements WHERE holder = :key UNION SELECT place FROM sales WHERE payer = :key",
    "plan": "SELECT place FROM movements WHERE plan = :key UNION SELECT place FROM sales WHERE plan = :key",
}
PAID: Final = "SELECT DISTINCT (place >> 20) AS block FROM sales WHERE payer = :key"
FORGONE_OF_BLOCKS: Final = """
SELECT f.place FROM {values} v JOIN forgone f ON f.place >= (v.value << 20) AND f.place < ((v.value + 1) << 20)
"""
SALES_OF_BLOCKS: Final = """
SELECT s.place FROM {values} v JOIN sales s ON s.place >= (v.value << 20) AND s.place < ((v.value + 1) << 20)
"""
FORGONE_OF_PLAN: Final = "SELECT place FROM forgone WHERE plan = :key"
FEES: Final = "SELECT place FROM fees"
BESIDE: Final = (-2, -1, 0, 1, 2)
"""Where the events stand that belong to one: `nvm_chain.statements.movements` says what stands where."""
OWNERSHIPS: Final = """
SELECT place FROM plans WHERE creator = :key
UNION SELECT place FROM events WHERE kind = 6 AND (topic2 = :word OR topic3 = :word)
"""
TOLD: Final = (
    EventKind.Ordered,
    EventKind.UsagePaid,
    EventKind.GrantedExternal,
    EventKind.AccessChanged,
    EventKind.FeeForgone,
    EventKind.Redeemed,
    EventKind.ProtocolFeeSet,
    EventKind.TransferSingle,
    EventKind.TransferBatch,
    EventKind.PlanRegistered,
    EventKind.PlanOwnershipTransferred,
)
"""The events that a statement is built from."""
READ: Final = """
SELECT e.place, e.kind, e.tx, e.topic1, e.topic2, e.topic3, e.data, b.hash, b.time
FROM {values} v JOIN events e ON e.place = v.value JOIN blocks b ON b.number = (e.place >> 20)
WHERE e.kind IN ({kinds})
""".replace("{kinds}", ", ".join(str(int(kind)) for kind in TOLD))
SETTLED: Final = "SELECT DISTINCT place FROM movements WHERE {column} = :key AND kind = :kind"
PLANS_OF_HOLDER: Final = """
SELECT plan, terms, fee_bps FROM plans WHERE plan IN (
    SELECT plan FROM movements WHERE holder = :key
    UNION SELECT plan FROM sales WHERE payer = :key UNION SELECT plan FROM sales WHERE receiver = :key
) ORDER BY place
"""
PLAN: Final = "SELECT plan, terms, fee_bps, place FROM plans WHERE plan = :key"
BLOCK: Final = "SELECT number, hash, time FROM blocks WHERE number = :number"


class Histories:
    """The histories in a snapshot of an index, whose name is ``label``. ``head`` is the index's latest block."""

    def __init__(self, connection: Connection, label: str) -> None:
        """Take a snapshot's connection. Raises IndexBehind if the index is empty."""
        self._connection, self.label = connection, label
        (state,) = ask(connection, "SELECT chain_id, credits, first_block FROM state")
        head = read_head(connection)
        if head is None:
            raise IndexBehind(label, state.first_block - 1, state.first_block)
        self.head, self.chain_id, self.credits = head, int(state.chain_id), name_address(bytes(state.credits))

    def read_block(self, number: int) -> Block:
        """Return a block with its time. Raises InvalidConfig for an older block without events."""
        rows = ask(self._connection, BLOCK, number=number)
        if not rows:
            raise InvalidConfig(
                f"the index does not have the time of block {number}, which has no events",
                "give the end of the period as a time, or give a chain too",
            )
        return Block(rows[0].number, write_hash(rows[0].hash), rows[0].time)

    def read_holder(self, holder: ChecksumAddress) -> History:
        """Return the events of a holder on all plans, those beside them, and the fees of the holder's sales."""
        key = account_key(holder)
        plans = _read_facts(ask(self._connection, PLANS_OF_HOLDER, key=key))
        return History(self._read_events("holder", key, plans), plans, self._read_settled("holder", key))

    def read_plans(self, plan_ids: Sequence[int]) -> History:
        """Return the events of some plans, and those beside them. Raises UnknownPlan."""
        plans, events, settled = list[Row](), dict[Place, Event](), set[Place]()
        for plan_id in plan_ids:
            key = plan_key(plan_id)
            rows = ask(self._connection, PLAN, key=key)
            if not rows:
                raise explain_unknown(self._connection, plan_id)
            plans += rows
            events |= {event.place: event for event in self._read_events("plan", key, (plan_id,))}
            settled |= self._read_settled("plan", key)
        plans.sort(key=lambda row: row.place)
        return History([events[place] for place in sorted(events)], _read_facts(plans), frozenset(settled))

    def read_ownerships(self, account: ChecksumAddress) -> list[Event]:
        """Return the events that made an account an owner of plans, or ended its ownership."""
        key = account_key(account)
        return self._load(self._list_places(OWNERSHIPS, key=key, word=bytes(12) + key))

    def _read_events(self, column: str, key: bytes, plan_ids: Collection[int]) -> list[Event]:
        """Return the events of a holder or a plan. Of the events beside them, those of other plans are left out."""
        own = self._list_places(OWN[column], key=key)
        places = {place + distance for place in own for distance in BESIDE} | self._list_places(FEES)
        places |= self._find_undelivered(key) if column == "holder" else self._list_places(FORGONE_OF_PLAN, key=key)
        return [event for event in self._load(places) if _is_about(event, plan_ids)]

    def _find_undelivered(self, key: bytes) -> set[int]:
        """Return the places of undelivered fees in the blocks of a holder's sales, and of all sales in these blocks."""
        blocks = [row.block for row in ask(self._connection, PAID, key=key)]
        fees = {row.place for row in ask_each(self._connection, FORGONE_OF_BLOCKS, blocks)}
        with_fees = sorted({split_place(place)[0] for place in fees})
        return fees | {row.place for row in ask_each(self._connection, SALES_OF_BLOCKS, with_fees)}

    def _list_places(self, query: str, **values: object) -> set[int]:
        return {row.place for row in ask(self._connection, query, **values)}

    def _load(self, places: Iterable[int]) -> list[Event]:
        """Return the events at some places that a statement is built from, in order."""
        rows = ask_each(self._connection, READ, sorted(places))
        return [_build_event(row) for row in sorted(rows, key=lambda row: row.place)]

    def _read_settled(self, column: str, key: bytes) -> frozenset[Place]:
        """Return the places of the transfers that settlements made."""
        statement = SETTLED.format(column=column)
        rows = ask(self._connection, statement, key=key, kind=int(MovementCode.SETTLEMENT))
        return frozenset(split_place(row.place) for row in rows)


def _read_facts(rows: Iterable[Row]) -> dict[int, PlanFacts]:
    return {read_id(row.plan): PlanFacts(read_terms(row.terms), row.fee_bps) for row in rows}


def _is_about(event: Event, plan_ids: Collection[int]) -> bool:
    arguments = event.arguments
    if event.name == "TransferBatch":
        return any(plan_id in plan_ids for plan_id in arguments["ids"])
    return event.name == "ProtocolFeeSet" or arguments.get("planId", arguments.get("id")) in plan_ids


def _build_event(row: Row) -> Event:
    kind, (block_number, log_index) = EventKind(row.kind), split_place(row.place)
    return Event(
        name=kind.event_name,
        arguments=decode_arguments(kind.event_name, (row.topic1, row.topic2, row.topic3), row.data),
        block_number=block_number,
        block_hash=write_hash(row.hash),
        transaction_hash=write_hash(row.tx),
        log_index=log_index,
        timestamp=row.time,
    )
