"""Notices: what holders and the operator should hear. Credits run low or end soon, a session was opened, a settlement failed.

A notice is stored by the change that causes it, once for each cause. It is due at once, or some time before an end.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits, PlanId, Quantity, Seconds, Time
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.books import Account
from nvm_chain.types.amounts import check_uint

MOST_ATTEMPTS: Final = 16
"""How often a notice is given out for delivery. After that it stays in the books, and nobody is told."""
FIRST_PAUSE_SECONDS: Final = 30
LONGEST_PAUSE_SECONDS: Final = 6 * 3_600


class NoticeKind(StrEnum):
    """What a notice says. The values are stored."""

    LOW_BALANCE = "low balance"
    """A charge, or a change on the chain, has left a holder with as few credits as the seller named."""
    LOT_ENDS = "lot ends"
    """Credits of a holder end soon."""
    ACCESS_ENDS = "access ends"
    """The access window of a holder ends soon."""
    SESSION_OPENED = "session opened"
    """A holder has opened a session or an allowance."""
    SETTLEMENT_FAILED = "settlement failed"
    """A settlement took nothing from some holders, or it could not be sent."""
    SETTLEMENT_STUCK = "settlement stuck"
    """A settlement waited too long for its block, and was sent again with a higher fee."""


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """Which notices are written for a plan. None for no such notice.

    ``low_balance`` is the number of credits at which a balance is low. ``soon_seconds`` is how long before an end a notice is
    due. ``sessions`` says whether each new session is noticed, and ``settlements`` whether settlements that fail or wait are.
    """

    low_balance: Credits | None = None
    soon_seconds: Seconds | None = None
    sessions: bool = False
    settlements: bool = False

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        if self.low_balance is not None:
            check_uint(self.low_balance, 63, "low balance")
        if self.soon_seconds is not None:
            check_uint(self.soon_seconds, 32, "seconds before an end", minimum=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to a holder on a plan, or to the operator.

    ``number`` are the credits that are left, or that end, and 0 for access. ``end`` is the first second without them, and 0
    for a low balance. ``attempt`` counts the times it was given out for delivery.

    For a session, ``number`` is its limit, ``end`` is its last second, and ``about`` is its id. For a settlement, the holder is
    the seller's key, and ``number`` counts the holders from whom nothing was taken. ``about`` is then the hash of the transaction.
    If nothing was sent, it is the name of the error.
    """

    notice_id: bytes
    kind: NoticeKind
    plan_id: PlanId
    holder: ChecksumAddress
    number: Credits
    end: Time
    caused_at: Time
    due_at: Time
    attempt: Quantity = 0
    about: str = ""


def find_left(account: Account, now: Time) -> Credits:
    """Return the credits that a holder has left: those of open requests still count, and disputed ones do not."""
    return account.find_available(now) + account.held


def find_low_balance(
    rule: NoticeRule, before: Account, after: Account, now: Time, since: Time | None = None
) -> Notice | None:
    """Return a notice if a charge or a view has left the holder with few credits, and it had more before.

    The cause is what crosses the threshold, for as long as no credits are added. So what is taken back by a reorganization and
    comes again is not told twice.

    Args:
        rule: The rule of the plan.
        before: The account before the change.
        after: The account after it.
        now: The time of the change.
        since: The time up to which the credits before are known, so that what lapsed since then is a loss. None for ``now``.
    """
    low = rule.low_balance
    if low is None or not find_left(after, now) <= low < find_left(before, now if since is None else since):
        return None
    cause = _name_cause(NoticeKind.LOW_BALANCE, after.plan_id, after.holder, low, after.least_backing)
    left = max(0, find_left(after, now))
    return Notice(cause, NoticeKind.LOW_BALANCE, after.plan_id, after.holder, left, 0, now, now)


def find_lots_that_end(rule: NoticeRule, account: Account, now: Time) -> list[Notice]:
    """Return one notice for each lot of an account that has an end to come."""
    if rule.soon_seconds is None:
        return []
    lots: dict[Time, Credits] = {}
    for lot in account.view.lots:
        if lot.end > now and lot.credits:
            lots[lot.end] = lots.get(lot.end, 0) + lot.credits
    kind = NoticeKind.LOT_ENDS
    return [
        Notice(
            _name_cause(kind, account.plan_id, account.holder, end),
            kind,
            account.plan_id,
            account.holder,
            credits,
            end,
            now,
            max(now, end - rule.soon_seconds),
        )
        for end, credits in lots.items()
    ]


def find_access_that_ends(
    rule: NoticeRule, plan_id: PlanId, holder: ChecksumAddress, until: Time, now: Time
) -> list[Notice]:
    """Return the notice of an access window that has an end to come. It is a list of one, or empty."""
    if rule.soon_seconds is None or not now < until < NEVER:
        return []
    kind, due_at = NoticeKind.ACCESS_ENDS, max(now, until - rule.soon_seconds)
    cause = _name_cause(kind, plan_id, holder, until)
    return [Notice(cause, kind, plan_id, holder, 0, until, now, due_at)]


def build_session_notice(authority: Authority, now: Time) -> Notice:
    """Return the notice of a session or an allowance that was opened."""
    kind, about = NoticeKind.SESSION_OPENED, authority.authority_id.hex()
    cause = _name_cause(kind, authority.plan_id, authority.holder, about)
    most = authority.limit or 0
    return Notice(cause, kind, authority.plan_id, authority.holder, most, authority.end, now, now, about=about)


def build_settlement_notice(
    kind: NoticeKind,
    plan_id: PlanId,
    redeemer: ChecksumAddress,
    count: Quantity,
    *,
    about: str,
    now: Time,
    cause: str = "",
) -> Notice:
    """Return the notice of a settlement that failed or waits.

    Args:
        kind: What has happened.
        plan_id: The plan.
        redeemer: The seller's key that settles.
        count: How many holders nothing was taken from.
        about: The hash of the transaction, or the name of an error.
        now: The time of the notice.
        cause: What the notice is written once for. ``about`` if not given.
    """
    name = _name_cause(kind, plan_id, redeemer, cause or about)
    return Notice(name, kind, plan_id, redeemer, count, 0, now, now, about=about)


NEVER: Final = 2**63 - 1
"""The largest time of a column. An end that is so far away never comes."""


def find_pause(attempt: int) -> Seconds:
    """Return how long to wait after a delivery that failed for the ``attempt``-th time.

    >>> [find_pause(attempt) for attempt in (1, 2, 3, 16)]
    [30, 60, 120, 21600]
    """
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS << max(0, min(attempt, 32) - 1))


def _name_cause(kind: NoticeKind, plan_id: int, holder: str, *others: int | str) -> bytes:
    """Return the 32 bytes by which a cause is known again."""
    parts = (kind.value, str(plan_id), holder, *map(str, others))
    return sha256("\n".join(parts).encode()).digest()
