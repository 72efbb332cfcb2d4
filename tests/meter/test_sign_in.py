"""sign_in: messages are those of viem and ethers; each field, each second and each byte is checked by ourselves (TRAP-13)."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import (
    InvalidAddress,
    InvalidAgentId,
    InvalidConfig,
    InvalidMessage,
    SignatureNeedsChain,
    SignInExpired,
    SignInMismatch,
    SignInNotYetValid,
    SignInSignatureInvalid,
)
from nvm_chain.meter.sign_in import LEEWAY_SECONDS, build_sign_in, new_nonce, verify_sign_in
from nvm_chain.meter.sign_in_messages import MAX_MESSAGE, SignInMessage, hash_sign_in, parse_sign_in, read_second
from nvm_chain.types.ids import format_did
from tests.support.meter_vectors import SIGN_INS
from tests.support.reverts import reverts
from tests.support.vectors import name, read_hex

VECTORS: list[dict[str, Any]] = SIGN_INS["vectors"]
USER, STRANGER = Account.from_key(SIGN_INS["key"]), Account.from_key("0x" + "11" * 32)
ISSUED = 1_800_000_000
ORIGIN, NONCE, DID = "https://api.example.com", "8e52e0cad11f22b3f1bb3e21f87339d2", format_did(7)
EXPECTED: dict[str, Any] = {"origin": ORIGIN, "service": 7, "chain_id": 8453, "nonce": NONCE, "now": ISSUED}
MESSAGE = build_sign_in(USER.address, **EXPECTED)
FORM, SPELLING = "it is not in the form of EIP-4361", "one of its fields has another spelling"


def sign(text: str, account: Any = USER) -> bytes:
    return bytes(account.sign_message(encode_defunct(text=text)).signature)


def verify(text: str, **changes: Any) -> SignInMessage:
    return verify_sign_in(text, sign(text), **{**EXPECTED, **changes})


# ---------------------------------------------------------------------- the vectors


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_sign_in__of_each_vector__is_read_written_and_hashed_the_same(vector: dict[str, Any]) -> None:
    message, fields = parse_sign_in(vector["text"]), vector["fields"]
    assert message.text == vector["text"]
    assert hash_sign_in(vector["text"]) == read_hex(vector["digest"])
    names = {"issuedAt": "issued_at", "expirationTime": "expiration_time", "notBefore": "not_before"}
    names |= {"chainId": "chain_id", "requestId": "request_id"}
    for field, value in fields.items():
        if field != "version":
            found = getattr(message, names.get(field, field))
            assert (list(found) if field == "resources" else found) == value


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_verify_sign_in__of_each_vector__is_accepted(vector: dict[str, Any]) -> None:
    fields = vector["fields"]
    origin = f"{fields['scheme']}://{fields['domain']}" if "scheme" in fields else f"https://{fields['domain']}"
    expected = {"origin": origin, "chain_id": fields["chainId"], "nonce": fields["nonce"]}
    message = verify_sign_in(
        vector["text"], read_hex(vector["signature"]), **{**EXPECTED, **expected, "now": ISSUED + 1}
    )
    assert message.address == USER.address
    assert message.services == (DID,)


# ---------------------------------------------------------------------- building


def test_build_sign_in__for_a_service__is_verified() -> None:
    assert verify(MESSAGE.text) == MESSAGE
    assert (MESSAGE.scheme, MESSAGE.domain, MESSAGE.resources) == ("https", "api.example.com", (DID,))


def test_build_sign_in__with_more_periods_than_a_message_can_say__is_refused() -> None:
    assert build_sign_in(USER.address, **EXPECTED, max_periods=999_999).max_periods == 999_999
    for periods in (1_000_000, -1):
        with pytest.raises(InvalidMessage):
            build_sign_in(USER.address, **EXPECTED, max_periods=periods)


@pytest.mark.parametrize(
    ("periods", "text"), [(0, ""), (1, " Open at most 1 access period."), (12, " Open at most 12 access periods.")]
)
def test_build_sign_in__with_periods__states_how_many_may_be_opened(periods: int, text: str) -> None:
    message = build_sign_in(USER.address, **EXPECTED, max_periods=periods)
    assert message.statement == f"Sign in to use this service.{text}"
    assert verify(message.text).max_periods == periods


@pytest.mark.parametrize(
    "statement",
    [
        None,
        "Open at most 0 access periods.",
        "Open at most 02 access periods.",
        "Open at most 2 access periods!",
        "Open at most 1 access periods.",
        "Open at most 2 access period.",
        "Open at most 1000000 access periods.",
        "Never Open at most 2 access periods.",
        "Open at most 2 access periods. Not really.",
        "Open at most 2 access periods. Open at most 9 access periods.",
    ],
)
def test_max_periods__of_another_statement__is_none_at_all(statement: str | None) -> None:
    assert replace(MESSAGE, statement=statement).max_periods == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": "short"}, InvalidMessage),
        ({"valid_seconds": 601}, InvalidMessage),
        ({"valid_seconds": 0}, InvalidMessage),
        ({"origin": "https://a b"}, InvalidMessage),
        ({"service": 0}, InvalidAgentId),
        ({"chain_id": -1}, InvalidMessage),
        ({"account": "0x0"}, InvalidAddress),
    ],
)
def test_build_sign_in__of_other_values__is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        build_sign_in(**{"account": USER.address, **EXPECTED, **changes})


def test_new_nonce__is_another_each_time() -> None:
    nonces = {new_nonce() for _ in range(20)}
    assert len(nonces) == 20
    assert all(nonce.isalnum() and len(nonce) == 32 for nonce in nonces)


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("Chain ID: 8453", "Chain ID: 08453", FORM),
        ("Chain ID: 8453", "Chain ID: eip155:8453", FORM),
        ("Version: 1", "Version: 2", FORM),
        (USER.address, USER.address.lower(), "its address is written without the right checksum"),
        (USER.address, "0x" + "0" * 40, "its address is written without the right checksum"),
        ("Nonce: " + NONCE, "Nonce: short", FORM),
        ("Nonce: " + NONCE, "Nonce: 1234-5678", FORM),
        ("\nIssued", "\r\nIssued", FORM),
        ("Issued At", "Issued at", FORM),
        ("2027-01-15T08:00:00Z", "2027-01-15 08:00:00Z", FORM),
        ("2027-01-15T08:00:00Z", "2027-01-15T08:00:00", FORM),
        ("2027-01-15T08:00:00Z", "١٨٠٠-01-15T08:00:00Z", FORM),
        ("Resources:\n- did", "Resources:\n-did", FORM),
        ("Resources:", "Resource:", FORM),
        (" wants you", "  wants you", FORM),
        ("https://api.example.com wants", "https://me@api.example.com wants", FORM),
        ("service.\n\nURI", "service.\nURI", FORM),
        ("service.", "sérvice.", FORM),
        ("URI: https", "URI: ", FORM),
    ],
)
def test_parse_sign_in__of_another_spelling__is_refused(was: str, becomes: str, reason: str) -> None:
    assert was in MESSAGE.text
    with reverts(InvalidMessage("sign-in message", reason)):
        parse_sign_in(MESSAGE.text.replace(was, becomes, 1))


@pytest.mark.parametrize(
    "text", ["", "\n" * 9, MESSAGE.text + "\n", "\n" + MESSAGE.text, MESSAGE.text + "x" * MAX_MESSAGE]
)
def test_parse_sign_in__of_other_texts__is_refused(text: str) -> None:
    with reverts(InvalidMessage("sign-in message", FORM)):
        parse_sign_in(text)


@given(st.integers(0, len(MESSAGE.text) - 1), st.sampled_from("\n\r\0 aA0:/-.é"))
def test_parse_sign_in__with_a_changed_character__is_read_as_it_stands_or_refused(
    position: int, character: str
) -> None:
    text = MESSAGE.text[:position] + character + MESSAGE.text[position + 1 :]
    with suppress(InvalidMessage):
        assert parse_sign_in(text).text == text


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2026-11-28T12:00:00Z", 1_795_867_200),
        ("2026-11-28T12:00:00.999Z", 1_795_867_200),
        ("2026-11-28T10:30:00-01:30", 1_795_867_200),
    ],
)
def test_read_second__of_a_time__is_its_second(text: str, second: int) -> None:
    assert read_second(text) == second


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "now", ""])
def test_read_second__of_no_time__is_refused(text: str) -> None:
    with reverts(InvalidMessage("sign-in message", "one of its times does not exist")):
        read_second(text)


# ---------------------------------------------------------------------- checking


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"origin": "https://evil.example.com"}, SignInMismatch("domain", "evil.example.com", "api.example.com")),
        (
            {"origin": "https://api.example.com:8443"},
            SignInMismatch("domain", "api.example.com:8443", "api.example.com"),
        ),
        ({"origin": "http://api.example.com"}, SignInMismatch("scheme", "http", "https")),
        ({"service": 8}, SignInMismatch("list of resources", format_did(8), DID)),
        ({"chain_id": 1}, SignInMismatch("chain id", 1, 8453)),
        ({"nonce": "0" * 32}, SignInMismatch("nonce", "0" * 32, NONCE)),
        ({"now": ISSUED + 600}, SignInExpired(ISSUED + 600, ISSUED + 600)),
        ({"now": ISSUED - LEEWAY_SECONDS - 1}, SignInNotYetValid(ISSUED, ISSUED - LEEWAY_SECONDS - 1)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_verify_sign_in__at_another_place_or_time__is_refused(changes: dict[str, Any], error: Any) -> None:
    with reverts(error):
        verify(MESSAGE.text, **changes)


@pytest.mark.parametrize("now", [ISSUED - LEEWAY_SECONDS, ISSUED, ISSUED + 599])
def test_verify_sign_in__within_its_ten_minutes__is_accepted(now: int) -> None:
    assert verify(MESSAGE.text, now=now) == MESSAGE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expiration_time": None}, "it has no expiration time"),
        ({"expiration_time": "2027-01-15T08:10:01Z"}, "it has to expire within 600 seconds after its issue"),
        ({"expiration_time": "2099-01-01T00:00:00Z"}, "it has to expire within 600 seconds after its issue"),
        ({"expiration_time": "2027-01-15T08:00:00Z"}, "it has to expire within 600 seconds after its issue"),
        ({"issued_at": "2027-02-30T08:00:00Z"}, "one of its times does not exist"),
    ],
)
def test_verify_sign_in__with_other_times__is_refused(changes: dict[str, Any], reason: str) -> None:
    with reverts(InvalidMessage("sign-in message", reason)):
        verify(replace(MESSAGE, **changes).text)


def test_verify_sign_in__before_its_start__is_refused() -> None:
    later = replace(MESSAGE, not_before="2027-01-15T08:01:00Z")
    with reverts(SignInNotYetValid(ISSUED + 60, ISSUED)):
        verify(later.text)
    assert verify(later.text, now=ISSUED + 60) == later


@pytest.mark.parametrize(
    ("uri", "is_right"),
    [
        (ORIGIN, True),
        (f"{ORIGIN}/services/7?q=1", True),
        (f"{ORIGIN}?q=1", True),
        (f"{ORIGIN}.evil.com", False),
        (f"{ORIGIN}:8443", False),
        ("https://evil.com/https://api.example.com", False),
        ("http://api.example.com", False),
        ("urn:api.example.com", False),
    ],
)
def test_verify_sign_in__with_another_uri__is_refused(uri: str, is_right: bool) -> None:
    message = replace(MESSAGE, uri=uri)
    if is_right:
        assert verify(message.text) == message
    else:
        with reverts(SignInMismatch("URI", ORIGIN, uri)):
            verify(message.text)


def test_verify_sign_in__without_a_scheme__takes_that_of_the_origin() -> None:
    message = replace(MESSAGE, scheme=None)
    assert verify(message.text) == message


@pytest.mark.parametrize("resources", [None, (), ("https://example.com",), (DID.upper(),)])
def test_verify_sign_in__without_the_service__is_refused(resources: tuple[str, ...] | None) -> None:
    with pytest.raises(SignInMismatch) as caught:
        verify(replace(MESSAGE, resources=resources).text)
    assert caught.value.field == "list of resources"


def test_verify_sign_in__with_an_origin_without_scheme__is_refused() -> None:
    with reverts(InvalidConfig("the origin 'api.example.com' does not begin with https:// or http://")):
        verify(MESSAGE.text, origin="api.example.com")


# ---------------------------------------------------------------------- signatures


def test_verify_sign_in__signed_by_another_key__names_it() -> None:
    with reverts(SignInSignatureInvalid(USER.address, STRANGER.address)):
        verify_sign_in(MESSAGE.text, sign(MESSAGE.text, STRANGER), **EXPECTED)


def test_verify_sign_in__of_a_text_that_was_not_signed__is_refused() -> None:
    other = replace(MESSAGE, statement="Sign in to use this service, please.")
    with pytest.raises(SignInSignatureInvalid):
        verify_sign_in(other.text, sign(MESSAGE.text), **EXPECTED)


def test_verify_sign_in__of_a_contract_wallet__asks_the_chain() -> None:
    asked: list[Any] = []

    def ask_chain(account: str, digest: bytes, signature: bytes) -> bool:
        asked.append((account, digest, signature))
        return len(asked) == 1

    with reverts(SignatureNeedsChain(USER.address, 96)):
        verify_sign_in(MESSAGE.text, b"\1" * 96, **EXPECTED)
    assert verify_sign_in(MESSAGE.text, b"\1" * 96, **EXPECTED, ask_chain=ask_chain) == MESSAGE
    assert asked == [(USER.address, hash_sign_in(MESSAGE.text), b"\1" * 96)]
    with pytest.raises(SignInSignatureInvalid) as caught:
        verify_sign_in(MESSAGE.text, b"\1" * 96, **EXPECTED, ask_chain=ask_chain)
    assert "no contract at its address accepts the signature" in str(caught.value)
