"""Rollback of an index to one of the last 256 blocks. It is one transaction."""

from typing import Any, Final

import msgspec

from nvm_chain.errors import ReorgTooDeep
from nvm_chain.index.catalogue import TABLES, Key, Row, replace_rows, unpack_row
from nvm_chain.index.kinds import place_of
from nvm_chain.index.pens import Pen
from nvm_chain.index.schema import accounts
from nvm_chain.index.writing import hash_of, raise_second_follower
from nvm_chain.types.events import Block

_BEFORE: Final = (
    "SELECT u.* FROM account_undo u JOIN (SELECT plan, holder, min(block) AS block FROM account_undo "
    "WHERE block > ? GROUP BY plan, holder) f ON u.plan = f.plan AND u.holder = f.holder AND u.block = f.block"
)


def undo_blocks(pen: Pen, where: str, expected: Block | None, to: Block, query: str) -> list[Any]:
    """Go back to a block within a transaction, and return the rows of a query of the state afterwards.

    Raises:
        SecondFollower: The head of the index is not the expected one.
        ReorgTooDeep: The index does not remember the block, or not what was before the next one.
    """
    number, found, floor = pen.ask("SELECT head_number, head_hash, undo_floor FROM state")[0]
    if expected is None or (number, found) != (expected.number, hash_of(expected)):
        raise_second_follower(pen, where, expected)
    _check_depth(pen, where, to, floor)
    _move_back(pen, where, expected, to)
    _restore_accounts(pen, to.number)
    _restore_catalogue(pen, to.number)
    for table in ("events", "sales", "fees", "forgone"):
        pen.change(f"DELETE FROM {table} WHERE place >= ?", (place_of(to.number + 1),))  # noqa: S608
    for table in ("account_undo", "catalogue_undo"):
        pen.change(f"DELETE FROM {table} WHERE block > ?", (to.number,))  # noqa: S608
    pen.change("DELETE FROM blocks WHERE number > ?", (to.number,))
    return pen.ask(query)


def _check_depth(pen: Pen, where: str, to: Block, floor: int) -> None:
    known = pen.ask("SELECT hash FROM blocks WHERE number = ?", (to.number,))
    if to.number < floor or not known or known[0][0] != hash_of(to):
        raise ReorgTooDeep(where, to.number, floor)


def _move_back(pen: Pen, where: str, expected: Block, to: Block) -> None:
    changed = pen.change(
        "UPDATE state SET head_number = ?, head_hash = ?, head_time = ?, "
        "proven_to = CASE WHEN proven_to > ? THEN ? ELSE proven_to END WHERE head_number = ? AND head_hash = ?",
        (to.number, hash_of(to), to.timestamp, to.number, to.number, expected.number, hash_of(expected)),
    )
    if changed != 1:
        raise_second_follower(pen, where, expected)


def _restore_accounts(pen: Pen, number: int) -> None:
    """Give each account that changed after a block its row of before, and drop its movements since."""
    before = [(bytes(row[0]), bytes(row[1]), *row[3:]) for row in pen.ask(_BEFORE, (number,))]
    keys = [(row[1], row[0], place_of(number + 1)) for row in before]
    pen.change_each("DELETE FROM movements WHERE holder = ? AND plan = ? AND place >= ?", keys)
    pen.change_each(
        "DELETE FROM accounts WHERE plan = ? AND holder = ?", [row[:2] for row in before if row[-1] is None]
    )
    pen.replace(accounts, [row for row in before if row[-1] is not None])


def _restore_catalogue(pen: Pen, number: int) -> None:
    found = pen.ask("SELECT name, key, before FROM catalogue_undo WHERE block > ? ORDER BY block DESC", (number,))
    oldest = {(name, bytes(key)): before for name, key, before in found}
    for table in TABLES:
        rows: dict[Key, Row | None] = {
            tuple(msgspec.msgpack.decode(key)): unpack_row(table, before)
            for (name, key), before in oldest.items()
            if name == table.name
        }
        replace_rows(pen, table, rows)
