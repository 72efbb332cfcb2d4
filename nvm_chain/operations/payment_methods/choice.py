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
"""The payment method of an order in an ERC-20 token.

- ``allowance``: the order uses an allowance that the payer approved before.
- ``approve``: a first transaction approves exactly the cost, unless the allowance is large enough already.
- ``permit``: the payer signs an approval, and the order carries the signature (EIP-2612).
- ``authorization``: the payer signs the whole order, and the token moves the money (EIP-3009).

For a quoted price, the payer approves or signs ``max_cost``, because the price may rise until the order is mined. An
unused part of an allowance stays approved. An authorization needs ``max_cost`` in the payer's balance, and the unused
part returns in the same transaction.
"""
PAYMENT_METHODS: Final[tuple[PaymentMethod, ...]] = ("allowance", "approve", "permit", "authorization")


class Choice(NamedTuple):
    """A payment method, and what was read to choose it.

    ``allowance`` is the payer's allowance in base units. ``permit`` has the values that a permit needs. Each is None if
    it was not read.
    """

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


def signs_messages(signer: object) -> bool:
    """Return whether a signer can sign permits and authorizations. No request."""
    return isinstance(signer, HashSigner | TypedDataSigner)


def choose_payment_method(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> Choice:
    """Choose the method with the fewest transactions: a sufficient allowance, else a permit, else an approval.

    One request if the allowance is large enough, else up to six.
    """
    allowance = read_allowance(chain, token, signer.address)
    if allowance >= cost:
        return Choice("allowance", allowance)
    if signs_messages(signer):
        with suppress(TokenCannotSign):
            return Choice("permit", allowance, read_permit_terms(chain, token, signer.address))
    return Choice("approve", allowance)
