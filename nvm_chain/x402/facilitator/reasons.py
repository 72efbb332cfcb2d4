"""The protocol's reasons for refusals of a facilitator, by our errors.

A reason is a fixed word, which programs compare. An error that the protocol has no word for has ``nvm_`` and its own name.
"""

from typing import Final

from nvm_chain.errors import (
    FactoryNotAllowed,
    InsufficientFunds,
    InvalidMessage,
    NoContract,
    NvmChainError,
    PaymentMalformed,
    PaymentRefused,
    TokenCannotSign,
    TransferAlreadyUsed,
    TransferExpired,
    TransferMismatch,
    TransferNotYetValid,
    TransferRefused,
    TransferSignatureInvalid,
    WalletNotDeployable,
    WalletNotDeployed,
)

UNSUPPORTED_SCHEME: Final = "unsupported_scheme"
NETWORK_MISMATCH: Final = "network_mismatch"
PENDING: Final = "settlement_pending"
"""Something was sent, and its outcome is not known. Stock servers ask once more after it, if they get a transaction with it."""
DUPLICATE: Final = "duplicate_settlement"
"""Somebody else settles the payment, or has, or it was answered before."""
USED: Final = "invalid_exact_evm_nonce_already_used"
FAILED: Final = "transaction_failed"
_REASONS: Final[dict[type[NvmChainError], str]] = {
    TransferAlreadyUsed: USED,
    TransferExpired: "invalid_exact_evm_payload_authorization_valid_before",
    TransferNotYetValid: "invalid_exact_evm_payload_authorization_valid_after",
    TransferSignatureInvalid: "invalid_exact_evm_payload_signature",
    TransferRefused: "invalid_exact_evm_transaction_simulation_failed",
    WalletNotDeployed: "invalid_exact_evm_payload_undeployed_smart_wallet",
    WalletNotDeployable: "smart_wallet_deployment_failed",
    FactoryNotAllowed: "eip6492_factory_not_allowed",
    InsufficientFunds: "invalid_exact_evm_insufficient_balance",
    TokenCannotSign: "invalid_exact_evm_eip3009_not_supported",
    NoContract: "asset_not_deployed_contract",
    InvalidMessage: "invalid_payload",
}
_FIELDS: Final = {
    "payee": "invalid_exact_evm_payload_recipient_mismatch",
    "amount": "invalid_exact_evm_payload_authorization_value_mismatch",
    "token name": "invalid_exact_evm_token_name_mismatch",
    "token version": "invalid_exact_evm_token_version_mismatch",
    "chain id": NETWORK_MISMATCH,
    "validBefore": "invalid_exact_evm_payload_authorization_valid_before",
}
"""The reasons of a `TransferMismatch`, by its field."""


def find_reason(error: NvmChainError) -> str:
    """Return the protocol's reason for an error.

    >>> find_reason(TransferExpired(valid_before=5, now=9))
    'invalid_exact_evm_payload_authorization_valid_before'
    """
    if isinstance(error, PaymentMalformed | PaymentRefused):
        return str(error.code)
    if isinstance(error, TransferMismatch):
        return _FIELDS.get(str(error.field), "invalid_payload")
    return _REASONS.get(type(error), f"nvm_{type(error).__name__}")
