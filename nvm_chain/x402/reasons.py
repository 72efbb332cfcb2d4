"""The words of the protocol for why a 402 refuses a payment. The 402 has one of them in ``error``, and our own error beside it."""

from typing import Final

from nvm_chain.errors import (
    CreditsUsedUp,
    HolderCannotPay,
    InvalidMessage,
    NonceNotAccepted,
    NvmChainError,
    OfferDiffers,
    PaymentMalformed,
    PaymentMissing,
    PlanNotAccepted,
    SessionMissing,
    SignInExpired,
    SignInMismatch,
    SignInNotYetValid,
    SignInSignatureInvalid,
)
from nvm_chain.x402.accepted import INVALID_PAYLOAD
from nvm_chain.x402.facilitator.reasons import find_reason as find_reason_of_transfer

UNPAID: Final = "Payment required"
"""What official servers say if a request came without a payment."""
NO_MATCH: Final = "No matching payment requirements"
"""What official servers say if a payment accepts an offer that is not made."""
_REASONS: Final[tuple[tuple[tuple[type[NvmChainError], ...], str], ...]] = (
    ((PaymentMissing, SessionMissing), UNPAID),
    ((OfferDiffers, PlanNotAccepted), NO_MATCH),
    ((CreditsUsedUp, HolderCannotPay), "insufficient_funds"),
    ((SignInExpired,), "invalid_siwx_expired"),
    ((SignInNotYetValid,), "invalid_siwx_not_yet_valid"),
    ((SignInSignatureInvalid,), "invalid_siwx_signature"),
    ((NonceNotAccepted,), "invalid_siwx_nonce"),
)
"""The reason of each error that is not of a transfer. The first row that fits counts."""
_SIGN_IN_MISMATCHES: Final = {
    "domain": "invalid_siwx_domain_mismatch",
    "scheme": "invalid_siwx_domain_mismatch",
    "URI": "invalid_siwx_uri_mismatch",
    "chain id": "invalid_siwx_chain_id",
    "nonce": "invalid_siwx_nonce",
}


def find_reason(error: NvmChainError) -> str:
    """Return the protocol's word for why a payment was refused, or ``nvm_`` and the name of the error.

    >>> find_reason(OfferDiffers("amount", "2", "3"))
    'No matching payment requirements'
    """
    if isinstance(error, SignInMismatch) and error.field in _SIGN_IN_MISMATCHES:
        return _SIGN_IN_MISMATCHES[error.field]
    if isinstance(error, InvalidMessage) and not isinstance(error, PaymentMalformed):
        return INVALID_PAYLOAD
    known = next((reason for kinds, reason in _REASONS if isinstance(error, kinds)), None)
    return find_reason_of_transfer(error) if known is None else known
