"""Rows as arrays of PostgreSQL, one for each column. A statement takes any number of rows, and its text is always the same.

So psycopg and the server read the text once. An array has its elements as COPY has the fields of a row.
"""

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Text

from nvm_chain.index.columns import Amount, Uint256
from nvm_chain.index.packing import find_encoder

Row: TypeAlias = Sequence[Any]
_HEADER: Final = struct.Struct("!5i")
_DIMENSIONS: Final = 1
_MAY_HAVE_NULL: Final = 1
_FIRST: Final = 1
"""The number of an array's first element."""
_TYPES: Final = (
    (Amount, "numeric", 1700),
    (Uint256, "numeric", 1700),
    (SmallInteger, "smallint", 21),
    (BigInteger, "bigint", 20),
    (Integer, "integer", 23),
    (Boolean, "boolean", 16),
    (LargeBinary, "bytea", 17),
    (Text, "text", 25),
)
"""Types of SQLAlchemy with PostgreSQL's name and number of each. The first that fits counts."""


class Array(bytes):
    """An array in PostgreSQL's binary format, for a place of a statement that names its type."""


def pack_arrays(columns: Sequence[Column[Any]], rows: Sequence[Row]) -> list[Array]:
    """Return the columns of some rows, which have a value for each of the columns. There must be a row."""
    return [_pack(column, values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)]


def _pack(column: Column[Any], values: Sequence[Any]) -> Array:
    encode, number = _describe(column)
    head = _HEADER.pack(_DIMENSIONS, _MAY_HAVE_NULL, number, len(values), _FIRST)
    return Array(head + b"".join(map(encode, values)))


@cache
def _describe(column: Column[Any]) -> tuple[Any, int]:
    return find_encoder(column), _find_type(column)[1]


def _find_type(column: Column[Any]) -> tuple[str, int]:
    return next((name, number) for kind, name, number in _TYPES if isinstance(column.type, kind))


@cache
def write_source(columns: tuple[Column[Any], ...]) -> str:
    """Return the query that makes rows from an array for each of the columns."""
    return f"SELECT * FROM unnest({', '.join(f'?::{_find_type(column)[0]}[]' for column in columns)})"  # noqa: S608
