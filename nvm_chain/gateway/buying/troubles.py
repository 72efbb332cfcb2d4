"""Errors of payments of which nothing was sent, as buyers are told of them. What is wrong with the gateway's keys is for the operator."""

from collections.abc import Callable, Collection
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    AccountBusy,
    FundsError,
    InsufficientFunds,
    NotSent,
    NvmChainError,
    TooMuchGas,
    TransactionError,
    TransactionReplaced,
    TransferRefused,
)
from nvm_chain.errors.fields import BaseUnits
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal

RETRY_SECONDS: Final = 30
Tell = Callable[[NvmChainError], object]


def refuse_sending(error: NvmChainError, own: Collection[ChecksumAddress], tell: Tell) -> Refusal | None:
    """Return the answer to an error of the gateway's own sending, and tell the operator. None for any other error.

    Args:
        error: The error. Nothing was sent.
        own: The addresses of the gateway's keys.
        tell: Tells the operator.
    """
    is_poor = isinstance(error, FundsError) and error.fields.get("account") in own
    if not is_poor and not isinstance(error, AccountBusy | NotSent | TransactionReplaced | TooMuchGas):
        return None
    tell(error)
    message = "The seller cannot send payments at the moment, and nothing was paid. Send the same payment again later."
    refusal = tell_refusal(503, "CannotSend", message)
    refusal.headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    return refusal


def explain_token(
    error: TransactionError, token: ChecksumAddress, payer: ChecksumAddress, value: BaseUnits
) -> NvmChainError:
    """Return why a token did not make a transfer that it had accepted a moment before. Nothing was sent."""
    if isinstance(error, InsufficientFunds):
        return error
    return TransferRefused(token, payer, value).explain(error.message(), "sign another transfer, or pay in another way")


def refuse_grant(error: NvmChainError) -> Refusal:
    """Return the answer where a plan could not be granted now, so that nothing was paid. A client does not sign again for it."""
    told = refuse(error)
    message = error.message()
    return tell_refusal(409, type(error).__name__, message) if told.status in (402, 500) else told
