"""Payments of coin on a plain anvil, without contracts: by calls of `send_many`, and by another wallet with the same key."""

from typing import Any, Final

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.gas_limits import Call
from tests.support.odd_node import SEND, OddNode

CHAIN_ID: Final = 777
"""Not one of a development chain, on which less is believed to last."""
ME, OTHER, THIRD = derive_dev_accounts()[:3]
COUNT: Final = "eth_getTransactionCount"
BLOCK: Final = "eth_getBlockByNumber"
FUNDS: Final = 10_000 * 10**18


def pay_calls(count: int) -> list[Call]:
    """Return calls that pay 1, 2, 3 wei and so on to the other account."""
    return [Call("0x", OTHER.address, value) for value in range(1, count + 1)]


def read_paid(node: OddNode, address: str = OTHER.address) -> int:
    """Return how many wei an account has got since the start."""
    return int(node.ask("eth_getBalance", address, "latest"), 16) - FUNDS


def read_fields(raw: str) -> dict[str, Any]:
    """Return the fields of a signed transaction. Its ``to`` is an address in small letters."""
    told = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return {**told, "to": f"0x{bytes(told['to']).hex()}"}


def is_call(raw: str) -> bool:
    """Return whether a signed transaction pays the other account. If not, it is a filler."""
    return bool(read_fields(raw)["to"] == OTHER.address.lower())


def sign_rival(nonce: int, price: int = 10**11, tip: int = 2 * 10**9) -> str:
    """Return a payment of another wallet with the same key, which pays 1000 wei to the third account."""
    fields: dict[str, Any] = {"chainId": CHAIN_ID, "nonce": nonce, "to": THIRD.address, "value": 1000, "gas": 21_000}
    signed = ME.sign_transaction({**fields, "maxFeePerGas": price, "maxPriorityFeePerGas": tip})
    return f"0x{bytes(signed.raw_transaction).hex()}"


def send_rival(node: OddNode, nonce: int) -> None:
    """Send such a payment to the real node."""
    node.ask(SEND, sign_rival(nonce))


def undo_blocks(node: OddNode, count: int) -> None:
    """Undo blocks and drop their transactions. The blocks that follow have other hashes than those that were undone."""
    node.ask("anvil_rollback", count)
    node.ask("anvil_dropAllTransactions")
    node.ask("anvil_setCoinbase", "0x" + "77" * 20)
