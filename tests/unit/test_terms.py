"""Terms in words: every kind of plan, every rule, every kind of price, and tokens that name themselves."""

from dataclasses import replace
from itertools import product

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.terms.money import write_money, write_token
from nvm_chain.terms.term import join_parts
from nvm_chain.terms.words import describe_terms, summarize_terms
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.credits import (
    CreditsConfig,
    get_dynamic_credits_config,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_non_expirable_duration_config,
    get_pay_as_you_go_credits_config,
)
from nvm_chain.types.plans import Terms, build_terms
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_external_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_quoted_price_config,
    get_split_price_config,
)
from nvm_chain.types.token_labels import TokenLabel

TOKEN, BUILDER, PARTNER, QUOTER = ("0x" + digit * 40 for digit in "1234")
USDC = TokenLabel("USDC", 6)
FALSE_USDC = TokenLabel("USDC", 6, is_known=False)
ETH = TokenLabel("ETH", 18)
DAY = 86_400
TWENTY = get_erc20_price_config(20_000_000, TOKEN, BUILDER)
HUNDRED = get_fixed_credits_config(100)


def tell(
    price: PriceConfig = TWENTY,
    credits: CreditsConfig = HUNDRED,
    label: TokenLabel | None = USDC,
    fee_bps: int = 0,
    minters: list[str] | None = None,
) -> dict[str, str]:
    """Return the sentences of a plan, by the name of the term."""
    terms = describe_terms(build_terms(price, credits), label, fee_bps=fee_bps, minters=minters)
    assert len({term.name for term in terms}) == len({term.title for term in terms}) == len(terms)
    return {term.name: term.text for term in terms}


# ---------------------------------------------------------------------- price


def test_price__that_is_fixed__is_exact_with_its_receiver_and_the_fee() -> None:
    told = tell(fee_bps=250)
    assert told["price"] == "One purchase costs 20 USDC."
    assert told["receivers"] == f"{BUILDER} gets 19.5 USDC. The money goes straight from the buyer to the receivers."
    assert told["fee"] == (
        "The protocol takes 2.5 % of the price, which is 0.5 USDC. The buyer pays nothing on top. "
        "The fee of this plan never changes."
    )


def test_price__of_several_splits__adds_those_of_one_receiver_and_loses_no_base_unit() -> None:
    price = get_split_price_config(TOKEN, [(BUILDER, 10), (PARTNER, 3), (BUILDER, 7)])
    told = tell(price, fee_bps=1_000)
    assert told["receivers"].startswith(f"{BUILDER} gets 0.000016 USDC and {PARTNER} gets 0.000003 USDC. ")
    assert "which is 0.000001 USDC." in told["fee"]  # 10 and 3 and 7 give 1, 0 and 0: each part is rounded down
    assert told["price"] == "One purchase costs 0.00002 USDC."


def test_receivers__of_sixteen_splits__are_all_written_out() -> None:
    price = get_split_price_config(TOKEN, {f"0x{number:040x}": 10**6 for number in range(1, 17)})
    text = tell(price, label=FALSE_USDC)["receivers"]
    assert all(f"{split.receiver} gets 1 USDC (token {TOKEN})" in text for split in price.splits)


def test_price__in_the_native_coin__has_all_its_decimals() -> None:
    assert tell(get_native_token_price_config(10**15 + 1, BUILDER), label=ETH)["price"] == (
        "One purchase costs 0.001000000000000001 ETH."
    )


def test_price__that_is_quoted__names_the_contract_and_the_shares() -> None:
    told = tell(get_quoted_price_config(TOKEN, QUOTER, {BUILDER: 3, PARTNER: 1}), fee_bps=250)
    assert told["price"] == (
        f"The contract {QUOTER} names the price of one purchase, in USDC. The price can differ each time and for each buyer. "
        "The buyer says how much they pay at most."
    )
    assert told["receivers"].startswith(
        f"{BUILDER} gets 3 of 4 parts of the price and {PARTNER} gets 1 of 4 parts of the price, after the protocol fee."
    )
    assert told["fee"].startswith("The protocol takes 2.5 % of the price, and the buyer pays nothing on top.")
    whole = tell(get_quoted_price_config(TOKEN, QUOTER, {BUILDER: 7}))
    assert whole["receivers"].startswith(f"{BUILDER} gets the whole price. ")


@pytest.mark.parametrize("price", [get_free_price_config(), get_external_price_config()])
def test_price__that_is_not_paid_on_chain__has_no_receivers_and_no_fee(price: PriceConfig) -> None:
    told = tell(price, label=None, fee_bps=250)
    assert not told.keys() & {"receivers", "fee"}
    assert ("refunds" in told) is price.paid_externally
    assert told["price"].startswith("The price is paid outside" if price.paid_externally else "One purchase is free.")


@pytest.mark.parametrize(
    ("label", "written"),
    [
        (USDC, "20 USDC"),
        (FALSE_USDC, f"20 USDC (token {TOKEN})"),
        (TokenLabel("A\u202eB" + "x" * 90, 0, is_known=False), f"20000000 A B{'x' * 13} (token {TOKEN})"),
        (None, f"20000000 base units of token {TOKEN}"),
    ],
)
def test_money__in_a_token_that_only_names_itself__carries_its_address(label: TokenLabel | None, written: str) -> None:
    assert write_money(20_000_000, TOKEN, label) == written
    assert tell(label=label)["price"] == f"One purchase costs {written}."
    assert TOKEN in write_token(TOKEN, label) or label is USDC


# ---------------------------------------------------------------------- grant


def test_grant__of_credits__says_number_cost_and_expiry() -> None:
    told = tell(credits=get_dynamic_credits_config(1_000, 1, 5, duration_seconds=30 * DAY))
    assert told["grant"] == "One purchase gives 1,000 credits."
    assert told["request"] == "A request costs 1 to 5 credits. The service says how many."
    assert told["expiry"] == (
        "The credits expire 30 days after their purchase. Another purchase does not make them last longer. "
        "The credits that expire first are used first."
    )
    assert tell(credits=get_fixed_credits_config(1))["grant"] == "One purchase gives 1 credit."
    assert tell()["expiry"] == "The credits never expire."


def test_grant__of_time__says_how_long_and_from_when() -> None:
    at_once = tell(credits=get_expirable_duration_config(DAY, 7))
    assert at_once["grant"] == "One purchase gives access for 7 days."
    assert at_once["expiry"].startswith(
        "Access begins at the purchase, or at the end of the access that was bought before."
    )
    assert "rule" not in at_once
    later = tell(credits=get_expirable_duration_config(DAY, 7, activation=Activation.ON_FIRST_USE))
    assert later["grant"] == "One purchase gives 7 periods of access for 1 day each."
    assert later["expiry"] == (
        "A period begins when it is redeemed, or at the end of the access that was opened before. "
        "A period that is not redeemed never expires."
    )
    assert later["rule"] == "Only the holder of the periods redeems them."
    assert tell(credits=get_non_expirable_duration_config())["grant"] == "One purchase gives access for 136 years."


def test_grant__of_a_trial__promises_no_second_purchase() -> None:
    for credits in (
        get_expirable_duration_config(DAY, trial=True),
        get_fixed_credits_config(3, duration_seconds=DAY, trial=True),
    ):
        told = tell(credits=credits)
        assert told["trial"] == "Each account gets this plan once, and orders it only for itself."
        assert "nother purchase" not in told["expiry"]
        assert "renewal" not in told["expiry"]


def test_grant__of_usage__has_no_purchases() -> None:
    told = tell(credits=get_pay_as_you_go_credits_config())
    assert told["price"] == "Each unit of usage costs 20 USDC."
    assert (
        told["grant"]
        == "There are no purchases and no credits. Each request is paid on its own, for one or more units."
    )
    assert not told.keys() & {"request", "expiry", "rule", "transfer", "gifts"}


@pytest.mark.parametrize(
    ("rule", "beginning"),
    [
        (
            RedemptionRule.HOLDER,
            "Only the holder of the credits redeems them. The seller, and accounts that the seller",
        ),
        (RedemptionRule.REDEEMER, "The holder of the credits redeems them, and so do accounts that the seller names."),
        (RedemptionRule.OWNER, "The seller, and accounts that the seller names, redeem the credits."),
    ],
)
def test_rule__that_lets_others_redeem__says_that_they_need_no_signature(rule: RedemptionRule, beginning: str) -> None:
    text = tell(credits=get_fixed_credits_config(100, rule=rule))["rule"]
    assert text.startswith(beginning)
    trusted = "need no signature of the holder, and may redeem up to all that the holder has"
    assert (trusted in text) is (rule is not RedemptionRule.HOLDER)
    assert ("The holder cannot redeem." in text) is (rule is RedemptionRule.OWNER)
    assert ("voucher" in text) is (rule is RedemptionRule.HOLDER)


def test_transfer__where_it_is_allowed__says_that_vouchers_are_not() -> None:
    told = tell(credits=get_fixed_credits_config(100, transferable=True))
    assert told["transfer"] == "The holder may send credits to others. The plan does not accept vouchers."
    assert told["rule"] == "Only the holder of the credits redeems them."
    assert tell()["transfer"] == "The holder cannot send credits to others."


@pytest.mark.parametrize(
    ("minters", "who"),
    [
        (None, "The seller, and accounts that the seller names, may"),
        ([], "Only the seller may"),
        ([PARTNER], f"The seller and {PARTNER} may"),
        ([PARTNER, QUOTER], f"The seller, {PARTNER}, and {QUOTER} may"),
    ],
)
def test_minters__as_far_as_they_are_known__are_named(minters: list[str] | None, who: str) -> None:
    assert tell(minters=minters)["gifts"] == f"{who} give credits of this plan to anybody without payment."


# ---------------------------------------------------------------------- all plans there are


PRICES = (
    TWENTY,
    get_free_price_config(),
    get_external_price_config(),
    get_native_token_price_config(1, BUILDER),
    get_quoted_price_config(TOKEN, QUOTER, {BUILDER: 1}),
)
GRANTS = (
    *(get_fixed_credits_config(5, rule=rule, trial=trial) for rule, trial in product(RedemptionRule, (False, True))),
    get_dynamic_credits_config(5, 1, 5, duration_seconds=DAY),
    get_fixed_credits_config(5, transferable=True),
    *(get_expirable_duration_config(DAY, 2, activation=start) for start in Activation),
    get_pay_as_you_go_credits_config(),
)
ALL = [build_terms(price, grant) for price, grant in product(PRICES, GRANTS)]


@pytest.mark.parametrize("terms", ALL)
def test_terms__of_every_kind__are_short_whole_sentences_and_say_that_nothing_changes(terms: Terms) -> None:
    told = describe_terms(terms, USDC, fee_bps=100)
    for term in told:
        assert term.text.endswith(".")
        assert "  " not in term.text
        assert all(len(sentence) < 260 for sentence in term.text.split(". "))
        assert all(sentence[0].isupper() or sentence.startswith("0x") for sentence in term.text.split(". "))
    assert [term.name for term in told][:1] == ["price"]
    assert told[-1].text.startswith("Nobody can change these terms, not even the seller.")


@pytest.mark.parametrize("terms", ALL)
def test_terms__that_differ_in_one_field__differ_in_words(terms: Terms) -> None:
    """Two plans of other terms never read the same, so that nobody can sell one for the other."""
    told = describe_terms(terms, USDC, fee_bps=100)
    others = [replace(terms, credits=terms.credits + 1)] if terms.kind is not PlanKind.USAGE else []
    others += [replace(terms, trial=not terms.trial)] if terms.kind is not PlanKind.USAGE else []
    others += [replace(terms, duration=terms.duration + 1)] if terms.kind is not PlanKind.USAGE else []
    others += [replace(terms, max_redeem=terms.max_redeem + 1)] if terms.kind is PlanKind.CREDITS else []
    others += [replace(terms, rule=rule) for rule in RedemptionRule if rule is not terms.rule and terms.is_redeemable]
    others += [replace(terms, quoter=parse_address(PARTNER))] if terms.is_quoted else []
    for other in others:
        assert describe_terms(other, USDC, fee_bps=100) != told


@pytest.mark.parametrize(
    ("price", "credits", "summary"),
    [
        (TWENTY, HUNDRED, "100 credits, 20 USDC"),
        (TWENTY, get_fixed_credits_config(100, duration_seconds=DAY), "100 credits for 1 day, 20 USDC"),
        (TWENTY, get_expirable_duration_config(30 * DAY), "30 days of access, 20 USDC"),
        (
            TWENTY,
            get_expirable_duration_config(DAY, 7, activation=Activation.ON_FIRST_USE),
            "7 periods of access for 1 day, 20 USDC",
        ),
        (TWENTY, get_pay_as_you_go_credits_config(), "each request, 20 USDC"),
        (get_free_price_config(), get_fixed_credits_config(3, trial=True), "3 credits, free, once for each account"),
        (get_external_price_config(), HUNDRED, "100 credits, paid outside the chain"),
        (
            get_quoted_price_config(TOKEN, QUOTER, {BUILDER: 1}),
            HUNDRED,
            "100 credits, a price in USDC that a contract names",
        ),
    ],
)
def test_summary__of_a_plan__is_what_a_list_needs(price: PriceConfig, credits: CreditsConfig, summary: str) -> None:
    assert summarize_terms(build_terms(price, credits), USDC) == summary


def test_join_parts__of_long_parts__shortens_none() -> None:
    parts = ["x" * 200, "y" * 200, "z" * 200]
    assert join_parts(parts) == f"{parts[0]}, {parts[1]}, and {parts[2]}"
