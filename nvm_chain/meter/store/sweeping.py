"""Sweeps: holds whose end has passed, or whose process has ended, are released. The seller bears what they had served."""

from collections.abc import Sequence
from typing import Final

from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import SweepHold
from nvm_chain.meter.store.packing import unpack_hold, unpack_key
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store

MOST_AT_ONCE: Final = 500
OPEN: Final = f"SELECT * FROM holds WHERE state = {int(HoldState.OPEN)}"  # noqa: S608


def find_overdue(store: Store) -> list[StoredHold]:
    """Return open holds whose end has passed by the database's clock, at most some hundred."""
    clock = CLOCK[store.engine.dialect.name]
    return _find(store, f"{OPEN} AND until < {clock} ORDER BY until LIMIT {MOST_AT_ONCE}")


def find_abandoned(store: Store) -> list[StoredHold]:
    """Return all open holds of a file that this process has for itself and has just opened. Their owners have ended."""
    return _find(store, OPEN)


def _find(store: Store, statement: str) -> list[StoredHold]:
    with store.asking() as pen:
        return [unpack_hold(row, unpack_key(bytes(row[1]), bytes(row[2]))) for row in pen.ask(statement)]


def sweep(store: Store, holds: Sequence[StoredHold], *, owner_is_gone: bool = False) -> list[StoredHold]:
    """Release holds, and return those that were released. Others were charged or released meanwhile."""
    released: list[StoredHold] = []
    for start in range(0, len(holds), MOST_AT_ONCE):
        some = holds[start : start + MOST_AT_ONCE]
        outcomes = store.run([SweepHold(hold, owner_is_gone) for hold in some])
        released += [outcome for outcome in outcomes if isinstance(outcome, StoredHold)]
    return released
