"""Receivers that rejected credits or an agent: the cause, found from the code at the receiver's address."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answer_words import WORD
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.raw_calls import call_raw, name_block
from nvm_chain.errors import (
    ERC721InvalidReceiver,
    ERC1155InvalidReceiver,
    NvmChainError,
    RevertedWithoutReason,
    TransactionError,
)
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address

HOOKS: Final = {
    "ERC-1155": (describe_function("onERC1155Received", "address address uint256 uint256 bytes", "bytes4"),),
    "ERC-721": (describe_function("onERC721Received", "address address uint256 bytes", "bytes4"),),
}
"""By standard, the function that a receiver with code has to have."""
SELECTOR: Final = 4
ACCEPTED: Final = bytes.fromhex("f23a6e61")
"""The answer of a receiver that accepts credits."""
DELEGATION: Final = bytes.fromhex("ef0100")
"""The first bytes of the code of an account that delegates to a contract (EIP-7702)."""


@contextmanager
def explained_receiver(chain: Chain, receiver: ChecksumAddress, standard: str = "ERC-1155") -> Iterator[None]:
    """Complete the error of a receiver that rejects tokens in the ``with`` block. One or two requests after such an error.

    The error then tells whether the receiver is a contract or an account that delegates to one. Use such a block around
    each call that sends credits or an agent to an address.

    Args:
        chain: The connection to the chain.
        receiver: The address that gets the tokens.
        standard: The standard of the tokens: ERC-1155 or ERC-721.
    """
    try:
        yield
    except (ERC1155InvalidReceiver, ERC721InvalidReceiver) as error:
        _explain(chain, error, standard)
        raise
    except RevertedWithoutReason as error:
        # A receiver whose answer cannot be read makes the sending contract revert without a reason.
        if error.data != "0x" or not answers_unreadably(chain, receiver, standard):
            raise
        found = (ERC721InvalidReceiver if standard == "ERC-721" else ERC1155InvalidReceiver)(receiver)
        found.mined = error.mined
        _explain(chain, found, standard)
        raise found from None


def answers_unreadably(chain: Chain, receiver: ChecksumAddress, standard: str = "ERC-1155") -> bool:
    """Return whether a receiver with code answers a transfer with fewer than 32 bytes, or with more than four set.

    At most two requests.
    """
    if not read_code(chain, receiver):
        return False
    with suppress(NvmChainError):
        answer = _ask_hook(chain, receiver, standard)
        return len(answer) < WORD or any(answer[SELECTOR:WORD])
    return False


def check_receiver(chain: Chain, receiver: ChecksumAddress) -> None:
    """Raise ERC1155InvalidReceiver if a receiver with code rejects credits now. At most three requests.

    A receiver can decide by the plan and the amount, so a transfer of credits is the better question where it can be
    simulated.
    """
    if not read_code(chain, receiver):
        return
    with explained_receiver(chain, receiver):
        try:
            answer = _ask_hook(chain, receiver, "ERC-1155")
        except TransactionError:
            raise ERC1155InvalidReceiver(receiver) from None
        if answer[:WORD] != ACCEPTED.ljust(WORD, b"\0"):
            raise ERC1155InvalidReceiver(receiver)


def _ask_hook(chain: Chain, receiver: ChecksumAddress, standard: str) -> bytes:
    """Ask a receiver as the sending contract does at a transfer. One request. Returns the bytes of the answer."""
    sender = chain.agents.address if standard == "ERC-721" else chain.credits.address
    hook = chain.bind(receiver, HOOKS[standard]).functions[_name_hook(standard)]
    values = (sender, ZERO_ADDRESS, 1, b"") if standard == "ERC-721" else (sender, ZERO_ADDRESS, 1, 1, b"")
    return call_raw(chain, {"from": sender, "to": receiver, "data": encode_call(hook(*values))}, name_block(None))


def _name_hook(standard: str) -> str:
    return f"on{standard.replace('-', '')}Received"


def find_receiver_cause(chain: Chain, receiver: str, standard: str = "ERC-1155") -> tuple[str, str] | None:
    """Return the cause of a receiver's rejection, and the next step. None if the cause is unknown. One request.

    ``standard`` is the standard of the tokens: ERC-1155 or ERC-721.
    """
    code = read_code(chain, receiver)
    if code.startswith(DELEGATION):
        cause = f"it is an account with EIP-7702 code, and that code does not accept {standard} tokens"
        return cause, "end the delegation, or name another receiver"
    if not code:
        return None
    cause = f"it is a contract, and its code does not accept {standard} tokens"
    return cause, f"name an account without code, or a contract whose function {_name_hook(standard)} accepts them"


def read_code(chain: Chain, account: str) -> bytes:
    """Return the code at an address, or empty bytes if there is no code or the request fails. One request."""
    with suppress(NvmChainError):
        return chain.read_code(parse_address(account))
    return b""


def _explain(chain: Chain, error: ERC1155InvalidReceiver | ERC721InvalidReceiver, standard: str) -> None:
    cause = find_receiver_cause(chain, error.receiver, standard)
    if cause is not None:
        error.explain(*cause)
