"""Open authorities of a holder, for the holder's own eyes: sessions, allowances and sign-ins that have not ended."""

from collections.abc import Iterable
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import PlanId
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.store.group_rows import CLOSED_SECONDS, AccountKey
from nvm_chain.meter.store.packing import pack_key, unpack_authority, unpack_key
from nvm_chain.meter.store.places import MOST_AUTHORITIES
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

LIST: Final = """
SELECT * FROM authorities WHERE holder = ? AND plan = ? AND ends_at >= ? AND closed = 0 AND starts_at > ?
ORDER BY ends_at, authority_id LIMIT ?
"""
OWNER: Final = "SELECT plan, holder FROM authorities WHERE authority_id = ?"


def list_open(store: Store, holder: ChecksumAddress, plan_ids: Iterable[PlanId]) -> list[Authority]:
    """Return what a holder has open on some plans, in the order of the plans, and then of the ends.

    What was revoked is left out, and what a restored backup has made void.

    Raises:
        IndexFailure: The books cannot be read.
    """
    found = []
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        ((head_time, clock_time, closed_until),) = pen.ask(f"SELECT head_time, {clock}, closed_until FROM books")  # noqa: S608
        now, since = find_now(head_time, clock_time), closed_until - CLOSED_SECONDS
        for plan_id in plan_ids:
            key = AccountKey(plan_id, holder)
            plan, packed = pack_key(key)
            rows = pen.ask(LIST, (packed, plan, now, since, MOST_AUTHORITIES))
            found += [unpack_authority(row, key) for row in rows]
    return found


def find_owner(store: Store, authority_id: bytes) -> AccountKey | None:
    """Return the account of an authority, or None if the books do not know it. Raises IndexFailure."""
    with store.asking() as pen:
        rows = pen.ask(OWNER, (authority_id,))
    return next((unpack_key(bytes(plan), bytes(holder)) for plan, holder in rows), None)
