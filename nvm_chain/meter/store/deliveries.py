"""Deliveries in the store: notices are handed over to webhooks, given out to one process at a time, and ended."""

from collections.abc import Sequence
from typing import Any, Final

from nvm_chain.errors.fields import Quantity, Seconds, Time
from nvm_chain.meter.deliveries import SHORT, Delivery, DeliveryCounts, DeliveryState, Target
from nvm_chain.meter.notices import MOST_ATTEMPTS, find_pause
from nvm_chain.meter.store.notice_causes import COLUMNS, DELIVERED, WAITING
from nvm_chain.meter.store.notices import DUE, OURS_ALONE, give_up_late, read_now, unpack_notice
from nvm_chain.meter.store.store import Store

MOST_TROUBLE: Final = 200
"""How many characters are kept of why an attempt failed."""
OPEN: Final = int(DeliveryState.WAITING)
OVER: Final = int(DeliveryState.GIVEN_UP)
TOO_LATE: Final = "what it tells of has ended"
NOTICE: Final = ", ".join(f"n.{name}" for name in COLUMNS.split(", "))
READ: Final = (
    f"SELECT {NOTICE}, d.webhook, d.attempt, d.trouble, d.done_at FROM deliveries d JOIN notices n USING (notice_id)"  # noqa: S608
)
LOCK: Final = {"sqlite": "", "postgresql": " FOR UPDATE OF d SKIP LOCKED"}
ADD: Final = f"INSERT INTO deliveries VALUES (?, ?, ?, 0, {OPEN}, 0, '') ON CONFLICT DO NOTHING"  # noqa: S608
GIVE_UP_LATE: Final = (
    f"UPDATE deliveries SET state = {OVER}, done_at = ?, trouble = ? "  # noqa: S608
    f"WHERE webhook = ? AND state = {OPEN} AND due_at <= ? AND EXISTS "
    "(SELECT 1 FROM notices n WHERE n.notice_id = deliveries.notice_id AND n.ends_at > 0 AND n.ends_at <= ?)"
)
GIVE_UP_TRIED: Final = (
    f"UPDATE deliveries SET state = {OVER}, done_at = ? "  # noqa: S608
    f"WHERE webhook = ? AND state = {OPEN} AND due_at <= ? AND attempt >= {MOST_ATTEMPTS}"
)
TAKE: Final = "UPDATE deliveries SET attempt = attempt + 1, due_at = ? WHERE notice_id = ? AND webhook = ?"
OURS: Final = f"notice_id = ? AND webhook = ? AND state = {OPEN}"
COUNT: Final = f"""
SELECT webhook, sum(CASE WHEN state = {OPEN} THEN 1 ELSE 0 END), sum(CASE WHEN state = {OVER} THEN 1 ELSE 0 END),
    coalesce(min(CASE WHEN state = {OPEN} THEN caused_at END), 0)
FROM deliveries JOIN (SELECT notice_id, caused_at FROM notices) n USING (notice_id)
WHERE state <> {int(DeliveryState.DELIVERED)} GROUP BY webhook ORDER BY webhook
"""  # noqa: S608


def hand_over(store: Store, targets: Sequence[Target], count: Quantity) -> Quantity:
    """Hand notices that are due over to the webhooks that hear of them, and return how many. They leave the outbox.

    A notice that no webhook hears of leaves it too.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        now = read_now(pen)
        give_up_late(pen, now)
        found = [unpack_notice(row) for row in pen.ask(DUE + OURS_ALONE[store.engine.dialect.name], (now, count))]
        pen.change_each(
            ADD,
            [(notice.notice_id, target.name, now) for notice in found for target in targets if target.wants(notice)],
        )
        pen.change_each(
            f"UPDATE notices SET state = {DELIVERED}, done_at = ? WHERE notice_id = ? AND state = {WAITING}",  # noqa: S608
            [(now, notice.notice_id) for notice in found],
        )
    return len(found)


def take_deliveries(store: Store, webhook: str, count: Quantity, seconds: Seconds) -> list[Delivery]:
    """Give out deliveries of a webhook that are due. Nobody else gets them for some seconds, and then they are due again.

    One that had all its attempts is given up, and so is one that tells of an end which is over.

    Raises:
        IndexFailure: The books cannot be written.
    """
    statement = f"{READ} WHERE d.webhook = ? AND d.state = {OPEN} AND d.due_at <= ? ORDER BY d.due_at LIMIT ?"
    with store.asking() as pen:
        now = read_now(pen)
        pen.change(GIVE_UP_LATE, (now, TOO_LATE, webhook, now, now))
        pen.change(GIVE_UP_TRIED, (now, webhook, now))
        found = pen.ask(statement + LOCK[store.engine.dialect.name], (webhook, now, count))
        pen.change_each(TAKE, [(now + seconds, row[0], webhook) for row in found])
    return [_unpack(row, more=1) for row in found]


def note_sent(store: Store, delivery: Delivery) -> None:
    """Note that a webhook has accepted a notice, whoever sent it. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        pen.change(
            f"UPDATE deliveries SET state = {int(DeliveryState.DELIVERED)}, done_at = ?, trouble = '' "  # noqa: S608
            "WHERE notice_id = ? AND webhook = ?",
            (read_now(pen), delivery.notice.notice_id, delivery.webhook),
        )


def note_failed(store: Store, delivery: Delivery, trouble: str, *, is_final: bool = False) -> Time | None:
    """Note that an attempt failed. It is due again after a pause, which doubles with each attempt.

    Args:
        store: The books.
        delivery: What could not be delivered.
        trouble: Why.
        is_final: Whether the receiver wants no more of it, so that it is given up.

    Returns:
        When it is due again. None if it is given up, or another process has it now.

    Raises:
        IndexFailure: The books cannot be written.
    """
    name, text = (delivery.notice.notice_id, delivery.webhook), trouble[:MOST_TROUBLE]
    with store.asking() as pen:
        now = read_now(pen)
        if is_final or delivery.attempt >= MOST_ATTEMPTS:
            change = f"UPDATE deliveries SET state = {OVER}, done_at = ?, trouble = ? WHERE {OURS} AND attempt = ?"  # noqa: S608
            pen.change(change, (now, text, *name, delivery.attempt))
            return None
        due_at = now + find_pause(delivery.attempt)
        change = f"UPDATE deliveries SET due_at = ?, trouble = ? WHERE {OURS} AND attempt = ?"  # noqa: S608
        return due_at if pen.change(change, (due_at, text, *name, delivery.attempt)) else None


def count_deliveries(store: Store) -> list[DeliveryCounts]:
    """Return how many deliveries of each webhook are waiting or given up. Raises IndexFailure."""
    with store.asking() as pen:
        return [DeliveryCounts(str(row[0]), *map(int, row[1:])) for row in pen.ask(COUNT)]


def list_dead(store: Store, count: Quantity, webhook: str | None = None) -> list[Delivery]:
    """Return deliveries that were given up, the latest first. Raises IndexFailure."""
    where, values = (" AND d.webhook = ?", (webhook,)) if webhook is not None else ("", ())
    statement = f"{READ} WHERE d.state = {OVER}{where} ORDER BY d.done_at DESC, d.notice_id LIMIT ?"
    with store.asking() as pen:
        return [_unpack(row) for row in pen.ask(statement, (*values, count))]


def send_again(store: Store, webhook: str | None = None, notice_id: bytes | None = None) -> Quantity:
    """Let deliveries that were given up begin again, and return how many. They are due at once.

    Args:
        store: The books.
        webhook: The webhook, or None for all.
        notice_id: The first bytes of the notice's id, `SHORT` of them, or None for all.

    Raises:
        IndexFailure: The books cannot be written.
    """
    short = None if notice_id is None else notice_id[:SHORT]
    named = (("webhook", webhook), (f"substr(notice_id, 1, {SHORT})", short))
    wanted = [(name, value) for name, value in named if value is not None]
    where = "".join(f" AND {name} = ?" for name, _ in wanted)
    statement = (
        f"UPDATE deliveries SET state = {OPEN}, attempt = 0, due_at = ?, done_at = 0 WHERE state = {OVER}{where}"  # noqa: S608
    )
    with store.asking() as pen:
        return pen.change(statement, (read_now(pen), *(value for _, value in wanted)))


def _unpack(row: Any, more: int = 0) -> Delivery:
    return Delivery(unpack_notice(row[:10]), str(row[10]), int(row[11]) + more, str(row[12]), int(row[13]))
