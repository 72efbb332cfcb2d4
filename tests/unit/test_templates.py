"""Templates of plans: the table, and the configs that it stands for."""

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import InvalidConfig
from nvm_chain.terms.template_configs import find_template, get_template_configs
from nvm_chain.terms.templates import CUSTOM, FREE, TEMPLATES
from nvm_chain.types.credits import (
    ONE_DAY_DURATION,
    ONE_HOUR_DURATION,
    ONE_MONTH_DURATION,
    ONE_WEEK_DURATION,
    ONE_YEAR_DURATION,
)
from nvm_chain.types.plans import build_terms
from nvm_chain.types.prices import get_erc20_price_config, get_free_price_config

PRICE = get_erc20_price_config(5_000_000, "0x" + "11" * 20, "0x" + "22" * 20)
TIMES = {
    "free": ONE_MONTH_DURATION,
    "trial": ONE_DAY_DURATION,
    "hour": ONE_HOUR_DURATION,
    "day": ONE_DAY_DURATION,
    "week": ONE_WEEK_DURATION,
    "month": ONE_MONTH_DURATION,
    "year": ONE_YEAR_DURATION,
}


def test_table__has_the_templates_in_the_order_of_help() -> None:
    names = ["free", "trial", "hour", "day", "week", "month", "year", "100-requests", CUSTOM]
    assert list(TEMPLATES) == names
    assert [template.name for template in TEMPLATES.values()] == names


@pytest.mark.parametrize(("name", "seconds"), TIMES.items())
def test_template__of_time__opens_access_at_the_purchase(name: str, seconds: int) -> None:
    is_free = TEMPLATES[name].price == FREE
    price, credits = get_template_configs(name, None if is_free else PRICE)
    terms = build_terms(price, credits)
    assert (terms.kind, terms.activation) == (PlanKind.TIME, Activation.ON_PURCHASE)
    assert (terms.credits, terms.duration) == (1, seconds)
    assert terms.trial is (name == "trial")
    assert price == (get_free_price_config() if is_free else PRICE)


def test_template__of_requests__takes_one_credit_for_each() -> None:
    terms = build_terms(*get_template_configs("100 Requests", PRICE))
    assert (terms.kind, terms.credits, terms.duration, terms.trial) == (PlanKind.CREDITS, 100, 0, False)
    assert (terms.min_redeem, terms.max_redeem, terms.rule) == (1, 1, RedemptionRule.HOLDER)


@pytest.mark.parametrize("name", ["month", "year"])
def test_template__of_a_month_or_a_year__says_that_its_days_are_fixed(name: str) -> None:
    days = TIMES[name] // ONE_DAY_DURATION
    assert f"A {name} is always {days} days" in TEMPLATES[name].text


def test_template__of_a_trial__may_have_a_price() -> None:
    price, credits = get_template_configs("trial", PRICE)
    assert (price, credits.trial) == (PRICE, True)


@pytest.mark.parametrize(
    ("name", "price", "problem"),
    [
        ("fortnight", PRICE, "'fortnight' is not a template"),
        (CUSTOM, PRICE, "the template custom has no terms"),
        ("free", PRICE, "a plan from the template free has no price"),
        ("month", None, "a plan from the template month needs a price"),
    ],
)
def test_template__that_does_not_fit__is_refused(name: str, price: object, problem: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        get_template_configs(name, price)  # type: ignore[arg-type]
    assert refused.value.reason == problem
    assert find_template(" YEAR ").name == "year"
