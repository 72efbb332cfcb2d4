"""`eth_call` as it is: hex in, bytes out, without web3's formatting, which takes as long as all the rest for a large call."""

from nvm_chain.chain.client import Chain
from nvm_chain.errors import AnswerUnreadable


def call_raw(chain: Chain, *parameters: object) -> bytes:
    """Make an `eth_call` with parameters as JSON-RPC has them, and return the bytes of the answer. One request.

    Raises:
        TransactionError: The contract refuses, with the contract's own error.
        AnswerUnreadable: The answer is not hex.
        NetworkError: The node cannot be used, or has forgotten the block.
    """
    answer = chain.ask("eth_call", *parameters, calls=True)
    try:
        return bytes.fromhex(answer.removeprefix("0x"))
    except (AttributeError, TypeError, ValueError):
        raise AnswerUnreadable("a call is answered with what is not hex") from None


def name_block(block: int | None) -> str:
    """Return a block as JSON-RPC has it; the latest if none is given."""
    return "latest" if block is None else hex(block)
