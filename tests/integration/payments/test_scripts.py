"""Payments as scripts use it that were written for the hosted API: what once went wrong with them, or cost money, and does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nvm_chain import payments
from nvm_chain import types as pricing
from nvm_chain.enums import Activation
from nvm_chain.errors import (
    AnswerUnreadable,
    AuthorizationFailed,
    ConnectionFailed,
    CostAboveMax,
    InvalidConfig,
    NoContract,
    NvmChainError,
    OrderAlreadyMade,
    OutcomeUnknown,
    RevertedWithoutReason,
    RpcFailed,
    TokenCannotSign,
)
from nvm_chain.operations import named_orders, order_nonces
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan, set_plan_active
from nvm_chain.payments import (
    Gateway,
    PaginationOptions,
    Payments,
    PlanMetadata,
    PlanRedemptionType,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_free_price_config,
    read_service_token,
    set_redemption_type,
)
from nvm_chain.payments import file_downloads as downloading
from nvm_chain.storage.stores import InlineStore
from nvm_chain.types.credits import CreditsConfig
from tests.integration.payments.conftest import PRICE
from tests.support.world import World

UNTYPED: dict[str, Any] = {"Payments": Payments, "Gateway": Gateway, "read_service_token": read_service_token}
"""As callers without a type checker see them."""
FREE = get_free_price_config()
TEN = get_fixed_credits_config(10)
SERVICE: dict[str, Any] = {"service_type": "service", "name": "S", "description": "d", "auth_type": "none"}
BUILDER_GATEWAY = "https://gateway.example.com"


@pytest.fixture
def held(builder: Payments, subscriber: Payments) -> Callable[[CreditsConfig], str]:
    """A factory of free plans that the subscriber has ordered."""

    def make(credits: CreditsConfig) -> str:
        plan_id = builder.plans.register_plan({"name": "Held"}, FREE, credits)["planId"]
        subscriber.plans.order_plan(plan_id)
        return plan_id

    return make


def make_file(builder: Payments, *plans: str, **entry: Any) -> str:
    """Register an asset with a file that needs no server, on these plans."""
    did = builder.create_file(plans[0], "file", "F", "d", [{"url": "data:,hi", "name": "f.txt", **entry}]).did
    for plan in plans[1:]:
        builder.agents.add_plan_to_agent(plan, did)
    return did


def buyer(world: World) -> Payments:
    """Return the subscriber with the builder's gateway."""
    return Payments(world.chain, world.subscriber, gateway=Gateway(BUILDER_GATEWAY, world.builder.address))


# ---------------------------------------------------------------------- which plan is used


def test_download_file__with_an_open_window_and_an_unopened_period__opens_none(
    builder: Payments, subscriber: Payments, held: Callable[[CreditsConfig], str], tmp_path: Path
) -> None:
    unopened = held(get_expirable_duration_config(86_400, 2, activation=Activation.ON_FIRST_USE))
    window = held(get_expirable_duration_config(86_400))
    assert subscriber.download_file(make_file(builder, unopened, window), str(tmp_path)).txHash == ""
    assert subscriber.get_plan_balance(unopened).balance == 2


def test_download_file__with_a_plan_that_only_its_owner_redeems__uses_the_other(
    builder: Payments, subscriber: Payments, held: Callable[[CreditsConfig], str], tmp_path: Path
) -> None:
    owners = held(set_redemption_type(TEN, PlanRedemptionType.ONLY_OWNER))
    assert subscriber.download_file(make_file(builder, owners, held(TEN)), str(tmp_path)).success


@pytest.mark.parametrize(
    "other", [get_expirable_duration_config(86_400), get_fixed_credits_config(10, transferable=True)]
)
def test_get_service_token__where_one_of_two_plans_takes_no_vouchers__signs_on_the_other(
    world: World, builder: Payments, held: Callable[[CreditsConfig], str], other: CreditsConfig
) -> None:
    plans = [held(other), held(TEN)]
    agent = builder.agents.register_agent({"name": "A"}, {}, plans)["agentId"]
    token = buyer(world).get_service_token(agent).accessToken
    assert read_service_token(token).voucher.plan_id == int(plans[1])


def test_get_service_token__when_the_first_plan_is_signed_away__signs_on_the_second(
    world: World, builder: Payments, held: Callable[[CreditsConfig], str]
) -> None:
    plans = [held(get_fixed_credits_config(1)), held(TEN)]
    agent = builder.agents.register_agent({"name": "A"}, {}, plans)["agentId"]
    with_gateway = buyer(world)
    tokens = [with_gateway.get_service_token(agent).accessToken for _ in plans]
    assert [read_service_token(token).voucher.plan_id for token in tokens] == list(map(int, plans))


def test_get_service_token__of_an_agent_on_a_plan_of_the_first_generation__is_not_for_all_credits(
    world: World, builder: Payments, subscriber: Payments, usdc: str
) -> None:
    did = builder.create_credits_plan("P", "d", 0, usdc, 100).did
    agent = builder.agents.register_agent({"name": "A"}, {}, [did])["agentId"]
    subscriber.order_plan(did)
    assert read_service_token(buyer(world).get_service_token(agent).accessToken).voucher.ceiling == 1


def test_download_file__on_a_first_generation_plan_that_was_added__costs_one_credit(
    builder: Payments, subscriber: Payments, usdc: str, tmp_path: Path
) -> None:
    plans = [builder.create_credits_plan("P", "d", 0, usdc, 100).did for _ in range(2)]
    subscriber.order_plan(plans[1])
    subscriber.download_file(make_file(builder, *plans), str(tmp_path))
    assert subscriber.get_plan_balance(plans[1]).balance == 99


def test_download_file__with_two_plans_of_credits__uses_the_cheaper(
    world: World, builder: Payments, subscriber: Payments, held: Callable[[CreditsConfig], str], tmp_path: Path
) -> None:
    dear, cheap = held(get_fixed_credits_config(10, 5)), held(TEN)
    subscriber.download_file(make_file(builder, dear, cheap), str(tmp_path))
    assert [subscriber.get_plan_balance(plan).balance for plan in (dear, cheap)] == [10, 9]


# ---------------------------------------------------------------------- agreementId


def test_order_plan__again_under_its_name_with_nothing_left__is_the_same_order(
    world: World, subscriber: Payments, credits_did: str
) -> None:
    first = subscriber.order_plan(credits_did, "order-1")
    world.send(world.subscriber, world.usdc.functions.transfer(world.stranger.address, 1_000_000_000 - PRICE))
    assert subscriber.order_plan(credits_did, "order-1").agreementId == first.agreementId


def test_order_plan__again_under_its_name_after_the_plan_stopped__is_the_same_order(
    world: World, subscriber: Payments, credits_did: str
) -> None:
    subscriber.order_plan(credits_did, "order-1")
    set_plan_active(world.chain, world.builder, credits_did, False)
    assert subscriber.order_plan(credits_did, "order-1").success


def test_order_plan__of_a_trial_again_under_its_name__is_the_same_order(
    builder: Payments, subscriber: Payments, usdc: str
) -> None:
    price = pricing.get_erc20_price_config(PRICE, usdc, builder.account_address)
    trial = builder.plans.register_credits_trial_plan({"name": "T"}, price, TEN)["planId"]
    subscriber.order_plan(trial, "order-1")
    assert subscriber.order_plan(trial, "order-1").success


def test_order_plan__at_a_price_that_a_contract_names__needs_a_limit(
    world: World, builder: Payments, subscriber: Payments, usdc: str
) -> None:
    quoter = world.deploy("ChangesPrice", PRICE)
    price = pricing.get_quoted_price_config(usdc, quoter.address, {builder.account_address: 1})
    plan_id = builder.plans.register_credits_plan({"name": "Q"}, price, TEN)["planId"]
    for order in (subscriber.order_plan, subscriber.plans.order_plan):
        with pytest.raises(InvalidConfig, match="max_cost"):
            order(plan_id)
    assert subscriber.plans.order_plan(plan_id, max_cost=PRICE)["paid"] == str(PRICE)
    world.send(world.fee_owner, quoter.functions.setPrice(PRICE + 1))
    with pytest.raises(CostAboveMax):
        subscriber.plans.order_plan(plan_id, max_cost=PRICE)
    assert subscriber.plans.get_plan(plan_id)["registry"]["price"]["total"] is None
    assert subscriber.plans.get_plan_balance(plan_id).price_per_credit is None


def test_order_plan__whose_authorization_was_canceled__says_so(
    world: World, subscriber: Payments, credits_did: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_nonces, "find_authorization_use", lambda *_: None)  # as the token tells of a canceled one
    monkeypatch.setattr(order_nonces, "is_authorization_used", lambda *_: True)
    with pytest.raises(OrderAlreadyMade):
        subscriber.order_plan(credits_did, "order-1")
    assert subscriber.get_plan_balance(credits_did).balance == 0


@pytest.mark.parametrize("function", ["authorizationState", "DOMAIN_SEPARATOR"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (RpcFailed("rate limit"), RpcFailed),
        (AnswerUnreadable("0x"), TokenCannotSign),
        (RevertedWithoutReason("0x"), TokenCannotSign),
        (NoContract("0x" + "11" * 20, 84532), NoContract),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_order_plan__while_the_node_gives_no_answer__pays_nothing_under_no_name(
    world: World,
    subscriber: Payments,
    credits_did: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    function: str,
    answer: NvmChainError,
    expected: type[NvmChainError],
) -> None:
    """A busy node, or one that is behind, does not make a token without signed orders of USDC, for which each call would order."""
    subscriber.order_plan(credits_did, "order-1")
    read = world.chain.read

    def read_or_refuse(call: Any, *more: Any, **named: Any) -> Any:
        if call.fn_name == function:
            raise answer
        return read(call, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(world.chain, "read", read_or_refuse)
        for name in ("order-1", "order-2") if function == "authorizationState" else ("order-2",):
            with pytest.raises(expected):
                subscriber.order_plan(credits_did, name)
    assert subscriber.get_plan_balance(credits_did).balance == 100
    assert subscriber.order_plan(credits_did, "order-1").success
    assert subscriber.get_plan_balance(credits_did).balance == 100


def test_order_plan__under_one_name_in_two_threads__is_one_order(
    world: World, subscriber: Payments, credits_did: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other thread is between this one's look and its order."""
    made: list[str] = []

    def order_after_the_other(*arguments: Any, **named: Any) -> Any:
        if not made:
            made.append("")  # the other one goes ahead, once
            made[0] = Payments(world.chain, world.subscriber).order_plan(credits_did, "order-1").txHash
        return order_plan(*arguments, **named)

    monkeypatch.setattr(named_orders, "order_plan", order_after_the_other)
    assert subscriber.order_plan(credits_did, "order-1").txHash == made[0]
    assert subscriber.get_plan_balance(credits_did).balance == 100


@pytest.mark.parametrize("was_made", [True, False])
def test_order_plan__that_fails_because_another_was_faster__is_the_others(
    world: World, subscriber: Payments, credits_did: str, monkeypatch: pytest.MonkeyPatch, was_made: bool
) -> None:
    """Whatever the other one took meanwhile: the authorization, the money, the nonce."""
    other = Payments(world.chain, world.subscriber)

    def lose(*_: Any, **__: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(named_orders, "order_plan", order_plan)
            if was_made:
                made.append(other.order_plan(credits_did, "order-1").txHash)
        raise AuthorizationFailed(world.usdc.address, world.subscriber.address, PRICE)

    made: list[str] = []
    monkeypatch.setattr(named_orders, "order_plan", lose)
    if was_made:
        assert subscriber.order_plan(credits_did, "order-1").txHash == made[0]
    else:
        with pytest.raises(AuthorizationFailed):
            subscriber.order_plan(credits_did, "order-1")


@pytest.mark.parametrize("error", [RpcFailed("more than 10000 blocks"), ConnectionFailed("a node", "HTTP status 400")])
def test_order_plan__where_the_node_does_not_search__is_not_paid_twice_all_the_same(
    subscriber: Payments, credits_did: str, monkeypatch: pytest.MonkeyPatch, error: NvmChainError
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    subscriber.order_plan(credits_did, "order-1")
    monkeypatch.setattr(order_nonces, "find_authorization_use", refuse)
    again = subscriber.order_plan(credits_did, "order-1")
    assert (again.success, again.txHash, subscriber.get_plan_balance(credits_did).balance) == (True, "", 100)


def test_order_plan__under_one_name_typed_in_two_ways__is_one_order(subscriber: Payments, credits_did: str) -> None:
    names = ("caf\u00e9", " cafe\u0301")
    first, again = [subscriber.order_plan(credits_did, name) for name in names]
    assert (first.txHash, first.agreementId, again.agreementId) == (again.txHash, *names)
    assert subscriber.get_plan_balance(credits_did).balance == 100


@pytest.mark.parametrize("name", [5, b"order", "\ud800", " "])
def test_order_plan__under_what_is_no_name__says_so(subscriber: Payments, credits_did: str, name: Any) -> None:
    with pytest.raises(NvmChainError):
        subscriber.order_plan(credits_did, name)


def test_order_plan__under_an_empty_name_twice__does_not_pretend(subscriber: Payments, credits_did: str) -> None:
    hashes = {subscriber.order_plan(credits_did, "").txHash for _ in range(2)}
    assert subscriber.get_plan_balance(credits_did).balance == 100 * len(hashes - {""})
    assert "" not in hashes


def test_order_plan__under_one_name_for_two_plans__keeps_both_for_downloads(
    builder: Payments, subscriber: Payments, credits_did: str, usdc: str, tmp_path: Path
) -> None:
    subscriber.order_plan(credits_did, "order-1")
    subscriber.order_plan(builder.create_credits_plan("P", "d", PRICE, usdc, 5).did, "order-1")
    assert subscriber.download_file(make_file(builder, credits_did), str(tmp_path), "order-1").success


# ---------------------------------------------------------------------- paying


def test_download_file__when_the_payment_was_mined_but_not_seen__loses_nothing(
    builder: Payments,
    subscriber: Payments,
    held: Callable[[CreditsConfig], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan_id, spend = held(TEN), downloading.spend
    did = make_file(builder, plan_id)

    def lose_answer(*arguments: Any) -> str:
        raise OutcomeUnknown(spend(*arguments), "the node does not answer")

    monkeypatch.setattr(downloading, "spend", lose_answer)
    with pytest.raises(OutcomeUnknown):
        subscriber.download_file(did, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["f.txt"]
    assert subscriber.get_plan_balance(plan_id).balance == 9


# ---------------------------------------------------------------------- metadata


@pytest.mark.parametrize(
    "text",
    [
        "Basic plan for everybody",
        "Basic subscription",
        "Basic functionality for everybody",
        "Uses bearer authentication",
        "sk-learn-based-model",
        "sk-learn-based-model-v2",
        "sk-en-translation-v2",
        "facebook/hf-seamless-m4t-medium",
        "https://example.com/api/pk-business-register-2024",
        "Basic internationalization support",
        "Basic pay-as-you-go-subscription",
        "Basic keyword/sentiment/topic analysis",
        "Basic authentication/authorization included",
    ],
)
def test_plan_metadata__with_plain_words__is_no_secret(text: str) -> None:
    assert PlanMetadata(name=text).name == text


def test_get_plan_balance__of_a_plan_with_a_plain_uri__tells_the_balance(world: World, subscriber: Payments) -> None:
    plan = register_plan(world.chain, world.builder, FREE, TEN, uri="https://example.com/plan.json")
    order_plan(world.chain, world.subscriber, plan.plan_id)
    assert subscriber.plans.get_plan_balance(plan.plan_id).balance == 10


def test_update_agent_metadata__with_what_get_agent_returned__takes_it(
    builder: Payments, held: Callable[[CreditsConfig], str]
) -> None:
    did = make_file(builder, held(TEN))
    changed = {**builder.agents.get_agent(did)["metadata"], "description": "new"}
    assert builder.agents.update_agent_metadata(did, changed, {})["success"]


@pytest.mark.parametrize("entry", [{"name": "../a"}, {"length": 3}, {"SHA256": "0" * 64}])
def test_create_file__with_what_no_download_can_use__refuses_it(
    builder: Payments, held: Callable[[CreditsConfig], str], entry: dict[str, Any]
) -> None:
    with pytest.raises(NvmChainError):
        make_file(builder, held(TEN), **entry)


def test_register_agent_and_plan__when_the_agents_document_cannot_be_kept__registers_no_plan(world: World) -> None:
    class Full(InlineStore):
        """Has room for one document."""

        saved = 0

        def save(self, text: str) -> str:
            self.saved += 1
            if self.saved > 1:
                raise OSError("no space left")
            return super().save(text)

    seller, height = Payments(world.chain, world.builder, store=Full()), world.chain.web3.eth.block_number
    with pytest.raises((NvmChainError, OSError)):
        seller.agents.register_agent_and_plan({"name": "A"}, {}, {"name": "P"}, FREE, TEN)
    assert world.chain.web3.eth.block_number == height


# ---------------------------------------------------------------------- scripts written for the public SDK


def test_get_plan__by_its_id__has_that_id(builder: Payments, held: Callable[[CreditsConfig], str]) -> None:
    plan_id = held(TEN)
    agent_id = builder.agents.register_agent({"name": "A"}, {}, [plan_id])["agentId"]
    assert builder.plans.get_plan(plan_id)["id"] == plan_id
    assert builder.agents.get_agent(agent_id)["id"] == agent_id


def test_get_plan_balance__as_plain_dictionary__is_json(
    subscriber: Payments, held: Callable[[CreditsConfig], str]
) -> None:
    balance = subscriber.plans.get_plan_balance(held(TEN))
    assert json.loads(json.dumps(balance.json()))["balance"] == 10


@pytest.mark.parametrize("charge", ["fixed", "dynamic"])
def test_create_service__with_string_amounts__takes_them(builder: Payments, credits_did: str, charge: str) -> None:
    amounts: dict[str, Any] = {"amount_of_credits": "2", "min_credits_to_charge": "2", "max_credits_to_charge": "2"}
    assert builder.create_service(credits_did, service_charge_type=charge, **SERVICE, **amounts).did


def test_create_service__with_an_endpoint_as_register_agent_takes_it__takes_it(
    builder: Payments, credits_did: str
) -> None:
    endpoints = [{"verb": "POST", "url": "https://example.com/tasks"}]
    assert builder.create_service(credits_did, service_charge_type="fixed", **SERVICE, endpoints=endpoints).did


def test_pagination_options__with_every_field_of_the_sdk__takes_them() -> None:
    options: dict[str, Any] = {"sort_by": "created", "sort_order": "desc", "page": 2, "offset": 5}
    assert PaginationOptions(**options).page == 2


@pytest.mark.parametrize(
    ("price", "credits"), [({"amounts": [1]}, TEN), (FREE, {"amount": "1"}), (TEN, FREE), (FREE, None)]
)
def test_register_credits_plan__with_configs_of_another_kind__raises_a_typed_error(
    builder: Payments, price: Any, credits: Any
) -> None:
    with pytest.raises(NvmChainError):
        builder.plans.register_credits_plan({"name": "P"}, price, credits)


def test_redeem_credits__from_nobody__is_not_from_me(
    subscriber: Payments, held: Callable[[CreditsConfig], str]
) -> None:
    nobody: Any = None
    with pytest.raises(NvmChainError):
        subscriber.plans.redeem_credits("request-1", held(TEN), nobody, 1)


def test_set_redemption_type__with_the_number_of_the_sdks_owner__is_no_redeemer() -> None:
    number: Any = PlanRedemptionType.ONLY_OWNER.value
    with pytest.raises(NvmChainError):
        set_redemption_type(TEN, number)


@pytest.mark.parametrize("name", ["AgentAPIAttributes", "Endpoint", "AuthType", "PlanPriceConfig", "PlanCreditsConfig"])
def test_payments__of_a_class_that_scripts_import__has_it(name: str) -> None:
    assert hasattr(payments, name)


def test_get_fixed_credits_config__read_as_the_sdk_names_it__has_these_fields() -> None:
    config, price = TEN, payments.get_erc20_price_config(PRICE, "0x" + "11" * 20, "0x" + "22" * 20)
    fields = ("amount", "min_amount", "max_amount", "duration_secs", "redemption_type", "is_redemption_amount_fixed")
    assert [name for name in fields if not hasattr(config, name)] == []
    assert [name for name in ("amounts", "receivers", "token_address", "is_crypto") if not hasattr(price, name)] == []


@pytest.mark.parametrize("url", ["https://h?x=1", "https://h#f", "https://h h", "https://h/\n"])
def test_gateway__with_what_is_no_base_url__refuses_it(url: str, builder: Payments) -> None:
    with pytest.raises(NvmChainError):
        Gateway(url, builder.account_address)


def test_register_agent__with_the_sdks_classes__is_the_same(builder: Payments, credits_did: str) -> None:
    api = payments.AgentAPIAttributes(
        endpoints=[payments.Endpoint("POST", "https://example.com/tasks")],
        open_endpoints=["https://example.com/docs"],
        agent_definition_url="https://example.com/openapi.json",
        auth_type=payments.AuthType.BEARER,
    )
    agent_id = builder.agents.register_agent({"name": "A"}, api, [credits_did])["agentId"]
    assert builder.agents.get_agent(agent_id)["metadata"] == {
        "name": "A",
        "agentType": "agent",
        "endpoints": [{"POST": "https://example.com/tasks"}],
        "openEndpoints": ["https://example.com/docs"],
        "agentDefinitionUrl": "https://example.com/openapi.json",
        "authType": "bearer",
    }


@pytest.mark.parametrize(("order", "expected"), [("asc", [1, 2, 3]), ("desc", [3, 2, 1])])
def test_pagination_options__sort_by__orders_agents(
    builder: Payments, credits_did: str, order: str, expected: list[int]
) -> None:
    for name in "ABC":
        builder.agents.register_agent({"name": name}, {}, [credits_did])
    options = PaginationOptions(sort_by="created", sort_order=order)
    page = builder.plans.get_agents_associated_to_plan(credits_did, options)
    assert [int(agent["agentId"]) for agent in page["agents"]] == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda seller, did: UNTYPED["Payments"](seller.chain, "0x" + "11" * 32),
        lambda seller, did: UNTYPED["Payments"](seller.chain, None, gateway={}),
        lambda seller, did: UNTYPED["Payments"](seller.chain, None, store="/tmp"),
        lambda seller, did: seller.agents.register_agent({"name": "A"}, {}, None),
        lambda seller, did: seller.agents.register_agent({"name": "A"}, {}, did),
        lambda seller, did: seller.agents.register_agent({"name": "A", "extras": 5}, {}, [did]),
        lambda seller, did: seller.plans.get_agents_associated_to_plan(did, {"page": 1}),
        lambda seller, did: seller.download_file(did, None),
        lambda seller, did: seller.download_file(make_file(seller, did), ""),
        lambda seller, did: seller.download_file(make_file(seller, did), "a" * 5000),
        lambda seller, did: seller.download_file(make_file(seller, did), "a\0b"),
        lambda seller, did: seller.download_file(make_file(seller, did), "/tmp/no/such/"),
        lambda seller, did: seller.agents.register_agent_and_plan({"name": "a"}, {}, {"name": "p"}, None, None),
        lambda seller, did: seller.agents.register_agent(
            {"name": "a"}, {"endpoints": [{"verb": [1], "url": "x"}]}, [did]
        ),
        lambda seller, did: seller.agents.register_agent({"name": "a", "my_field": 1, "myField": 2}, {}, [did]),
        lambda seller, did: seller.agents.register_agent({"name": "a", "extras": {"name": "b"}}, {}, [did]),
        lambda seller, did: UNTYPED["Gateway"](None, seller.account_address),
        lambda seller, did: UNTYPED["read_service_token"](None),
        lambda seller, did: seller.create_file(did, "file", "x", "", [{"url": "data:,a", "name": n} for n in "aA"]),
    ],
)
def test_calls__with_what_makes_no_sense__say_so(call: Any, builder: Payments, credits_did: str) -> None:
    with pytest.raises(NvmChainError):
        call(builder, credits_did)


def test_order_plan__of_a_free_plan_that_names_a_token__orders_under_a_name(
    world: World, subscriber: Payments, usdc: str
) -> None:
    plan_id = world.register(splits=(), token=usdc)
    assert subscriber.order_plan(plan_id, "order-1").success
    assert subscriber.get_plan_balance(plan_id).balance > 0


def test_register_agent__with_endpoints_in_its_metadata__keeps_them_beside_an_api_without(
    builder: Payments, credits_did: str
) -> None:
    described = {"name": "A", "endpoints": [{"POST": "https://example.com/x"}]}
    api = payments.AgentAPIAttributes(auth_type="bearer")
    agent_id = builder.agents.register_agent(described, api, [credits_did])["agentId"]
    assert builder.agents.get_agent(agent_id)["metadata"]["endpoints"] == described["endpoints"]
