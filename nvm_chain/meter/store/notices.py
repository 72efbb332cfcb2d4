"""Notices in the store: given out for delivery, each to one at a time, and forgotten long after."""

from collections.abc import Sequence
from typing import Any, Final

from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.notices import MOST_ATTEMPTS, Notice, NoticeKind, find_pause
from nvm_chain.meter.retention import NOTICES_SECONDS
from nvm_chain.meter.store.notice_causes import COLUMNS, DELIVERED, GIVEN_UP, WAITING
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.statements import write_statements
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

KEPT_SECONDS: Final = NOTICES_SECONDS
"""How long a notice is kept after its delivery, so that its cause is known again."""
DUE: Final = f"SELECT {COLUMNS} FROM notices WHERE state = {WAITING} AND due_at <= ? ORDER BY due_at LIMIT ?"  # noqa: S608
MOST_SWEPT: Final = 500
"""How many notices one transaction forgets."""
OLD: Final = (
    f"SELECT notice_id FROM notices WHERE state <> {WAITING} AND done_at < ? AND ends_at < ? "  # noqa: S608
    f"ORDER BY done_at LIMIT {MOST_SWEPT}"
)
OURS_ALONE: Final = {"sqlite": "", "postgresql": " FOR UPDATE SKIP LOCKED"}
"""Two processes that ask at the same time get different notices."""


def unpack_notice(row: Any) -> Notice:
    """Return a notice from a row with its columns."""
    key = unpack_key(bytes(row[2]), bytes(row[3]))
    return Notice(bytes(row[0]), NoticeKind(row[1]), *key, *row[4:])


def take_notices(store: Store, count: int, seconds: Seconds) -> list[Notice]:
    """Give out notices that are due, to be delivered within some seconds. After that, they are due again.

    A notice of an end that is over is given up, and so is one after all its attempts.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        now = read_now(pen)
        give_up_late(pen, now)
        found = pen.ask(DUE + OURS_ALONE[store.engine.dialect.name], (now, count))
        pen.change_each(
            "UPDATE notices SET attempt = attempt + 1, due_at = ? WHERE notice_id = ?",
            [(now + seconds, row[0]) for row in found],
        )
    return [unpack_notice((*row[:8], row[8] + 1, row[9])) for row in found]


def give_up_late(pen: Pen, now: Time) -> None:
    """Give up notices of an end that is over, and those that had all their attempts."""
    pen.change(
        f"UPDATE notices SET state = {GIVEN_UP}, done_at = ? "  # noqa: S608
        f"WHERE state = {WAITING} AND due_at <= ? AND (attempt >= {MOST_ATTEMPTS} OR (ends_at > 0 AND ends_at <= ?))",
        (now, now, now),
    )


def note_delivered(store: Store, notice_ids: Sequence[bytes]) -> None:
    """Note that notices were delivered, whoever did it. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        now = read_now(pen)
        pen.change_each(
            f"UPDATE notices SET state = {DELIVERED}, done_at = ? WHERE notice_id = ? AND state <> {DELIVERED}",  # noqa: S608
            [(now, notice_id) for notice_id in notice_ids],
        )


def try_later(store: Store, notice: Notice) -> Time | None:
    """Note that a notice could not be delivered. Return when it is due again, or None if another has it now.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        due_at = read_now(pen) + find_pause(notice.attempt)
        changed = pen.change(
            f"UPDATE notices SET due_at = ? WHERE notice_id = ? AND attempt = ? AND state = {WAITING}",  # noqa: S608
            (due_at, notice.notice_id, notice.attempt),
        )
    return due_at if changed else None


def list_given_up(store: Store, count: int) -> list[Notice]:
    """Return notices that could not be delivered in time, or in all attempts, the latest first. Raises IndexFailure."""
    with store.asking() as pen:
        rows = pen.ask(
            f"SELECT {COLUMNS} FROM notices WHERE state = {GIVEN_UP} ORDER BY done_at DESC LIMIT ?",  # noqa: S608
            (count,),
        )
    return [unpack_notice(row) for row in rows]


def sweep_notices(store: Store, seconds: Seconds = KEPT_SECONDS) -> int:
    """Forget notices that left the outbox long ago, and whose end is over, with what was sent of them.

    Args:
        store: The books.
        seconds: How long ago.

    Returns:
        How many were forgotten, at most `MOST_SWEPT`.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        now = read_now(pen)
        found = pen.ask(OLD, (now - seconds, now))
        for table in ("deliveries", "notices"):
            pen.change_each(f"DELETE FROM {table} WHERE notice_id = ?", found)  # noqa: S608
    return len(found)


def read_now(pen: Pen) -> Time:
    """Return the second that the books count from."""
    _, (clock, head_time, *_), _ = write_statements(pen).read((), ())
    return find_now(head_time, clock)
