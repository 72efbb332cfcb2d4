"""Receivers that rejected credits or an agent: the cause, found from the code at the receiver's address."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answer_words import WORD
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.chain.raw_calls import call_raw, name_block
from nvm_chain.errors import (
    AuthorizationFailed,
    ContractError,
    ERC721InvalidReceiver,
    ERC1155InvalidReceiver,
    NoContract,
    NvmChainError,
    Panicked,
    PaymentFailed,
    RevertedWithoutReason,
    RevertedWithReason,
    RpcFailed,
    TransactionError,
)
from nvm_chain.errors.formatting import clip, quote
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address

Cause: TypeAlias = tuple[str, str]
"""Two sentences: the cause, and the next step."""

InvalidReceiver: TypeAlias = ERC1155InvalidReceiver | ERC721InvalidReceiver
"""The error of a receiver that rejects tokens."""

HOOKS: Final = {
    "ERC-1155": (describe_function("onERC1155Received", "address address uint256 uint256 bytes", "bytes4"),),
    "ERC-721": (describe_function("onERC721Received", "address address uint256 bytes", "bytes4"),),
}
"""By standard, the function that a receiver with code has to have."""
ERRORS: Final[dict[str, type[InvalidReceiver]]] = {
    "ERC-1155": ERC1155InvalidReceiver,
    "ERC-721": ERC721InvalidReceiver,
}
"""By standard, the error."""
SELECTOR: Final = 4
SELECTOR_TEXT: Final = 2 + 2 * SELECTOR
DELEGATION: Final = bytes.fromhex("ef0100")
"""The first bytes of the code of an account that delegates to a contract (EIP-7702)."""
MOST_DATA: Final = 74
"""The largest number of characters that are shown of an error of the receiver's own: its selector and one word."""


class Delivery(NamedTuple):
    """What a receiver's function learns of a transfer. A receiver can decide by these values."""

    operator: ChecksumAddress
    """The address that makes the transfer: the sender of the transaction."""
    sender: ChecksumAddress
    """The former holder of the tokens, or the zero address for new ones."""
    token_id: int
    """The id of the plan or the agent."""
    amount: int = 1
    """The number of credits."""


@contextmanager
def explained_receiver(
    chain: Chain,
    receiver: ChecksumAddress,
    standard: str = "ERC-1155",
    delivery: Delivery | None = None,
    payer: ChecksumAddress | None = None,
) -> Iterator[None]:
    """Complete the error of a receiver that rejects tokens in the ``with`` block. At most two requests after an error.

    The error then tells whether the receiver is a contract or an account that delegates to one, and with which text it
    refuses. A receiver's own text or error would pass for one of the token contract otherwise. Use such a block around
    each call that sends credits or an agent to an address.

    Args:
        chain: The connection to the chain.
        receiver: The address that gets the tokens.
        standard: The standard of the tokens: ERC-1155 or ERC-721.
        delivery: The values of the transfer. Without them, a receiver that decides by them may not be recognized.
        payer: The address that pays. The receiver is not asked about an error of a payment by the payer.
    """
    try:
        yield
    except (RevertedWithReason, RevertedWithoutReason, Panicked, ContractError) as error:
        if isinstance(error, ERC1155InvalidReceiver | ERC721InvalidReceiver) and error.receiver == receiver:
            if error.explanation is None:
                _explain(error, find_receiver_cause(chain, receiver, standard))
            raise
        if isinstance(error, PaymentFailed | AuthorizationFailed) and error.payer == payer:
            raise
        cause = _find_rejection(chain, error, receiver, standard, delivery)
        if cause is None:
            raise
        found = ERRORS[standard](receiver)
        found.mined = error.mined
        _explain(found, cause)
        raise found from None


def _find_rejection(
    chain: Chain, error: TransactionError, receiver: ChecksumAddress, standard: str, delivery: Delivery | None
) -> Cause | None:
    """Return the cause if it was the receiver that made a transfer fail with an error, else None.

    A receiver whose answer cannot be read makes the sending contract revert without a reason.
    """
    code = find_code(chain, receiver)
    if not code:
        return None
    with suppress(NvmChainError):
        try:
            answer = _ask_hook(chain, receiver, standard, delivery)
        except TransactionError as own:
            return _describe_cause(code, standard, error) if _is_same(own, error) else None
        if error.fields == {"data": "0x"} and _is_unreadable(answer):
            return _describe_cause(code, standard)
    return None


def _is_same(own: TransactionError, error: TransactionError) -> bool:
    """Return whether a receiver's own error is that of a transfer. Errors without a text may differ in their values."""
    if isinstance(own, RevertedWithoutReason) and isinstance(error, RevertedWithoutReason):
        return own.data != "0x" and own.data[:SELECTOR_TEXT] == error.data[:SELECTOR_TEXT]
    return type(own) is type(error) and own.fields == error.fields


def answers_unreadably(chain: Chain, receiver: ChecksumAddress, standard: str = "ERC-1155") -> bool:
    """Return whether a receiver with code answers a transfer with fewer than 32 bytes, or with more than four set.

    At most two requests. False if the node does not tell.
    """
    if not find_code(chain, receiver):
        return False
    with suppress(NvmChainError):
        return _is_unreadable(_ask_hook(chain, receiver, standard))
    return False


def _is_unreadable(answer: bytes) -> bool:
    return len(answer) < WORD or any(answer[SELECTOR:WORD])


def _ask_hook(chain: Chain, receiver: ChecksumAddress, standard: str, delivery: Delivery | None = None) -> bytes:
    """Ask a receiver as the sending contract does at a transfer. Mostly one request. Returns the bytes of the answer."""
    contract = chain.agents.address if standard == "ERC-721" else chain.credits.address
    operator, sender, token_id, amount = delivery or Delivery(contract, ZERO_ADDRESS, 1)
    hook = chain.bind(receiver, HOOKS[standard]).functions[_name_hook(standard)]
    values = (operator, sender, token_id, b"") if standard == "ERC-721" else (operator, sender, token_id, amount, b"")
    call = {"from": contract, "to": receiver, "data": encode_call(hook(*values))}
    try:
        return call_priced(chain, call)
    except RpcFailed:
        # Some nodes make no call with a price from a sender that has no coin. Then an answer without a price helps too.
        if not chain.accounts:
            return call_raw(chain, call, name_block(None))
        return call_priced(chain, {**call, "from": chain.accounts[0].address})


def _name_hook(standard: str) -> str:
    return f"on{standard.replace('-', '')}Received"


def find_receiver_cause(chain: Chain, receiver: str, standard: str = "ERC-1155") -> Cause | None:
    """Return the cause of a receiver's rejection, and the next step. None if the cause is unknown. One request.

    ``standard`` is the standard of the tokens: ERC-1155 or ERC-721.
    """
    code = find_code(chain, receiver)
    return _describe_cause(code, standard) if code else None


def find_own_refusal(chain: Chain, receiver: ChecksumAddress, delivery: Delivery) -> Cause | None:
    """Return the cause if a receiver refuses credits with a text or an error of its own, else None. Two requests."""
    code = find_code(chain, receiver)
    if not code:
        return None
    with suppress(NvmChainError):
        try:
            _ask_hook(chain, receiver, "ERC-1155", delivery)
        except TransactionError as own:
            return _describe_cause(code, "ERC-1155", own)
    return None


def _describe_cause(code: bytes, standard: str, refusal: TransactionError | None = None) -> Cause:
    """Return why a receiver with code rejects tokens, and the next step. ``refusal`` is the error of the code, if any."""
    words = None if refusal is None else _quote_refusal(refusal)
    deed = f"does not accept {standard} tokens" if words is None else words
    if code.startswith(DELEGATION):
        return (
            f"it is an account with EIP-7702 code, and that code {deed}",
            "end the delegation, or name another receiver",
        )
    accepts = f"name an account without code, or a contract whose function {_name_hook(standard)} accepts them"
    step = accepts if words is None else "ask the owner of that contract, or name another receiver"
    return f"it is a contract, and its code {deed}", step


def _quote_refusal(refusal: TransactionError) -> str | None:
    """Return what a receiver's code says, in one short line. None if it says nothing."""
    if isinstance(refusal, RevertedWithReason):
        # Backticks stand for code in messages, and the receiver chose this text.
        return "refuses with " + quote(refusal.reason).replace("`", "'")
    if isinstance(refusal, Panicked):
        return f"fails with Solidity panic code {refusal.code:#x}"
    if not isinstance(refusal, RevertedWithoutReason):
        return f"refuses with the error {type(refusal).__name__}"
    return None if refusal.data == "0x" else f"refuses with the error {clip(refusal.data, MOST_DATA)}"


def read_code(chain: Chain, account: str) -> bytes:
    """Return the code at an address, or empty bytes if there is no code. One request.

    Raises NetworkError if the node does not give a usable answer.
    """
    with suppress(NoContract):
        return chain.read_code(parse_address(account))
    return b""


def find_code(chain: Chain, account: str) -> bytes | None:
    """Return the code at an address, and empty bytes if there is no code. One request.

    None if the node does not tell. Then nothing can be said about the account.
    """
    with suppress(NvmChainError):
        return read_code(chain, account)
    return None


def _explain(error: InvalidReceiver, cause: Cause | None) -> InvalidReceiver:
    return error if cause is None else error.explain(*cause)
