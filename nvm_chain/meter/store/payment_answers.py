"""Payments that a facilitator has settled: the one answer that says so is given once, also after a restart."""

from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store


def take_answer(store: Store, payment_id: bytes) -> bool:
    """Write down that a settled payment is answered now. Return whether it was not answered before.

    Exactly one of all who ask at the same time gets True. Raises IndexFailure if the books cannot be written.
    """
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        statement = f"UPDATE payments SET served_at = {clock} WHERE payment_id = ? AND served_at = 0"  # noqa: S608
        return bool(pen.change(statement, (payment_id,)))
