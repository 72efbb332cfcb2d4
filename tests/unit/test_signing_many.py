"""Many transactions signed at once are the same in every byte as those that the signer signs by itself."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.datastructures import SignedTransaction
from hypothesis import given, settings
from hypothesis import strategies as st

from nvm_chain.chain import signing_many
from nvm_chain.chain.signing_many import sign_many, sign_new
from nvm_chain.errors import NotSent

KEY = "0x" + "4c" * 32
UINT = st.integers(min_value=0, max_value=2**128)
TRANSACTIONS = st.fixed_dictionaries(
    {
        "chainId": st.integers(min_value=1, max_value=2**64),
        "nonce": st.integers(min_value=0, max_value=2**64 - 2),
        "gas": st.integers(min_value=21_000, max_value=2**24),
        "maxFeePerGas": UINT.map(lambda price: price + 2**128),
        "maxPriorityFeePerGas": UINT,
        "value": UINT,
        "data": st.binary(max_size=300).map(lambda data: "0x" + data.hex()),
        "to": st.sampled_from(["0x" + "00" * 19 + "01", "0x" + "11" * 20]),
    }
)


def sign_alone(transaction: Any) -> tuple[int, str, bytes]:
    signed = Account.from_key(KEY).sign_transaction(transaction)
    return transaction["nonce"], f"0x{bytes(signed.hash).hex()}", bytes(signed.raw_transaction)


@pytest.mark.parametrize("has_coincurve", [True, False])
@settings(max_examples=15, deadline=None)
@given(transactions=st.lists(TRANSACTIONS, min_size=2, max_size=4))
def test_sign_many__of_an_account__gives_what_the_account_signs(has_coincurve: bool, transactions: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not has_coincurve:
            patch.setattr(signing_many, "FastKey", None)
        found = sign_many(Account.from_key(KEY), transactions)
    assert [tuple(each) for each in found] == [sign_alone(each) for each in transactions]


@pytest.mark.parametrize(
    "odd",
    [{"gasPrice": 10**9}, {"maxFeePerGas": 2, "maxPriorityFeePerGas": 1, "accessList": []}],
    ids=["legacy", "access list"],
)
def test_sign_many__of_other_kinds__lets_the_account_sign(odd: Any) -> None:
    transactions: list[Any] = [
        {"chainId": 1, "nonce": nonce, "gas": 21_000, "value": 0, "data": "0x", "to": "0x" + "11" * 20, **odd}
        for nonce in range(3)
    ]
    assert [tuple(each) for each in sign_many(Account.from_key(KEY), transactions)] == [
        sign_alone(each) for each in transactions
    ]


def test_sign_many__by_another_signer__asks_it_for_each() -> None:
    account, asked = Account.from_key(KEY), []

    class Wallet:
        address = account.address

        def sign_transaction(self, transaction: dict[str, Any], /) -> SignedTransaction:
            asked.append(transaction["nonce"])
            return account.sign_transaction(transaction)

    told: Any = {"chainId": 1, "gas": 21_000, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1, "to": "0x" + "11" * 20}
    transactions: list[Any] = [{**told, "value": 0, "data": "0x", "nonce": nonce} for nonce in range(3)]
    sign_many(Wallet(), transactions)
    assert asked == [0, 1, 2]


def test_sign_new__of_what_is_known__raises_the_prices_and_not_the_nonce() -> None:
    told: Any = {"chainId": 1, "gas": 21_000, "maxFeePerGas": 7, "maxPriorityFeePerGas": 5, "to": "0x" + "11" * 20}
    complete: Any = {**told, "value": 0, "data": "0x", "nonce": 3}
    account = Account.from_key(KEY)
    known = {sign_alone(complete)[1], sign_alone({**complete, "maxFeePerGas": 8, "maxPriorityFeePerGas": 6})[1]}
    [(transaction, signed)] = sign_new(account, [complete], known)
    assert (transaction["maxFeePerGas"], transaction["maxPriorityFeePerGas"], signed.nonce) == (9, 7, 3)
    assert signed.hash == sign_alone(transaction)[1]


def test_sign_new__by_a_signer_that_sets_the_prices_itself__raises_and_does_not_ask_for_ever() -> None:
    """The bytes stay those of an earlier transaction, whatever price the signer is given."""
    account, asked = Account.from_key(KEY), list[int]()

    class Wallet:
        address = account.address

        def sign_transaction(self, transaction: dict[str, Any], /) -> SignedTransaction:
            asked.append(transaction["maxFeePerGas"])
            return account.sign_transaction({**transaction, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1})

    told: Any = {"chainId": 1, "gas": 21_000, "maxFeePerGas": 7, "maxPriorityFeePerGas": 5, "to": "0x" + "11" * 20}
    complete: Any = {**told, "value": 0, "data": "0x", "nonce": 3}
    known = {sign_alone({**complete, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1})[1]}
    with pytest.raises(NotSent, match="signed the same bytes"):
        sign_new(Wallet(), [complete], known)
    assert asked == [7, 8]
