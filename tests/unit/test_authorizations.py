"""Signed transfers (EIP-3009): their digest is that of wallets, and what cannot be signed is refused."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from nvm_chain.errors import InvalidAddress, InvalidAmount, InvalidConfig
from nvm_chain.signing.authorizations import (
    TRANSFER_WITH_AUTHORIZATION,
    SignedTransferAuthorization,
    build_transfer_authorization,
    sign_transfer_authorization,
    transfer_digest,
)
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signatures import recover_signer

PAYER = Account.from_key(b"\x07" * 32)
SHOP = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
USDC = Domain("USD Coin", "2", 8453, SHOP)  # type: ignore[arg-type]  # it has its checksum
GIVEN: dict[str, Any] = {"payer": PAYER.address, "payee": SHOP, "value": 10_000, "valid_before": 1_800_000_000}


def test_transfer_digest__of_a_wallet__is_the_same() -> None:
    authorization = build_transfer_authorization(**GIVEN, nonce=b"\x05" * 32)
    message = {
        "from": PAYER.address,
        "to": SHOP,
        "value": 10_000,
        "validAfter": 0,
        "validBefore": 1_800_000_000,
        "nonce": b"\x05" * 32,
    }
    typed = encode_typed_data(USDC.as_data(), TRANSFER_WITH_AUTHORIZATION.as_types(), message)
    signed = sign_transfer_authorization(PAYER, authorization, token=USDC)
    assert signed.signature == Account.sign_message(typed, PAYER.key).signature
    assert signed == SignedTransferAuthorization(authorization, USDC, signed.signature)
    assert recover_signer(signed.digest, signed.signature) == PAYER.address


def test_transfer_type_hash__is_that_of_eip_3009() -> None:
    assert TRANSFER_WITH_AUTHORIZATION.type_hash.hex() == (
        "7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("payee", PAYER.address),
        ("value", 9),
        ("valid_after", 9),
        ("valid_before", 9),
        ("nonce", bytes(32)),
    ],
)
def test_transfer_digest__of_another_transfer__differs(name: str, value: Any) -> None:
    authorization = build_transfer_authorization(**GIVEN)
    assert transfer_digest(replace(authorization, **{name: value}), token=USDC) != transfer_digest(
        authorization, token=USDC
    )


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"payee": "0x12"}, InvalidAddress),
        ({"value": -1}, InvalidAmount),
        ({"value": 2**256}, InvalidAmount),
        ({"valid_before": 1}, InvalidConfig),
        ({"nonce": b"short"}, InvalidConfig),
    ],
)
def test_build__of_what_cannot_be_signed__is_refused(changed: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        build_transfer_authorization(**{**GIVEN, **changed})


def test_sign__by_another_than_the_payer__is_refused() -> None:
    with pytest.raises(InvalidConfig):
        sign_transfer_authorization(Account.create(), build_transfer_authorization(**GIVEN), token=USDC)
