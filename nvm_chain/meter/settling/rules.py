"""When credits of a holder are due to be settled: by size, age, exposure, and the ends of vouchers and lots."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.chain.repricing import MAX_FEE_PERCENT
from nvm_chain.errors.fields import Credits, Seconds, Time
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.owing import Glance
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.types.amounts import check_uint

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
SOON_PERCENT: Final = 75
"""What has come so far of its age, size or exposure is taken along in a transaction that is sent anyway."""


@dataclass(frozen=True, slots=True)
class SettleRules:
    """When to settle a holder's credits.

    ``credits`` is how many are due at once. ``age_seconds`` is how long the oldest unsettled charge may wait.
    ``exposure_percent`` is which part of the exposure may be used up. ``margin_seconds`` is how long before the end of a
    voucher or a lot its credits are due. ``retry_seconds`` is how long a holder is left alone after a settlement that took
    nothing from them, if nothing changes their account. ``stuck_seconds`` is how long a transaction may wait to be mined.
    Then it is sent again with a higher fee. ``max_fee_percent`` is the highest such fee, in percent of what a new transaction
    would offer.
    """

    credits: Credits = 1_000
    age_seconds: Seconds = 24 * HOUR
    exposure_percent: int = 50
    margin_seconds: Seconds = 10 * MINUTE
    retry_seconds: Seconds = HOUR
    stuck_seconds: Seconds = 3 * MINUTE
    max_fee_percent: int = MAX_FEE_PERCENT

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        check_uint(self.credits, 63, "credits of the rule", minimum=1)
        for name in ("age_seconds", "exposure_percent", "margin_seconds", "retry_seconds", "stuck_seconds"):
            check_uint(getattr(self, name), 32, name)
        check_uint(self.max_fee_percent, 32, "max_fee_percent", minimum=100)


class Due(Enum):
    """Why credits are due. The values are for tables."""

    DEADLINE = "a voucher ends soon"
    EXPIRY = "credits end soon"
    EXPOSURE = "the exposure is used up"
    SIZE = "many credits"
    AGE = "the oldest charge is old"


@dataclass(frozen=True, slots=True)
class Owing:
    """An account that owes credits. ``oldest`` is when its oldest unsettled charge was made."""

    account: Account
    front: VoucherFront
    exposure: Credits
    by_vouchers: bool
    oldest: Time


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether an account's credits are due now."""

    owing: Owing
    rules: SettleRules
    now: Time


def find_due(owing: Owing, rules: SettleRules, now: int) -> Due | None:
    """Return why the credits that an account owes are due, or None if they can wait.

    Args:
        owing: The account.
        rules: When to settle.
        now: The Unix second of the question.
    """
    question = _Question(owing, rules, now)
    return next((reason for reason, is_due in CHECKS.items() if is_due(question)), None)


def find_nearness(owing: Owing, rules: SettleRules, now: int) -> int:
    """Return how near credits are to being due by size, age or exposure, in percent of the nearest of the three.

    A batch with room takes along what is nearest. What is settled much too early is settled more often, and that costs more
    gas than a batch with room.
    """
    return _find_nearness(owing.account.owed, owing.oldest, owing.exposure, rules, now)


def may_be_near(glance: Glance, exposure: Credits, rules: SettleRules, now: int) -> bool:
    """Return whether an account could be due, or be due soon, from what is read of it at a glance."""
    if glance.ceiling_end <= now + rules.margin_seconds:
        return True
    if glance.first_end is not None and glance.first_end <= now + rules.margin_seconds:
        return True
    return _find_nearness(glance.owed, glance.since, exposure, rules, now) >= SOON_PERCENT


def _find_nearness(owed: Credits, since: Time, exposure: Credits, rules: SettleRules, now: int) -> int:
    by_size = owed * 100 // rules.credits
    by_age = (now - since) * 100 // rules.age_seconds if rules.age_seconds else 100
    at_most = exposure * rules.exposure_percent
    return max(by_size, by_age, owed * 100 * 100 // at_most if at_most else 100)


def _dies_soon(question: _Question) -> bool:
    """Return whether the voucher that would be settled ends soon."""
    owing, now = question.owing, question.now
    if not owing.by_vouchers:
        return False
    chosen = owing.front.choose(owing.account.find_total_to_reach(now), now)
    return chosen is not None and chosen.voucher.deadline - now <= question.rules.margin_seconds


def _lapses_soon(question: _Question) -> bool:
    now = question.now
    return any(now < lot.end <= now + question.rules.margin_seconds for lot in question.owing.account.view.lots)


def _is_exposed(question: _Question) -> bool:
    owing = question.owing
    return owing.account.owed * 100 >= owing.exposure * question.rules.exposure_percent


def _is_much(question: _Question) -> bool:
    return question.owing.account.owed >= question.rules.credits


def _is_old(question: _Question) -> bool:
    return question.now - question.owing.oldest >= question.rules.age_seconds


CHECKS: Final[dict[Due, Callable[[_Question], bool]]] = {
    Due.DEADLINE: _dies_soon,
    Due.EXPIRY: _lapses_soon,
    Due.EXPOSURE: _is_exposed,
    Due.SIZE: _is_much,
    Due.AGE: _is_old,
}
"""The reasons, the most pressing first."""
