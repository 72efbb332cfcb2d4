"""Rows in the binary format of PostgreSQL's COPY. See "Binary Format" in the manual's page of COPY.

psycopg can write it too, value by value, in four times the time.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from typing import Any, Final, TypeAlias

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Table

from nvm_chain.index.columns import Amount, Uint256

Encode: TypeAlias = Callable[[Any], bytes]
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
ROWS_AT_ONCE: Final = 2_000
"""The rows in one piece, so that a batch is never twice in memory."""
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = struct.Struct("!i").pack
_NUMERIC: Final = struct.Struct("!ihhHH").pack
_INTEGERS: Final = ((SmallInteger, "h", 2), (BigInteger, "q", 8), (Integer, "i", 4))
"""Types of SQLAlchemy with their code in a struct and their size. The first that fits counts."""
_TEN_THOUSAND: Final = 10_000
_NEGATIVE: Final = 0x4000
_SOME_AMOUNTS: Final = 8_192


def pack_rows(columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> Iterator[bytes]:
    """Yield the bytes of rows, which have a value for each of the columns."""
    encoders = [find_encoder(column) for column in columns]
    head, join = struct.pack("!h", len(encoders)), b"".join
    yield HEADER
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        yield join(
            [join([head, *[encode(value) for encode, value in zip(encoders, row, strict=True)]]) for row in some]
        )
    yield TRAILER


@cache
def list_columns(table: Table) -> tuple[Column[Any], ...]:
    """Return the columns of a table, once for all batches."""
    return tuple(table.columns)


def find_encoder(column: Column[Any]) -> Encode:
    """Return what writes a value of a column, with its length before it."""
    encode = _find_plain(column.type)
    return encode if not column.nullable else partial(_encode_or_null, encode)


def _encode_or_null(encode: Encode, value: Any) -> bytes:
    return _NULL if value is None else encode(value)


def _find_plain(kind: object) -> Encode:
    """Return the encoder of a type, for values that are not None."""
    if isinstance(kind, Amount | Uint256):
        return pack_numeric
    for each, code, size in _INTEGERS:
        if isinstance(kind, each):
            return partial(struct.Struct(f"!i{code}").pack, size)
    if isinstance(kind, Boolean):
        return {False: b"\0\0\0\1\0", True: b"\0\0\0\1\1"}.__getitem__
    return _pack_bytes if isinstance(kind, LargeBinary) else _pack_text


def _pack_bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _pack_text(value: str) -> bytes:
    return _pack_bytes(value.encode())


@lru_cache(maxsize=_SOME_AMOUNTS)
def pack_numeric(value: int) -> bytes:
    """Return a whole number as PostgreSQL's numeric: digits of base 10,000 behind their count, weight and sign.

    >>> pack_numeric(-20_000).hex()
    '0000000a00010001400000000002'
    """
    digits, rest = [], abs(value)
    while rest:
        rest, digit = divmod(rest, _TEN_THOUSAND)
        digits.append(digit)
    weight = max(0, len(digits) - 1)
    while digits and not digits[0]:
        del digits[0]
    packed = struct.pack(f"!{len(digits)}H", *reversed(digits))
    return _NUMERIC(8 + len(packed), len(digits), weight, _NEGATIVE if value < 0 else 0, 0) + packed
