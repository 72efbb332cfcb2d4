"""The header SIGN-IN-WITH-X: what the official extension writes in both languages is read to the byte, and anything else is refused."""

import asyncio
import base64
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from x402.extensions.sign_in_with_x import (
    create_siwx_message,
    create_siwx_payload,
    encode_siwx_header,
    parse_siwx_header,
)

from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.incoming import Incoming, read_incoming
from nvm_chain.gateway.payers import BuyingPayer, SigningPayer, read_any_payer, read_payer
from nvm_chain.meter.sign_in_messages import hash_sign_in, parse_sign_in
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.x402.sign_ins import read_sign_in
from tests.support.vectors import name
from tests.x402.wires import BUYER, PAYMENTS, VECTORS, close_header, open_header, to_floats

URL = "https://api.example.com/ask"
SIGN_INS = VECTORS["signIns"]
TOLD = open_header(SIGN_INS[0]["header"])


@pytest.mark.parametrize("vector", SIGN_INS, ids=name)
def test_read_sign_in__of_the_official_typescript_client__is_what_was_signed(vector: dict[str, str]) -> None:
    text, signature = read_sign_in(vector["header"])
    assert (text, f"0x{signature.hex()}") == (vector["message"], vector["signature"])
    assert read_sign_in(vector["header"].rstrip("=")) == (text, signature)
    assert recover_signer(hash_sign_in(text), signature) == BUYER.address
    assert parse_sign_in(text).text == text


@pytest.mark.parametrize("vector", SIGN_INS, ids=name)
def test_read_sign_in__of_the_official_python_client__is_what_was_signed(vector: dict[str, str]) -> None:
    told = parse_siwx_header(vector["header"])
    payload = asyncio.run(create_siwx_payload(told, BUYER, URL))
    text, signature = read_sign_in(encode_siwx_header(payload))
    assert text == create_siwx_message(SimpleNamespace(**dict(told)), BUYER.address)
    assert (text, f"0x{signature.hex()}") == (vector["message"], vector["signature"])


@pytest.mark.parametrize(
    "change",
    [
        {"version": "2"},
        {"version": 1},
        {"type": "ed25519"},
        {"chainId": "solana:mainnet"},
        {"chainId": 84_532},
        {"chainId": "eip155:084532"},
        {"signature": "11" * 65},
        {"signature": "0xzz"},
        {"signature": "0x" + "1" * 9_000},
        {"domain": None},
        {"nonce": None},
        {"address": 7},
        {"resources": "did:nv:07"},
        {"resources": [7]},
    ],
)
def test_read_sign_in__with_a_mistake__is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        read_sign_in(close_header({**TOLD, **change}))


@pytest.mark.parametrize("header", ["", "!", "e30=", "bnVsbA==", base64.b64encode(b"[" * 9_000).decode(), "A" * 20_000])
def test_read_sign_in__of_something_else__is_refused(header: str) -> None:
    with pytest.raises(InvalidMessage):
        read_sign_in(header)


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*TOLD, "statement", "notBefore", "requestId"]), JSON, max_size=3))
def test_read_sign_in__of_anything__is_read_or_is_no_sign_in(change: dict[str, Any]) -> None:
    try:
        text, _ = read_sign_in(close_header(to_floats({**TOLD, **change})))
        parse_sign_in(text)
    except InvalidMessage:
        pass


def test_read_incoming__of_two_sign_ins__is_refused_and_one_is_not_handed_on() -> None:
    both = [(b"sign-in-with-x", b"e30="), (b"sign-in-with-x", b"e30=")]
    with pytest.raises(InvalidMessage, match="twice"):
        read_incoming("POST", both, keeps_cookies=False)
    incoming = read_incoming("POST", [both[0], (b"sign_in_with_x", b"x"), (b"accept", b"*/*")], keeps_cookies=False)
    assert (incoming.sign_in, incoming.forwarded) == ("e30=", [("accept", "*/*")])


@pytest.mark.parametrize("other", ["payment", "bearer", None])
def test_read_any_payer__of_a_sign_in_beside_something_else__is_never_uncertain(other: str | None) -> None:
    incoming = Incoming("POST", sign_in=SIGN_INS[0]["header"], idempotency_key="key-0001")
    if other == "bearer":
        incoming.bearer = "nvms_x"
        with pytest.raises(InvalidMessage, match="not certain"):
            read_any_payer(incoming)
        return
    incoming.payment = PAYMENTS["exact"] if other else None
    payer = read_any_payer(incoming)
    assert isinstance(payer, BuyingPayer if other else SigningPayer)
    assert payer.key == "key-0001"
    with pytest.raises(InvalidMessage, match="for a service"):
        read_payer(incoming)
