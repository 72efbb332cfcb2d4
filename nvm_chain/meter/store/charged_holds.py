"""Charged holds in the store: they are found again, and named by their request once a receipt says so."""

from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.packing import unpack_hold, unpack_key
from nvm_chain.meter.store.store import Store


def find_hold(store: Store, hold_id: bytes) -> StoredHold | None:
    """Return a hold as it is stored, or None. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        rows = pen.ask("SELECT * FROM holds WHERE hold_id = ?", (hold_id,))
    return next((unpack_hold(row, unpack_key(bytes(row[1]), bytes(row[2]))) for row in rows), None)


def name_request(store: Store, hold_id: bytes, request: bytes) -> None:
    """Note the request of a hold that came without a binding, once and for all. Raises IndexFailure."""
    with store.asking() as pen:
        pen.change("UPDATE holds SET request = ? WHERE hold_id = ? AND request = ?", (request, hold_id, NO_CONTEXT))
