"""The methods of `Payments` itself: every parameter of the document, the odd ones too, and what only a vendor could do."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.client.ceilings import Ceiling
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import (
    CostAboveMax,
    CostOutOfRange,
    IdOfAnotherKind,
    InsufficientCredits,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    InvalidMessage,
    InvalidMetadata,
    InvalidPlanId,
    NeedsGateway,
    NeedsVendor,
    NoAccess,
    NotPlanOwner,
    NotRedeemable,
    SuspiciousPrice,
    UnknownNetwork,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.operations.agents import read_agent_plans
from nvm_chain.operations.credits import read_balance
from nvm_chain.operations.plans import read_plan
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.payments import Gateway, Payments, read_service_token
from nvm_chain.payments.access import find_access
from nvm_chain.payments.session import Session
from nvm_chain.payments.tokens import sign_request, take_back
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import FOREVER
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id
from tests.integration.payments.conftest import PRICE, SERVICE
from tests.support.world import World

DAY = 86_400


# ---------------------------------------------------------------------- construct


def test_payments__on_the_embedded_chain__need_nothing() -> None:
    payments = Payments()
    assert payments.account_address == payments.chain.accounts[1].address
    assert payments.act_as(payments.chain.accounts[2]).chain is payments.chain
    assert payments.account_address in repr(payments)


@pytest.mark.parametrize(
    "hosted", [{"nvm_api_key": "key"}, {"environment": "sandbox"}, {"app_id": "a", "version": "1"}]
)
def test_payments__as_the_hosted_api_is_constructed__say_how_here(hosted: dict[str, Any], world: World) -> None:
    with pytest.raises(NeedsVendor, match=r"Payments\(chain, signer\)"):
        Payments(world.chain, world.builder, **hosted)


@pytest.mark.parametrize(
    "arguments",
    [
        ("sandbox:eyJhbGciOiJFUzI1NksifQ.c2VjcmV0", "sandbox"),
        ("nvm-s3cret", "sandbox"),
        ("any", "sandbox"),
        ("eyJhbGciOiJFUzI1NksifQ.c2VjcmV0",),
        ({"nvm_api_key": "s3cret", "environment": "sandbox"},),
    ],
)
def test_payments__with_an_api_key_in_the_first_place__say_how_here_and_repeat_nothing(arguments: Any) -> None:
    with pytest.raises(NeedsVendor, match=r"Payments\(chain, signer\)") as caught:
        Payments(*arguments)
    assert not {"c2VjcmV0", "s3cret"} & set(re.split(r"\W", f"{caught.value} {caught.value!r}"))


def test_payments__with_a_private_key_as_the_chain__repeat_nothing_of_it() -> None:
    with pytest.raises(UnknownNetwork) as caught:
        Payments("0x" + "ab" * 32)
    assert "abab" not in f"{caught.value} {caught.value!r}"


def test_payments__with_an_argument_that_neither_knows__raise_as_python_does(world: World) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'sotre'"):
        Payments(world.chain, world.builder, sotre=None)


@pytest.mark.parametrize("chain", [5, None, ["embedded"]])
def test_payments__on_what_is_not_a_chain__say_so(chain: Any, world: World) -> None:
    with pytest.raises(InvalidConfig, match="connect"):
        Payments(chain, world.builder)


def test_payments__where_nobody_brings_accounts__need_a_signer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.chain, "accounts", ())
    with pytest.raises(InvalidConfig, match="Give a signer"):
        Payments(world.chain)


def test_ai_protocol__which_was_the_vendors__says_so(builder: Payments) -> None:
    with pytest.raises(NeedsVendor):
        _ = builder.ai_protocol


# ---------------------------------------------------------------------- plans


@pytest.mark.parametrize("spell", [int, str], ids=["int", "text"])
def test_create_credits_plan__amounts_in_either_form__are_the_same_terms(
    builder: Payments, usdc: str, spell: Any
) -> None:
    did = builder.create_credits_plan("Basic", "100 credits", spell(PRICE), usdc, spell(100), tags=["basic"]).did
    plan = read_plan(builder.chain, did)
    assert (plan.owner, plan.terms.kind, plan.terms.rule) == (
        builder.account_address,
        PlanKind.CREDITS,
        RedemptionRule.HOLDER,
    )
    assert (plan.terms.price, plan.terms.credits) == (PRICE, 100)
    assert [split.receiver for split in plan.terms.splits] == [builder.account_address]
    assert (plan.terms.min_redeem, plan.terms.max_redeem) == (1, 100)
    assert builder.get_plan_details(did)["metadata"] == {
        "name": "Basic",
        "description": "100 credits",
        "tags": ["basic"],
    }


def test_create_credits_plan__without_tags__has_none(builder: Payments, usdc: str) -> None:
    did = builder.create_credits_plan("Basic", "100 credits", PRICE, usdc, 100).did
    assert "tags" not in builder.get_plan_details(did)["metadata"]


@pytest.mark.parametrize(("days", "seconds"), [(1, DAY), ("365", 365 * DAY), (0, FOREVER), (None, FOREVER)])
def test_create_time_plan__duration__is_in_days_and_0_is_for_ever(
    builder: Payments, subscriber: Payments, usdc: str, days: Any, seconds: int
) -> None:
    did = builder.create_time_plan("Time", "A while", PRICE, usdc, days, ["yearly"]).did
    assert read_plan(builder.chain, did).terms.duration == seconds
    subscriber.order_plan(did)
    now = builder.chain.read_block().timestamp
    assert subscriber.plans.get_plan_balance(did).access_until == now + seconds


@pytest.mark.parametrize(
    ("duration", "unit", "seconds"),
    [
        (1, "hours", 3600),
        ("1", "Hour", 3600),
        (36, "HOURS", 36 * 3600),
        (2, "weeks", 14 * DAY),
        (1, "months", 30 * DAY),
        (1, "years", 365 * DAY),
        (0, "hours", FOREVER),
        (49_710, "days", 49_710 * DAY),
    ],
)
def test_create_time_plan__in_each_unit__lasts_so_long(
    builder: Payments, usdc: str, duration: Any, unit: str, seconds: int
) -> None:
    did = builder.create_time_plan("Time", "", 0, usdc, duration, duration_unit=unit).did
    assert read_plan(builder.chain, did).terms.duration == seconds


@pytest.mark.parametrize(
    ("duration", "unit", "says"),
    [
        (-1, "days", "duration -1 days must be from 1 to 49,710 days. Give 0 for ever."),
        (49_711, "days", "duration 49711 days must be from 1 to 49,710 days. Give 0 for ever."),
        (10**400, "years", "duration of more than 32 bits years must be from 1 to 136 years. Give 0 for ever."),
        (0.5, "days", "duration 0.5 is not a whole number of days. For a part of a day give hours, such as "),
        ("1/24", "days", "duration '1/24' is not a whole number of days. For a part of a day give hours, such as "),
        ("1 hour", "days", "Give `duration=1, duration_unit='hours'`."),
        ("2 Weeks", "days", "Give `duration=2, duration_unit='weeks'`."),
        (True, "days", "duration True is not a whole number of days."),
        (1, "minutes", "duration_unit is 'minutes'. Give hours, days, weeks, months or years."),
        (1, None, "duration_unit is None. Give hours, days, weeks, months or years."),
    ],
)
def test_create_time_plan__of_what_is_not_a_duration__says_it_in_the_unit_given(
    builder: Payments, usdc: str, duration: Any, unit: Any, says: str
) -> None:
    with pytest.raises((InvalidAmount, InvalidConfig)) as caught:
        builder.create_time_plan("Time", "", 0, usdc, duration, duration_unit=unit)
    assert says in str(caught.value)


def test_create_plans__for_0__are_free_and_in_the_zero_address__cost_coin(
    builder: Payments, subscriber: Payments, usdc: str
) -> None:
    free = builder.create_time_plan("Free", "Costs nothing", 0, usdc, 1).did
    coin = builder.create_credits_plan("Coin", "Costs wei", 10**15, ZERO_ADDRESS, 5).did
    assert subscriber.order_plan(free).success
    before = builder.chain.read_coin_balance(builder.account_address)
    assert subscriber.order_plan(coin).success
    assert builder.chain.read_coin_balance(builder.account_address) == before + 10**15


def test_create_credits_plan__at_the_documents_price_of_1__is_registered_with_a_warning(
    builder: Payments, usdc: str, caplog: pytest.LogCaptureFixture
) -> None:
    did = builder.create_credits_plan("Basic Plan", "100 credits plan", 1, usdc, 100).did
    assert read_plan(builder.chain, did).terms.price == 1
    assert [record.levelname for record in caplog.records if "usdc" in record.getMessage().lower()] == ["WARNING"]


@pytest.mark.parametrize("price", [2, 20, 999, "20"])
def test_create_plans__at_a_price_in_whole_tokens__are_refused(
    builder: Payments, usdc: str, price: Any, requests_made: list[str]
) -> None:
    for create in (builder.create_credits_plan, builder.create_time_plan):
        with pytest.raises(SuspiciousPrice, match="allow_tiny_price=True"):
            create("Basic", "", price, usdc, 100)
    assert "eth_sendRawTransaction" not in requests_made


def test_create_plans__at_a_tiny_price_that_is_meant__are_registered_without_a_warning(
    builder: Payments, usdc: str, caplog: pytest.LogCaptureFixture
) -> None:
    did = builder.create_credits_plan("Basic", "", 20, usdc, 100, allow_tiny_price=True).did
    assert read_plan(builder.chain, did).terms.price == 20
    did = builder.create_time_plan("Basic", "", 20, usdc, 1, allow_tiny_price=True).did
    assert read_plan(builder.chain, did).terms.price == 20
    assert caplog.records == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"token_address": "0x1234"}, InvalidAddress),
        ({"token_address": "USDC"}, InvalidAddress),
        ({"price": "20 USDC"}, InvalidAmount),
        ({"price": -1}, InvalidAmount),
        ({"price": 1.5}, InvalidAmount),
        ({"price": True}, InvalidAmount),
        ({"amount_of_credits": "ten"}, InvalidAmount),
        ({"amount_of_credits": 0}, InvalidAmount),
        ({"amount_of_credits": 2**32}, InvalidAmount),
        ({"name": ""}, InvalidMetadata),
        ({"tags": "basic"}, InvalidMetadata),
        ({"description": "x" * 20_000}, InvalidMetadata),
    ],
)
def test_create_credits_plan__with_what_cannot_be__registers_nothing(
    builder: Payments, usdc: str, change: dict[str, Any], error: type[Exception], requests_made: list[str]
) -> None:
    values = {"name": "Basic", "description": "", "price": PRICE, "token_address": usdc, "amount_of_credits": 100}
    with pytest.raises(error):
        builder.create_credits_plan(**{**values, **change})
    assert "eth_sendRawTransaction" not in requests_made


# ---------------------------------------------------------------------- services


def test_create_service__with_every_parameter__keeps_it(builder: Payments, credits_did: str) -> None:
    created = builder.create_service(
        plan_did=credits_did,
        service_type="assistant",
        name="My Service",
        description="A sample service",
        service_charge_type="dynamic",
        auth_type="oauth",
        amount_of_credits=7,
        min_credits_to_charge=2,
        max_credits_to_charge=9,
        endpoints=[{"POST": "https://example.com/api/:agentId"}],
        open_endpoints=["https://example.com/docs"],
        open_api_url="https://example.com/openapi.json",
        integration="REST",
        sample_link="https://example.com/sample",
        api_description="Says it again",
        tags=["echo"],
        is_nevermined_hosted=False,
        implements_query_protocol=False,
        query_protocol_version="v1",
        service_host="https://example.com",
    )
    details = builder.get_service_details(created.did)
    assert details["metadata"] == {
        "name": "My Service",
        "description": "A sample service",
        "agentType": "assistant",
        "tags": ["echo"],
        "integration": "REST",
        "sampleLink": "https://example.com/sample",
        "apiDescription": "Says it again",
        "endpoints": [{"POST": "https://example.com/api/:agentId"}],
        "openEndpoints": ["https://example.com/docs"],
        "serviceChargeType": "dynamic",
        "authType": "oauth",
        "openApiUrl": "https://example.com/openapi.json",
        "implementsQueryProtocol": False,
        "queryProtocolVersion": "v1",
        "serviceHost": "https://example.com",
    }
    assert details["registry"]["plans"] == [
        {"planId": str(parse_plan_id(credits_did)), "did": credits_did, "minCredits": 2, "maxCredits": 9}
    ]


def test_create_service__with_a_fixed_charge__costs_that(builder: Payments, credits_did: str) -> None:
    did = builder.create_service(credits_did, **SERVICE, amount_of_credits=5).did
    (plan,) = builder.get_service_details(did)["registry"]["plans"]
    assert (plan["minCredits"], plan["maxCredits"]) == (5, 5)


def test_create_agent__is_a_service_of_the_type_agent(builder: Payments, credits_did: str, time_did: str) -> None:
    for plan_did in (credits_did, time_did):
        did = builder.create_agent(plan_did, "Echo", "Says it again", "fixed", "none", tags=None).did
        assert builder.get_service_details(did)["metadata"]["agentType"] == "agent"
    (plan,) = builder.get_service_details(did)["registry"]["plans"]
    assert (plan["minCredits"], plan["maxCredits"]) == (0, 0)  # in time requests cost nothing


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"username": "u"}, NeedsVendor, "gateway"),
        ({"password": "p", "auth_type": "basic"}, NeedsVendor, "gateway"),
        ({"token": "t", "auth_type": "oauth"}, NeedsVendor, "gateway"),
        ({"is_nevermined_hosted": True}, NeedsVendor, "endpoints"),
        ({"service_type": "robot"}, InvalidConfig, "service, agent, assistant"),
        ({"auth_type": "magic"}, InvalidConfig, "none, basic, oauth"),
        ({"service_charge_type": "free"}, InvalidConfig, "fixed, dynamic"),
        ({"max_credits_to_charge": 3}, InvalidConfig, "dynamic"),
        ({"service_charge_type": "dynamic", "min_credits_to_charge": 3}, CostOutOfRange, "3 to 1"),
        ({"amount_of_credits": 101}, CostOutOfRange, "1 to 100"),
        ({"endpoints": ["https://example.com"]}, ValueError, "endpoints"),
        ({"endpoints": [{"POST": "example.com"}]}, ValueError, "http"),
        ({"description": "Bearer abcdefgh12345678"}, ValueError, "description"),
    ],
)
def test_create_service__with_what_cannot_be__registers_nothing(
    builder: Payments,
    credits_did: str,
    change: dict[str, Any],
    error: type[Exception],
    says: str,
    requests_made: list[str],
) -> None:
    with pytest.raises(error, match=says):
        builder.create_service(**{"plan_did": credits_did, **SERVICE, **change})
    assert "eth_sendRawTransaction" not in requests_made


def test_create_agent__in_the_vendors_hub__says_what_there_is(builder: Payments, credits_did: str) -> None:
    with pytest.raises(NeedsVendor, match="endpoints"):
        builder.create_agent(credits_did, "Echo", "", "fixed", "none", use_ai_hub=True)


def test_create_service__on_anothers_plan__is_refused(stranger: Payments, credits_did: str) -> None:
    with pytest.raises(NotPlanOwner):
        stranger.create_service(credits_did, **SERVICE)


# ---------------------------------------------------------------------- order


def test_order_plan__pays_the_builder_and_brings_the_credits(
    world: World, builder: Payments, subscriber: Payments, credits_did: str
) -> None:
    before = world.tokens(builder.account_address)
    result = subscriber.order_plan(credits_did)
    assert (result.success, result.agreementId) == (True, result.txHash)
    assert builder.chain.read_transaction(result.agreementId).hash == result.agreementId
    assert world.tokens(builder.account_address) == before + PRICE
    assert subscriber.get_plan_balance(credits_did).balance == 100


def test_order_plan__again_under_the_same_agreement__is_not_paid_twice(
    world: World, subscriber: Payments, credits_did: str
) -> None:
    first = subscriber.order_plan(credits_did, agreementId="invoice 7")
    left = world.tokens(subscriber.account_address)
    elsewhere = Payments(subscriber.chain, world.subscriber)  # after a crash, say
    again = elsewhere.order_plan(credits_did, agreementId="invoice 7")
    assert (first.success, first.agreementId) == (again.success, again.agreementId) == (True, "invoice 7")
    assert first.txHash == again.txHash != ""
    assert world.tokens(subscriber.account_address) == left
    assert subscriber.get_plan_balance(credits_did).balance == 100
    assert subscriber.order_plan(credits_did, agreementId="invoice 8").txHash
    assert subscriber.get_plan_balance(credits_did).balance == 200


@pytest.mark.parametrize("price", [0, 10**15])
def test_order_plan__under_an_agreement_where_nothing_is_signed__orders(
    builder: Payments, subscriber: Payments, price: int
) -> None:
    did = builder.create_credits_plan("Plain", "", price, ZERO_ADDRESS, 10).did
    assert subscriber.order_plan(did, "0x" + "12" * 32).agreementId == "0x" + "12" * 32
    assert subscriber.get_plan_balance(did).balance == 10


# ---------------------------------------------------------------------- usage


def test_pay_usage__of_a_plan_for_usage__pays_the_seller(
    world: World, builder: Payments, subscriber: Payments, usdc: str
) -> None:
    price = builder.plans.get_pay_as_you_go_price_config(10_000, builder.account_address, usdc)
    plan = builder.plans.register_plan({"name": "U"}, price, builder.plans.get_pay_as_you_go_credits_config())["planId"]
    before = world.tokens(builder.account_address)
    paid = subscriber.pay_usage(format_did(int(plan)), "2", request_id="request-1", max_cost="20000")
    assert (paid.success, paid.amount, len(paid.txHash)) == (True, "20000", 66)
    assert world.tokens(builder.account_address) == before + 20_000
    second = subscriber.plans.pay_usage(plan, request_id="70af8c5c-ed58-45ae-9872-a0a74f60b44e")
    assert (second["success"], second["paid"], second["quantity"], second["planId"]) == (True, "10000", 1, plan)


def test_usage__by_the_methods_of_other_plans__names_pay_usage(
    builder: Payments, subscriber: Payments, usdc: str, credits_did: str
) -> None:
    price = builder.plans.get_pay_as_you_go_price_config(10_000, builder.account_address, usdc)
    plan = builder.plans.register_plan({"name": "U"}, price, builder.plans.get_pay_as_you_go_credits_config())["planId"]
    for call in (
        lambda: subscriber.order_plan(plan),
        lambda: subscriber.order_plan(plan, "invoice 1"),
        lambda: subscriber.plans.order_plan(plan),
        lambda: subscriber.plans.redeem_credits("request-1", plan, subscriber.account_address, 1),
    ):
        with pytest.raises((WrongKind, NotRedeemable), match="`pay_usage`"):
            call()
    for pay in (subscriber.pay_usage, subscriber.plans.pay_usage):
        with pytest.raises(WrongKind, match="`order_plan`"):
            pay(credits_did)
        with pytest.raises(CostAboveMax):
            pay(plan, max_cost=9_999)
        with pytest.raises(InvalidAmount):
            pay(plan, quantity="two")


# ---------------------------------------------------------------------- balances


def test_get_plan_balance__of_each_kind__says_who_has_access(
    world: World, builder: Payments, subscriber: Payments, credits_did: str, time_did: str
) -> None:
    for did in (credits_did, time_did):
        assert not subscriber.get_plan_balance(did).isSubscriptor
        subscriber.order_plan(did)
    mine = subscriber.get_plan_balance(credits_did)
    assert (mine.planType, mine.isOwner, mine.isSubscriptor, mine.balance) == ("credits", False, True, 100)
    assert builder.get_plan_balance(credits_did).isOwner
    assert builder.get_plan_balance(credits_did, subscriber.account_address).balance == 100
    timed = subscriber.get_plan_balance(time_did)
    assert (timed.planType, timed.isSubscriptor, timed.balance) == ("time", True, 1)
    world.mine_at(world.now + 30 * DAY)
    assert subscriber.get_plan_balance(time_did).json() == {
        "planType": "time",
        "isOwner": False,
        "isSubscriptor": False,
        "balance": 0,
    }


@pytest.mark.parametrize("wrong", ["0xABC123", "", "me", "0x036CbD53842c5426634e7929541eC2318f3dCF7E", 5])
def test_get_plan_balance__of_an_invalid_address__is_an_error_and_never_mine(
    builder: Payments, credits_did: str, wrong: Any
) -> None:
    for read in (builder.get_plan_balance, builder.plans.get_plan_balance):
        with pytest.raises(InvalidAddress):
            read(credits_did, wrong)


@pytest.mark.parametrize("wrong", ["did:nv:xyz789", "did:example:123456", "", None, -1])
def test_reads__of_what_is_no_id__are_refused(builder: Payments, wrong: Any) -> None:
    reads = (builder.get_plan_balance, builder.get_asset_ddo, builder.order_plan, builder.get_plan_details)
    for read in reads:
        with pytest.raises(InvalidPlanId):
            read(wrong)


@pytest.mark.parametrize("spell", [str, format_did], ids=["text", "did"])
def test_reads__of_an_id_of_another_kind__say_of_which_in_the_spelling_given(
    builder: Payments, credits_did: str, spell: Any, tmp_path: Path
) -> None:
    plan = spell(parse_plan_id(credits_did))
    asset = spell(parse_agent_id(builder.create_service(credits_did, **SERVICE).did))
    of_assets: tuple[tuple[Callable[..., Any], str], ...] = (
        (builder.get_service_details, "a service"),
        (builder.get_service_details_url, "a service"),
        (builder.get_file_details, "a file"),
        (builder.get_file_details_url, "a file"),
        (builder.agents.get_agent, "an agent"),
        (builder.agents.get_agent_plans, "an agent"),
        (lambda did: builder.download_file(did, str(tmp_path)), "a file"),
    )
    for read, wanted in of_assets:
        with pytest.raises(IdOfAnotherKind) as caught:
            read(plan)
        assert str(caught.value).startswith(f"{plan!r} is the id of a plan, not of {wanted}. Read it with ")
    of_plans: tuple[Callable[..., Any], ...] = (
        builder.get_plan_details,
        builder.get_plan_details_url,
        builder.get_plan_balance,
        builder.get_plan_associated_files,
        builder.order_plan,
        builder.pay_usage,
        builder.plans.get_plan,
        builder.plans.get_plan_balance,
        builder.plans.order_plan,
        lambda did: builder.mint_credits(did, 1, builder.account_address),
        lambda did: builder.plans.mint_plan_credits(did, 1, builder.account_address),
        lambda did: builder.plans.order_plan(did, 5),
        lambda did: builder.create_service(did, **SERVICE),
        lambda did: builder.agents.register_agent({"name": "A"}, {}, [did]),
    )
    for read_plan_id in of_plans:
        with pytest.raises(IdOfAnotherKind) as caught:
            read_plan_id(asset)
        assert str(caught.value).startswith(f"{asset!r} is the id of an asset, not of a plan. Read it with ")


@pytest.mark.parametrize("spell", [str, format_did, lambda number: f"{number:#066x}", int])
def test_ids__in_every_spelling__are_taken_everywhere(
    builder: Payments, subscriber: Payments, credits_did: str, spell: Any
) -> None:
    plan_id = spell(parse_plan_id(credits_did))
    service = builder.create_service(plan_id, **SERVICE).did
    agent_id = spell(parse_plan_id(service))
    subscriber.order_plan(plan_id)
    assert subscriber.plans.get_plan_balance(plan_id).balance == 100
    assert builder.get_asset_ddo(agent_id)["id"] == service
    assert builder.agents.get_agent(agent_id)["did"] == service
    assert builder.get_plan_associated_services(plan_id) == [service]
    assert builder.agents.get_agent_plans(agent_id)["plans"][0]["did"] == credits_did
    assert builder.agents.remove_plan_from_agent(plan_id, agent_id)["success"]
    assert builder.agents.add_plan_to_agent(plan_id, agent_id)["success"]


# ---------------------------------------------------------------------- read


def test_associated__services_and_files__are_told_apart(builder: Payments, credits_did: str) -> None:
    services = [
        builder.create_service(credits_did, **{**SERVICE, "service_type": kind}).did for kind in ("service", "agent")
    ]
    files = [
        builder.create_file(credits_did, kind, "Data", "", [{"url": "https://example.com/a.csv"}]).did
        for kind in ("dataset", "model")
    ]
    assert sorted(builder.get_plan_associated_services(credits_did)) == services
    assert sorted(builder.get_plan_associated_files(credits_did).json()) == files
    builder.get_plan_associated_files(credits_did).raise_for_status()


@pytest.mark.parametrize("method", ["get_plan_associated_services", "get_plan_associated_files", "get_asset_ddo"])
def test_reads__of_what_nobody_registered__say_so(builder: Payments, method: str) -> None:
    with pytest.raises(UnknownPlan):
        getattr(builder, method)(format_did(2**255))


def test_get_asset_ddo__of_a_plan_and_a_service__has_chain_and_metadata(
    builder: Payments, subscriber: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE).did
    plan_ddo, ddo = subscriber.get_asset_ddo(credits_did).json(), subscriber.get_asset_ddo(service)
    owner = f"did:pkh:eip155:{builder.chain.chain_id}:{builder.account_address}"
    assert (plan_ddo["id"], plan_ddo["controller"], plan_ddo["@context"]) == (
        credits_did,
        owner,
        "https://www.w3.org/ns/did/v1",
    )
    metadata, order = plan_ddo["service"]
    assert metadata["attributes"]["main"] == {"type": "plan", "name": "Basic"}
    assert order["attributes"]["price"]["total"] == PRICE
    assert order["serviceEndpoint"] == f"eip155:{builder.chain.chain_id}:{builder.chain.credits.address}"
    metadata, access = ddo["service"]
    assert metadata["attributes"]["main"] == {"type": "service", "name": "My Service", "agentType": "service"}
    assert access["attributes"]["plans"][0]["did"] == credits_did


def test_details_urls__lead_to_the_metadata_that_the_chain_has(builder: Payments, credits_did: str) -> None:
    service = builder.create_service(credits_did, **SERVICE).did
    assert builder.get_plan_details_url(credits_did) == read_plan(builder.chain, credits_did).uri
    for url in (builder.get_service_details_url(service), builder.get_file_details_url(service)):
        assert url.startswith("data:application/json;base64,")


# ---------------------------------------------------------------------- gateway


@pytest.fixture
def served(world: World, subscriber: Payments) -> Payments:
    """The subscriber, who knows the builder's gateway."""
    gateway = Gateway("https://gateway.example.com/", world.builder.address)
    return Payments(subscriber.chain, world.subscriber, gateway=gateway)


def test_urls_and_tokens__without_a_gateway__say_what_is_missing(
    builder: Payments, subscriber: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE).did
    for call in (subscriber.get_service_token, subscriber.get_service_access_config, subscriber.get_checkout_plan):
        with pytest.raises(NeedsGateway, match="Gateway"):
            call(service)
    with pytest.raises(NeedsGateway):
        subscriber.agents.get_agent_access_token(credits_did, service)


def test_get_service_token__with_a_gateway__is_a_voucher_that_settles(
    world: World, builder: Payments, served: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE, amount_of_credits=3).did
    with pytest.raises(NoAccess, match=credits_did):
        served.get_service_token(service)
    served.order_plan(credits_did)
    tokens = [served.get_service_token(service), served.get_service_access_config(service)]
    assert tokens[0].neverminedProxyUri == f"https://gateway.example.com/services/{service}"
    vouchers = [read_service_token(token.accessToken) for token in tokens]
    assert [signed.voucher.ceiling for signed in vouchers] == [3, 6]
    assert check_voucher(world.chain, vouchers[1], redeemer=world.builder.address).available == 6
    settle_vouchers(world.chain, world.builder, credits_did, vouchers)
    assert read_balance(world.chain, credits_did, world.subscriber.address) == 94


@pytest.mark.parametrize("token", ["", "no token", "e30=", "\xe9", "eyJ0eXBlIjoieCJ9"])
def test_read_service_token__of_anything_else__is_refused(token: str) -> None:
    with pytest.raises(InvalidMessage):
        read_service_token(token)


def test_get_service_token__for_more_than_is_left__is_refused(
    builder: Payments, served: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE, amount_of_credits=60).did
    served.order_plan(credits_did)
    served.get_service_token(service)
    for call in (
        lambda: served.get_service_token(service),
        lambda: served.agents.get_agent_access_token(credits_did, service),
    ):
        with pytest.raises(InsufficientCredits) as caught:
            call()
        assert (caught.value.available, caught.value.required) == (100, 120)


def test_get_service_token__after_the_last_ones_are_over__signs_for_those_credits_again(
    world: World, builder: Payments, served: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE, amount_of_credits=60).did
    served.order_plan(credits_did)
    last = read_service_token(served.get_service_token(service).accessToken).voucher
    world.mine_at(last.deadline)
    with pytest.raises(InsufficientCredits):
        served.get_service_token(service)
    world.mine_at(last.deadline + 1)
    assert read_service_token(served.get_service_token(service).accessToken).voucher.ceiling == 60


def test_take_back__of_a_later_request__leaves_the_earlier_one_its_deadline(
    world: World, builder: Payments, subscriber: Payments, credits_did: str
) -> None:
    """A request that is tried again and again keeps no credits of an earlier one from coming back."""
    service = builder.create_service(credits_did, **SERVICE, amount_of_credits=40).did
    subscriber.order_plan(credits_did)
    gateway = Gateway("https://gateway.example.com/", world.builder.address)
    session = Session(world.chain, world.subscriber, gateway=gateway)
    plans = read_agent_plans(world.chain, parse_agent_id(service))
    access = find_access(session, service, plans, by_voucher=True)
    first, nothing = sign_request(session, gateway, access)
    world.mine_at(first.voucher.deadline - 60)
    second, before = sign_request(session, gateway, access)
    take_back(session, second, before)
    assert (nothing, before, second.voucher.ceiling) == (None, Ceiling(40, first.voucher.deadline), 80)
    world.mine_at(first.voucher.deadline + 1)
    assert sign_request(session, gateway, access)[0].voucher.ceiling == 40


def test_get_checkout_plan__with_a_gateway__is_its_page(served: Payments, credits_did: str) -> None:
    assert served.get_checkout_plan(credits_did) == f"https://gateway.example.com/checkout/{credits_did}"


def test_details_urls__with_a_gateway__are_its_pages_and_the_details_have_the_metadata(
    served: Payments, builder: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, **SERVICE).did
    page = "https://gateway.example.com/checkout/"
    assert served.get_plan_details_url(str(parse_plan_id(credits_did))) == page + credits_did
    assert served.get_service_details_url(service) == served.get_file_details_url(service) == page + service
    assert served.get_plan_details(credits_did)["registry"]["uri"] == builder.get_plan_details_url(credits_did)
    assert served.get_service_details(service)["registry"]["uri"] == builder.get_service_details_url(service)


@pytest.mark.parametrize("url", ["gateway.example.com", "ftp://example.com", "https://", "https://u:p@example.com", ""])
def test_gateway__at_what_is_no_address__is_refused(url: str, world: World) -> None:
    with pytest.raises(InvalidConfig):
        Gateway(url, world.builder.address)


# ---------------------------------------------------------------------- mint and burn


def test_mint_and_burn__with_text__say_what_was_done(builder: Payments, credits_did: str) -> None:
    minted = builder.mint_credits(credits_did, amount="12", receiver=builder.account_address)
    burned = builder.burn_credits(credits_did, amount="5")
    assert (minted.success, minted.amount, burned.success, burned.amount) == (True, "12", True, "5")
    assert minted.userOpHash != burned.userOpHash
    assert builder.get_plan_balance(credits_did).balance == 7


def test_burn_credits__by_a_holder_who_does_not_own_the_plan__is_of_the_other_generation(
    subscriber: Payments, credits_did: str
) -> None:
    subscriber.order_plan(credits_did)
    with pytest.raises(NotPlanOwner) as caught:
        subscriber.burn_credits(credits_did, "1")
    assert "`payments.plans.burn_credits(plan_id, amount)`" in caught.value.next_step
    assert subscriber.plans.burn_credits(credits_did, "1")["success"]
    assert subscriber.get_plan_balance(credits_did).balance == 99


@pytest.mark.parametrize("amount", ["", "-1", "1.0", "1e3", " 1", "0x1", 1.0, True, None, "0", 0, 2**64])
def test_mint_and_burn__of_what_is_no_amount__are_refused(builder: Payments, credits_did: str, amount: Any) -> None:
    for call in (
        lambda: builder.mint_credits(credits_did, amount, builder.account_address),
        lambda: builder.burn_credits(credits_did, amount),
        lambda: builder.plans.mint_plan_credits(credits_did, amount, builder.account_address),
        lambda: builder.plans.burn_credits(credits_did, amount),
    ):
        with pytest.raises(InvalidAmount):
            call()


def test_mint_credits__to_an_invalid_address__is_an_error(builder: Payments, credits_did: str) -> None:
    for receiver in ("0x4fe3", "", ZERO_ADDRESS):
        with pytest.raises(InvalidAddress):
            builder.mint_credits(credits_did, "12", receiver)


# ---------------------------------------------------------------------- results


def test_results__are_read_as_attributes_and_as_dictionaries(subscriber: Payments, credits_did: str) -> None:
    balance = subscriber.plans.get_plan_balance(credits_did)
    assert balance.plan_id == balance["planId"] == balance.get("plan_id") == str(parse_plan_id(credits_did))
    assert (balance.get("nothing"), balance.get("nothing", 5), "balance" in balance) == (None, 5, True)
    assert dict(balance)["isSubscriber"] is balance.is_subscriber is False
    assert balance.price_per_credit == Decimal(PRICE) / 100
    with pytest.raises(KeyError):
        balance["nothing"]
