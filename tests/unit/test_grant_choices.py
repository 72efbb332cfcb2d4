"""What a purchase grants, as people choose it: a template fills in what was not chosen, and nothing else."""

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import InvalidConfig, SuspiciousGrant
from nvm_chain.terms.grant_choices import GrantChoice
from nvm_chain.terms.template_configs import get_template_configs
from nvm_chain.terms.templates import CUSTOM, TEMPLATES
from nvm_chain.types.prices import get_free_price_config


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != CUSTOM])
def test_choice__that_is_empty__is_the_template(name: str) -> None:
    price = None if name == "free" else get_free_price_config()
    assert GrantChoice().begin_with(TEMPLATES[name]).build() == get_template_configs(name, price)[1]


def test_choice__with_terms__keeps_them_on_a_template() -> None:
    config = GrantChoice(grants=3, period=60, starts="first-use", rule="owner").begin_with(TEMPLATES["month"]).build()
    assert (config.kind, config.credits, config.duration) == (PlanKind.TIME, 3, 60)
    assert (config.activation, config.rule) == (Activation.ON_FIRST_USE, RedemptionRule.OWNER)
    assert GrantChoice(grants=7, per_request=(2, 3)).begin_with(TEMPLATES["100-requests"]).build().max_redeem == 3


def test_choice__on_the_custom_template__is_left_as_it_is() -> None:
    choice = GrantChoice(usage=True)
    assert choice.begin_with(TEMPLATES[CUSTOM]) is choice
    assert choice.build().kind is PlanKind.USAGE


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (GrantChoice(), "the grant of a purchase is missing"),
        (GrantChoice(usage=True, grants=1), "with <usage> a purchase grants nothing"),
        (GrantChoice(period=60, expires=60), "with <period> requests cost nothing while access lasts"),
        (GrantChoice(period=60, rule="owner"), "a period that starts at purchase needs no redemption"),
        (GrantChoice(grants=1, starts="purchase"), "<starts> is for periods of access only"),
        (GrantChoice(grants=1, expires=60, transferable=True), "credits that expire cannot be transferable"),
    ],
)
def test_choice__that_contradicts_itself__is_refused_in_the_words_of_its_reader(
    choice: GrantChoice, reason: str
) -> None:
    with pytest.raises(InvalidConfig) as refused:
        choice.build(lambda name: f"<{name}>")
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("choice", "name"), [(GrantChoice(usage=True), "month"), (GrantChoice(period=60), "100-requests")]
)
def test_choice__that_does_not_fit_a_template__is_refused(choice: GrantChoice, name: str) -> None:
    with pytest.raises(InvalidConfig, match=f"does not fit the template {name}"):
        choice.begin_with(TEMPLATES[name])


def test_grant__below_one_request__is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(SuspiciousGrant):
        GrantChoice(grants=1, per_request=(2, 2)).build()
    assert GrantChoice(grants=1, per_request=(2, 2), allow_small_grant=True).build().credits == 1
