"""The wire of MPP: what we write is what the official packages write and read, in Python and in TypeScript, field by field."""

import base64
import json
from pathlib import Path
from typing import Any

import mpp
import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from mpp import errors as official_errors
from mpp.methods.evm._eip3009 import challenge_hash

from nvm_chain.errors import InvalidMessage
from nvm_chain.mpp.challenges import Challenge, build_challenge, compute_id, read_time, write_digest
from nvm_chain.mpp.charges import (
    build_charge_payload,
    build_receipt,
    describe_charge,
    list_nonces,
    read_transfer,
    write_source,
)
from nvm_chain.mpp.credentials import NOUN, find_credential, read_credential, write_credential
from nvm_chain.mpp.encoding import write_bytes
from nvm_chain.mpp.problems import INVALID_CHALLENGE, MALFORMED_CREDENTIAL, VERIFICATION_FAILED, describe_problem
from nvm_chain.mpp.receipts import read_receipt, write_receipt
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signatures import recover_signer

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "mpp.json").read_text("utf-8"))
KEY = VECTORS["secret"].encode()
TOKEN = Domain(*(VECTORS["token"][name] for name in ("name", "version", "chainId", "verifyingContract")))
PAYER = Account.from_key(b"\x0b" * 32)
PAYEE = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
END = 1_893_456_000
CASES = [pytest.param(vector, id=vector["name"]) for vector in VECTORS["vectors"]]


def read_challenge(vector: dict[str, Any]) -> Challenge:
    """Return the challenge of a vector."""
    realm, method, intent, request, expires, digest, opaque = vector["terms"]
    terms = {"expires": expires, "digest": digest, "opaque": opaque, "description": vector["description"]}
    return Challenge(vector["id"], realm, method, intent, request, **terms)


def build(**changes: Any) -> Challenge:
    """Return a challenge of ours."""
    request = describe_charge(TOKEN, 10_000, PAYEE, 6)  # type: ignore[arg-type]
    return build_challenge(KEY, **{"realm": "gateway.example.com", "request": request, "expires": END, **changes})


# ---------------------------------------------------------------------- challenges


@pytest.mark.parametrize("vector", CASES)
def test_challenge__of_the_typescript_package__has_the_same_id_and_header_here(vector: dict[str, Any]) -> None:
    challenge = read_challenge(vector)
    assert compute_id(KEY, challenge.terms) == vector["id"]
    assert challenge.is_of(KEY)
    ours = mpp.Challenge.from_www_authenticate(challenge.write())
    assert ours == mpp.Challenge.from_www_authenticate(vector["header"])


def test_challenge__of_ours__is_that_of_the_first_vector() -> None:
    assert build() == read_challenge(VECTORS["vectors"][0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"digest": write_digest("sha-256:" + "ab" * 32)},
        {"opaque": {"resource": "sha-256:00", "plan": "255"}},
        {"description": 'Tea "and" \\ coffee'},
        {"realm": "127.0.0.1:8402"},
    ],
)
def test_challenge__of_ours__is_read_by_the_python_package_field_by_field(changes: dict[str, Any]) -> None:
    challenge = build(**changes)
    read = mpp.Challenge.from_www_authenticate(challenge.write())
    assert read.verify(VECTORS["secret"], challenge.realm)
    assert read.id == challenge.challenge_id
    assert (read.realm, read.method, read.intent) == (challenge.realm, "evm", "charge")
    assert read.request == describe_charge(TOKEN, 10_000, PAYEE, 6)  # type: ignore[arg-type]
    assert (read.expires, read.digest or "") == ("2030-01-01T00:00:00Z", challenge.digest)
    assert (read.opaque or {}) == changes.get("opaque", {})
    assert (read.description or "") == challenge.description


@pytest.mark.parametrize("index", range(7))
def test_challenge__with_one_term_changed__is_not_ours(index: int) -> None:
    challenge = build(digest="sha-256=:AA==:", opaque={"a": "b"})
    terms = [*challenge.terms]
    terms[index] += "0"
    assert not Challenge(challenge.challenge_id, *terms).is_of(KEY)
    assert not challenge.is_of(b"another key")


def test_challenge__at_its_end__is_over() -> None:
    assert not build().is_over(END - 1)
    assert build().is_over(END)
    assert read_time("2030-01-01T01:00:00+01:00") == END


# ---------------------------------------------------------------------- credentials


@pytest.mark.parametrize("vector", CASES)
def test_credential__of_the_typescript_package__is_read_field_by_field(vector: dict[str, Any]) -> None:
    text = find_credential(vector["credential"])
    assert text is not None
    credential = read_credential(text)
    assert credential.challenge == read_challenge(vector)
    assert json.loads(credential.payload) == vector["payload"]
    assert credential.source == vector["source"]
    signed = read_transfer(credential, TOKEN)
    assert signed.authorization.nonce == list_nonces(credential.challenge)[0]
    assert recover_signer(signed.digest, signed.signature) == signed.authorization.payer == PAYER.address
    assert build_charge_payload(signed) == vector["payload"]


def test_credential__of_the_python_package__is_read_field_by_field() -> None:
    challenge = build(opaque={"plan": "1"}, digest=write_digest("sha-256:" + "ab" * 32))
    echo = mpp.Challenge.from_www_authenticate(challenge.write()).to_echo()
    official = mpp.Credential(echo, {"type": "authorization"}, write_source(31337, PAYER.address))
    text = find_credential(official.to_authorization())
    assert text is not None
    read = read_credential(text)
    assert read.challenge == challenge
    assert read.challenge.is_of(KEY)
    assert (json.loads(read.payload), read.source) == ({"type": "authorization"}, official.source)


def test_credential__of_ours__is_read_by_the_python_package() -> None:
    challenge = build(opaque={"plan": "1"})
    read = mpp.Credential.from_authorization(write_credential(challenge, {"type": "authorization"}, "did:x"))
    assert read.challenge == mpp.Challenge.from_www_authenticate(challenge.write()).to_echo()
    assert (read.payload, read.source) == ({"type": "authorization"}, "did:x")


def test_nonces__are_those_of_both_packages() -> None:
    challenge = build()
    listed = challenge_hash(challenge.challenge_id, challenge.realm)
    by_id = next(vector for vector in VECTORS["vectors"] if vector["id"] == challenge.challenge_id)
    assert [f"0x{nonce.hex()}" for nonce in list_nonces(challenge)] == [by_id["payload"]["nonce"], listed]
    assert listed != by_id["payload"]["nonce"]


PAYLOAD = VECTORS["vectors"][0]["payload"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "permit2"}, "another kind"),
        ({"type": "hash"}, "another kind"),
        ({"type": "gift"}, "unknown type"),
        ({"type": None}, "malformed"),
        ({"value": "1e4"}, "value"),
        ({"value": "٣"}, "value"),
        ({"value": 10000}, "malformed"),
        ({"validBefore": ""}, "validBefore"),
        ({"value": "1" + "0" * 78}, "value"),
        ({"value": "9" * 78}, "payload is malformed"),
        ({"nonce": "0x00"}, "nonce has 1 bytes"),
        ({"nonce": "00" * 32}, "nonce"),
        ({"from": "0x00"}, "payload is malformed"),
        ({"to": "0x" + "00" * 20}, "payload is malformed"),
        ({"signature": "0x0"}, "signature"),
        ({"signature": ""}, "signature"),
        ({"from": PAYEE}, "source"),
    ],
)
def test_transfer__that_is_malformed__is_refused_with_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    challenge, source = build(), write_source(31337, PAYER.address)
    text = find_credential(write_credential(challenge, {**PAYLOAD, **changes}, source))
    assert text is not None
    with pytest.raises(InvalidMessage, match=words) as caught:
        read_transfer(read_credential(text), TOKEN)
    assert caught.value.kind == NOUN


def test_transfer__without_a_source__is_read() -> None:
    text = find_credential(write_credential(build(), PAYLOAD))
    assert text is not None
    signed = read_transfer(read_credential(text), TOKEN)
    assert isinstance(signed, SignedTransferAuthorization)
    assert signed.authorization.payer == PAYER.address


def test_find_credential__of_another_scheme__finds_nothing() -> None:
    assert find_credential("Bearer abc") is None
    assert find_credential("PaymentX abc") is None
    assert find_credential("PAYMENT   abc ") == "abc"


@given(st.one_of(st.text(), st.binary().map(write_bytes), st.from_type(type(None)).map(lambda _: "e30")))
def test_credential__of_any_text__is_read_or_refused(text: str) -> None:
    try:
        read_credential(text)
    except InvalidMessage:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("type", "from", "to", "value", "validAfter", "validBefore", "nonce", "signature")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_transfer__with_any_fields__is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        text = base64.urlsafe_b64encode(
            json.dumps(
                {
                    "challenge": {"id": "a", "realm": "b", "method": "evm", "intent": "charge", "request": "e30"},
                    "payload": {**PAYLOAD, **changes},
                }
            ).encode()
        ).decode()
        read_transfer(read_credential(text), TOKEN)
    except InvalidMessage:
        return


# ---------------------------------------------------------------------- receipts and problems


@pytest.mark.parametrize("vector", CASES)
def test_receipt__is_that_of_both_packages(vector: dict[str, Any]) -> None:
    receipt = build_receipt(read_challenge(vector), f"0x{'ab' * 32}", 31337, "2029-12-31T23:59:59Z")
    assert read_receipt(vector["receipt"]) == receipt
    read = mpp.Receipt.from_payment_receipt(write_receipt(receipt))
    assert (read.status, read.reference, read.method) == ("success", f"0x{'ab' * 32}", "evm")
    assert read.extensions == {"challengeId": vector["id"], "chainId": 31337}


def test_receipt__that_is_malformed__is_refused() -> None:
    for text in ("", "!", "WzFd", "eyJ"):
        with pytest.raises(InvalidMessage):
            read_receipt(text)


@pytest.mark.parametrize(
    ("name", "official"),
    [
        (MALFORMED_CREDENTIAL, official_errors.MalformedCredentialError()),
        (INVALID_CHALLENGE, official_errors.InvalidChallengeError()),
        (VERIFICATION_FAILED, official_errors.VerificationFailedError()),
    ],
)
def test_problem__has_the_type_of_the_official_one(name: str, official: official_errors.PaymentError) -> None:
    told = describe_problem(name, 402, "Because.")
    theirs = official.to_problem_details()
    assert {key: told[key] for key in ("type", "title", "status")} == {
        key: theirs[key] for key in ("type", "title", "status")
    }
