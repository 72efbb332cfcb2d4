"""The payment methods by name, and the choice among them."""

from contextlib import suppress
from typing import Final, Literal, NamedTuple, TypeAlias

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


class Choice(NamedTuple):
    """A payment method, and what is known of it. ``permit`` is what a permit is signed for."""

    method: PaymentMethod
    allowance: int | None = None
    permit: PermitTerms | None = None


def check_payment_method(method: str | None, salt: bytes | None = None) -> None:
    """Raise InvalidConfig for an unknown payment method, and for a salt without an authorization."""
    if method is not None and method not in PAYMENT_METHODS:
        raise InvalidConfig(f"{method!r} is not a payment method", f"give one of {', '.join(PAYMENT_METHODS)}")
    if salt is not None and method != "authorization":
        raise InvalidConfig(
            "only an authorization has a salt", "order with `payment_method='authorization'`, or leave the salt out"
        )


def signs_messages(signer: Signer) -> bool:
    """Return whether a signer signs permits and authorizations. No request."""
    return isinstance(signer, HashSigner | TypedDataSigner)


def choose_payment_method(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> Choice:
    """Choose the method with the fewest transactions: an allowance that is large enough, else a permit, else an approval.

    One request; six if the allowance is too small and the node takes no batches.
    """
    allowance = read_allowance(chain, token, signer.address)
    if allowance >= cost:
        return Choice("allowance", allowance)
    if signs_messages(signer):
        with suppress(TokenCannotSign):
            return Choice("permit", allowance, read_permit_terms(chain, token, signer.address))
    return Choice("approve", allowance)
