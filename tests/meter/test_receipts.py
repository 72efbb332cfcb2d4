"""receipts: digests and signatures are those of the vectors; a changed field is refused; two receipts prove an over-charge."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.errors import (
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    InvalidMessage,
    ReceiptMismatch,
    ReceiptSignatureInvalid,
    SignatureNeedsChain,
)
from nvm_chain.meter.receipts import (
    RECEIPT,
    Receipt,
    SignedReceipt,
    receipt_digest,
    receipts_domain,
    sign_receipt,
    verify_receipt,
)
from nvm_chain.signing.vouchers import credits_domain
from nvm_chain.types.ids import format_did
from tests.support.meter_vectors import RECEIPTS, read_receipt
from tests.support.reverts import reverts
from tests.support.vectors import name, read_domain, read_hex

VECTORS: list[dict[str, Any]] = RECEIPTS["vectors"]
REDEEMER, STRANGER = Account.from_key(RECEIPTS["key"]), Account.from_key("0x" + "11" * 32)
RECEIPT_1 = read_receipt(VECTORS[0])
WHERE: dict[str, Any] = {"chain_id": 31337, "contract": VECTORS[0]["domain"]["verifyingContract"]}
SIGNED = SignedReceipt(RECEIPT_1, read_hex(VECTORS[0]["signature"]))


def where(vector: dict[str, Any]) -> dict[str, Any]:
    return {"chain_id": int(vector["domain"]["chainId"]), "contract": vector["domain"]["verifyingContract"]}


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_receipt__of_each_vector__has_its_digest_and_signature(vector: dict[str, Any]) -> None:
    receipt, signature = read_receipt(vector), read_hex(vector["signature"])
    assert receipts_domain(**where(vector)) == read_domain(vector["domain"])
    assert receipt_digest(receipt, **where(vector)) == read_hex(vector["digest"])
    signed = SignedReceipt(receipt, signature)
    assert sign_receipt(REDEEMER, receipt, **where(vector)) == signed
    assert verify_receipt(signed, redeemer=REDEEMER.address, **where(vector)) is receipt
    assert SignedReceipt.from_json(signed.to_json()) == signed


def test_receipt_type__is_that_of_the_vectors() -> None:
    assert RECEIPT.declaration == RECEIPTS["type"]
    assert len({vector["digest"] for vector in VECTORS}) == len(VECTORS)


def test_receipts_domain__is_not_that_of_vouchers() -> None:
    assert receipts_domain(**WHERE).separator != credits_domain(**WHERE).separator


# ---------------------------------------------------------------------- verifying


def test_verify_receipt__with_everything_expected__is_the_receipt() -> None:
    expected: dict[str, Any] = {"holder": RECEIPT_1.holder, "plan_id": RECEIPT_1.plan_id, "request": RECEIPT_1.request}
    assert verify_receipt(SIGNED, redeemer=REDEEMER.address.lower(), **expected, **WHERE) is RECEIPT_1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redeemer": STRANGER.address}, ("redeemer", STRANGER.address, REDEEMER.address)),
        ({"holder": STRANGER.address}, ("holder", STRANGER.address, RECEIPT_1.holder)),
        ({"plan_id": 1}, ("plan id", format_did(1), format_did(RECEIPT_1.plan_id))),
        ({"request": bytes(32)}, ("request", "0x" + "00" * 32, f"0x{RECEIPT_1.request.hex()}")),
    ],
    ids=["redeemer", "holder", "plan", "request"],
)
def test_verify_receipt__of_another_request__is_refused(changes: dict[str, Any], error: tuple[str, str, str]) -> None:
    with reverts(ReceiptMismatch(*error)):
        verify_receipt(SIGNED, **{"redeemer": REDEEMER.address, **changes}, **WHERE)


@pytest.mark.parametrize("field", ["plan_id", "request", "credits", "total", "issued_at", "holder"])
def test_verify_receipt__with_a_changed_field__is_refused(field: str) -> None:
    values: dict[str, Any] = {"holder": STRANGER.address, "request": bytes(32)}
    changed: Any = values.get(field, getattr(RECEIPT_1, field) + 1 if field not in values else None)
    with pytest.raises(ReceiptSignatureInvalid):
        verify_receipt(
            SignedReceipt(replace(RECEIPT_1, **{field: changed}), SIGNED.signature), redeemer=REDEEMER.address, **WHERE
        )


@pytest.mark.parametrize("changes", [{"chain_id": 1}, {"contract": STRANGER.address}])
def test_verify_receipt__for_another_chain_or_contract__is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ReceiptSignatureInvalid):
        verify_receipt(SIGNED, redeemer=REDEEMER.address, **{**WHERE, **changes})


def test_verify_receipt__by_another_key__names_it() -> None:
    forged = sign_receipt(STRANGER, replace(RECEIPT_1, redeemer=STRANGER.address), **WHERE)
    signed = SignedReceipt(replace(RECEIPT_1, redeemer=REDEEMER.address), forged.signature)
    with pytest.raises(ReceiptSignatureInvalid) as caught:
        verify_receipt(signed, redeemer=REDEEMER.address, **WHERE)
    assert caught.value.redeemer == REDEEMER.address


def test_verify_receipt__of_a_contract__asks_the_chain() -> None:
    signed, asked = SignedReceipt(RECEIPT_1, b"\1" * 96), []

    def ask_chain(account: str, digest: bytes, signature: bytes) -> bool:
        asked.append((account, digest, signature))
        return len(asked) == 1

    options: dict[str, Any] = {"redeemer": REDEEMER.address, **WHERE}
    with reverts(SignatureNeedsChain(REDEEMER.address, 96)):
        verify_receipt(signed, **options)
    assert verify_receipt(signed, ask_chain=ask_chain, **options) is RECEIPT_1
    assert asked == [(REDEEMER.address, receipt_digest(RECEIPT_1, **WHERE), b"\1" * 96)]
    with pytest.raises(ReceiptSignatureInvalid) as caught:
        verify_receipt(signed, ask_chain=ask_chain, **options)
    assert "no contract at its address accepts the signature" in str(caught.value)


def test_sign_receipt__by_another_key__is_refused() -> None:
    with reverts(InvalidConfig(f"the redeemer {REDEEMER.address} has to sign this receipt, not {STRANGER.address}")):
        sign_receipt(STRANGER, RECEIPT_1, **WHERE)


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "nvm_chain.voucher.v1"},
        {"total": "1"},
        {"credits": "02"},
        {"request": "0x00"},
        {"x": ""},
        {"holder": "0x1"},
    ],
)
def test_from_json__of_another_text__is_refused(changes: dict[str, str]) -> None:
    text = json.dumps({**json.loads(SIGNED.to_json()), **changes})
    with pytest.raises((InvalidMessage, InvalidAmount)):
        SignedReceipt.from_json(text)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"plan_id": -1}, InvalidAmount),
        ({"holder": RECEIPT_1.holder.lower()}, InvalidAddress),
        ({"redeemer": "0x0"}, InvalidAddress),
        ({"request": b""}, InvalidConfig),
        ({"credits": 43}, InvalidAmount),
        ({"total": 1}, InvalidAmount),
        ({"issued_at": 2**64}, InvalidAmount),
    ],
)
def test_receipt__with_other_values__is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(RECEIPT_1, **changes)


def test_as_tuple__has_every_field_in_order() -> None:
    assert RECEIPT_1.as_tuple() == tuple(getattr(RECEIPT_1, field.name) for field in fields(Receipt))


# ---------------------------------------------------------------------- over-charging


def charged(request: int, credits: int, total: int) -> Receipt:
    return replace(RECEIPT_1, request=bytes([request]) * 32, credits=credits, total=total)


@pytest.mark.parametrize(
    ("one", "other", "is_contradiction"),
    [
        (charged(1, 2, 2), charged(2, 3, 5), False),
        (charged(1, 2, 2), charged(1, 2, 2), False),  # the same receipt twice
        (charged(1, 2, 2), charged(1, 3, 3), True),  # one request, two charges
        (charged(1, 2, 2), charged(1, 2, 4), True),
        (charged(1, 2, 2), charged(2, 2, 2), True),  # the same credits for two requests
        (charged(1, 2, 4), charged(2, 2, 5), True),
        (charged(1, 5, 8), charged(2, 1, 5), True),
        (charged(1, 0, 3), charged(2, 3, 3), False),  # a request that cost nothing
        (charged(1, 0, 2), charged(2, 3, 3), True),
    ],
)
def test_contradicts__of_two_receipts__says_whether_both_can_be_true(
    one: Receipt, other: Receipt, is_contradiction: bool
) -> None:
    assert one.contradicts(other) is other.contradicts(one) is is_contradiction


def test_contradicts__of_receipts_for_others__is_false() -> None:
    one = charged(1, 2, 2)
    assert not one.contradicts(replace(charged(2, 2, 2), plan_id=1))
    assert not one.contradicts(replace(charged(2, 2, 2), holder=STRANGER.address))
    assert not one.contradicts(replace(charged(2, 2, 2), redeemer=STRANGER.address))
