"""`eth_call` without web3's formatting, which takes half the time of a large call."""

from typing import Any

from nvm_chain.chain.node import Node
from nvm_chain.errors import AnswerUnreadable


def call_raw(chain: Node, *parameters: object) -> bytes:
    """Make an `eth_call` with JSON-RPC parameters, and return the bytes of the answer. One request.

    Raises:
        TransactionError: The contract refuses the call. The error is the contract's own.
        AnswerUnreadable: The answer is not hex text.
        NetworkError: The node does not give a usable answer, or no longer has the block.
    """
    return parse_answer(chain.ask("eth_call", *parameters, calls=True))


def parse_answer(answer: Any) -> bytes:
    """Return the bytes of an answer to `eth_call`. Raises AnswerUnreadable if it is not hex text."""
    try:
        return bytes.fromhex(answer.removeprefix("0x"))
    except (AttributeError, TypeError, ValueError):
        raise AnswerUnreadable("the answer to a call is not hex text") from None


def name_block(block: int | None) -> str:
    """Return the JSON-RPC parameter for a block: its number as hex, or ``latest`` for None."""
    return "latest" if block is None else hex(block)
