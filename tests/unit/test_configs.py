"""Configs of prices and credits: those that the contract would refuse are refused before anything is sent."""

import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain import payments
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import InputError, InvalidAddress, InvalidAmount, InvalidConfig, NeedsVendor, SuspiciousGrant
from nvm_chain.errors.formatting import format_duration
from nvm_chain.payments.credits_configs import set_redemption_type
from nvm_chain.payments.price_configs import FIAT_ADVICE, get_fiat_price_config
from nvm_chain.payments.redemption_types import PlanRedemptionType
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import (
    FOREVER,
    ONE_DAY_DURATION,
    ONE_HOUR_DURATION,
    ONE_MONTH_DURATION,
    ONE_WEEK_DURATION,
    ONE_YEAR_DURATION,
    CreditsConfig,
    get_dynamic_credits_config,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_non_expirable_duration_config,
    get_pay_as_you_go_credits_config,
)
from nvm_chain.types.plans import Terms, build_terms, share_cost
from nvm_chain.types.prices import (
    PriceConfig,
    Split,
    get_crypto_price_config,
    get_erc20_price_config,
    get_external_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_pay_as_you_go_price_config,
    get_quoted_price_config,
    get_split_price_config,
)
from tests.support.reverts import reverts

TOKEN, ALICE, BOB, QUOTER = ("0x" + digit * 40 for digit in "1234")
MAX_AMOUNT = 2**96 - 1
MAX_CREDITS = 2**32 - 1
NO_INT = ("is not an int", "give an int; amounts of money are base units, such as `usdc('20')`")
NO_COUNT = ("is not an int", "give a whole number, such as 100")
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
    with reverts(InvalidAmount(f"price {amount}", f"must be from 1 to {2**96 - 1}")):
        get_erc20_price_config(amount, TOKEN, ALICE)


@pytest.mark.parametrize("amount", [20.0, "20", True, None])
def test_price__that_is_no_int__raises(amount: Any) -> None:
    with reverts(InvalidAmount(f"price {amount!r}", *NO_INT)):
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


@pytest.mark.parametrize("token", ["0x" + "1" * 39, "usdc"])
def test_get_split_price_config__in_no_token__raises(token: str) -> None:
    with reverts(InvalidAddress("token address", token, "is not 0x and 40 hexadecimal digits")):
        get_split_price_config(token, many(1))


# ---------------------------------------------------------------------- credits


def test_get_fixed_credits_config__by_default__is_one_credit_per_request_for_the_holder() -> None:
    expected = CreditsConfig(100, 1, 1, RedemptionRule.HOLDER, trial=False, transferable=False)
    assert get_fixed_credits_config(100) == get_dynamic_credits_config(100) == expected


def test_credits_configs__with_every_option__keep_them() -> None:
    fixed = get_fixed_credits_config(7, 2, rule=RedemptionRule.OWNER, trial=True, transferable=True)
    assert fixed == CreditsConfig(7, 2, 2, RedemptionRule.OWNER, trial=True, transferable=True)
    dynamic = get_dynamic_credits_config(7, 2, 5, rule=RedemptionRule.REDEEMER, trial=True, transferable=True)
    assert dynamic == CreditsConfig(7, 2, 5, RedemptionRule.REDEEMER, trial=True, transferable=True)


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
    with reverts(InvalidAmount(f"{name} {number}", f"must be from 1 to {2**32 - 1}")):
        get_dynamic_credits_config(*numbers)


@pytest.mark.parametrize("number", [1.0, "1", True, None])
def test_credits__that_are_no_int__raise(number: Any) -> None:
    with reverts(InvalidAmount(f"credits granted {number!r}", *NO_COUNT)):
        get_fixed_credits_config(number)


@pytest.mark.parametrize("number", [0, MAX_CREDITS + 1])
def test_periods_per_redemption__beyond_their_limits__are_called_periods(number: int) -> None:
    with reverts(InvalidAmount(f"periods per redemption {number}", f"must be from 1 to {2**32 - 1}")):
        get_expirable_duration_config(
            ONE_DAY_DURATION, activation=Activation.ON_FIRST_USE, max_periods_per_redemption=number
        )


@pytest.mark.parametrize("build", [get_dynamic_credits_config, payments.get_dynamic_credits_config])
def test_get_dynamic_credits_config__that_grants_less_than_a_request_takes__needs_to_be_allowed(build: Any) -> None:
    with reverts(SuspiciousGrant(10, 20)):
        build(10, 20, 30)
    assert build(10, 20, 30, allow_small_grant=True) == CreditsConfig(10, 20, 30)
    assert build(20, 20, 30) == CreditsConfig(20, 20, 30)


@pytest.mark.parametrize("build", [get_fixed_credits_config, payments.get_fixed_credits_config])
def test_get_fixed_credits_config__that_grants_less_than_a_request_takes__needs_to_be_allowed(build: Any) -> None:
    with reverts(SuspiciousGrant(1, 2)):
        build(1, 2)
    assert build(1, 2, allow_small_grant=True) == CreditsConfig(1, 2, 2)


def test_get_dynamic_credits_config__with_least_above_most__raises() -> None:
    with reverts(InvalidConfig("a request cannot cost 6 to 5 credits")):
        get_dynamic_credits_config(100, 6, 5)


@pytest.mark.parametrize("rule", [3, -1, "HOLDER", None, True])
def test_credits_config__with_a_rule_that_does_not_exist__raises(rule: Any) -> None:
    with pytest.raises(InputError) as caught:
        get_fixed_credits_config(100, rule=rule)
    assert caught.value.args == (
        f"{rule!r} is not a redemption rule",
        "give RedemptionRule.HOLDER, RedemptionRule.REDEEMER or RedemptionRule.OWNER",
    )


@pytest.mark.parametrize("option", ["trial", "transferable", "allow_small_grant"])
@pytest.mark.parametrize("value", ["false", 0, 1, None])
def test_credits_config__with_an_option_that_is_no_bool__raises(option: str, value: Any) -> None:
    with reverts(InvalidConfig(f"{option} is {value!r}", "give True or False")):
        get_fixed_credits_config(100, **{option: value})


def test_credits_config__that_expires__keeps_its_duration() -> None:
    fixed = get_fixed_credits_config(7, duration_seconds=ONE_DAY_DURATION)
    assert fixed == CreditsConfig(7, 1, 1, duration=86_400)
    assert get_dynamic_credits_config(7, 1, 5, duration_seconds=1).duration == 1


@pytest.mark.parametrize("duration", [0, 1, MAX_CREDITS])
def test_duration__within_its_limits__is_taken(duration: int) -> None:
    assert get_fixed_credits_config(1, duration_seconds=duration).duration == duration


@pytest.mark.parametrize("duration", [-1, MAX_CREDITS + 1])
def test_duration__beyond_its_limits__raises(duration: int) -> None:
    shown = f"duration {format_duration(duration)} ({duration} seconds)"
    with reverts(InvalidAmount(shown, f"must be from 0 to {2**32 - 1} seconds, which are 136 years")):
        get_fixed_credits_config(1, duration_seconds=duration)


@pytest.mark.parametrize("make", [get_fixed_credits_config, get_dynamic_credits_config])
def test_credits_config__that_expires_and_is_transferable__raises(make: Callable[..., CreditsConfig]) -> None:
    with reverts(InvalidConfig("credits that expire cannot be transferable", "leave one of the two out")):
        make(100, duration_seconds=1, transferable=True)


# ---------------------------------------------------------------------- other prices


def test_get_quoted_price_config__has_a_quoter_weights_and_no_price_of_its_own() -> None:
    price = get_quoted_price_config(TOKEN, QUOTER, {ALICE: 3, BOB: 1})
    assert price == PriceConfig(TOKEN, (Split(ALICE, 3), Split(BOB, 1)), quoter=QUOTER)  # type: ignore[arg-type]
    assert price.total == build_terms(price, get_fixed_credits_config(1)).price == 0


def test_get_quoted_price_config__in_coin__is_taken() -> None:
    assert get_quoted_price_config(ZERO_ADDRESS, QUOTER, {ALICE: 1}).token == ZERO_ADDRESS


def test_get_quoted_price_config__without_a_quoter__raises() -> None:
    with reverts(InvalidAddress("quoter address", ZERO_ADDRESS, NOBODY)):
        get_quoted_price_config(TOKEN, ZERO_ADDRESS, {ALICE: 1})


def test_get_quoted_price_config__without_receivers__raises() -> None:
    with reverts(InvalidConfig("a price has 1 to 16 receivers, not 0")):
        get_quoted_price_config(TOKEN, QUOTER, {})


def test_get_quoted_price_config__with_a_weight_of_zero__raises() -> None:
    with reverts(InvalidAmount("price 0", f"must be from 1 to {2**96 - 1}")):
        get_quoted_price_config(TOKEN, QUOTER, {ALICE: 1, BOB: 0})


def test_get_external_price_config__costs_nothing_on_chain() -> None:
    assert get_external_price_config() == PriceConfig(ZERO_ADDRESS, (), paid_externally=True)


# ---------------------------------------------------------------------- time and usage


def test_get_expirable_duration_config__by_default__is_one_period_from_purchase_on() -> None:
    assert get_expirable_duration_config(ONE_MONTH_DURATION) == CreditsConfig(
        1, 0, 0, kind=PlanKind.TIME, activation=Activation.ON_PURCHASE, duration=30 * 86_400
    )


def test_get_expirable_duration_config__on_first_use__is_redeemed_by_whom_the_rule_names() -> None:
    config = get_expirable_duration_config(
        60,
        12,
        activation=Activation.ON_FIRST_USE,
        max_periods_per_redemption=3,
        rule=RedemptionRule.REDEEMER,
        trial=True,
    )
    assert config == CreditsConfig(
        12,
        1,
        3,
        RedemptionRule.REDEEMER,
        trial=True,
        kind=PlanKind.TIME,
        activation=Activation.ON_FIRST_USE,
        duration=60,
    )


@pytest.mark.parametrize("duration", [0, -1, MAX_CREDITS + 1])
def test_get_expirable_duration_config__of_a_duration_beyond_its_limits__raises(duration: int) -> None:
    shown = f"duration {format_duration(duration)} ({duration} seconds)"
    with reverts(InvalidAmount(shown, f"must be from 1 to {2**32 - 1} seconds, which are 136 years")):
        get_expirable_duration_config(duration)


@pytest.mark.parametrize("periods", [0, -1, MAX_CREDITS + 1])
def test_get_expirable_duration_config__of_periods_beyond_their_limits__raises(periods: int) -> None:
    with reverts(InvalidAmount(f"periods {periods}", f"must be from 1 to {2**32 - 1}")):
        get_expirable_duration_config(60, periods)


@pytest.mark.parametrize("rule", [RedemptionRule.REDEEMER, RedemptionRule.OWNER])
def test_get_expirable_duration_config__on_purchase_with_a_rule__raises(rule: RedemptionRule) -> None:
    problem = "a period that starts on purchase is not redeemed, so no rule says by whom"
    with reverts(InvalidConfig(problem, "leave it out")):
        get_expirable_duration_config(60, rule=rule)


@pytest.mark.parametrize("activation", [2, -1, "ON_FIRST_USE", None, True])
def test_get_expirable_duration_config__with_no_activation__raises(activation: Any) -> None:
    advice = "give Activation.ON_PURCHASE or Activation.ON_FIRST_USE"
    with reverts(InvalidConfig(f"{activation!r} is not an activation", advice)):
        get_expirable_duration_config(60, activation=activation)


@pytest.mark.parametrize("trial", ["false", 0, None])
def test_get_expirable_duration_config__with_a_trial_that_is_no_bool__raises(trial: Any) -> None:
    with reverts(InvalidConfig(f"trial is {trial!r}", "give True or False")):
        get_expirable_duration_config(60, trial=trial)


def test_get_pay_as_you_go_credits_config__grants_nothing() -> None:
    assert get_pay_as_you_go_credits_config() == CreditsConfig(0, 0, 0, kind=PlanKind.USAGE)


def test_durations__are_seconds() -> None:
    durations = (ONE_HOUR_DURATION, ONE_DAY_DURATION, ONE_WEEK_DURATION, ONE_MONTH_DURATION, ONE_YEAR_DURATION)
    assert durations == (3_600, 86_400, 604_800, 2_592_000, 31_536_000)


# ---------------------------------------------------------------------- terms


def test_build_terms__joins_price_and_credits() -> None:
    price = get_split_price_config(TOKEN, {ALICE: 15, BOB: 5})
    credits = get_dynamic_credits_config(100, 2, 9, rule=RedemptionRule.OWNER, trial=True, transferable=True)
    terms = build_terms(price, credits)
    assert terms == Terms(
        kind=PlanKind.CREDITS,
        activation=Activation.ON_PURCHASE,
        token=TOKEN,  # type: ignore[arg-type]
        splits=(Split(ALICE, 15), Split(BOB, 5)),  # type: ignore[arg-type]
        quoter=ZERO_ADDRESS,
        paid_externally=False,
        credits=100,
        duration=0,
        min_redeem=2,
        max_redeem=9,
        rule=RedemptionRule.OWNER,
        trial=True,
        transferable=True,
    )
    assert (terms.price, terms.is_quoted) == (20, False)
    splits = [(ALICE, 15), (BOB, 5)]
    assert terms.as_tuple() == (0, 0, TOKEN, splits, ZERO_ADDRESS, False, 100, 0, 2, 9, 2, True, True)


def test_build_terms__of_a_quoted_time_plan__keeps_quoter_kind_and_duration() -> None:
    price = get_quoted_price_config(TOKEN, QUOTER, {ALICE: 15})
    credits = get_expirable_duration_config(60, 12, activation=Activation.ON_FIRST_USE)
    terms = build_terms(price, credits)
    assert terms.is_quoted
    assert terms.as_tuple() == (1, 1, TOKEN, [(ALICE, 15)], QUOTER, False, 12, 60, 1, 1, 0, False, False)


def test_build_terms__of_a_price_outside__says_so() -> None:
    assert build_terms(get_external_price_config(), get_fixed_credits_config(1)).paid_externally


# ---------------------------------------------------------------------- how a cost is shared

RECEIVERS = [f"0x{number:040}" for number in range(1, 17)]


def share(amounts: list[int], cost: int, fee_bps: int) -> tuple[list[int], int]:
    """Share a cost among so many receivers, and return their parts and the fee."""
    terms = build_terms(
        get_split_price_config(TOKEN, zip(RECEIVERS, amounts, strict=False)), get_fixed_credits_config(1)
    )
    shares, fee = share_cost(terms, cost, fee_bps)
    assert [receiver for receiver, _ in shares] == RECEIVERS[: len(amounts)]
    return [part for _, part in shares], fee


@pytest.mark.parametrize(
    ("amounts", "cost", "fee_bps", "parts", "fee"),
    [
        ([20], 20, 0, [20], 0),
        ([15, 5], 40, 0, [30, 10], 0),
        ([1, 1, 1], 100, 0, [34, 33, 33], 0),
        ([1, 1, 1], 2, 0, [2, 0, 0], 0),
        ([3, 1], 0, 1000, [0, 0], 0),
        ([10_000], 10_000, 1, [9_999], 1),
        ([9_999, 9_999], 19_998, 1, [9_999, 9_999], 0),  # rounded down for each
        ([5_000, 5_000], 10_000, 1000, [4_500, 4_500], 1_000),
    ],
)
def test_share_cost__of_samples__rounds_down_and_gives_the_rest_to_the_first(
    amounts: list[int], cost: int, fee_bps: int, parts: list[int], fee: int
) -> None:
    assert share(amounts, cost, fee_bps) == (parts, fee)


def test_share_cost__without_receivers__is_nothing() -> None:
    assert share_cost(build_terms(get_free_price_config(), get_fixed_credits_config(1)), 0, 1000) == ([], 0)


AMOUNTS = st.lists(st.integers(1, MAX_AMOUNT), min_size=1, max_size=16)


@given(AMOUNTS, st.integers(0, 2**128 - 1), st.integers(0, 1000))
def test_share_cost__of_any_quoted_cost__sums_up_to_it_and_is_fair(amounts: list[int], cost: int, fee_bps: int) -> None:
    parts, fee = share(amounts, cost, fee_bps)
    assert sum(parts) + fee == cost
    assert min(parts) >= 0
    assert fee * 10_000 <= cost * fee_bps
    assert (fee + len(amounts)) * 10_000 > cost * fee_bps
    due, _ = share(amounts, cost, 0)
    exact = [Fraction(cost * amount, sum(amounts)) for amount in amounts]
    assert all(0 <= right - got < 1 for right, got in zip(exact[1:], due[1:], strict=True))
    assert 0 <= due[0] - exact[0] < len(amounts)


@given(AMOUNTS, st.integers(1, MAX_CREDITS), st.integers(0, 1000))
def test_share_cost__of_a_fixed_price__is_each_amount_times_the_quantity(
    amounts: list[int], quantity: int, fee_bps: int
) -> None:
    parts, fee = share(amounts, sum(amounts) * quantity, fee_bps)
    dues = [amount * quantity for amount in amounts]
    assert parts == [due - due * fee_bps // 10_000 for due in dues]
    assert fee == sum(due * fee_bps // 10_000 for due in dues)


# ---------------------------------------------------------------------- names of the hosted system


def test_get_crypto_price_config__with_and_without_a_token__is_that_of_the_token_or_the_coin() -> None:
    assert get_crypto_price_config(7, ALICE, TOKEN) == get_erc20_price_config(7, TOKEN, ALICE)
    assert get_crypto_price_config(7, ALICE) == get_native_token_price_config(7, ALICE)
    assert get_crypto_price_config(amount=7, receiver=ALICE, token_address=TOKEN).total == 7


def test_get_pay_as_you_go_price_config__is_a_price_without_a_template() -> None:
    assert get_pay_as_you_go_price_config(7, ALICE, TOKEN) == get_erc20_price_config(7, TOKEN, ALICE)
    assert get_pay_as_you_go_price_config(7, ALICE) == get_native_token_price_config(7, ALICE)
    no_template = "Credits takes payments for usage itself, without a template"
    for template in (TOKEN, ""):
        with reverts(InvalidConfig(no_template, "leave template_address out")):
            payments.get_pay_as_you_go_price_config(7, ALICE, TOKEN, template)


def test_get_non_expirable_duration_config__is_the_longest_that_there_is() -> None:
    assert get_non_expirable_duration_config() == get_expirable_duration_config(2**32 - 1)
    assert FOREVER == 2**32 - 1
    with pytest.raises(InvalidAmount):
        get_expirable_duration_config(FOREVER + 1)


SAME: list[tuple[Any, Any]] = [
    (payments.get_erc20_price_config("20000000", TOKEN, ALICE), get_erc20_price_config(20_000_000, TOKEN, ALICE)),
    (payments.get_crypto_price_config("7", ALICE, TOKEN), get_crypto_price_config(7, ALICE, TOKEN)),
    (payments.get_native_token_price_config("7", ALICE), get_native_token_price_config(7, ALICE)),
    (payments.get_pay_as_you_go_price_config("7", ALICE), get_pay_as_you_go_price_config(7, ALICE)),
    (payments.get_free_price_config(), get_free_price_config()),
    (payments.get_fixed_credits_config("100", "2"), get_fixed_credits_config(100, 2)),
    (payments.get_dynamic_credits_config("100", "1", "5"), get_dynamic_credits_config(100, 1, 5)),
    (
        payments.get_fixed_credits_config("100", duration_seconds="60"),
        get_fixed_credits_config(100, duration_seconds=60),
    ),
    (payments.get_expirable_duration_config("3600", "2"), get_expirable_duration_config(3600, 2)),
    (payments.get_non_expirable_duration_config(), get_non_expirable_duration_config()),
    (payments.get_pay_as_you_go_credits_config(), get_pay_as_you_go_credits_config()),
]


@pytest.mark.parametrize(("named", "core"), SAME)
def test_payments_configs__with_amounts_as_text__are_those_of_the_package(named: Any, core: Any) -> None:
    assert named == core
    assert core == named
    assert hash(named) == hash(core)
    assert pickle.loads(pickle.dumps(named)) == named
    assert type(named) is not type(core)
    assert named != "another thing"


def test_payments_configs__of_other_terms__are_others() -> None:
    assert payments.get_fixed_credits_config(100) != get_fixed_credits_config(101)
    assert payments.get_native_token_price_config(1, ALICE) != get_native_token_price_config(2, ALICE)
    assert payments.get_free_price_config() != payments.get_pay_as_you_go_credits_config()


@pytest.mark.parametrize("amount", ["20.0", "-1", "", " 20", "20 USDC", "1e3", 20.0, True, None])
def test_payments_configs__with_what_is_not_a_whole_number__say_which_argument_it_is(amount: Any) -> None:
    for name, make in (
        ("price", lambda: payments.get_erc20_price_config(amount, TOKEN, ALICE)),
        ("duration_of_plan", lambda: payments.get_expirable_duration_config(amount)),
        ("credits_granted", lambda: payments.get_fixed_credits_config(amount)),
    ):
        with pytest.raises(InvalidAmount) as caught:
            make()
        assert str(caught.value).startswith(f"{name} {amount!r} is ")


def test_payments_configs__read_by_the_names_of_the_hosted_system__have_the_values() -> None:
    price = payments.get_erc20_price_config(7, TOKEN, ALICE)
    assert (price.amounts, price.receivers, price.token_address, price.is_crypto) == ([7], [ALICE], TOKEN, True)
    credits = payments.get_dynamic_credits_config(100, 1, 5, duration_seconds=60)
    assert (credits.amount, credits.min_amount, credits.max_amount, credits.duration_secs) == ("100", 1, 5, 60)
    assert not credits.is_redemption_amount_fixed
    assert credits.redemption_type is PlanRedemptionType.ONLY_SUBSCRIBER
    core: Any = get_erc20_price_config(7, TOKEN, ALICE), get_fixed_credits_config(1)
    assert [hasattr(core[0], name) for name in ("amounts", "token_address")] == [False, False]
    assert [hasattr(core[1], name) for name in ("amount", "redemption_type")] == [False, False]


@pytest.mark.parametrize(
    ("given_type", "rule"),
    [
        (PlanRedemptionType.ONLY_OWNER, RedemptionRule.OWNER),
        (PlanRedemptionType.ONLY_PLAN_ROLE, RedemptionRule.REDEEMER),
        (PlanRedemptionType.ONLY_SUBSCRIBER, RedemptionRule.HOLDER),
        (RedemptionRule.OWNER, RedemptionRule.OWNER),
        (RedemptionRule.REDEEMER, RedemptionRule.REDEEMER),
        (RedemptionRule.HOLDER, RedemptionRule.HOLDER),
    ],
)
def test_set_redemption_type__of_each__changes_the_rule_alone(
    given_type: PlanRedemptionType | RedemptionRule, rule: RedemptionRule
) -> None:
    before = get_fixed_credits_config(
        100, 2, rule=RedemptionRule.OWNER if rule is RedemptionRule.HOLDER else RedemptionRule.HOLDER
    )
    assert set_redemption_type(before, given_type) == get_fixed_credits_config(100, 2, rule=rule)


def test_set_redemption_type__to_the_vendors_role__names_the_way_there_is() -> None:
    expected = NeedsVendor(
        "a global role over everybody's credits", "name redeemers of your own: `RedemptionRule.REDEEMER`"
    )
    with reverts(expected):
        set_redemption_type(get_fixed_credits_config(100), PlanRedemptionType.ONLY_GLOBAL_ROLE)


@pytest.mark.parametrize(
    "credits", [get_pay_as_you_go_credits_config(), get_expirable_duration_config(ONE_DAY_DURATION)]
)
def test_set_redemption_type__where_nothing_is_redeemed__has_no_meaning(credits: CreditsConfig) -> None:
    assert set_redemption_type(credits, RedemptionRule.HOLDER) == credits
    with reverts(
        InvalidConfig(
            "this plan has no redemptions, and so it does not have a redemption rule",
            "leave the credits config unchanged",
        )
    ):
        set_redemption_type(credits, RedemptionRule.OWNER)


@pytest.mark.parametrize("wrong", [3, True, None, "OWNER"])
def test_set_redemption_type__to_what_is_no_rule__raises(wrong: Any) -> None:
    with pytest.raises(InvalidConfig, match="not a redemption rule"):
        set_redemption_type(get_fixed_credits_config(100), wrong)


def test_get_fiat_price_config__names_the_way_there_is() -> None:
    with reverts(NeedsVendor("a price of 2000000 in 'USD' paid to 'somebody' by card", FIAT_ADVICE)):
        get_fiat_price_config(2_000_000, "somebody")
    with reverts(NeedsVendor("a price of 1 in 'EUR' paid to 'somebody' by card", FIAT_ADVICE)):
        get_fiat_price_config(1, "somebody", "EUR")
