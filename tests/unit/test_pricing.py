"""pricing: configs that the contract would refuse are refused before anything is sent."""

from typing import Any

import pytest

from nvm_chain.addresses import ZERO_ADDRESS
from nvm_chain.errors import InputError, InvalidAddress, InvalidAmount, InvalidConfig
from nvm_chain.pricing import (
    build_terms,
    get_dynamic_credits_config,
    get_erc20_price_config,
    get_fixed_credits_config,
    get_free_price_config,
    get_native_token_price_config,
    get_split_price_config,
)
from nvm_chain.types import CreditsConfig, PriceConfig, Rule, Split, Terms
from tests.support.reverts import reverts

TOKEN, ALICE, BOB = ("0x" + digit * 40 for digit in "123")
MAX_AMOUNT = 2**96 - 1
MAX_CREDITS = 2**40 - 1
NO_INT = "must be an int; amounts of money are base units, see usdc('20')"
NOBODY = "is the zero address, which nobody owns"


def many(count: int) -> list[tuple[str, int]]:
    """Return that many pairs of receiver and amount, all to one receiver."""
    return [(ALICE, number + 1) for number in range(count)]


# ---------------------------------------------------------------------- prices


def test_get_erc20_price_config__with_lower_case_addresses__pays_one_receiver() -> None:
    usdc = "0x036cbd53842c5426634e7929541ec2318f3dcf7e"
    expected = PriceConfig("0x036CbD53842c5426634e7929541eC2318f3dCF7e", (Split(ALICE, 20_000_000),))  # type: ignore[arg-type]
    assert get_erc20_price_config(20_000_000, usdc, ALICE) == expected
    assert expected.total == 20_000_000


def test_get_erc20_price_config__without_a_token__raises() -> None:
    with reverts(InvalidAddress("token address", ZERO_ADDRESS, NOBODY)):
        get_erc20_price_config(1, ZERO_ADDRESS, ALICE)


def test_get_native_token_price_config__is_in_the_zero_address() -> None:
    assert get_native_token_price_config(5, ALICE) == PriceConfig(ZERO_ADDRESS, (Split(ALICE, 5),))  # type: ignore[arg-type]


def test_get_free_price_config__pays_nobody() -> None:
    assert get_free_price_config() == PriceConfig(ZERO_ADDRESS, ())
    assert get_free_price_config().total == 0


@pytest.mark.parametrize("amount", [1, MAX_AMOUNT - 1, MAX_AMOUNT])
def test_price__within_its_limits__is_taken(amount: int) -> None:
    assert get_native_token_price_config(amount, ALICE).total == amount


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1])
def test_price__beyond_its_limits__raises(amount: int) -> None:
    with reverts(InvalidAmount(f"price {amount}", "must be from 1 to 2**96 - 1")):
        get_erc20_price_config(amount, TOKEN, ALICE)


@pytest.mark.parametrize("amount", [20.0, "20", True, None])
def test_price__that_is_no_int__raises(amount: Any) -> None:
    with reverts(InvalidAmount(f"price {amount!r}", NO_INT)):
        get_erc20_price_config(amount, TOKEN, ALICE)


def test_price__to_nobody__raises() -> None:
    with reverts(InvalidAddress("receiver address", ZERO_ADDRESS, NOBODY)):
        get_native_token_price_config(1, ZERO_ADDRESS)


def test_get_split_price_config__of_a_mapping_or_pairs__keeps_the_order() -> None:
    splits = (Split(BOB, 5), Split(ALICE, 15))  # type: ignore[arg-type]
    assert get_split_price_config(TOKEN, {BOB: 5, ALICE: 15}).splits == splits
    assert get_split_price_config(TOKEN, iter([(BOB, 5), (ALICE, 15)])).splits == splits


@pytest.mark.parametrize("count", [1, 15, 16])
def test_get_split_price_config__with_up_to_16_receivers__is_taken(count: int) -> None:
    config = get_split_price_config(TOKEN, many(count))
    assert len(config.splits) == count
    assert config.total == count * (count + 1) // 2


@pytest.mark.parametrize("count", [0, 17])
def test_get_split_price_config__with_another_number_of_receivers__raises(count: int) -> None:
    with reverts(InvalidConfig(f"a price has 1 to 16 receivers, not {count}")):
        get_split_price_config(TOKEN, many(count))


# ---------------------------------------------------------------------- credits


def test_get_fixed_credits_config__by_default__is_one_credit_per_request_for_the_holder() -> None:
    expected = CreditsConfig(100, 1, 1, Rule.HOLDER, trial=False, transferable=False)
    assert get_fixed_credits_config(100) == get_dynamic_credits_config(100) == expected


def test_credits_configs__with_every_option__keep_them() -> None:
    fixed = get_fixed_credits_config(7, 2, rule=Rule.OWNER, trial=True, transferable=True)
    assert fixed == CreditsConfig(7, 2, 2, Rule.OWNER, trial=True, transferable=True)
    dynamic = get_dynamic_credits_config(7, 2, 5, rule=Rule.REDEEMER, trial=True, transferable=True)
    assert dynamic == CreditsConfig(7, 2, 5, Rule.REDEEMER, trial=True, transferable=True)


@pytest.mark.parametrize("number", [1, MAX_CREDITS - 1, MAX_CREDITS])
def test_credits__within_their_limits__are_taken(number: int) -> None:
    assert get_fixed_credits_config(number, number) == CreditsConfig(number, number, number)


@pytest.mark.parametrize("number", [0, -1, MAX_CREDITS + 1])
@pytest.mark.parametrize(
    ("position", "name"), [(0, "credits granted"), (1, "least credits per request"), (2, "most credits per request")]
)
def test_credits__beyond_their_limits__raise(position: int, name: str, number: int) -> None:
    numbers = [5, 5, 5]
    numbers[position] = number
    with reverts(InvalidAmount(f"{name} {number}", "must be from 1 to 2**40 - 1")):
        get_dynamic_credits_config(*numbers)


@pytest.mark.parametrize("number", [1.0, "1", True, None])
def test_credits__that_are_no_int__raise(number: Any) -> None:
    with reverts(InvalidAmount(f"credits granted {number!r}", NO_INT)):
        get_fixed_credits_config(number)


def test_get_dynamic_credits_config__with_least_above_most__raises() -> None:
    with reverts(InvalidConfig("a request cannot cost 6 to 5 credits")):
        get_dynamic_credits_config(100, 6, 5)


@pytest.mark.parametrize("rule", [3, -1, "HOLDER", None, True])
def test_credits_config__with_a_rule_that_does_not_exist__raises(rule: Any) -> None:
    with pytest.raises(InputError) as caught:
        get_fixed_credits_config(100, rule=rule)
    assert caught.value.args == (f"{rule!r} is no redemption rule; give Rule.HOLDER, Rule.REDEEMER or Rule.OWNER",)


@pytest.mark.parametrize("option", ["trial", "transferable"])
@pytest.mark.parametrize("value", ["false", 0, 1, None])
def test_credits_config__with_an_option_that_is_no_bool__raises(option: str, value: Any) -> None:
    with reverts(InvalidConfig(f"{option} is {value!r}; give True or False")):
        get_fixed_credits_config(100, **{option: value})


# ---------------------------------------------------------------------- terms


def test_build_terms__joins_price_and_credits() -> None:
    price = get_split_price_config(TOKEN, {ALICE: 15, BOB: 5})
    credits = get_dynamic_credits_config(100, 2, 9, rule=Rule.OWNER, trial=True, transferable=True)
    terms = build_terms(price, credits)
    assert terms == Terms(
        token=TOKEN,  # type: ignore[arg-type]
        splits=(Split(ALICE, 15), Split(BOB, 5)),  # type: ignore[arg-type]
        credits=100,
        min_redeem=2,
        max_redeem=9,
        rule=Rule.OWNER,
        trial=True,
        transferable=True,
    )
    assert terms.price == 20
    assert terms.as_tuple() == (TOKEN, [(ALICE, 15), (BOB, 5)], 100, 2, 9, 2, True, True)
