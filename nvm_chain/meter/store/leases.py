"""Leases in the books: one process at a time does something, until a second by the database's clock."""

from typing import Final

from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store

TAKE: Final = """
INSERT INTO leases (name, owner, until) VALUES (?, ?, {clock} + ?)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE leases.owner = excluded.owner OR leases.until < {clock}
"""


def take_lease(store: Store, name: str, owner: bytes, seconds: int) -> int | None:
    """Take a lease that is free, has ended, or belongs to the owner already. Then it ends ``seconds`` from now.

    Args:
        store: The books.
        name: What only one may do at a time.
        owner: Who asks.
        seconds: How long the lease holds if nobody takes it again.

    Returns:
        None if the owner has the lease now, else the second until which another one has it.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        statement = TAKE.format(clock=CLOCK[store.engine.dialect.name])
        if pen.change(statement, (name, owner, seconds)):
            return None
        ((until,),) = pen.ask("SELECT until FROM leases WHERE name = ?", (name,))
        return int(until)


def drop_leases(store: Store) -> None:
    """End all leases, where no other process can have one. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        pen.change("DELETE FROM leases")


def give_lease_back(store: Store, name: str, owner: bytes) -> None:
    """End a lease, if the owner still has it. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        pen.change("DELETE FROM leases WHERE name = ? AND owner = ?", (name, owner))
