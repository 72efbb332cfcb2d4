"""Limits of payments by signed transfers: how much of which token a client may sign, on which chain, and to whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import BaseUnits, Number
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """How much of a token may be signed. Make one with `build_token_limit`.

    ``per_request`` is the most for one request, and ``in_all`` the most for all requests that are counted in the same state, in
    base units of the token. Empty ``payees`` do not limit to whom it goes.
    """

    chain_id: Number
    token: ChecksumAddress
    per_request: BaseUnits
    in_all: BaseUnits
    payees: frozenset[str] = frozenset()


def build_token_limit(
    chain_id: int, token: str, *, per_request: int, in_all: int, payees: Iterable[str] = ()
) -> TokenLimit:
    """Build the limit of one token. No network.

    Args:
        chain_id: The chain of the token, such as 8453.
        token: The address of the token, which takes transfers by authorization (EIP-3009).
        per_request: The max amount of a single request, in base units of the token.
        in_all: The max amount that is signed in all. What is signed counts, whether or not a server took it.
        payees: The addresses that may be paid. Every address if empty.

    Raises:
        InvalidAmount: A number is out of range.
        InvalidAddress: An address is malformed.

    >>> token = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
    >>> build_token_limit(8453, token, per_request=10_000, in_all=1_000_000).payees
    frozenset()
    """
    return TokenLimit(
        check_uint(chain_id, 64, "chain id"),
        parse_address(token, "token address"),
        check_uint(per_request, 256, "amount for a request"),
        check_uint(in_all, 256, "amount in all"),
        frozenset(parse_address(payee, "payee address") for payee in payees),
    )
