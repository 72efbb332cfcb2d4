"""Typed data as text: a wallet that reads it signs the digest that this package computes."""

import json

from eth_account import Account
from eth_account.messages import encode_typed_data

from nvm_chain.signing.eip712 import Domain, hash_message
from nvm_chain.signing.permits import PERMIT
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.signing.signed_orders import RECEIVE_WITH_AUTHORIZATION
from nvm_chain.signing.typed_data import format_typed_data

KEY = Account.create()
TOKEN = Domain('USD "Coin" é', "2", 8_453, KEY.address)
OTHER = Account.create().address


def test_format_typed_data__of_a_permit__is_signed_as_the_package_hashes_it() -> None:
    values = (KEY.address, OTHER, 2**256 - 1, 7, 1_800_000_000)
    text = format_typed_data(TOKEN, PERMIT, values)
    signature = KEY.sign_message(encode_typed_data(full_message=json.loads(text))).signature
    assert recover_signer(hash_message(TOKEN.separator, PERMIT.hash(values)), bytes(signature)) == KEY.address
    assert json.loads(text)["message"]["value"] == str(2**256 - 1)


def test_format_typed_data__of_an_authorization__is_signed_as_the_package_hashes_it() -> None:
    struct, values = RECEIVE_WITH_AUTHORIZATION, (KEY.address, OTHER, 20, 0, 1_800_000_000, b"\xab" * 32)
    message = json.loads(format_typed_data(TOKEN, struct, values))
    signature = KEY.sign_message(encode_typed_data(full_message=message)).signature
    assert recover_signer(hash_message(TOKEN.separator, struct.hash(values)), bytes(signature)) == KEY.address
    assert message["message"]["nonce"] == f"0x{'ab' * 32}"
