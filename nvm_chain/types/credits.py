"""Credits configs: the grant of a purchase, and the functions that build one."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import InvalidAmount, InvalidConfig, SuspiciousGrant
from nvm_chain.errors.fields import Credits, Seconds
from nvm_chain.types.amounts import check_bool, check_duration, check_uint
from nvm_chain.types.renamed_parameters import renamed_parameters


@dataclass(frozen=True, slots=True)
class CreditsConfig:
    """The grant of one purchase, and the rules for its redemption.

    ``duration`` is in seconds. It is 0 for credits that never expire.
    """

    credits: Credits
    min_redeem: Credits
    max_redeem: Credits
    rule: RedemptionRule = RedemptionRule.HOLDER
    trial: bool = False
    transferable: bool = False
    kind: PlanKind = PlanKind.CREDITS
    activation: Activation = Activation.ON_PURCHASE
    duration: Seconds = 0


CREDITS_BITS: Final = 32
DURATION_BITS: Final = 32
ONE_HOUR_DURATION: Final = 3600
"""One hour in seconds. The other durations are in seconds too."""
ONE_DAY_DURATION: Final = 86_400
ONE_WEEK_DURATION: Final = 7 * 86_400
ONE_MONTH_DURATION: Final = 30 * 86_400
ONE_YEAR_DURATION: Final = 365 * 86_400
FOREVER: Final = 2**DURATION_BITS - 1
"""The longest period of a time plan: 136 years."""


def get_fixed_credits_config(
    credits_granted: int,
    credits_per_request: int = 1,
    *,
    duration_seconds: int = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
    allow_small_grant: bool = False,
) -> CreditsConfig:
    """Build a credits config that grants a number of credits per purchase. Every request costs the same.

    Args:
        credits_granted: The credits that a purchase grants, from 1 to 2**32 - 1.
        credits_per_request: The credits that each request takes, from 1 to 2**32 - 1.
        duration_seconds: The time after which the credits of a purchase expire. 0 for never.
        rule: The rule that says who may redeem.
        trial: Whether each holder may order the plan only once.
        transferable: Whether holders may send credits to others.
        allow_small_grant: Whether a purchase may grant fewer credits than the cheapest request takes.

    Raises:
        InvalidAmount: A number is out of range, or is not an int.
        InvalidConfig: An option does not exist, or does not fit the other options.
        SuspiciousGrant: A purchase would grant fewer credits than the cheapest request takes.

    >>> get_fixed_credits_config(100).max_redeem
    1
    """
    return get_dynamic_credits_config(
        credits_granted,
        credits_per_request,
        credits_per_request,
        duration_seconds=duration_seconds,
        rule=rule,
        trial=trial,
        transferable=transferable,
        allow_small_grant=allow_small_grant,
    )


def get_dynamic_credits_config(
    credits_granted: int,
    min_credits_per_request: int = 1,
    max_credits_per_request: int = 1,
    *,
    duration_seconds: int = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
    allow_small_grant: bool = False,
) -> CreditsConfig:
    """Build a credits config that grants a number of credits per purchase. The cost of a request has a range.

    Args:
        credits_granted: The credits that a purchase grants, from 1 to 2**32 - 1.
        min_credits_per_request: The fewest credits that a request takes, from 1 to 2**32 - 1.
        max_credits_per_request: The highest number of credits that a request takes, up to 2**32 - 1.
        duration_seconds: The time after which the credits of a purchase expire. 0 for never.
        rule: The rule that says who may redeem.
        trial: Whether each holder may order the plan only once.
        transferable: Whether holders may send credits to others.
        allow_small_grant: Whether a purchase may grant fewer credits than the cheapest request takes.

    Raises:
        InvalidAmount: A number is out of range, or is not an int.
        InvalidConfig: An option does not exist, or does not fit the other options.
        SuspiciousGrant: A purchase would grant fewer credits than the cheapest request takes.

    >>> get_dynamic_credits_config(100, 1, 5, duration_seconds=30 * 86_400).duration
    2592000
    """
    _check_count(credits_granted, "credits granted")
    check_duration(duration_seconds, DURATION_BITS, "duration")
    if check_bool(transferable, "transferable") and duration_seconds:
        raise InvalidConfig("credits that expire cannot be transferable", "leave one of the two out")
    least, most = _check_range(min_credits_per_request, max_credits_per_request)
    if not check_bool(allow_small_grant, "allow_small_grant") and credits_granted < least:
        raise SuspiciousGrant(credits_granted, least)
    return CreditsConfig(
        credits_granted,
        least,
        most,
        rule=_check_rule(rule),
        trial=check_bool(trial, "trial"),
        transferable=transferable,
        duration=duration_seconds,
    )


@renamed_parameters(duration_seconds="duration_of_plan")
def get_expirable_duration_config(
    duration_of_plan: int,
    periods: int = 1,
    *,
    activation: Activation = Activation.ON_PURCHASE,
    max_periods_per_redemption: int = 1,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
) -> CreditsConfig:
    """Build a credits config that grants periods of time. Requests in a period cost nothing.

    Args:
        duration_of_plan: The length of one period, in seconds.
        periods: The number of periods that a purchase grants, from 1 to 2**32 - 1.
        activation: The start of a period. With ON_PURCHASE, a purchase opens or extends the access window. With
            ON_FIRST_USE, the redemption of a period does.
        max_periods_per_redemption: The highest number of periods in one redemption. Only for ON_FIRST_USE.
        rule: The rule that says who may redeem. Only for ON_FIRST_USE.
        trial: Whether each holder may order the plan only once.

    Raises:
        InvalidAmount: A number is out of range.
        InvalidConfig: An option does not exist, or does not fit the other options.

    >>> get_expirable_duration_config(86_400).kind
    <PlanKind.TIME: 1>
    """
    check_duration(duration_of_plan, DURATION_BITS, "duration", minimum=1)
    _check_count(periods, "periods")
    activation = _check_activation(activation)
    opens_on_use = activation is Activation.ON_FIRST_USE
    if not opens_on_use and _check_rule(rule) is not RedemptionRule.HOLDER:
        raise InvalidConfig("a period that starts on purchase is not redeemed, so no rule says by whom", "leave it out")
    return CreditsConfig(
        periods,
        *((1, _check_count(max_periods_per_redemption, "periods per redemption")) if opens_on_use else (0, 0)),
        rule=_check_rule(rule),
        trial=check_bool(trial, "trial"),
        kind=PlanKind.TIME,
        activation=activation,
        duration=duration_of_plan,
    )


def get_non_expirable_duration_config() -> CreditsConfig:
    """Build a credits config that grants access for `FOREVER` seconds: 136 years, the longest possible period.

    >>> get_non_expirable_duration_config().duration == FOREVER
    True
    """
    return get_expirable_duration_config(FOREVER)


def get_pay_as_you_go_credits_config() -> CreditsConfig:
    """Build the credits config of a usage plan, which grants nothing. `nvm_chain.pay_usage` pays for each request.

    >>> get_pay_as_you_go_credits_config().kind
    <PlanKind.USAGE: 2>
    """
    return CreditsConfig(credits=0, min_redeem=0, max_redeem=0, kind=PlanKind.USAGE)


def _check_count(value: int, name: str) -> int:
    """Return a number of credits or periods from 1 to 2**32 - 1. Raise InvalidAmount for any other value."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount(f"{name} {value!r}", "is not an int", "give a whole number, such as 100")
    return check_uint(value, CREDITS_BITS, name, minimum=1)


def _check_range(least: int, most: int) -> tuple[int, int]:
    _check_count(least, "least credits per request")
    _check_count(most, "most credits per request")
    if least > most:
        raise InvalidConfig(f"a request cannot cost {least} to {most} credits")
    return least, most


def _check_activation(activation: int) -> Activation:
    if isinstance(activation, bool) or activation not in list(Activation):
        raise InvalidConfig(
            f"{activation!r} is not an activation", "give Activation.ON_PURCHASE or Activation.ON_FIRST_USE"
        )
    return Activation(activation)


def _check_rule(rule: int) -> RedemptionRule:
    if isinstance(rule, bool) or rule not in list(RedemptionRule):
        raise InvalidConfig(
            f"{rule!r} is not a redemption rule",
            "give RedemptionRule.HOLDER, RedemptionRule.REDEEMER or RedemptionRule.OWNER",
        )
    return RedemptionRule(rule)
