"""Credits configs under the names of the hosted system, with the amounts as text."""

from dataclasses import fields, replace
from typing import Final

from nvm_chain.enums import Activation, RedemptionRule
from nvm_chain.errors import InvalidConfig, NeedsVendor
from nvm_chain.payments.parameters import read_amount
from nvm_chain.payments.redemption_types import REDEMPTION_TYPES, PlanRedemptionType
from nvm_chain.types import credits as core
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.renamed_parameters import renamed_parameters

_RULES: Final = {name: rule for rule, name in REDEMPTION_TYPES.items()}


class PlanCreditsConfig(CreditsConfig):
    """Grant of one purchase, with the attributes of the hosted system. Equal to a `CreditsConfig` with the same terms."""

    __slots__ = ()

    @property
    def amount(self) -> str:
        """Credits of one purchase, as text."""
        return str(self.credits)

    @property
    def min_amount(self) -> int:
        """Minimum credits of one request."""
        return self.min_redeem

    @property
    def max_amount(self) -> int:
        """Maximum credits of one request."""
        return self.max_redeem

    @property
    def duration_secs(self) -> int:
        """Duration in seconds. 0 is for ever."""
        return self.duration

    @property
    def is_redemption_amount_fixed(self) -> bool:
        """Whether every request costs the same number of credits."""
        return self.min_redeem == self.max_redeem

    @property
    def redemption_type(self) -> PlanRedemptionType:
        """Redemption rule under its name in the hosted system."""
        return REDEMPTION_TYPES[self.rule]

    def __eq__(self, other: object) -> bool:
        """Compare the terms. The other config may be of either class."""
        if not isinstance(other, CreditsConfig):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(CreditsConfig))

    __hash__ = CreditsConfig.__hash__


def _named(credits: CreditsConfig) -> PlanCreditsConfig:
    return PlanCreditsConfig(**{field.name: getattr(credits, field.name) for field in fields(CreditsConfig)})


def get_fixed_credits_config(
    credits_granted: int | str,
    credits_per_request: int | str = 1,
    *,
    duration_seconds: int | str = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
    allow_small_grant: bool = False,
) -> PlanCreditsConfig:
    """Build the config of a credits plan whose requests all cost the same.

    Each number is an int, or a text of decimal digits.

    Args:
        credits_granted: The credits of one purchase.
        credits_per_request: The credits of one request.
        duration_seconds: The lifetime of a purchase's credits in seconds. 0 is for ever.
        rule: The redemption rule, which says who may redeem.
        trial: Whether each holder can get the plan only once.
        transferable: Whether holders may transfer credits.
        allow_small_grant: Whether a purchase may grant less than the cheapest request costs.

    Raises:
        InvalidAmount: A number is not whole, or is out of range.
        InvalidConfig: Two of the settings contradict each other.
        SuspiciousGrant: A purchase grants less than the cheapest request costs.

    >>> get_fixed_credits_config("100").amount
    '100'
    """
    per_request = read_amount(credits_per_request, "credits_per_request")
    return get_dynamic_credits_config(
        credits_granted,
        per_request,
        per_request,
        duration_seconds=duration_seconds,
        rule=rule,
        trial=trial,
        transferable=transferable,
        allow_small_grant=allow_small_grant,
    )


def get_dynamic_credits_config(
    credits_granted: int | str,
    min_credits_per_request: int | str = 1,
    max_credits_per_request: int | str = 1,
    *,
    duration_seconds: int | str = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
    allow_small_grant: bool = False,
) -> PlanCreditsConfig:
    """Build the config of a credits plan whose requests cost between a minimum and a maximum.

    Each number is an int, or a text of decimal digits. The other arguments are those of `get_fixed_credits_config`.

    Args:
        credits_granted: The credits of one purchase.
        min_credits_per_request: The minimum credits of one request.
        max_credits_per_request: The maximum credits of one request.
        duration_seconds: The lifetime of a purchase's credits in seconds. 0 is for ever.
        rule: The redemption rule, which says who may redeem.
        trial: Whether each holder can get the plan only once.
        transferable: Whether holders may transfer credits.
        allow_small_grant: Whether a purchase may grant less than the cheapest request costs.

    Raises:
        InvalidAmount: A number is not whole, or is out of range.
        InvalidConfig: Two of the settings contradict each other.
        SuspiciousGrant: A purchase grants less than the cheapest request costs.

    >>> get_dynamic_credits_config("100", 1, "5").max_amount
    5
    """
    return _named(
        core.get_dynamic_credits_config(
            read_amount(credits_granted, "credits_granted"),
            read_amount(min_credits_per_request, "min_credits_per_request"),
            read_amount(max_credits_per_request, "max_credits_per_request"),
            duration_seconds=read_amount(duration_seconds, "duration_seconds"),
            rule=rule,
            trial=trial,
            transferable=transferable,
            allow_small_grant=allow_small_grant,
        )
    )


@renamed_parameters(duration_seconds="duration_of_plan")
def get_expirable_duration_config(
    duration_of_plan: int | str,
    periods: int | str = 1,
    *,
    activation: Activation = Activation.ON_PURCHASE,
    max_periods_per_redemption: int | str = 1,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
) -> PlanCreditsConfig:
    """Build the config of a time plan. Requests are free within its periods.

    Args:
        duration_of_plan: The length of one period in seconds, as an int or as decimal digits in a text.
        periods: The number of periods of one purchase.
        activation: The start of a period. With ON_FIRST_USE the holder redeems a period to open the access window.
        max_periods_per_redemption: The maximum number of periods of one redemption.
        rule: The redemption rule, for ON_FIRST_USE only.
        trial: Whether each holder can get the plan only once.

    Raises:
        InvalidAmount: A number is not whole, or is out of range.
        InvalidConfig: Two of the settings contradict each other.

    >>> get_expirable_duration_config("86400").duration_secs
    86400
    """
    return _named(
        core.get_expirable_duration_config(
            read_amount(duration_of_plan, "duration_of_plan"),
            read_amount(periods, "periods"),
            activation=activation,
            max_periods_per_redemption=read_amount(max_periods_per_redemption, "max_periods_per_redemption"),
            rule=rule,
            trial=trial,
        )
    )


def get_non_expirable_duration_config() -> PlanCreditsConfig:
    """Build the config of a time plan with unlimited access: one period of 136 years, the maximum of the contract.

    >>> get_non_expirable_duration_config().duration_secs
    4294967295
    """
    return _named(core.get_non_expirable_duration_config())


def get_pay_as_you_go_credits_config() -> PlanCreditsConfig:
    """Build the config of a usage plan. The holder pays for each request with `PlansApi.pay_usage`.

    >>> get_pay_as_you_go_credits_config().kind
    <PlanKind.USAGE: 2>
    """
    return _named(core.get_pay_as_you_go_credits_config())


def set_redemption_type(
    credits_config: CreditsConfig, redemption_type: PlanRedemptionType | RedemptionRule
) -> PlanCreditsConfig:
    """Return a copy of a credits config with another redemption rule.

    Args:
        credits_config: The config to copy.
        redemption_type: A RedemptionRule, or a PlanRedemptionType of the hosted system.

    Raises:
        InvalidConfig: The rule is invalid, or the plan has no redemptions.
        NeedsVendor: The rule is the vendor's global role over all credits.

    >>> set_redemption_type(get_fixed_credits_config(100), PlanRedemptionType.ONLY_PLAN_ROLE).rule
    <RedemptionRule.REDEEMER: 1>
    """
    rule = _read_rule(redemption_type)
    if rule is not RedemptionRule.HOLDER and credits_config.max_redeem == 0:
        raise InvalidConfig(
            "this plan has no redemptions, and so it does not have a redemption rule",
            "leave the credits config unchanged",
        )
    return replace(_named(credits_config), rule=rule)


def _read_rule(redemption_type: PlanRedemptionType | RedemptionRule) -> RedemptionRule:
    if isinstance(redemption_type, RedemptionRule):
        return redemption_type
    if not isinstance(redemption_type, PlanRedemptionType):
        raise InvalidConfig(
            f"{redemption_type!r} is not a redemption rule, because its number has two meanings",
            "give a RedemptionRule or PlanRedemptionType",
        )
    if redemption_type not in _RULES:
        raise NeedsVendor(
            "a global role over everybody's credits", "name redeemers of your own: `RedemptionRule.REDEEMER`"
        )
    return _RULES[redemption_type]
