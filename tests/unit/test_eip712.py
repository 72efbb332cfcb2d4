"""eip712: domains and structs hash as eth-account hashes them, and nothing but typed values is signed."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidAddress, InvalidAmount, InvalidConfig
from nvm_chain.signing.eip712 import Domain, StructType, hash_message, sign_struct
from nvm_chain.signing.signatures import keccak

ACCOUNT = Account.from_key("0x" + "11" * 32)
CONTRACT = to_checksum_address("0x5fbdb2315678afecb367f032d93f642f64180aa3")
DOMAIN = Domain("A", "1", 31337, CONTRACT)
THING = StructType("Thing(uint256 number,address owner,bytes32 data,uint64 small)")
VALUES = (7, CONTRACT, b"\2" * 32, 9)

addresses = st.binary(min_size=20, max_size=20).filter(any).map(to_checksum_address)
numbers = st.integers(0, 2**256 - 1)
words = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)


@given(st.builds(Domain, texts, texts, numbers, addresses), numbers, addresses, words)
def test_digest__of_anything__is_that_of_eth_account(domain: Domain, number: int, owner: str, data: bytes) -> None:
    values = (number, owner, data, number % 2**64)
    signable = encode_typed_data(domain.as_data(), THING.as_types(), THING.as_message(values))
    assert domain.separator == signable.header
    assert THING.hash(values) == signable.body
    assert hash_message(domain.separator, THING.hash(values)) == keccak(b"\x19\x01" + signable.header + signable.body)


@pytest.mark.parametrize(
    "other",
    [
        replace(DOMAIN, name="B"),
        replace(DOMAIN, version="2"),
        replace(DOMAIN, chain_id=31338),
        replace(DOMAIN, address=ACCOUNT.address),
        replace(DOMAIN, name="1", version="A"),
    ],
)
def test_separator__of_another_domain__is_another(other: Domain) -> None:
    assert other.separator != DOMAIN.separator


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "a" * 257}, InvalidConfig),
        ({"name": "a\nb"}, InvalidConfig),
        ({"name": "\ud800"}, InvalidConfig),
        ({"version": 1}, InvalidConfig),
        ({"version": None}, InvalidConfig),
        ({"chain_id": -1}, InvalidAmount),
        ({"chain_id": 2**256}, InvalidAmount),
        ({"chain_id": "1"}, InvalidAmount),
        ({"address": CONTRACT.lower()}, InvalidAddress),
        ({"address": "0x" + "00" * 20}, InvalidAddress),
        ({"address": bytes(20)}, InvalidAddress),
        ({"address": None}, InvalidAddress),
        ({"address": []}, InvalidAddress),
    ],
)
def test_domain__that_cannot_be__is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(DOMAIN, **change)


def test_domain__of_the_longest_name__is_taken() -> None:
    assert replace(DOMAIN, name="a" * 256).separator


def test_struct_hash__of_a_value_of_other_than_32_bytes__is_refused() -> None:
    for size in (0, 31, 33):
        with pytest.raises(InvalidConfig, match=f"32 bytes, not {size} bytes"):
            THING.hash((1, CONTRACT, bytes(size), 1))


# ---------------------------------------------------------------------- signing


class Wallet:
    """A wallet that shows typed data to its user, and cannot sign hashes."""

    address = ACCOUNT.address

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def sign_typed_data(self, *shown: Any) -> Any:
        self.shown.append(shown)
        return ACCOUNT.sign_typed_data(*shown)


class Nobody:
    """An address, and no way to sign."""

    address = ACCOUNT.address


def test_sign_struct__by_an_account_and_by_a_wallet__is_the_same() -> None:
    wallet = Wallet()
    signature = sign_struct(ACCOUNT, DOMAIN, THING, VALUES)
    assert sign_struct(wallet, DOMAIN, THING, VALUES) == signature
    assert type(signature) is bytes
    assert len(signature) == 65
    assert wallet.shown == [(DOMAIN.as_data(), THING.as_types(), THING.as_message(VALUES))]
    assert THING.as_message(VALUES) == {"number": 7, "owner": CONTRACT, "data": b"\2" * 32, "small": 9}


def test_sign_struct__by_who_cannot_sign__is_refused() -> None:
    with pytest.raises(InvalidConfig, match="Nobody is not a signer of messages"):
        sign_struct(Nobody(), DOMAIN, THING, VALUES)  # type: ignore[arg-type]
