"""Calls with the sender, the gas limit and the price of a transaction.

A contract may answer differently if a call has no price, as wallets built on Solady's ERC1271 do. A call with a price
needs a sender with enough coin. So the node is first asked to run the call as if the sender had plenty.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from nvm_chain.chain.fees import read_fees
from nvm_chain.chain.node import Node
from nvm_chain.chain.raw_calls import name_block, parse_answer
from nvm_chain.errors import RpcFailed

Fields: TypeAlias = Mapping[str, Any]
"""The fields of a call or a transaction, as `TxParams` has them. Numbers are integers."""

PRICES: Final = ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")
CALL_FIELDS: Final = ("from", "to", "data", "value", "gas", *PRICES)
PLENTY: Final = hex(1 << 128)
"""The coin balance of the sender in a call, in wei."""
HIGH_PRICE: Final = {"maxFeePerGas": 10**15, "maxPriorityFeePerGas": 1}
"""Fees in wei, the first of which is above the base fee of every chain. The price is the base fee and the tip."""


def call_priced(node: Node, fields: Fields, block: int | None = None) -> bytes:
    """Make a call with a price, and return the bytes of the answer. Mostly one request, at most five.

    The call is made without a price only if the node accepts neither another balance for the sender nor a call with a
    price.

    Args:
        node: The connection to the node.
        fields: The call with its sender. Fields that only transactions have, such as the nonce, are left out. If there is
            no price, the call gets one.
        block: The number of the block whose state the call reads. The latest block if not given.

    Raises:
        TransactionError: The contract refuses the call. The error is the contract's own.
        NetworkError: The node does not give a usable answer, or no longer has the block.
    """
    call = {name: fields[name] for name in CALL_FIELDS if fields.get(name) is not None}
    bare = {name: value for name, value in call.items() if name not in PRICES}
    at, rich = name_block(block), {call["from"]: {"balance": PLENTY}}
    with suppress(RpcFailed):
        return _ask(node, {**HIGH_PRICE, **bare} if call == bare else call, at, rich)
    with suppress(RpcFailed):
        return _ask(node, {**read_fees(node).params(), **bare} if call == bare else call, at)
    return _ask(node, bare, at)


def _ask(node: Node, call: Fields, *parameters: object) -> bytes:
    asked = {name: _as_json(value) for name, value in call.items()}
    return parse_answer(node.ask("eth_call", asked, *parameters, calls=True))


def _as_json(value: object) -> object:
    if isinstance(value, int):
        return hex(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
