"""Questions about a new plan. What was given as an option is not asked, and each question has a usual answer."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.durations import Duration
from nvm_chain.cli.grants import RULES, STARTS
from nvm_chain.cli.lazy import durations, template_configs
from nvm_chain.cli.output import print_rows
from nvm_chain.cli.parameters import Range, parse_count
from nvm_chain.cli.plan_options import PlanOptions
from nvm_chain.cli.plan_templates import begin_with
from nvm_chain.cli.questions import ask, ask_choice, ask_text
from nvm_chain.terms.templates import CUSTOM, TEMPLATES

if TYPE_CHECKING:
    from nvm_chain.cli.price_questions import PriceQuestions
    from nvm_chain.terms.grant_choices import GrantChoice
    from nvm_chain.terms.templates import Template

USUAL_TEMPLATE: Final = "month"
NEVER: Final = "never"


def ask_plan(options: PlanOptions, prices: "PriceQuestions") -> PlanOptions:
    """Ask for a template and for all that it leaves open."""
    print_rows([(template.name, template.text) for template in TEMPLATES.values()], stderr=True)
    click.echo(err=True)
    template = ask("Template", template_configs.find_template, USUAL_TEMPLATE)
    options = begin_with(template, options)
    if template.name == CUSTOM:
        options = replace(options, grant=_ask_grant(options.grant))
    options = ask_price(template, options, prices)
    if options.price.needs_receivers:
        options = replace(options, price=prices.ask_receivers(options.price))
    if options.grant.rule is None and _is_redeemed(options.grant):
        options = replace(options, grant=replace(options.grant, rule=_ask_rule()))
    return _ask_name(template, options)


def ask_price(template: "Template | None", options: PlanOptions, prices: "PriceQuestions") -> PlanOptions:
    """Ask for the price, unless an option or the template has it."""
    if options.has_price:
        return options
    suggested = "" if template is None else template.price
    return replace(options, price=prices.ask_price(options.price, suggested))


def _is_redeemed(grant: "GrantChoice") -> bool:
    return not grant.usage and (grant.period is None or grant.starts == "first-use")


def _ask_rule() -> str:
    print_rows(RULES.items(), stderr=True)
    return ask_choice("Who may redeem", RULES, "holder")


def _ask_name(template: "Template", options: PlanOptions) -> PlanOptions:
    if options.name is not None or options.uri:
        return options
    name = ask_text("Name of the plan", "" if template.name == CUSTOM else template.title)
    if name is None:
        return options
    description = options.description or ask_text("Description", "") or ""
    return replace(options, name=name, description=description)


# ---------------------------------------------------------------- a custom grant


def _ask_grant(grant: "GrantChoice") -> "GrantChoice":
    kind = ask_choice("What a purchase gives", ("credits", "time", "usage"), "credits")
    if kind == "usage":
        return replace(grant, usage=True)
    grant = _ask_credits(grant) if kind == "credits" else _ask_time(grant)
    if not grant.trial:
        grant = replace(grant, trial=click.confirm("Only once for each account?", err=True))
    if kind == "credits" and grant.expires is None and not grant.transferable:
        grant = replace(grant, transferable=click.confirm("May holders send credits to others?", err=True))
    return grant


def _ask_credits(grant: "GrantChoice") -> "GrantChoice":
    return replace(
        grant,
        grants=ask("Credits that one purchase gives", _read_count, "100"),
        per_request=ask(
            "Credits that a request costs, such as 1 or 1..5", lambda text: Range().convert(text, None, None), "1"
        ),
        expires=ask("Credits expire after, such as 30d", _read_expiry, NEVER),
    )


def _ask_time(grant: "GrantChoice") -> "GrantChoice":
    return replace(
        grant,
        period=ask("Length of a period, such as 30d or 12h", lambda text: Duration().convert(text, None, None), "30d"),
        grants=ask("Periods that one purchase gives", _read_count, "1"),
        starts=ask_choice("A period starts at", STARTS, "purchase"),
    )


def _read_count(text: str) -> int:
    return parse_count(text, text, "is not a whole number")


def _read_expiry(text: str) -> int | None:
    return None if text.lower() == NEVER else durations.parse_duration(text, "expiry")
