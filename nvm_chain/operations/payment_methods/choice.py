"""The payment methods by name, and the choice among them."""

from contextlib import suppress
from typing import Final, Literal, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, TokenCannotSign
from nvm_chain.operations.token_domains import PermitTerms, read_permit_terms
from nvm_chain.operations.tokens import read_allowance
from nvm_chain.signing.eip712 import HashSigner, TypedDataSigner
from nvm_chain.signing.keys import Signer

PaymentMethod: TypeAlias = Literal["allowance", "approve", "permit", "authorization"]
"""How an order is paid in an ERC-20 token.

- ``allowance``: from what the payer approved before.
- ``approve``: exactly the cost is approved first, in a transaction of its own, unless that much is approved already.
- ``permit``: the payer signs the approval, and the order carries it (EIP-2612).
- ``authorization``: the payer signs the whole order, and the token moves the money (EIP-3009).

Where a contract names the price, ``max_cost`` is approved or signed for, as the price may rise until the order is mined. An
allowance that the order does not use up stays. An authorization needs all of it in the payer's balance, and the rest returns
in the same transaction.
"""
PAYMENT_METHODS: Final[tuple[PaymentMethod, ...]] = ("allowance", "approve", "permit", "authorization")


def check_payment_method(method: str | None, salt: bytes | None = None) -> None:
    """Raise InvalidConfig for an unknown payment method, and for a salt without an authorization."""
    if method is not None and method not in PAYMENT_METHODS:
        raise InvalidConfig(f"{method!r} is not a payment method", f"give one of {', '.join(PAYMENT_METHODS)}")
    if salt is not None and method != "authorization":
        raise InvalidConfig(
            "only an authorization has a salt", "order with `payment_method='authorization'`, or leave the salt out"
        )


def choose_payment_method(
    chain: Chain, signer: Signer, token: ChecksumAddress, cost: int
) -> tuple[PaymentMethod, PermitTerms | None]:
    """Choose the method with the fewest transactions: an allowance that is large enough, else a permit, else an approval.

    One request; six if the allowance is too small.

    Returns:
        The method, and what the permit is signed for where the method is a permit.
    """
    if read_allowance(chain, token, signer.address) >= cost:
        return "allowance", None
    if isinstance(signer, HashSigner | TypedDataSigner):
        with suppress(TokenCannotSign):
            return "permit", read_permit_terms(chain, token, signer.address)
    return "approve", None
