"""Plans, permissions and agents: the latest event of each kind decides."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from sqlalchemy import Boolean, Table

from nvm_chain.errors import IndexIncomplete, LogsRefused
from nvm_chain.index.decoding import NOBODY, read_address, read_number
from nvm_chain.index.kinds import PLACE_BITS, EventKind
from nvm_chain.index.logs import Log
from nvm_chain.index.pens import Pen
from nvm_chain.index.schema import agent_plans, agents, catalogue_undo, permissions, plans
from nvm_chain.operations.plan_terms import parse_terms
from nvm_chain.types.addresses import format_address
from nvm_chain.types.plans import Terms

REDEEMER: Final = 0
"""The role of an account that may redeem."""
MINTER: Final = 1
"""The role of an account that may mint."""
TABLES: Final = (plans, permissions, agents, agent_plans)
"""The tables of the catalogue."""
_TERMS: Final = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
_REGISTERED: Final = (_TERMS, "bytes32", "uint16")

Key: TypeAlias = tuple[Any, ...]
Row: TypeAlias = dict[str, Any]


@lru_cache(maxsize=4_096)
def read_terms(text: str) -> Terms:
    """Return the terms of a plan from the column ``terms``."""
    return parse_terms(json.loads(text))


def write_catalogue(pen: Pen, logs: Sequence[Log], *, keeps_undo: bool) -> None:
    """Apply logs to the catalogue.

    Args:
        pen: The transaction.
        logs: The logs of the kinds in `nvm_chain.index.decoding.CATALOGUE`, in order.
        keeps_undo: Whether to note each row as it was before each block.

    Raises:
        LogsRefused: A log does not have the form of its event.
        IndexIncomplete: A log is about a plan or an agent that is not registered.
    """
    if not logs:
        return
    shelf = _Shelf(pen, [_CHANGES[log.kind][0](log) for log in logs], keeps_undo=keeps_undo)
    for log in logs:
        find_key, change = _CHANGES[log.kind]
        table, key = find_key(log)
        try:
            shelf.put(table, key, log.place, change(log, shelf.get(table, key)))
        except (DecodingError, ValueError, TypeError, UnicodeDecodeError) as error:
            reason = f"the event {EventKind(log.kind).event_name} is malformed ({error})"
            raise LogsRefused(log.place >> PLACE_BITS, reason) from None
    shelf.write()


class _Shelf:
    """The rows of a batch: as they are in the index, and as the logs change them. A missing row is None."""

    def __init__(self, pen: Pen, wanted: Sequence[tuple[Table, Key]], *, keeps_undo: bool) -> None:
        self._pen, self._keeps_undo = pen, keeps_undo
        self._rows: dict[tuple[str, Key], Row | None] = {(table.name, key): None for table, key in wanted}
        self._undo: dict[tuple[int, str, bytes], bytes | None] = {}
        for table in TABLES:
            keys = [key for name, key in self._rows if name == table.name]
            for found in pen.find(table, keys):
                row = _name_columns(table, found)
                self._rows[table.name, tuple(row[column.name] for column in table.primary_key)] = row

    def get(self, table: Table, key: Key) -> Row | None:
        return self._rows[table.name, key]

    def put(self, table: Table, key: Key, place: int, row: Row | None) -> None:
        """Set a row. Note what it was before its block."""
        if self._keeps_undo:
            note = place >> PLACE_BITS, table.name, msgspec.msgpack.encode(key)
            self._undo.setdefault(note, _pack(self._rows[table.name, key]))
        self._rows[table.name, key] = row

    def write(self) -> None:
        for table in TABLES:
            rows = {key: row for (name, key), row in self._rows.items() if name == table.name}
            replace_rows(self._pen, table, rows)
        self._pen.add(catalogue_undo, [(*note, before) for note, before in self._undo.items()])


def replace_rows(pen: Pen, table: Table, rows: dict[Key, Row | None]) -> None:
    """Write rows by their primary keys. None deletes a row."""
    where = " AND ".join(f"{column.name} = ?" for column in table.primary_key)
    pen.change_each(f"DELETE FROM {table.name} WHERE {where}", [key for key, row in rows.items() if row is None])  # noqa: S608
    pen.replace(table, [tuple(row.values()) for row in rows.values() if row is not None])


def _name_columns(table: Table, found: Sequence[Any]) -> Row:
    """Return a row with the same values from both engines. SQLite does not have bool."""
    pairs = zip(table.columns, found, strict=True)
    return {column.name: bool(value) if isinstance(column.type, Boolean) else value for column, value in pairs}


def _pack(row: Row | None) -> bytes | None:
    return None if row is None else msgspec.msgpack.encode(list(row.values()))


def unpack_row(table: Table, packed: bytes | None) -> Row | None:
    """Return a row from the column ``before`` of the undo. SQLite wrote 0 or 1 there for False or True."""
    if packed is None:
        return None
    values = zip(table.columns, msgspec.msgpack.decode(packed), strict=True)
    return {column.name: bool(value) if isinstance(column.type, Boolean) else value for column, value in values}


# ---------------------------------------------------------------- plans


def _register_plan(log: Log, _: Row | None) -> Row:
    terms, salt, fee_bps = decode(_REGISTERED, log.data)
    creator = read_address(log.topics[1])
    fields = _spell_terms(terms)
    parse_terms(fields)
    return {
        "plan": log.topics[0],
        "creator": creator,
        "owner": creator,
        "pending_owner": None,
        "is_active": True,
        "uri": "",
        "kind": terms[0],
        "activation": terms[1],
        "token": bytes.fromhex(terms[2][2:]),
        "duration": terms[7],
        "terms": json.dumps(fields, separators=(",", ":")),
        "salt": salt,
        "fee_bps": fee_bps,
        "place": log.place,
    }


def _spell_terms(terms: Sequence[Any]) -> list[Any]:
    """Return the contract's nested tuple with addresses as the package spells them."""
    fields = list(terms)
    for position in (2, 4):
        fields[position] = format_address(bytes.fromhex(fields[position][2:]))
    fields[3] = [[format_address(bytes.fromhex(receiver[2:])), amount] for receiver, amount in fields[3]]
    return fields


def _set_active(log: Log, plan: Row | None) -> Row:
    return {**_require(log, plan), "is_active": read_number(log.data, 0) != 0}


def _set_plan_uri(log: Log, plan: Row | None) -> Row:
    return {**_require(log, plan), "uri": read_text(log.data)}


def _offer_plan(log: Log, plan: Row | None) -> Row:
    offered = read_address(log.topics[2])
    return {**_require(log, plan), "pending_owner": None if offered == NOBODY else offered}


def _transfer_plan(log: Log, plan: Row | None) -> Row:
    return {**_require(log, plan), "owner": read_address(log.topics[2]), "pending_owner": None}


def _permit(log: Log, _: Row | None) -> Row | None:
    if not read_number(log.data, 0):
        return None
    plan, owner, role, account = _permission_of(log)[1]
    return {"plan": plan, "owner": owner, "role": role, "account": account, "place": log.place}


# ---------------------------------------------------------------- agents


def _register_agent(log: Log, _: Row | None) -> Row:
    owner, uri = read_address(log.topics[1]), read_text(log.data)
    return {"agent": log.topics[0], "owner": owner, "uri": uri, "place": log.place}


def _set_agent_uri(log: Log, agent: Row | None) -> Row:
    return {**_require(log, agent), "uri": read_text(log.data)}


def _transfer_agent(log: Log, agent: Row | None) -> Row | None:
    """Set the owner. The first transfer comes before the registration, which names the owner too."""
    if agent is None and read_address(log.topics[0]) == NOBODY:
        return None
    return {**_require(log, agent), "owner": read_address(log.topics[1])}


def _attach(log: Log, _: Row | None) -> Row:
    least, most = read_number(log.data, 0), read_number(log.data, 1)
    keys = {"agent": log.topics[0], "plan": log.topics[1]}
    return {**keys, "min_credits": least, "max_credits": most, "place": log.place}


def _detach(log: Log, link: Row | None) -> None:
    _require(log, link)


# ---------------------------------------------------------------- parts


def _require(log: Log, row: Row | None) -> Row:
    """Return a row that must exist."""
    if row is None:
        name = EventKind(log.kind).event_name
        raise IndexIncomplete(log.place >> PLACE_BITS, f"the event {name} is about something that no event registered")
    return row


def read_text(data: bytes) -> str:
    """Return the text in ABI-encoded data. Anybody may write any bytes there, so what is not text becomes U+FFFD.

    PostgreSQL has no place for the character 0, so it becomes U+FFFD too.
    """
    start = read_number(data, 0)
    length = read_number(data[start:], 0)
    text = data[start + 32 : start + 32 + length]
    if len(text) != length:
        raise ValueError("its data is too short")
    return repair_text(text)


def repair_text(text: bytes) -> str:
    """Return bytes that anybody wrote as the text that the index keeps."""
    return text.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plan_of(log: Log) -> tuple[Table, Key]:
    return plans, (log.topics[0],)


def _permission_of(log: Log) -> tuple[Table, Key]:
    role = REDEEMER if log.kind == EventKind.RedeemerSet else MINTER
    return permissions, (log.topics[0], read_address(log.topics[1]), role, read_address(log.topics[2]))


def _agent_of(log: Log) -> tuple[Table, Key]:
    return agents, (log.topics[0],)


def _agent_of_transfer(log: Log) -> tuple[Table, Key]:
    return agents, (log.topics[2],)


def _link_of(log: Log) -> tuple[Table, Key]:
    return agent_plans, (log.topics[0], log.topics[1])


_FindKey: TypeAlias = Callable[[Log], tuple[Table, Key]]
_Change: TypeAlias = Callable[[Log, Row | None], Row | None]
_CHANGES: Final[dict[int, tuple[_FindKey, _Change]]] = {
    int(EventKind.PlanRegistered): (_plan_of, _register_plan),
    int(EventKind.PlanActiveSet): (_plan_of, _set_active),
    int(EventKind.PlanOwnershipOffered): (_plan_of, _offer_plan),
    int(EventKind.PlanOwnershipTransferred): (_plan_of, _transfer_plan),
    int(EventKind.URI): (_plan_of, _set_plan_uri),
    int(EventKind.RedeemerSet): (_permission_of, _permit),
    int(EventKind.MinterSet): (_permission_of, _permit),
    int(EventKind.Registered): (_agent_of, _register_agent),
    int(EventKind.URIUpdated): (_agent_of, _set_agent_uri),
    int(EventKind.Transfer): (_agent_of_transfer, _transfer_agent),
    int(EventKind.PlanAttached): (_link_of, _attach),
    int(EventKind.PlanDetached): (_link_of, _detach),
}
