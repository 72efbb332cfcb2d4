"""Refusals of the checkout: in the form of all others, in words for people in a browser."""

from typing import Final

from msgspec import json

from nvm_chain.errors import FundsError, NvmChainError, SignatureError, TransactionError
from nvm_chain.gateway.refusals import Refusal, refuse

REFUSED: Final = 409
"""The status of an order that the chain would refuse now."""
_WORDS: Final = {
    "max_cost": "the highest cost",
    "payment_method='approve'": "an approval",
    "mint_test_usdc": "the faucet of that token",
}
"""What people in a browser read for pieces of code in messages."""


def refuse_order(error: NvmChainError) -> Refusal:
    """Return the answer to an error of an order. The errors of the node and the books are told as everywhere."""
    if not isinstance(error, FundsError | SignatureError | TransactionError):
        return refuse(error)
    problem, next_step = error.describe(_WORDS)
    message = f"{problem} {next_step}".strip()
    told = {**error.to_dict(), "message": message, "problem": problem, "next_step": next_step}
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Refusal(REFUSED, headers, json.encode({"error": message, "nvm": told}))
