"""Places of a period: the first event at or after a second. Blocks are in the order of their times."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from nvm_chain.errors import InvalidConfig
from nvm_chain.index.kinds import MAX_BLOCK, place_of
from nvm_chain.index.rows import Row, ask

NEXT_BLOCK: Final = "SELECT number, time FROM blocks WHERE number >= :number ORDER BY number LIMIT 1"
ENDS: Final = "SELECT min(number) AS first, max(number) AS last FROM blocks"


class Places(NamedTuple):
    """Places from ``first`` to ``end``, exclusive."""

    first: int
    end: int


def find_places(connection: Connection, start: int | None, end: int | None) -> Places:
    """Return the places of a period from ``start`` to ``end``, exclusive, in Unix seconds.

    An end that is None is not limited.

    Raises InvalidConfig if the period ends before it starts.
    """
    if start is not None and end is not None and end <= start:
        raise InvalidConfig("the end of the period is not after its start", "give a later end")
    first = 0 if start is None else _find_first(connection, start)
    return Places(first, place_of(MAX_BLOCK) if end is None else _find_first(connection, end))


def _find_first(connection: Connection, second: int) -> int:
    """Return the place of the first block at or after a second, or the end. Looks at a block for each bit of its number."""
    (ends,) = ask(connection, ENDS)
    if ends.first is None:
        return place_of(MAX_BLOCK)
    low, high = ends.first, ends.last + 1
    while low < high:
        middle = (low + high) // 2
        rows: Sequence[Row] = ask(connection, NEXT_BLOCK, number=middle)
        if rows and rows[0].time < second:
            low = rows[0].number + 1
        else:
            high = middle
    return place_of(low)
