"""What a purchase grants, as people type it: credits, periods of access, or single requests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nvm_chain.cli.lazy import errors, types

if TYPE_CHECKING:
    from nvm_chain.types.credits import CreditsConfig

RULES: Final = {
    "holder": "the holder only",
    "redeemer": "the holder, and the owner's redeemers",
    "owner": "the owner and their redeemers",
}
"""What the options of a plan say about each rule."""
STARTS: Final = {"purchase": "ON_PURCHASE", "first-use": "ON_FIRST_USE"}
ONE_CREDIT: Final = (1, 1)


@dataclass(frozen=True, slots=True)
class Grant:
    """Options for the grant of one purchase, as typed. None or False means that an option was not given."""

    grants: int | None
    per_request: tuple[int, int] | None
    expires: int | None
    period: int | None
    starts: str | None
    usage: bool
    rule: str | None
    trial: bool
    transferable: bool
    allow_small_grant: bool = False

    def build(self) -> "CreditsConfig":
        """Return the credits config of the options.

        Raises:
            InvalidAmount: A number is out of range.
            InvalidConfig: The options contradict each other.
            SuspiciousGrant: A purchase grants less than the cheapest request costs.
        """
        if self.usage:
            return self._build_usage()
        if self.period is not None:
            return self._build_time(self.period)
        return self._build_credits()

    def _build_usage(self) -> "CreditsConfig":
        self._refuse("with --usage a purchase grants nothing", keep=())
        return types.get_pay_as_you_go_credits_config()

    def _build_time(self, period: int) -> "CreditsConfig":
        self._refuse(
            "with --period requests cost nothing while access lasts",
            keep=("grants", "period", "starts", "rule", "trial"),
        )
        periods = 1 if self.grants is None else self.grants
        activation = types.Activation[STARTS[self.starts or "purchase"]]
        if self.rule is not None and activation is types.Activation.ON_PURCHASE:
            raise errors.InvalidConfig(
                "a period that starts at purchase needs no redemption", "leave out --rule, or add --starts first-use"
            )
        return types.get_expirable_duration_config(
            period, periods, activation=activation, rule=self._rule, trial=self.trial
        )

    def _build_credits(self) -> "CreditsConfig":
        if self.starts is not None:
            raise errors.InvalidConfig(
                "--starts is for periods of access only", "leave out --starts, or give --period 30d for access by time"
            )
        if self.grants is None:
            raise errors.InvalidConfig(
                "the grant of a purchase is missing",
                "give --grants N for credits, --period 30d for time, or --usage for neither",
            )
        if self.transferable and self.expires is not None:
            raise errors.InvalidConfig(
                "credits that expire cannot be transferable", "leave out --expires or --transferable"
            )
        return types.get_dynamic_credits_config(
            self.grants,
            *(self.per_request or ONE_CREDIT),
            duration_seconds=self.expires or 0,
            rule=self._rule,
            trial=self.trial,
            transferable=self.transferable,
            allow_small_grant=self.allow_small_grant,
        )

    @property
    def _rule(self) -> "types.RedemptionRule":
        return types.RedemptionRule[(self.rule or "holder").upper()]

    def _refuse(self, why: str, keep: tuple[str, ...]) -> None:
        """Raise InvalidConfig if an option was given that ``keep`` does not name. ``why`` is the problem."""
        names = (
            *("grants", "per_request", "expires", "period", "starts", "rule", "trial", "transferable"),
            "allow_small_grant",
        )
        given = [name for name in names if getattr(self, name) is not None and getattr(self, name) is not False]
        extra = [name for name in given if name not in keep]
        if extra:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in extra)
            raise errors.InvalidConfig(why, f"leave out {options}")
