"""Reads of an index in plain SQL. Ids and addresses are bytes in the rows, and other types outside."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection, TextClause, text

from nvm_chain.errors import UnknownPlan
from nvm_chain.index.raw_events import name_address
from nvm_chain.types.events import Block

Row = Any
"""A row, whose columns are attributes."""
VALUES_AT_ONCE: Final = 1_000
JSON_VALUES: Final = "(SELECT value FROM json_each(:values))"
ARRAY_VALUES: Final = "(SELECT unnest(CAST(:values AS bigint[])) AS value)"


class Conditions:
    """The conditions of a query in SQL, and the values of their names. No condition is always true."""

    def __init__(self) -> None:
        """Start without conditions."""
        self._parts: list[str] = []
        self.values: dict[str, object] = {}

    def add(self, condition: str, **values: object) -> None:
        """Add a condition, unless one of its values is None."""
        if None not in values.values():
            self._parts.append(condition)
            self.values.update(values)

    def within(self, query: str) -> str:
        """Return a query with the conditions in place of ``{where}``."""
        return query.format(where=" AND ".join(self._parts) or "1 = 1")


def ask(connection: Connection, statement: str, **values: object) -> list[Row]:
    """Run a query with named values, such as ``:plan``, and return all rows."""
    return list(connection.execute(_prepare(statement), values).all())


@cache
def _prepare(statement: str) -> TextClause:
    return text(statement)


def explain_unknown(connection: Connection, plan_id: int) -> UnknownPlan:
    """Return the error for a plan that the index does not have. The chain may have it in a later block."""
    head = read_head(connection)
    reached = "because that has no block yet" if head is None else f"up to block {head.number}"
    return UnknownPlan(plan_id).explain(
        f"or it is newer: it is not in the index {reached}", "check the id, or run `nvm-chain index run` and try again"
    )


def ask_each(connection: Connection, statement: str, values: Sequence[int], **named: object) -> Iterator[Row]:
    """Run a query for many numbers, and yield all rows. The query has ``{values}`` in place of a table of them.

    The numbers go in parts, so that a database looks each one up by its index.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    query = statement.replace("{values}", JSON_VALUES if is_sqlite else ARRAY_VALUES)
    for first in range(0, len(values), VALUES_AT_ONCE):
        part = list(values[first : first + VALUES_AT_ONCE])
        yield from ask(connection, query, values=json.dumps(part) if is_sqlite else part, **named)


def read_head(connection: Connection) -> Block | None:
    """Return the latest block of the index, as of the connection's snapshot. None for an empty index."""
    (row,) = ask(connection, "SELECT head_number, head_hash, head_time FROM state")
    return None if row.head_number is None else Block(row.head_number, write_hash(row.head_hash), row.head_time)


def write_hash(word: bytes) -> str:
    """Return the text of a hash.

    >>> write_hash(bytes(31) + bytes([255]))[-4:]
    '00ff'
    """
    return f"0x{bytes(word).hex()}"


def plan_key(plan_id: int) -> bytes:
    """Return the 32 bytes of the id of a plan or an agent."""
    return plan_id.to_bytes(32)


def account_key(address: str) -> bytes:
    """Return the 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def read_id(key: bytes) -> int:
    """Return the id in 32 bytes."""
    return int.from_bytes(key)


def read_address(key: bytes | None) -> ChecksumAddress | None:
    """Return the address in 20 bytes, or None."""
    return None if key is None else name_address(bytes(key))
