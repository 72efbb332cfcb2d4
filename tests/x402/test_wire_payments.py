"""Payments of x402: what official clients write is read here, what we write is read there, and anything broken has the protocol's code."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from x402.http.utils import decode_payment_signature_header, encode_payment_signature_header
from x402.mechanisms.evm.types import ExactEIP3009Payload
from x402.schemas import PaymentPayload

from nvm_chain.errors import InvalidMessage, OfferDiffers, PaymentMalformed
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.x402.accepted import check_accepted
from nvm_chain.x402.exact import ExactPayment
from nvm_chain.x402.headers import MAX_HEADER, read_header, write_header
from nvm_chain.x402.orders import OrderPayment
from nvm_chain.x402.payments import CreditsPayment, Payment, read_payment
from tests.support.vectors import name
from tests.x402.wires import (
    BINDING,
    BUYER,
    CORRECTED_OFFER,
    CREDITS_OFFER,
    EXACT_OFFER,
    NAME,
    OFFERS,
    ORDER,
    ORDER_OFFER,
    PAYMENTS,
    PLAN_OFFER,
    TOKEN,
    TRANSFER,
    VECTORS,
    VOUCHER,
    close_header,
    open_header,
    to_floats,
)

# ---------------------------------------------------------------------- theirs, read by us


@pytest.mark.parametrize("vector", VECTORS["payments"], ids=name)
def test_read_payment__of_the_official_typescript_client__has_each_field(vector: dict[str, Any]) -> None:
    check_transfer(read_payment(vector["header"]), vector["value"])


@pytest.mark.parametrize("vector", VECTORS["payments"], ids=name)
def test_read_payment__of_the_official_python_client__has_each_field(vector: dict[str, Any]) -> None:
    header = encode_payment_signature_header(PaymentPayload.model_validate(vector["value"]))
    check_transfer(read_payment(header), vector["value"])


def check_transfer(payment: Payment, value: dict[str, Any]) -> None:
    assert isinstance(payment, ExactPayment)
    given = value["payload"]["authorization"]
    transfer = payment.authorization
    assert (transfer.payer, transfer.payee) == (BUYER.address, EXACT_OFFER.pay_to)
    numbers = (transfer.value, transfer.valid_after, transfer.valid_before)
    assert numbers == tuple(int(given[field]) for field in ("value", "validAfter", "validBefore"))
    assert payment.signature == bytes.fromhex(value["payload"]["signature"][2:])
    assert transfer.nonce == bytes.fromhex(given["nonce"][2:])
    assert recover_signer(payment.sign_for(TOKEN).digest, payment.signature) == BUYER.address
    assert payment.accepted.value == value["accepted"]
    assert payment.payment_id == value.get("extensions", {}).get("payment-identifier", {}).get("info", {}).get("id")


# ---------------------------------------------------------------------- ours, read by them


@pytest.mark.parametrize("kind", PAYMENTS)
def test_write_payment__of_each_kind__is_the_same_after_the_official_model(kind: str) -> None:
    told = open_header(PAYMENTS[kind])
    model = decode_payment_signature_header(PAYMENTS[kind])
    assert isinstance(model, PaymentPayload)
    assert model.model_dump(by_alias=True, exclude_none=True) == told
    assert read_payment(encode_payment_signature_header(model)) == read_again(PAYMENTS[kind])


def read_again(header: str) -> Any:
    """Return what a payment is, with the identity of its offer. Offers are read once, and kept."""
    read = read_payment(header)
    compared = read_payment(encode_payment_signature_header(PaymentPayload.model_validate(open_header(header))))
    assert read.accepted.value == compared.accepted.value
    assert [getattr(read, field) for field in fields(read)] == [getattr(compared, field) for field in fields(read)]
    return compared


def fields(payment: Payment) -> list[str]:
    return [field for field in payment.__dataclass_fields__ if field != "accepted"]


def test_write_payment__by_a_transfer__is_read_by_the_official_payload() -> None:
    theirs = ExactEIP3009Payload.from_dict(open_header(PAYMENTS["exact"])["payload"])
    transfer, given = TRANSFER.authorization, theirs.authorization
    assert (given.from_address, given.to, given.value) == (transfer.payer, transfer.payee, str(transfer.value))
    assert (given.valid_after, given.valid_before) == (str(transfer.valid_after), str(transfer.valid_before))
    assert (given.nonce, theirs.signature) == (f"0x{transfer.nonce.hex()}", f"0x{TRANSFER.signature.hex()}")


def test_read_payment__of_ours__is_what_was_written() -> None:
    credits = read_payment(PAYMENTS["credits, named"])
    assert isinstance(credits, CreditsPayment)
    assert (credits.signed, credits.binding, credits.payment_id) == (VOUCHER, BINDING, NAME)
    order = read_payment(PAYMENTS["order"])
    assert isinstance(order, OrderPayment)
    assert (order.order, order.signed, order.binding) == (ORDER, VOUCHER, BINDING)
    alone = read_payment(PAYMENTS["order of a plan alone"])
    assert isinstance(alone, OrderPayment)
    assert (alone.order, alone.signed, alone.binding) == (ORDER, None, None)
    transfer = read_payment(PAYMENTS["exact"])
    assert isinstance(transfer, ExactPayment)
    assert (transfer.authorization, transfer.signature) == (TRANSFER.authorization, TRANSFER.signature)


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.scheme)
def test_offer__written_and_read__is_the_same(offer: Any) -> None:
    assert type(offer).from_json(offer.to_json()) == offer
    assert type(offer).from_json(to_floats(offer.to_json())) == offer


# ---------------------------------------------------------------------- base64, and numbers


@pytest.mark.parametrize("kind", PAYMENTS)
@pytest.mark.parametrize("more", range(3))
def test_read_payment__without_padding__is_the_same(kind: str, more: int) -> None:
    told = open_header(PAYMENTS[kind])
    header = write_header({**told, "note": "x" * more})
    assert read_payment(header.rstrip("=")).accepted.value == read_payment(header).accepted.value


@pytest.mark.parametrize("kind", PAYMENTS)
def test_read_payment__whose_numbers_are_fractions__is_the_same(kind: str) -> None:
    told = open_header(PAYMENTS[kind])
    read, plain = read_payment(close_header(to_floats(told))), read_payment(PAYMENTS[kind])
    assert [getattr(read, field) for field in fields(read)] == [getattr(plain, field) for field in fields(plain)]
    offer = next(offer for offer in OFFERS if offer.to_json() == told["accepted"])
    check_accepted(read.accepted, offer.to_json())


@pytest.mark.parametrize("seconds", [300.5, "300", True, None, 1e400])
def test_read_payment__whose_time_is_no_whole_number__is_malformed(seconds: object) -> None:
    told = open_header(PAYMENTS["exact"])
    told["accepted"]["maxTimeoutSeconds"] = seconds
    with pytest.raises(PaymentMalformed):
        read_payment(close_header(told))


def test_read_payment__of_the_short_form__accepts_what_is_offered() -> None:
    short = {"scheme": "nvm-credits", "network": CREDITS_OFFER.to_json()["network"]}
    told = open_header(PAYMENTS["credits"]) | {"accepted": short}
    payment = read_payment(close_header(told))
    check_accepted(payment.accepted, CREDITS_OFFER.to_json())
    with pytest.raises(OfferDiffers, match="network"):
        check_accepted(payment.accepted, CREDITS_OFFER.to_json() | {"network": "eip155:1"})
    for kind in ("exact", "order"):
        told = open_header(PAYMENTS[kind])
        told["accepted"] = {field: told["accepted"][field] for field in ("scheme", "network")}
        with pytest.raises(PaymentMalformed, match="no amount"):
            read_payment(close_header(told))


# ---------------------------------------------------------------------- what is accepted


CHANGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "network": (CREDITS_OFFER, {"network": "eip155:1"}),
    "asset": (CREDITS_OFFER, {"asset": TOKEN.address}),
    "amount": (CREDITS_OFFER, {"amount": "1"}),
    "payTo": (EXACT_OFFER, {"payTo": BUYER.address}),
    "maxTimeoutSeconds": (EXACT_OFFER, {"maxTimeoutSeconds": 301}),
    "extra.planId": (CREDITS_OFFER, {"planId": "7"}),
    "extra.service": (CREDITS_OFFER, {"service": "did:nv:8"}),
    "extra.level": (CREDITS_OFFER, {"level": "none"}),
    "extra.version": (EXACT_OFFER, {"version": "1"}),
    "extra.paymentFlow": (EXACT_OFFER, {"paymentFlow": None}),
    "extra.credits": (PLAN_OFFER, {"credits": "1000"}),
    "extra.requestCredits": (ORDER_OFFER, {"requestCredits": "1"}),
}


@pytest.mark.parametrize("field", CHANGES)
def test_check_accepted__of_another_value__names_the_field(field: str) -> None:
    offer, change = CHANGES[field]
    told = offer.to_json()
    changed = {**told, "extra": {**told["extra"], **change}} if field.startswith("extra.") else {**told, **change}
    header = close_header({**open_header(PAYMENTS[find_kind(offer)]), "accepted": changed})
    with pytest.raises(OfferDiffers) as raised:
        check_accepted(read_payment(header).accepted, told)
    assert raised.value.field == field


def find_kind(offer: Any) -> str:
    return next(kind for kind, header in PAYMENTS.items() if open_header(header)["accepted"] == offer.to_json())


def test_check_accepted__with_more_than_is_offered__is_fine() -> None:
    told = CREDITS_OFFER.to_json()
    told["extra"]["mine"] = {"a": 1}
    header = close_header({**open_header(PAYMENTS["credits"]), "accepted": told})
    check_accepted(read_payment(header).accepted, CREDITS_OFFER.to_json())


def test_check_accepted__of_an_offer_with_an_account__does_not_compare_the_account() -> None:
    corrected, plain = read_payment(PAYMENTS["credits, corrected"]), read_payment(PAYMENTS["credits"])
    for offer in (CORRECTED_OFFER, CREDITS_OFFER):
        check_accepted(corrected.accepted, offer.to_json())
        check_accepted(plain.accepted, offer.to_json())


# ---------------------------------------------------------------------- what is broken


@pytest.mark.parametrize("vector", VECTORS["broken"], ids=name)
def test_read_payment__that_is_broken__has_the_code_of_the_protocol(vector: dict[str, str]) -> None:
    with pytest.raises(PaymentMalformed) as raised:
        read_payment(vector["header"])
    assert raised.value.code == vector["code"]


def spoil(kind: str, *path: str, value: Any = None) -> str:
    told = open_header(PAYMENTS[kind])
    inner = told
    for field in path[:-1]:
        inner = inner[field]
    inner[path[-1]] = value
    return close_header(told)


MISTAKES = [
    spoil("credits", "payload", "voucher"),
    spoil("credits", "payload", "voucher", value={"type": "x"}),
    spoil("credits", "payload", "voucher", "ceiling", value="09"),
    spoil("credits", "payload", "voucher", "ceiling", value="\u0669"),
    spoil("credits", "payload", "voucher", "holder", value=BUYER.address.lower()),
    spoil("credits", "payload", "voucher", "signature", value="0xAB"),
    spoil("credits", "payload", "binding", value={}),
    spoil("credits", "payload", "binding", "v", value=2),
    spoil("credits", "payload", "binding", "v", value=True),
    spoil("credits", "payload", "binding", "level", value="none"),
    spoil("credits", "payload", "binding", "target", value="/a//b"),
    spoil("credits", "extensions", value={"payment-identifier": {"info": {"id": "short"}}}),
    spoil("credits", "extensions", value={"payment-identifier": {"info": {"id": 7}}}),
    spoil("credits", "extensions", value=[]),
    spoil("order", "payload", "order"),
    spoil("order", "payload", "order", "maxCost", value="-1"),
    spoil("order", "payload", "voucher", value=7),
    "A" * (MAX_HEADER + 1),
    "-_-_",
    "e30=,e30=",
    base64.b64encode(b"[" * 9_000).decode(),
    base64.b64encode(b'{"x402Version":2,"accepted":{"scheme":"\xed"}}').decode(),
    base64.b64encode(b'{"x402Version":2,"accepted":{"scheme":"\\ud800","network":"x"}}').decode(),
    "\\u0065",
    "é",
]


@pytest.mark.parametrize("header", MISTAKES, ids=[f"mistake {number}" for number in range(len(MISTAKES))])
def test_read_payment__with_a_mistake__is_malformed(header: str) -> None:
    with pytest.raises(PaymentMalformed) as raised:
        read_payment(header)
    assert raised.value.code == "invalid_payload"


def test_read_payment__with_a_field_twice_in_its_voucher__is_malformed() -> None:
    text = base64.b64decode(PAYMENTS["credits"]).decode()
    twice = text.replace('"ceiling":"9"', '"ceiling":"9","ceiling":"90"')
    assert twice != text
    with pytest.raises(PaymentMalformed, match="twice"):
        read_payment(base64.b64encode(twice.encode()).decode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Return a payment of which some place has another value."""
    told = open_header(PAYMENTS[draw(st.sampled_from(sorted(PAYMENTS)))])
    inner: Any = told
    while isinstance(inner, dict) and inner:
        field = draw(st.sampled_from(sorted(inner)))
        if not isinstance(inner[field], dict) or draw(st.booleans()):
            inner[field] = draw(JSON)
            break
        inner = inner[field]
    return close_header(told)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        spoiled(), st.text(), st.binary().map(lambda data: base64.b64encode(data).decode()), JSON.map(close_header)
    )
)
def test_read_payment__of_anything__is_read_or_is_no_payment(header: str) -> None:
    try:
        read_payment(header)
    except PaymentMalformed as error:
        assert isinstance(error, InvalidMessage)
        assert error.code


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_header__written_and_read__is_the_same(value: Any) -> None:
    if len(write_header(value)) <= MAX_HEADER:
        assert read_header(write_header(value), "header") == value
