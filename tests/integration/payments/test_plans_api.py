"""``payments.plans``: every name of the second generation, its parameters, and what each does to the chain."""

from typing import Any

import pytest

from nvm_chain import payments
from nvm_chain import types as pricing
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import (
    InvalidAmount,
    InvalidConfig,
    InvalidContext,
    InvalidMetadata,
    NeedsVendor,
    NoContract,
    NotMinter,
    PlanAlreadyRegistered,
    RedeemNotAllowed,
    SuspiciousPrice,
    TrialAlreadyTaken,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.operations.plans import read_plan
from nvm_chain.operations.usage import pay_usage
from nvm_chain.payments import PaginationOptions, Payments, PlanMetadata, PlanRedemptionType, set_redemption_type
from tests.integration.payments.conftest import PRICE
from tests.support.world import World

NAME = PlanMetadata(name="My Credits Plan", tags=["test"])
DAY = pricing.ONE_DAY_DURATION


@pytest.fixture
def price(builder: Payments, usdc: str) -> Any:
    """20 USDC to the builder."""
    return builder.plans.get_erc20_price_config(PRICE, usdc, builder.account_address)


# ---------------------------------------------------------------------- register


def test_register_plan__with_a_nonce__is_registered_once(builder: Payments, price: Any) -> None:
    first = builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(100), nonce=7)
    assert first["success"]
    with pytest.raises(PlanAlreadyRegistered):
        builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(100), nonce=7)
    second = builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(100), nonce=8)
    assert second["planId"] != first["planId"]


@pytest.mark.parametrize("nonce", [-1, 2**256, "7", True])
def test_register_plan__with_what_is_no_nonce__is_refused(builder: Payments, price: Any, nonce: Any) -> None:
    with pytest.raises(InvalidAmount):
        builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(100), nonce=nonce)


@pytest.mark.parametrize(
    ("credits", "limit", "kind"),
    [
        (pricing.get_fixed_credits_config(100, 2), "credits", PlanKind.CREDITS),
        (pricing.get_dynamic_credits_config(100, 1, 5, duration_seconds=DAY), "credits", PlanKind.CREDITS),
        (pricing.get_expirable_duration_config(DAY), "time", PlanKind.TIME),
        (pricing.get_non_expirable_duration_config(), "time", PlanKind.TIME),
        (pricing.get_pay_as_you_go_credits_config(), "credits", PlanKind.USAGE),
        (pricing.get_fixed_credits_config(100), None, PlanKind.CREDITS),
    ],
)
def test_register_plan__of_each_kind__has_its_terms(
    builder: Payments, price: Any, credits: Any, limit: Any, kind: PlanKind
) -> None:
    plan_id = builder.plans.register_plan(NAME, price, credits, access_limit=limit)["planId"]
    terms = read_plan(builder.chain, plan_id).terms
    assert (terms.kind, terms.credits, terms.duration) == (kind, credits.credits, credits.duration)


def test_register_plan__of_another_kind_than_its_name_says__is_refused(
    builder: Payments, price: Any, requests_made: list[str]
) -> None:
    with pytest.raises(InvalidConfig, match="get_expirable_duration_config"):
        builder.plans.register_time_plan(NAME, price, pricing.get_fixed_credits_config(100))
    with pytest.raises(InvalidConfig, match="get_fixed_credits_config"):
        builder.plans.register_credits_plan(NAME, price, pricing.get_expirable_duration_config(DAY))
    with pytest.raises(InvalidConfig, match="'credits' or 'time'"):
        builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(1), access_limit="none")  # type: ignore[arg-type]
    assert requests_made == []


def test_register_plan__with_metadata_as_a_dictionary__is_the_same(builder: Payments, price: Any) -> None:
    credits = pricing.get_fixed_credits_config(100)
    described = {"name": "My Credits Plan", "tags": ["test"], "sample_link": "https://example.com", "description": None}
    plan_id = builder.plans.register_plan(described, price, credits)["planId"]
    assert builder.plans.get_plan(plan_id)["metadata"] == {
        "name": "My Credits Plan",
        "tags": ["test"],
        "sampleLink": "https://example.com",
    }


@pytest.mark.parametrize("wrong", [{}, {"name": ""}, {"name": "x", "tags": "y"}, {"name": "x", "images": [1]}])
def test_register_plan__with_metadata_that_cannot_be__is_refused(builder: Payments, price: Any, wrong: Any) -> None:
    with pytest.raises(InvalidMetadata):
        builder.plans.register_plan(wrong, price, pricing.get_fixed_credits_config(100))


def test_register_plan__with_metadata_of_another_thing__is_refused(builder: Payments, price: Any) -> None:
    with pytest.raises(InvalidConfig, match="dictionary"):
        builder.plans.register_plan(AgentMetadata("x"), price, pricing.get_fixed_credits_config(100))  # type: ignore[arg-type]


def test_register_trial_plans__are_granted_once(builder: Payments, subscriber: Payments) -> None:
    free = pricing.get_free_price_config()
    credits, timed = pricing.get_fixed_credits_config(10), pricing.get_expirable_duration_config(DAY)
    plans = [
        builder.plans.register_credits_trial_plan(NAME, free, credits)["planId"],
        builder.plans.register_time_trial_plan(NAME, free, timed)["planId"],
        builder.plans.register_credits_plan(PlanMetadata("Mine", is_trial_plan=True), free, credits)["planId"],
    ]
    for plan_id in plans:
        assert builder.plans.get_plan(plan_id)["registry"]["credits"]["isTrialPlan"]
        assert builder.plans.get_plan(plan_id)["metadata"]["isTrialPlan"]
        assert subscriber.plans.order_plan(plan_id)["success"]
        with pytest.raises(TrialAlreadyTaken):
            subscriber.plans.order_plan(plan_id)
    assert NAME.is_trial_plan is False  # what was given is not changed


def test_register_plan__priced_in_no_token__says_so(builder: Payments) -> None:
    price = pricing.get_crypto_price_config(PRICE, builder.account_address, "0x" + "11" * 20)
    with pytest.raises(NoContract, match="0x1111111111111111111111111111111111111111"):
        builder.plans.register_plan(NAME, price, pricing.get_fixed_credits_config(100))


def test_register_plans__at_a_price_in_whole_tokens__are_refused(
    builder: Payments, usdc: str, requests_made: list[str]
) -> None:
    for amount in (1, 20, "20"):
        price = builder.plans.get_erc20_price_config(amount, usdc, builder.account_address)
        for register, credits in (
            (builder.plans.register_plan, builder.plans.get_fixed_credits_config(100)),
            (builder.plans.register_credits_plan, builder.plans.get_fixed_credits_config(100)),
            (builder.plans.register_credits_trial_plan, builder.plans.get_fixed_credits_config(100)),
            (builder.plans.register_time_plan, builder.plans.get_expirable_duration_config(DAY)),
            (builder.plans.register_time_trial_plan, builder.plans.get_expirable_duration_config(DAY)),
        ):
            with pytest.raises(SuspiciousPrice, match="allow_tiny_price=True"):
                register(NAME, price, credits)
        with pytest.raises(SuspiciousPrice):
            builder.agents.register_agent_and_plan({"name": "A"}, {}, NAME, price, payments.get_fixed_credits_config(1))
    assert "eth_sendRawTransaction" not in requests_made


def test_register_plans__at_a_tiny_price_that_is_meant__are_registered(builder: Payments, usdc: str) -> None:
    price = builder.plans.get_erc20_price_config(20, usdc, builder.account_address)
    credits, timed = payments.get_fixed_credits_config(1), payments.get_expirable_duration_config(DAY)
    for registered in (
        builder.plans.register_plan(NAME, price, credits, allow_tiny_price=True),
        builder.plans.register_credits_trial_plan(NAME, price, credits, allow_tiny_price=True),
        builder.plans.register_time_trial_plan(NAME, price, timed, allow_tiny_price=True),
        builder.agents.register_agent_and_plan({"name": "A"}, {}, NAME, price, credits, allow_tiny_price=True),
    ):
        assert builder.plans.get_plan(registered["planId"])["registry"]["price"]["total"] == 20


# ---------------------------------------------------------------------- configs


def test_configs__are_those_that_scripts_import(builder: Payments) -> None:
    names = [name for name in dir(builder.plans) if name.endswith("_config") or name == "set_redemption_type"]
    assert len(names) == 12
    assert all(getattr(builder.plans, name) is getattr(payments, name) for name in names)
    durations = [name for name in dir(builder.plans) if name.endswith("_DURATION")]
    assert {name: getattr(builder.plans, name) for name in durations} == {
        "ONE_HOUR_DURATION": 3600,
        "ONE_DAY_DURATION": DAY,
        "ONE_WEEK_DURATION": 7 * DAY,
        "ONE_MONTH_DURATION": 30 * DAY,
        "ONE_YEAR_DURATION": 365 * DAY,
    }


def test_set_redemption_type__decides_who_redeems(builder: Payments, subscriber: Payments, price: Any) -> None:
    credits = set_redemption_type(pricing.get_fixed_credits_config(10, 3), PlanRedemptionType.ONLY_OWNER)
    plan_id = builder.plans.register_credits_plan(NAME, price, credits)["planId"]
    subscriber.plans.order_plan(plan_id)
    with pytest.raises(RedeemNotAllowed):
        subscriber.plans.redeem_credits("request-1", plan_id, subscriber.account_address, "3")
    assert builder.plans.redeem_credits("request-1", plan_id, subscriber.account_address, "3")["amount"] == "3"
    assert subscriber.plans.get_plan_balance(plan_id).balance == 7


def test_pay_as_you_go__is_paid_with_each_request(
    world: World, builder: Payments, subscriber: Payments, usdc: str
) -> None:
    price = builder.plans.get_pay_as_you_go_price_config(10_000, builder.account_address, usdc)
    plan_id = builder.plans.register_plan(NAME, price, builder.plans.get_pay_as_you_go_credits_config())["planId"]
    with pytest.raises(WrongKind):
        subscriber.plans.order_plan(plan_id)
    assert pay_usage(world.chain, world.subscriber, plan_id).paid == 10_000
    assert subscriber.plans.get_plan_balance(plan_id).plan_type == "usage"
    assert subscriber.plans.get_plan_balance(plan_id).price_per_credit == 10_000


# ---------------------------------------------------------------------- read


def test_get_plan__has_metadata_and_what_the_chain_says(builder: Payments, price: Any, usdc: str) -> None:
    plan_id = builder.plans.register_credits_plan(NAME, price, pricing.get_dynamic_credits_config(100, 2, 5))["planId"]
    plan = builder.plans.get_plan(plan_id)
    assert (plan["planId"], plan["did"], plan["id"]) == (plan_id, f"did:nv:{int(plan_id):064x}", plan_id)
    assert plan["metadata"] == {"name": "My Credits Plan", "tags": ["test"]}
    assert plan["registry"]["owner"] == builder.account_address
    assert plan["registry"]["price"] == {
        "tokenAddress": usdc,
        "amounts": [PRICE],
        "receivers": [builder.account_address],
        "externalPriceAddress": "0x" + "0" * 40,
        "isCrypto": True,
        "isFree": False,
        "isNative": False,
        "total": PRICE,
    }
    assert plan["registry"]["credits"] == {
        "planType": "credits",
        "amount": 100,
        "minAmount": 2,
        "maxAmount": 5,
        "durationSecs": 0,
        "isRedemptionAmountFixed": False,
        "redemptionType": 4,
        "isTrialPlan": False,
        "transferable": False,
    }


@pytest.mark.parametrize("rule", RedemptionRule)
def test_get_plan__redemption_type__is_what_was_set(builder: Payments, price: Any, rule: RedemptionRule) -> None:
    credits = set_redemption_type(pricing.get_fixed_credits_config(1), rule)
    plan_id = builder.plans.register_credits_plan(NAME, price, credits)["planId"]
    number = builder.plans.get_plan(plan_id)["registry"]["credits"]["redemptionType"]
    assert set_redemption_type(credits, PlanRedemptionType(number)).rule is rule


@pytest.mark.parametrize("method", ["get_plan", "get_plan_balance", "order_plan"])
def test_plans__that_nobody_registered__say_so(builder: Payments, method: str) -> None:
    with pytest.raises(UnknownPlan):
        getattr(builder.plans, method)("12345")


@pytest.mark.parametrize("uri", ["https://example.com/plan.json", "data:application/json;base64,e30=", "ipfs://x"])
def test_get_plan__with_metadata_that_cannot_be_read__says_what_the_chain_does(
    world: World, builder: Payments, uri: str
) -> None:
    plan_id = world.register(uri=uri)
    plan = builder.plans.get_plan(plan_id)
    assert (plan["metadata"], plan["registry"]["uri"]) == ({}, uri)
    assert plan["metadataProblem"].startswith("it cannot be used: ")
    assert builder.plans.get_plan_balance(plan_id).plan_name == ""
    assert builder.get_asset_ddo(plan_id)["service"][0]["attributes"]["additionalInformation"] == {}
    assert "metadataProblem" not in builder.plans.get_plan(world.register())


# ---------------------------------------------------------------------- use


def test_order_plan__says_what_was_paid_and_granted(subscriber: Payments, credits_did: str) -> None:
    order = subscriber.plans.order_plan(credits_did)
    assert (order["success"], order["paid"], order["credits"]) == (True, str(PRICE), 100)
    assert order["agreementId"] == order["txHash"]


def test_order_fiat_plan__names_the_way_there_is(subscriber: Payments, credits_did: str) -> None:
    with pytest.raises(NeedsVendor, match="grant_external"):
        subscriber.plans.order_fiat_plan(credits_did)


def test_mint_plan_credits__by_the_owner_only(builder: Payments, stranger: Payments, credits_did: str) -> None:
    minted = builder.plans.mint_plan_credits(credits_did, 5, stranger.account_address)
    assert (minted["amount"], minted["success"]) == ("5", True)
    assert stranger.plans.get_plan_balance(credits_did).balance == 5
    with pytest.raises(NotMinter):
        stranger.plans.mint_plan_credits(credits_did, 5, stranger.account_address)


def test_mint_plan_expirable__lasts_as_the_plan_says(
    world: World, builder: Payments, subscriber: Payments, price: Any, credits_did: str
) -> None:
    credits = pricing.get_fixed_credits_config(10, duration_seconds=DAY)
    plan_id = builder.plans.register_credits_plan(NAME, price, credits)["planId"]
    for duration in (0, DAY, str(DAY)):
        builder.plans.mint_plan_expirable(plan_id, 2, subscriber.account_address, duration)
    assert subscriber.plans.get_plan_balance(plan_id).balance == 6
    world.mine_at(world.now + DAY)
    assert subscriber.plans.get_plan_balance(plan_id).balance == 0
    for plan, duration in ((plan_id, DAY + 1), (credits_did, 0), (credits_did, DAY)):
        with pytest.raises(InvalidConfig, match="terms"):
            builder.plans.mint_plan_expirable(plan, 2, subscriber.account_address, duration)


@pytest.mark.parametrize("request_id", ["request-1", "70af8c5c-ed58-45ae-9872-a0a74f60b44e", "x" * 32])
def test_redeem_credits__emits_the_request(
    world: World, subscriber: Payments, credits_did: str, request_id: str
) -> None:
    subscriber.plans.order_plan(credits_did)
    done = subscriber.plans.redeem_credits(request_id, credits_did, subscriber.account_address, "1")
    assert (done["amount"], done["success"]) == ("1", True)
    assert subscriber.plans.get_plan_balance(credits_did).balance == 99


def test_redeem_credits__for_a_request_id_that_does_not_fit__is_refused(subscriber: Payments, credits_did: str) -> None:
    with pytest.raises(InvalidContext):
        subscriber.plans.redeem_credits("x" * 33, credits_did, subscriber.account_address, "1")


# ---------------------------------------------------------------------- pages


def test_get_agents_associated_to_plan__in_pages__are_all_of_them(builder: Payments, credits_did: str) -> None:
    registered = [builder.create_agent(credits_did, f"Agent {n}", "", "fixed", "none").did for n in range(3)]
    every = builder.plans.get_agents_associated_to_plan(credits_did)
    assert (every["total"], every["page"], every["offset"]) == (3, 1, 10)
    assert sorted(agent["did"] for agent in every["agents"]) == registered
    pages = [
        builder.plans.get_agents_associated_to_plan(credits_did, PaginationOptions(page=page, offset=2))["agents"]
        for page in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert pages[0] + pages[1] == every["agents"]


@pytest.mark.parametrize("wrong", [{"page": 0}, {"offset": 0}, {"page": "1"}])
def test_pagination_options__that_cannot_be__are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidAmount):
        PaginationOptions(**wrong)
