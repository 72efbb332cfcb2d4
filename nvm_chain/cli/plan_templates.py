"""Templates of plans as options: a template fills in what was not given."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.grants import name_option
from nvm_chain.cli.lazy import template_configs
from nvm_chain.cli.plan_options import PlanOptions
from nvm_chain.cli.prices import FREE
from nvm_chain.terms.templates import CUSTOM

if TYPE_CHECKING:
    from nvm_chain.terms.templates import Template


class TemplateName(click.ParamType):
    """Type of a template's name."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the template. Raises InvalidConfig for an unknown name."""
        return template_configs.find_template(value) if isinstance(value, str) else value


def begin_with(template: "Template", options: PlanOptions) -> PlanOptions:
    """Return the options of a plan, with the template's terms in place of those that were not given.

    Raises InvalidConfig if a given option does not fit the template.
    """
    if template.name == CUSTOM:
        return options
    grant, price = options.grant.begin_with(template, name_option), options.price
    if template.price == FREE and not options.has_price:
        price = replace(price, price=FREE)
    return replace(options, price=price, grant=grant)
