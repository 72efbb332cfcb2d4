"""Rows of openings: how they are written into columns, read again, and found for a group of changes."""

from typing import Any

from nvm_chain.index.pens import Pen
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.rows import account_key
from nvm_chain.meter.openings import Opening, OpeningState
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs
from nvm_chain.meter.store.packing import pack_key, unpack_key
from nvm_chain.meter.store.schema import MAX_STORED, openings


def pack_opening(opening: Opening) -> tuple[Any, ...]:
    """Return an opening's row."""
    return (
        *pack_key(AccountKey(opening.plan_id, opening.holder)),
        min(opening.seen, MAX_STORED),
        opening.authority_id,
        opening.periods,
        account_key(opening.redeemer),
        opening.asked_at,
        int(opening.state),
        opening.signed,
        opening.ended_at,
        opening.paused_until,
        opening.reason,
    )


def unpack_opening(row: Any) -> Opening:
    """Return an opening from its row."""
    return Opening(
        *unpack_key(row[0], row[1]),
        seen=row[2],
        authority_id=bytes(row[3]),
        periods=row[4],
        redeemer=name_address(bytes(row[5])),
        asked_at=row[6],
        state=OpeningState(row[7]),
        signed=row[8],
        ended_at=row[9],
        paused_until=row[10],
        reason=row[11],
    )


def load_openings(pen: Pen, group: GroupRows, needs: Needs) -> None:
    """Put the openings into a group that its changes may ask for. The accounts are locked, and their windows are read.

    While a window is open and stays as it is, nothing is read.
    """
    wanted = set(needs.ended_openings)
    for key in needs.first_uses:
        window, later = group.window(key), needs.window_ends.get(key, set())
        if later or window.least_until <= group.now:
            wanted |= {(key, seen) for seen in {window.past[-1].access_until if window.past else 0, *later}}
    if wanted:
        rows = pen.find(openings, [(*pack_key(key), min(seen, MAX_STORED)) for key, seen in sorted(wanted)])
        for opening in map(unpack_opening, rows):
            group.openings[AccountKey(opening.plan_id, opening.holder), opening.seen] = opening
