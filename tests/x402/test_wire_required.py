"""402s: ours are read by the official models field by field, theirs by us, and the header stays small however much is sold."""

import json
from typing import Any

import pytest
from x402.extensions.bazaar import declare_discovery_extension, validate_discovery_extension
from x402.extensions.bazaar.types import parse_discovery_extension
from x402.extensions.payment_identifier import declare_payment_identifier_extension
from x402.extensions.sign_in_with_x.schema import build_siwx_schema
from x402.extensions.sign_in_with_x.types import SIWxExtension
from x402.http.utils import (
    decode_payment_required_header,
    decode_payment_response_header,
    encode_payment_required_header,
    encode_payment_response_header,
)
from x402.schemas import PaymentRequired, SettleResponse

from nvm_chain.client.wire import read_required
from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    CeilingTooLow,
    CreditsUsedUp,
    NonceNotAccepted,
    NvmChainError,
    OfferDiffers,
    PaymentMalformed,
    PaymentMissing,
    PlanNotAccepted,
    SignInMismatch,
    TransferExpired,
    TransferMismatch,
)
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.gateway.refusals import Refusal, refuse_payment
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.types.addresses import parse_address
from nvm_chain.x402.exact import ExactOffer
from nvm_chain.x402.extensions import declare_discovery
from nvm_chain.x402.headers import read_header, write_header
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.orders import OrderOffer
from nvm_chain.x402.reasons import find_reason
from nvm_chain.x402.required import MAX_REQUIRED, build_required, build_resource
from tests.support.vectors import name
from tests.x402.wires import BUYER, CHAIN, CREDITS, DID, OFFERS, PLAN, SHOP, TOKEN, VECTORS, close_header, open_header

BASE = "https://gateway.example.com"
SETTINGS = MeterSettings(CHAIN, parse_address(CREDITS), parse_address(SHOP), {}, origins=(BASE,))
CHALLENGE = SignInChallenge("8e52e0cad11f22b3" * 4, CHAIN, 1_800_000_000, 1_800_000_600, (BASE,))
READERS: dict[str, Any] = {"nvm-credits": CreditsOffer, "nvm-order": OrderOffer, "exact": ExactOffer}
PAYER = AccountKey(2**255 + 1, BUYER.address)
PRICE = PlanPrice(TOKEN, 20_000_000, 100, takes_orders=True, payee=parse_address(SHOP))
LIMIT = 8_192


def make_plan(number: int, kind: PlanKind = PlanKind.CREDITS, **changes: Any) -> SoldPlan:
    given: dict[str, Any] = {"min_credits": 1 + number % 7, "max_credits": 9, "by_vouchers": kind is PlanKind.CREDITS}
    return SoldPlan(2**255 + number, kind, **{**given, **changes})


def make_service(plans: list[SoldPlan], **changes: Any) -> SoldService:
    own = ServiceSettings(DID, "https://upstream.example.com", public_url="https://tea.example.com")
    metadata = AgentMetadata(
        **{
            "name": "Tea",
            "description": "Answers about tea",
            "tags": ("tea", "a tag of far more than 32 characters"),
            **changes,
        }
    )
    return SoldService(own, metadata, {plan.plan_id: plan for plan in plans})


def refuse(plans: list[SoldPlan], error: NvmChainError | None = None, **changes: Any) -> Refusal:
    service = make_service(plans, **changes.pop("metadata", {}))
    given: dict[str, Any] = {"base": BASE, "method": "POST", "target": "/ask?q=1", "challenge": CHALLENGE}
    error = PaymentMissing(DID) if error is None else error
    return refuse_payment(error, service, SoldEndpoint(service.plans), SETTINGS, **{**given, **changes})


def read_both(refusal: Refusal) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return what the body says, and what the header says, and the header."""
    header = dict(refusal.headers)[b"payment-required"].decode()
    body = json.loads(refusal.body)
    return body, open_header(header), header


EVERYTHING = [
    make_plan(1, price=PRICE),
    make_plan(2),
    make_plan(3, PlanKind.TIME),
    make_plan(4, by_vouchers=False),
    make_plan(5, PlanKind.USAGE, price=PRICE),
    make_plan(6, PlanKind.TIME, price=PRICE),
]

# ---------------------------------------------------------------------- ours, read by them


def test_402__of_everything__is_the_same_after_the_official_model() -> None:
    body, told, header = read_both(refuse(EVERYTHING))
    model = decode_payment_required_header(header)
    assert isinstance(model, PaymentRequired)
    assert model.model_dump(by_alias=True, exclude_none=True) == told
    own = body.pop("nvm")
    assert PaymentRequired.model_validate(body).model_dump(by_alias=True, exclude_none=True) == body
    assert own["type"] == "PaymentMissing"


def test_402__of_everything__has_the_offers_in_their_order() -> None:
    body, _, _ = read_both(refuse(EVERYTHING))
    told = [(offer["scheme"], int(offer["extra"]["planId"]) - 2**255) for offer in body["accepts"]]
    assert told == [("nvm-credits", 1), ("nvm-credits", 2), ("nvm-order", 1), ("exact", 5)]
    assert [READERS[offer["scheme"]].from_json(offer).to_json() for offer in body["accepts"]] == body["accepts"]


def test_402__of_everything__has_the_resource_as_the_protocol_wants_it() -> None:
    body, _, _ = read_both(refuse(EVERYTHING))
    assert body["x402Version"] == 2
    assert body["error"] == "Payment required"
    assert body["resource"] == {
        "url": f"{BASE}/services/{DID}/ask?q=1",
        "description": "Answers about tea",
        "serviceName": "Tea",
        "tags": ["tea"],
    }


def test_402__of_everything__declares_its_extensions() -> None:
    declared = read_both(refuse(EVERYTHING))[0]["extensions"]
    assert list(declared) == ["payment-identifier", "sign-in-with-x", "nvm-sign-in", "nvm-orders", "bazaar"]
    assert [int(plan["planId"]) - 2**255 for plan in declared["nvm-sign-in"]["info"]["plans"]] == [3, 4, 6]
    orders = declared["nvm-orders"]["info"]["plans"]
    assert [plan["url"] for plan in orders] == [f"{BASE}/plans/{2**255 + number}/orders" for number in (1, 6)]
    assert (orders[0]["asset"], orders[0]["amount"], orders[0]["credits"]) == (TOKEN.address, "20000000", "100")


def test_402__of_credits_alone__declares_no_sign_in_and_no_orders() -> None:
    declared = read_both(refuse([make_plan(1)], challenge=None))[0]["extensions"]
    assert list(declared) == ["payment-identifier", "bazaar"]


def test_order__whose_credits_do_not_pay_for_a_request__is_not_offered() -> None:
    few = PlanPrice(TOKEN, 5, 1, takes_orders=True)
    body, _, _ = read_both(refuse([make_plan(1, min_credits=2, price=few)]))
    assert [offer["scheme"] for offer in body["accepts"]] == ["nvm-credits"]


# ---------------------------------------------------------------------- extensions, as the official packages declare them


def test_declaration__of_a_payment_identifier__is_the_official_one() -> None:
    declared = read_both(refuse(EVERYTHING))[0]["extensions"]["payment-identifier"]
    assert declared == declare_payment_identifier_extension(required=False)
    assert declared == VECTORS["extensions"]["payment-identifier"]


def test_declaration__of_a_sign_in__is_of_the_official_form() -> None:
    declared = read_both(refuse(EVERYTHING))[0]["extensions"]["sign-in-with-x"]
    assert declared["schema"] == build_siwx_schema() == VECTORS["extensions"]["sign-in-with-x"]["schema"]
    read = SIWxExtension.model_validate(declared)
    assert read.info.model_dump(by_alias=True, exclude_none=True) == declared["info"]
    assert (read.info.domain, read.info.uri) == ("gateway.example.com", f"{BASE}/services/{DID}/ask")
    assert (read.info.nonce, read.info.resources) == (CHALLENGE.nonce, [DID])
    assert (read.info.issued_at, read.info.expiration_time) == ("2027-01-15T08:00:00Z", "2027-01-15T08:10:00Z")
    assert [(chain.chain_id, chain.type) for chain in read.supported_chains] == [(f"eip155:{CHAIN}", "eip191")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"])
def test_declaration__for_catalogues__is_valid_for_the_official_package(method: str) -> None:
    declared = declare_discovery(method, {"id": "7"})
    assert declared is not None
    assert validate_discovery_extension(parse_discovery_extension(declared)).valid
    has_body = method in ("POST", "PUT", "PATCH")
    theirs = (declare_discovery_extension(body_type="json") if has_body else declare_discovery_extension())["bazaar"]
    ours = declare_discovery(method)
    assert ours is not None
    ours["info"]["input"].pop("method")
    assert ours["info"] == theirs["info"]
    shapes = [each["schema"]["properties"]["input"] for each in (ours, theirs)]
    assert shapes[0]["required"] == shapes[1]["required"]
    assert set(shapes[0]["properties"]) == set(shapes[1]["properties"])


def test_declaration__for_catalogues__has_the_names_in_the_path() -> None:
    metadata = {"endpoints": (Endpoint("GET", "https://tea.example.com/teas/:tea"),)}
    body, _, _ = read_both(refuse([make_plan(1)], method="GET", target="/teas/oolong", metadata=metadata))
    assert body["extensions"]["bazaar"]["info"]["input"] == {
        "type": "http",
        "method": "GET",
        "pathParams": {"tea": "oolong"},
    }


def test_declaration__of_another_method__is_not_made() -> None:
    assert "bazaar" not in read_both(refuse([make_plan(1)], method="OPTIONS"))[0]["extensions"]


# ---------------------------------------------------------------------- theirs, read by us


@pytest.mark.parametrize("vector", VECTORS["required"], ids=name)
def test_402__of_the_official_typescript_server__is_read(vector: dict[str, Any]) -> None:
    check_required(vector["header"], vector["value"])


@pytest.mark.parametrize("vector", VECTORS["required"], ids=name)
def test_402__of_the_official_python_server__is_read(vector: dict[str, Any]) -> None:
    header = encode_payment_required_header(PaymentRequired.model_validate(vector["value"]))
    check_required(header, vector["value"])


def check_required(header: str, value: dict[str, Any]) -> None:
    for spelled in (header, header.rstrip("=")):
        assert drop_empty(read_header(spelled, "answer")) == value
        required = read_required({"payment-required": spelled}, b"")
        assert required is not None
        assert required.message == value.get("error", "")
    for offer in value["accepts"]:
        if offer.get("extra"):
            read = ExactOffer.from_json(offer)
            assert {**read.to_json(), "extra": offer["extra"]} == offer
            assert {**offer["extra"], **read.to_json()["extra"]} == offer["extra"]


def drop_empty(required: dict[str, Any]) -> dict[str, Any]:
    """Return a 402 without an empty ``extra``, which the official model adds."""
    accepts = [{name: each for name, each in offer.items() if each != {}} for offer in required["accepts"]]
    return {**required, "accepts": accepts}


@pytest.mark.parametrize("vector", VECTORS["responses"], ids=name)
def test_response__of_the_official_packages__is_read_and_is_the_same_in_both(vector: dict[str, Any]) -> None:
    assert read_header(vector["header"], "answer") == vector["value"]
    model = decode_payment_response_header(vector["header"])
    told = open_header(encode_payment_response_header(model))
    assert told == vector["value"]
    assert SettleResponse.model_validate(told) == model


# ---------------------------------------------------------------------- the header fits


@pytest.mark.parametrize("count", [1, 10, 100, 500])
def test_header__of_many_plans__is_small_and_the_body_has_all(count: int) -> None:
    plans = [make_plan(number, price=PRICE) for number in range(count)]
    plans += [make_plan(1_000 + number, PlanKind.TIME, price=PRICE) for number in range(count)]
    plans += [make_plan(5_000 + number, PlanKind.USAGE, price=PRICE) for number in range(count)]
    body, told, header = read_both(refuse(plans))
    assert len(header) <= MAX_REQUIRED < LIMIT
    assert len(body["accepts"]) == 3 * count
    assert len(body["extensions"]["nvm-sign-in"]["info"]["plans"]) == count
    assert len(body["extensions"]["nvm-orders"]["info"]["plans"]) == 2 * count
    assert [offer for offer in told["accepts"] if offer not in body["accepts"]] == []
    assert {offer["scheme"] for offer in told["accepts"]} == {"nvm-credits", "nvm-order", "exact"}
    assert isinstance(decode_payment_required_header(header), PaymentRequired)


@pytest.mark.parametrize("size", [100, 1_500, 8_000])
def test_header__of_a_long_target__is_small(size: int) -> None:
    for target in (f"/ask?{'q' * size}", f"/{'a' * size}"):
        body, told, header = read_both(refuse([make_plan(n, price=PRICE) for n in range(50)], target=target))
        assert len(header) <= MAX_REQUIRED
        assert body["resource"]["url"].endswith(target)
        assert told["accepts"]
        assert told["resource"]["url"].startswith(f"{BASE}/services/{DID}")


def test_header__of_a_long_description__is_small() -> None:
    metadata = {"name": "T\u00e9" * 100, "description": "\U0001f375" * 3_000, "tags": ["t"] * 99}
    body, _, header = read_both(refuse(EVERYTHING, metadata=metadata))
    assert len(header) <= MAX_REQUIRED
    assert len(body["resource"]["description"]) <= 200
    assert "serviceName" not in body["resource"]
    assert body["resource"]["tags"] == ["t"] * 5


def test_header__is_in_base64_of_utf_8_with_padding_on_one_line() -> None:
    required = build_required(build_resource("https://x/", description="茶"), OFFERS, error="Payment required")
    header = write_header(required)
    assert len(header) % 4 == 0
    assert open_header(header) == required
    assert read_header(close_header(required), "answer") == required


# ---------------------------------------------------------------------- corrections and reasons


def test_402__after_a_ceiling_that_is_too_low__says_the_next_one() -> None:
    error = CeilingTooLow(9, 2**255 + 1, BUYER.address, 7)
    for payer, account in ((PAYER, {"holder": BUYER.address, "nextCeiling": "9"}), (None, None)):
        body, told, _ = read_both(refuse(EVERYTHING, error, payer=payer))
        assert body["error"] == "nvm_CeilingTooLow"
        assert [offer["extra"].get("account") for offer in told["accepts"][:2]] == [account, None]


def test_402__after_the_credits_are_used_up__leaves_out_what_cannot_be_paid() -> None:
    error = CreditsUsedUp(9, 2**255 + 1, BUYER.address, 1, 2)
    body, told, _ = read_both(refuse(EVERYTHING, error, payer=PAYER))
    assert body["error"] == "insufficient_funds"
    kept = [(offer["scheme"], int(offer["extra"]["planId"]) - 2**255) for offer in told["accepts"]]
    assert kept == [("nvm-credits", 2), ("nvm-order", 1), ("exact", 5)]
    for plans, payer in (([make_plan(1)], PAYER), (EVERYTHING, None)):
        offers = read_both(refuse(plans, error, payer=payer))[0]["accepts"]
        assert int(offers[0]["extra"]["planId"]) == 2**255 + 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PaymentMissing(DID), "Payment required"),
        (OfferDiffers("amount", "2", "3"), "No matching payment requirements"),
        (PlanNotAccepted(PLAN, DID), "No matching payment requirements"),
        (PaymentMalformed("payment", "x", "unsupported_scheme"), "unsupported_scheme"),
        (TransferExpired(5, 9), "invalid_exact_evm_payload_authorization_valid_before"),
        (TransferMismatch("payee", SHOP, CREDITS), "invalid_exact_evm_payload_recipient_mismatch"),
        (SignInMismatch("domain", "a", "b"), "invalid_siwx_domain_mismatch"),
        (SignInMismatch("list of resources", "a", "b"), "nvm_SignInMismatch"),
        (NonceNotAccepted("was used before"), "invalid_siwx_nonce"),
    ],
)
def test_reason__of_an_error__is_the_word_of_the_protocol(error: NvmChainError, reason: str) -> None:
    assert find_reason(error) == reason
    body, told, _ = read_both(refuse(EVERYTHING, error))
    assert (body["error"], told["error"], body["nvm"]["type"]) == (reason, reason, type(error).__name__)
    assert body["nvm"]["message"] == error.message()
