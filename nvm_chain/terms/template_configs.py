"""The configs of templates: what `register_plan` takes for each."""

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.formatting import list_choices, quote
from nvm_chain.terms.templates import CUSTOM, FREE, TEMPLATES, Template
from nvm_chain.types.credits import CreditsConfig, get_expirable_duration_config, get_fixed_credits_config
from nvm_chain.types.durations import parse_duration
from nvm_chain.types.prices import PriceConfig, get_free_price_config


def find_template(name: str) -> Template:
    """Return a template by its name, such as ``month``. Capitals do not count, and blanks count as hyphens.

    Raises InvalidConfig for an unknown name.

    >>> find_template("100 requests").title
    '100 requests'
    """
    known = "-".join(str(name).lower().split())
    if known not in TEMPLATES:
        raise InvalidConfig(f"{quote(name)} is not a template", f"give {list_choices(TEMPLATES)}")
    return TEMPLATES[known]


def get_template_configs(name: str, price: PriceConfig | None = None) -> tuple[PriceConfig, CreditsConfig]:
    """Return the price config and the credits config of a template, for `nvm_chain.register_plan`.

    Args:
        name: The name of a template: free, trial, hour, day, week, month, year or 100-requests. A month is 30 days, and
            a year is 365 days.
        price: The price of a purchase. Not for the template free, and not needed for the template trial.

    Raises:
        InvalidConfig: There is no such template, it has no terms of its own, or the price does not fit it.

    >>> price, credits = get_template_configs("trial")
    >>> price.total, credits.duration, credits.trial
    (0, 86400, True)
    """
    template = find_template(name)
    if template.name == CUSTOM:
        raise InvalidConfig("the template custom has no terms", "build them with the functions that end with `_config`")
    if template.name == FREE and price is not None:
        raise InvalidConfig(
            "a plan from the template free has no price", "leave out the price, or take another template"
        )
    if template.price != FREE and price is None:
        raise InvalidConfig(f"a plan from the template {template.name} needs a price", "give a price config")
    return price or get_free_price_config(), _build_credits(template)


def _build_credits(template: Template) -> CreditsConfig:
    if template.period is None:
        return get_fixed_credits_config(template.grants or 1, trial=template.trial)
    period = parse_duration(template.period, "period")
    return get_expirable_duration_config(period, template.grants or 1, trial=template.trial)
