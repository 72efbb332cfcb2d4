"""Receivers that rejected credits or an agent: the cause, found from the code at the receiver's address."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import ERC721InvalidReceiver, ERC1155InvalidReceiver, NvmChainError
from nvm_chain.types.addresses import parse_address

DELEGATION: Final = bytes.fromhex("ef0100")
"""The first bytes of the code of an account that delegates to a contract (EIP-7702)."""


@contextmanager
def explained_receiver(chain: Chain) -> Iterator[None]:
    """Complete the error of a receiver that rejects tokens in the ``with`` block. One request after such an error.

    The error then tells whether the receiver is a contract or an account that delegates to one. Send credits and agents
    to other addresses in such a block.
    """
    try:
        yield
    except ERC1155InvalidReceiver as error:
        _explain(chain, error, "ERC-1155")
        raise
    except ERC721InvalidReceiver as error:
        _explain(chain, error, "ERC-721")
        raise


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
    hook = f"on{standard.replace('-', '')}Received"
    return cause, f"name an account without code, or a contract whose function {hook} accepts them"


def read_code(chain: Chain, account: str) -> bytes:
    """Return the code at an address, or empty bytes if there is no code or the request fails. One request."""
    with suppress(NvmChainError):
        return chain.read_code(parse_address(account))
    return b""


def _explain(chain: Chain, error: ERC1155InvalidReceiver | ERC721InvalidReceiver, standard: str) -> None:
    cause = find_receiver_cause(chain, error.receiver, standard)
    if cause is not None:
        error.explain(*cause)
