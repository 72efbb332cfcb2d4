"""What a purchase grants, as people choose it: credits, periods of access, or single requests."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from nvm_chain.enums import Activation, RedemptionRule
from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Credits, Quantity, Seconds
from nvm_chain.terms.templates import CUSTOM, Template
from nvm_chain.types.credits import (
    CreditsConfig,
    get_dynamic_credits_config,
    get_expirable_duration_config,
    get_pay_as_you_go_credits_config,
)
from nvm_chain.types.durations import parse_duration

Spell = Callable[[str], str]
"""Returns how people know a field of a choice: the option ``--per-request``, or the label of a field on a page."""
STARTS: Final = {"purchase": Activation.ON_PURCHASE, "first-use": Activation.ON_FIRST_USE}
ONE_CREDIT: Final = (1, 1)


@dataclass(frozen=True, slots=True)
class GrantChoice:
    """The grant of one purchase, as chosen. None or False means that nothing was chosen."""

    grants: Quantity | None = None
    per_request: tuple[Credits, Credits] | None = None
    expires: Seconds | None = None
    period: Seconds | None = None
    starts: str | None = None
    usage: bool = False
    rule: str | None = None
    trial: bool = False
    transferable: bool = False
    allow_small_grant: bool = False

    def begin_with(self, template: Template, spell: Spell = str) -> "GrantChoice":
        """Return the choice with a template's terms in place of those that were not chosen.

        Raises InvalidConfig if the choice does not fit the template.
        """
        if template.name == CUSTOM:
            return self
        if self.usage or (self.period is not None and template.period is None):
            name = spell("usage" if self.usage else "period")
            raise InvalidConfig(
                f"{name} does not fit the template {template.name}",
                f"leave out {name}, or give {spell('template')} {CUSTOM}",
            )
        period = self.period
        if period is None and template.period is not None:
            period = parse_duration(template.period, "period")
        grants = template.grants if self.grants is None else self.grants
        return replace(self, period=period, grants=grants, trial=self.trial or template.trial)

    def build(self, spell: Spell = str) -> CreditsConfig:
        """Return the credits config of the choice.

        Args:
            spell: A function that returns how the reader of an error knows a field.

        Raises:
            InvalidAmount: A number is out of range.
            InvalidConfig: The parts of the choice contradict each other.
            SuspiciousGrant: A purchase grants less than the cheapest request costs.
        """
        if self.usage:
            self._refuse_others(f"with {spell('usage')} a purchase grants nothing", (), spell)
            return get_pay_as_you_go_credits_config()
        return self._build_credits(spell) if self.period is None else self._build_time(self.period, spell)

    def _build_time(self, period: Seconds, spell: Spell) -> CreditsConfig:
        fits = ("grants", "period", "starts", "rule", "trial")
        self._refuse_others(f"with {spell('period')} requests cost nothing while access lasts", fits, spell)
        activation = STARTS[self.starts or "purchase"]
        if self.rule is not None and activation is Activation.ON_PURCHASE:
            raise InvalidConfig(
                "a period that starts at purchase needs no redemption",
                f"leave out {spell('rule')}, or add {spell('starts')} first-use",
            )
        periods = 1 if self.grants is None else self.grants
        return get_expirable_duration_config(period, periods, activation=activation, rule=self._rule, trial=self.trial)

    def _build_credits(self, spell: Spell) -> CreditsConfig:
        if self.starts is not None:
            raise InvalidConfig(
                f"{spell('starts')} is for periods of access only",
                f"leave out {spell('starts')}, or give {spell('period')} 30d for access by time",
            )
        if self.grants is None:
            raise InvalidConfig(
                "the grant of a purchase is missing",
                f"give {spell('grants')} N for credits, {spell('period')} 30d for time, or {spell('usage')} for neither",
            )
        if self.transferable and self.expires is not None:
            raise InvalidConfig(
                "credits that expire cannot be transferable",
                f"leave out {spell('expires')} or {spell('transferable')}",
            )
        return get_dynamic_credits_config(
            self.grants,
            *(self.per_request or ONE_CREDIT),
            duration_seconds=self.expires or 0,
            rule=self._rule,
            trial=self.trial,
            transferable=self.transferable,
            allow_small_grant=self.allow_small_grant,
        )

    @property
    def _rule(self) -> RedemptionRule:
        return RedemptionRule[(self.rule or "holder").upper()]

    def _refuse_others(self, why: str, fits: tuple[str, ...], spell: Spell) -> None:
        """Raise InvalidConfig if a field was chosen that ``fits`` does not name. ``why`` is the problem."""
        names = (
            *("grants", "per_request", "expires", "period", "starts", "rule", "trial", "transferable"),
            "allow_small_grant",
        )
        chosen = [name for name in names if getattr(self, name) is not None and getattr(self, name) is not False]
        others = [name for name in chosen if name not in fits]
        if others:
            raise InvalidConfig(why, f"leave out {' and '.join(map(spell, others))}")
