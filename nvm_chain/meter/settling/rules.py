"""When credits of a holder are due to be settled: by size, age, exposure, and the ends of vouchers and lots."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.errors.fields import Credits, Seconds, Time
from nvm_chain.meter.books import Account
from nvm_chain.meter.voucher_fronts import VoucherFront

HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class SettleRules:
    """When to settle a holder's credits.

    ``credits`` is how many are due at once. ``age_seconds`` is how long the oldest unsettled charge may wait.
    ``exposure_percent`` is which part of the exposure may be used up. ``margin_seconds`` is how long before the end of a
    voucher or a lot its credits are due.
    """

    credits: Credits = 1_000
    age_seconds: Seconds = 24 * HOUR
    exposure_percent: int = 50
    margin_seconds: Seconds = HOUR


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
    return question.owing.account.owed * 100 >= question.owing.exposure * question.rules.exposure_percent


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
