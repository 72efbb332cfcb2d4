"""A restored backup: the books may lack requests that were served, so they start closed for what may be older."""

from nvm_chain.meter.store.group_rows import CLOSED_SECONDS
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store


def note_restore(store: Store) -> None:
    """Close the books for everything that may be older than this second. Call it once, after a backup was restored.

    Sessions, allowances and sign-ins from before are void. Request vouchers are refused if they may be from before: those that
    end in the next 24 hours and a minute, which is the longest life of a request voucher.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        pen.change(f"UPDATE books SET closed_until = {clock} + ?", (CLOSED_SECONDS,))  # noqa: S608
