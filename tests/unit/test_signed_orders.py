"""Signed orders: nonces, digests and signatures are those of the vectors; one changed field or second is refused."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    InvalidMessage,
    InvalidPlanId,
    SignatureError,
    SignatureNeedsChain,
)
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signatures import keccak, recover_signer
from nvm_chain.signing.signed_orders import (
    RECEIVE_WITH_AUTHORIZATION,
    OrderAuthorization,
    SignedOrder,
    authorization_digest,
    authorization_nonce,
    build_order_authorization,
    sign_order,
    verify_order,
)
from tests.support.vectors import AUTHORIZATIONS, name, read_domain, read_hex, read_order

VECTORS: list[dict[str, Any]] = AUTHORIZATIONS["vectors"]
PAYER = Account.from_key(AUTHORIZATIONS["key"])
STRANGER = Account.from_key("0x" + "11" * 32)
ORDER = read_order(VECTORS[0])
TOKEN, CONTRACT = read_domain(VECTORS[0]["token"]), VECTORS[0]["contract"]
SIGNED = SignedOrder(ORDER, TOKEN, CONTRACT, read_hex(VECTORS[0]["signature"]))
WHERE: dict[str, Any] = {"token": TOKEN, "contract": CONTRACT}
NOW = 1_800_000_000

addresses = st.binary(min_size=20, max_size=20).filter(any).map(to_checksum_address)
numbers = st.integers(0, 2**256 - 1)
words = st.binary(min_size=32, max_size=32)
orders = st.builds(OrderAuthorization, numbers, addresses, addresses, numbers, numbers, numbers, numbers, words)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)
domains = st.builds(Domain, texts, texts, numbers, addresses)


# ---------------------------------------------------------------------- the vectors


def test_type__is_that_of_the_vectors() -> None:
    assert RECEIVE_WITH_AUTHORIZATION.declaration == AUTHORIZATIONS["authorization_type"]


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_authorization_nonce__of_each_vector__is_its_nonce(vector: dict[str, Any]) -> None:
    chain_id, contract = int(vector["token"]["chainId"]), vector["contract"]
    nonce = authorization_nonce(read_order(vector), chain_id=chain_id, contract=contract)
    assert nonce == read_hex(vector["nonce"])
    assert authorization_nonce(read_order(vector), chain_id=chain_id, contract=contract.lower()) == nonce


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_authorization_digest__of_each_vector__is_its_digest_and_signed_by_the_key(vector: dict[str, Any]) -> None:
    order, token, contract = read_order(vector), read_domain(vector["token"]), vector["contract"]
    digest = authorization_digest(order, token=token, contract=contract)
    assert digest == read_hex(vector["digest"])
    assert recover_signer(digest, read_hex(vector["signature"])) == PAYER.address
    if order.payer == PAYER.address:
        signed = sign_order(PAYER, order, token=token, contract=contract)
        assert signed == SignedOrder(order, token, contract, read_hex(vector["signature"]))


def test_vectors__are_all_different() -> None:
    assert len({vector["digest"] for vector in VECTORS}) == len(VECTORS)
    same = {"another token name", "another token version", "a token name beyond ASCII"}
    same |= {"a token without name and version", "the largest times"}
    assert len({vector["nonce"] for vector in VECTORS}) == len(VECTORS) - len(same)


# ---------------------------------------------------------------------- other implementations


@given(orders, numbers, addresses)
def test_authorization_nonce__of_any_order__is_the_hash_of_its_abi_encoding(
    order: OrderAuthorization, chain_id: int, contract: Any
) -> None:
    types = ["uint256", "address", "uint256", "address", "address", "uint256", "uint256", "bytes32"]
    assert f"({','.join(types)})" == AUTHORIZATIONS["nonce_type"]
    parts = (order.plan_id, order.payer, order.receiver, order.quantity, order.max_cost, order.salt)
    expected = keccak(encode(types, [chain_id, contract, *parts]))
    assert authorization_nonce(order, chain_id=chain_id, contract=contract) == expected


@given(orders, domains, addresses)
def test_authorization_digest__of_any_order__is_that_of_eth_account(
    order: OrderAuthorization, token: Domain, contract: Any
) -> None:
    message = {
        "from": order.payer,
        "to": contract,
        "value": order.max_cost,
        "validAfter": order.valid_after,
        "validBefore": order.valid_before,
        "nonce": authorization_nonce(order, chain_id=token.chain_id, contract=contract),
    }
    signable = encode_typed_data(token.as_data(), RECEIVE_WITH_AUTHORIZATION.as_types(), message)
    expected = keccak(b"\x19\x01" + signable.header + signable.body)
    assert authorization_digest(order, token=token, contract=contract) == expected


# ---------------------------------------------------------------------- build

GOOD: dict[str, Any] = {"plan_id": 1, "payer": PAYER.address, "max_cost": 5, "valid_before": NOW}


def test_build_order_authorization__with_little__fills_in_the_rest() -> None:
    first, second = (build_order_authorization(**{**GOOD, "payer": PAYER.address.lower()}) for _ in range(2))
    assert replace(first, salt=bytes(32)) == OrderAuthorization(
        1, PAYER.address, PAYER.address, 1, 5, 0, NOW, bytes(32)
    )
    assert len(first.salt) == 32
    assert first.salt != second.salt


def test_build_order_authorization__with_everything__takes_it() -> None:
    built = build_order_authorization(
        f"did:nv:{ORDER.plan_id:064x}",
        payer=ORDER.payer.lower(),
        receiver=ORDER.receiver.lower(),
        quantity=3,
        max_cost=0,
        valid_after=7,
        valid_before=9,
        salt=ORDER.salt,
    )
    assert built == replace(ORDER, quantity=3, max_cost=0, valid_after=7, valid_before=9)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"plan_id": "x"}, InvalidPlanId),
        ({"payer": "0x" + "00" * 20}, InvalidAddress),
        ({"receiver": "0x" + "00" * 20}, InvalidAddress),
        ({"receiver": ""}, InvalidAddress),
        ({"quantity": 0}, InvalidAmount),
        ({"quantity": 2**256}, InvalidAmount),
        ({"max_cost": -1}, InvalidAmount),
        ({"max_cost": 1.5}, InvalidAmount),
        ({"max_cost": "20"}, InvalidAmount),
        ({"max_cost": 2**256}, InvalidAmount),
        ({"valid_before": 2**256}, InvalidAmount),
        ({"valid_before": "9"}, InvalidAmount),
        ({"valid_after": -1}, InvalidAmount),
        ({"valid_after": NOW}, InvalidConfig),
        ({"valid_after": NOW - 1}, InvalidConfig),
        ({"valid_before": 0}, InvalidConfig),
        ({"valid_before": 1}, InvalidConfig),
        ({"salt": b""}, InvalidConfig),
        ({"salt": bytes(31)}, InvalidConfig),
        ({"salt": bytes(33)}, InvalidConfig),
        ({"salt": "0" * 32}, InvalidConfig),
    ],
)
def test_build_order_authorization__with_what_cannot_be__is_refused(
    change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        build_order_authorization(**{**GOOD, **change})


def test_build_order_authorization__for_one_second__is_taken() -> None:
    built = build_order_authorization(**{**GOOD, "valid_after": NOW - 2})
    assert (built.valid_after, built.valid_before) == (NOW - 2, NOW)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"plan_id": -1}, InvalidAmount),
        ({"payer": PAYER.address.lower()}, InvalidAddress),
        ({"receiver": PAYER.address.lower()}, InvalidAddress),
        ({"quantity": 2**256}, InvalidAmount),
        ({"max_cost": 2**256}, InvalidAmount),
        ({"valid_after": 2**256}, InvalidAmount),
        ({"valid_before": 2**256}, InvalidAmount),
        ({"salt": bytes(31)}, InvalidConfig),
    ],
)
def test_order_authorization__with_what_has_no_one_nonce__cannot_be_made(
    change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        replace(ORDER, **change)


# ---------------------------------------------------------------------- sign and verify


def test_sign_order__by_another_than_the_payer__is_refused() -> None:
    with pytest.raises(InvalidConfig, match=f"payer {PAYER.address} has to sign this order, not {STRANGER.address}"):
        sign_order(STRANGER, ORDER, **WHERE)


def test_sign_order__for_a_contract_in_lower_case__has_its_checksum() -> None:
    assert sign_order(PAYER, ORDER, token=TOKEN, contract=CONTRACT.lower()) == SIGNED


def test_verify_order__of_the_vector__returns_the_order() -> None:
    assert verify_order(SIGNED, **WHERE, now=NOW) is ORDER
    assert verify_order(SIGNED, token=TOKEN, contract=CONTRACT.lower(), now=NOW) is ORDER


@pytest.mark.parametrize(
    "change",
    [
        {"plan_id": ORDER.plan_id ^ 1},
        {"payer": STRANGER.address},
        {"receiver": STRANGER.address},
        {"quantity": 2},
        {"max_cost": ORDER.max_cost + 1},
        {"max_cost": ORDER.max_cost - 1},
        {"valid_after": 1},
        {"valid_before": ORDER.valid_before + 1},
        {"salt": bytes(32)},
    ],
)
def test_verify_order__with_a_field_changed_after_signing__is_refused(change: dict[str, Any]) -> None:
    changed = replace(SIGNED, order=replace(ORDER, **change))
    with pytest.raises(AuthorizationSignatureInvalid) as caught:
        verify_order(changed, **WHERE, now=NOW)
    assert caught.value.payer == changed.order.payer
    assert caught.value.recovered not in (None, changed.order.payer)


@pytest.mark.parametrize(
    ("token", "mismatch"),
    [
        (replace(TOKEN, name="USD Coin"), ("token name", TOKEN.name, "USD Coin")),
        (replace(TOKEN, version="1"), ("token version", TOKEN.version, "1")),
        (replace(TOKEN, chain_id=1), ("chain id", TOKEN.chain_id, 1)),
        (replace(TOKEN, address=STRANGER.address), ("token", TOKEN.address, STRANGER.address)),
        (replace(TOKEN, address=STRANGER.address, name="E"), ("token", TOKEN.address, STRANGER.address)),
        (replace(TOKEN, address=STRANGER.address, chain_id=1), ("chain id", TOKEN.chain_id, 1)),
    ],
)
def test_verify_order__for_another_token__is_a_mismatch_even_if_well_signed(
    token: Domain, mismatch: tuple[str, object, object]
) -> None:
    signed = sign_order(PAYER, ORDER, token=token, contract=CONTRACT)
    with pytest.raises(AuthorizationMismatch) as caught:
        verify_order(signed, **WHERE, now=NOW)
    assert caught.value.args == mismatch
    with pytest.raises(AuthorizationSignatureInvalid):
        verify_order(replace(signed, token=TOKEN), **WHERE, now=NOW)


def test_verify_order__for_another_contract__is_a_mismatch_even_if_well_signed() -> None:
    signed = sign_order(PAYER, ORDER, token=TOKEN, contract=STRANGER.address)
    with pytest.raises(AuthorizationMismatch) as caught:
        verify_order(signed, **WHERE, now=NOW)
    assert caught.value.args == ("contract", CONTRACT, STRANGER.address)
    with pytest.raises(AuthorizationSignatureInvalid):
        verify_order(replace(signed, contract=CONTRACT), **WHERE, now=NOW)


def test_verify_order__around_its_times__counts_strictly_between() -> None:
    signed = sign_order(PAYER, replace(ORDER, valid_after=100, valid_before=103), **WHERE)
    for now in (101, 102):
        assert verify_order(signed, **WHERE, now=now) is signed.order
    for now in (99, 100):
        with pytest.raises(AuthorizationNotYetValid) as early:
            verify_order(signed, **WHERE, now=now)
        assert early.value.args == (100, now)
    for now in (103, 104):
        with pytest.raises(AuthorizationExpired) as late:
            verify_order(signed, **WHERE, now=now)
        assert late.value.args == (103, now)


def test_verify_order__without_a_time__takes_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: ORDER.valid_before - 0.1)
    assert verify_order(SIGNED, **WHERE) is ORDER
    monkeypatch.setattr(time, "time", lambda: ORDER.valid_before + 0.0)
    with pytest.raises(AuthorizationExpired):
        verify_order(SIGNED, **WHERE)


@pytest.mark.parametrize("signature", [b"", b"\1" * 65, b"\1" * 600])
def test_verify_order__of_a_contract_wallet__is_what_the_chain_says(signature: bytes) -> None:
    asked: list[object] = []

    def ask(*question: object) -> bool:
        asked.append(question)
        return len(asked) == 1

    signed = replace(SIGNED, signature=signature)
    assert verify_order(signed, **WHERE, now=NOW, ask_chain=ask) is ORDER
    with pytest.raises(AuthorizationSignatureInvalid):
        verify_order(signed, **WHERE, now=NOW, ask_chain=ask)
    assert asked == [(PAYER.address, read_hex(VECTORS[0]["digest"]), signature)] * 2
    kind = AuthorizationSignatureInvalid if len(signature) == 65 else SignatureNeedsChain
    with pytest.raises(SignatureError) as caught:
        verify_order(signed, **WHERE, now=NOW)
    assert type(caught.value) is kind


# ---------------------------------------------------------------------- JSON


def test_to_json__of_a_signed_order__has_every_field() -> None:
    text = SIGNED.to_json()
    assert json.loads(text) == {
        "type": "nvm_chain.order.v1",
        "chainId": "31337",
        "contract": CONTRACT,
        "token": TOKEN.address,
        "tokenName": "USDC",
        "tokenVersion": "2",
        **VECTORS[0]["order"],
        "signature": VECTORS[0]["signature"],
    }
    assert text.isascii()
    assert " " not in text


@given(orders, domains, addresses, st.binary(max_size=2000))
def test_from_json__of_what_was_written__is_the_same(
    order: OrderAuthorization, token: Domain, contract: Any, signature: bytes
) -> None:
    signed = SignedOrder(order, token, contract, signature)
    assert SignedOrder.from_json(signed.to_json()) == signed
    assert signed.to_json().isascii()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "nvm_chain.voucher.v1"),
        ("chainId", str(2**256)),
        ("contract", CONTRACT.lower()),
        ("token", "0x" + "00" * 20),
        ("tokenName", "a\nb"),
        ("tokenVersion", "1" * 257),
        ("planId", "-1"),
        ("payer", PAYER.address.lower()),
        ("receiver", PAYER.address.lower()),
        ("quantity", str(2**256)),
        ("maxCost", "1.5"),
        ("validAfter", str(2**256)),
        ("validBefore", str(2**256)),
        ("salt", "0x" + "00" * 31),
        ("signature", "0x0"),
        ("nonce", VECTORS[0]["nonce"]),
    ],
)
def test_from_json__with_a_field_in_another_spelling__is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidMessage) as caught:
        SignedOrder.from_json(json.dumps({**json.loads(SIGNED.to_json()), field: value}))
    assert caught.value.kind == "signed order"


@pytest.mark.parametrize("field", json.loads(SIGNED.to_json()))
def test_from_json__without_a_field__is_refused(field: str) -> None:
    message = json.loads(SIGNED.to_json())
    del message[field]
    with pytest.raises(InvalidMessage):
        SignedOrder.from_json(json.dumps(message))
