"""Replacements of waiting transactions: what is read from signed bytes, and which prices a replacement has."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.chain.fees import Fees
from nvm_chain.chain.repricing import raise_fees
from nvm_chain.chain.signed_transactions import read_signed

KEY = Account.from_key("0x" + "11" * 32)
TO = KEY.address
LEGACY: dict[str, Any] = {"chainId": 5, "nonce": 7, "gasPrice": 10**9, "gas": 90_000, "to": TO, "value": 1}
DYNAMIC: dict[str, Any] = {
    "chainId": 5,
    "nonce": 7,
    "maxPriorityFeePerGas": 3,
    "maxFeePerGas": 10**9,
    "gas": 90_000,
    "to": TO,
    "value": 1,
}


@pytest.mark.parametrize("fields", [LEGACY, DYNAMIC])
@given(data=st.binary(max_size=400), nonce=st.sampled_from([0, 1, 127, 128, 2**40]), value=st.integers(0, 2**100))
def test_read_signed__of_what_an_account_signed__has_the_same_fields(
    fields: dict[str, Any], data: bytes, nonce: int, value: int
) -> None:
    told = {**fields, "data": f"0x{data.hex()}", "nonce": nonce, "value": value}
    read: Any = read_signed(bytes(KEY.sign_transaction(told).raw_transaction), 5)
    assert read == told
    assert KEY.sign_transaction(read).hash == KEY.sign_transaction(told).hash


def test_read_signed__of_a_creation__has_no_receiver() -> None:
    told = {**{name: DYNAMIC[name] for name in DYNAMIC if name != "to"}, "data": "0x60"}
    assert read_signed(bytes(KEY.sign_transaction(told).raw_transaction), 5) == told


def sign(fields: dict[str, Any]) -> bytes:
    """Return a signed transaction as bytes."""
    return bytes(KEY.sign_transaction({**fields, "data": "0x"}).raw_transaction)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02",
        b"\x02\xc0",
        b"\xc0",
        sign(DYNAMIC)[:-1],
        sign(DYNAMIC) + b"\0",
        sign({**DYNAMIC, "accessList": [{"address": TO, "storageKeys": []}]}),
        b"\x01" + sign(LEGACY),
        b"\xf8\xff\x01",
        b"\xc2\x83\x01",
        b"\xc9\x80\x80\x80\x01\x80\x80\x80\x80\x80",
    ],
)
def test_read_signed__of_other_bytes__is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"list|fields|cut off|receiver"):
        read_signed(raw, 5)


@given(data=st.binary(max_size=200))
def test_read_signed__of_any_bytes__ends_with_an_answer_or_a_value_error(data: bytes) -> None:
    try:
        read_signed(data, 5)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("before", "fees", "percent", "after"),
    [
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 8}, Fees(50, 5, 1), 300, (90, 9)),
        ({"maxFeePerGas": 81, "maxPriorityFeePerGas": 1}, Fees(50, 5, 1), 300, (92, 5)),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 0}, Fees(50, 0, 1), 300, (90, 1)),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 8}, Fees(400, 7, 1), 300, (400, 9)),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 8}, Fees(30, 7, 1), 300, (90, 9)),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 8}, Fees(29, 7, 1), 300, None),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 8}, Fees(90, 7, 1), 100, (90, 9)),
        ({"maxFeePerGas": 80, "maxPriorityFeePerGas": 80}, Fees(85, 85, 1), 120, (90, 90)),
    ],
)
def test_raise_fees__of_a_transaction_with_a_tip__raises_both_prices_or_none(
    before: dict[str, int], fees: Fees, percent: int, after: tuple[int, int] | None
) -> None:
    raised: Any = raise_fees({**DYNAMIC, **before}, fees, percent)  # type: ignore[typeddict-item]
    assert (None if raised is None else (raised["maxFeePerGas"], raised["maxPriorityFeePerGas"])) == after
    assert raised is None or {**raised, **before} == {**DYNAMIC, **before}


@pytest.mark.parametrize(("price", "now", "after"), [(80, 50, 90), (80, 200, 200), (80, 30, 90), (80, 29, None)])
def test_raise_fees__of_a_transaction_with_a_gas_price__raises_it_or_not(
    price: int, now: int, after: int | None
) -> None:
    raised: Any = raise_fees({**LEGACY, "gasPrice": price}, Fees(now, None, 1))  # type: ignore[typeddict-item]
    assert (None if raised is None else raised["gasPrice"]) == after
