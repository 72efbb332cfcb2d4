"""Credits configs under the names of the hosted system: the package's own, with its attributes and amounts as text."""

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
    """What one purchase grants, with the attributes of the hosted system. Equal to a `CreditsConfig` of the same terms."""

    __slots__ = ()

    @property
    def amount(self) -> str:
        """The credits of a purchase, as text."""
        return str(self.credits)

    @property
    def min_amount(self) -> int:
        """The least credits of a request."""
        return self.min_redeem

    @property
    def max_amount(self) -> int:
        """The most credits of a request."""
        return self.max_redeem

    @property
    def duration_secs(self) -> int:
        """The duration in seconds."""
        return self.duration

    @property
    def is_redemption_amount_fixed(self) -> bool:
        """Whether every request costs the same."""
        return self.min_redeem == self.max_redeem

    @property
    def redemption_type(self) -> PlanRedemptionType:
        """Who may redeem."""
        return REDEMPTION_TYPES[self.rule]

    def __eq__(self, other: object) -> bool:
        """Compare the terms, whichever of the two classes has them."""
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
) -> PlanCreditsConfig:
    """Grant a number of credits for each purchase. Every request costs the same.

    Numbers are ints or decimal digits, of whole credits.

    Args:
        credits_granted: The credits of a purchase.
        credits_per_request: What a request costs.
        duration_seconds: How long the credits of a purchase last. 0 is for ever.
        rule: Who may redeem.
        trial: Whether each holder gets the plan once.
        transferable: Whether holders may transfer credits.

    Raises:
        InvalidAmount: A number is not a whole one, or out of range.
        InvalidConfig: Two of the settings exclude each other.

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
) -> PlanCreditsConfig:
    """Grant a number of credits for each purchase. A request costs between a minimum and a maximum.

    Numbers are ints or decimal digits, of whole credits. The other arguments are those of `get_fixed_credits_config`.

    Args:
        credits_granted: The credits of a purchase.
        min_credits_per_request: The minimum cost of a request.
        max_credits_per_request: The maximum cost of a request.
        duration_seconds: How long the credits of a purchase last. 0 is for ever.
        rule: Who may redeem.
        trial: Whether each holder gets the plan once.
        transferable: Whether holders may transfer credits.

    Raises:
        InvalidAmount: A number is not a whole one, or out of range.
        InvalidConfig: Two of the settings exclude each other.

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
    """Grant periods of time, in which requests cost nothing.

    Args:
        duration_of_plan: The length of one period in seconds, as an int or as decimal digits.
        periods: How many periods a purchase grants.
        activation: ON_PURCHASE, or ON_FIRST_USE: then the holder redeems a period to open the access window.
        max_periods_per_redemption: How many periods may be redeemed at once.
        rule: Who may redeem; for ON_FIRST_USE only.
        trial: Whether each holder gets the plan once.

    Raises:
        InvalidAmount: A number is not a whole one, or out of range.
        InvalidConfig: Two of the settings exclude each other.

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
    """Grant access for ever: 136 years, the longest period that a plan can have.

    >>> get_non_expirable_duration_config().duration_secs
    4294967295
    """
    return _named(core.get_non_expirable_duration_config())


def get_pay_as_you_go_credits_config() -> PlanCreditsConfig:
    """Grant nothing: each request is paid on its own, see `PlansApi.pay_usage`.

    >>> get_pay_as_you_go_credits_config().kind
    <PlanKind.USAGE: 2>
    """
    return _named(core.get_pay_as_you_go_credits_config())


def set_redemption_type(
    credits_config: CreditsConfig, redemption_type: PlanRedemptionType | RedemptionRule
) -> PlanCreditsConfig:
    """Return the same credits under another redemption rule.

    Args:
        credits_config: What to change a copy of.
        redemption_type: A RedemptionRule, or a PlanRedemptionType of the hosted system.

    Raises:
        InvalidConfig: The rule is not one, or nothing of the plan is redeemed.
        NeedsVendor: The rule is the role that a vendor held over everybody's credits.

    >>> set_redemption_type(get_fixed_credits_config(100), PlanRedemptionType.ONLY_PLAN_ROLE).rule
    <RedemptionRule.REDEEMER: 1>
    """
    rule = _read_rule(redemption_type)
    if rule is not RedemptionRule.HOLDER and credits_config.max_redeem == 0:
        raise InvalidConfig("nothing of this plan is redeemed, so no rule says by whom", "leave it as it is")
    return replace(_named(credits_config), rule=rule)


def _read_rule(redemption_type: PlanRedemptionType | RedemptionRule) -> RedemptionRule:
    if isinstance(redemption_type, RedemptionRule):
        return redemption_type
    if not isinstance(redemption_type, PlanRedemptionType):
        raise InvalidConfig(
            f"{redemption_type!r} is not a redemption rule, as its number may mean two",
            "give a RedemptionRule or PlanRedemptionType",
        )
    if redemption_type not in _RULES:
        raise NeedsVendor(
            "a global role over everybody's credits", "name redeemers of your own: `RedemptionRule.REDEEMER`"
        )
    return _RULES[redemption_type]
