"""The families of errors. The family says what is true of all its members, such as whether anything was sent."""

from nvm_chain.errors.base import NvmChainError


class InputError(NvmChainError, ValueError):
    """An argument that cannot be right. Nothing was sent."""


class SignatureError(NvmChainError):
    """Something signed cannot be accepted. Nothing was sent."""


class NetworkError(NvmChainError):
    """The chain could not be used."""


class DeploymentError(NvmChainError):
    """A deployment or its record is not as it should be."""


class StorageError(NvmChainError):
    """A document or a file outside the chain could not be kept, fetched or verified."""


class FundsError(NvmChainError):
    """An account has too little for its next transaction, which was not sent. One sent before it may stand, such as an approval."""


class TransactionError(NvmChainError):
    """The chain refused a call or a transaction."""


class ContractError(TransactionError):
    """An error of one of the contracts. Its class has the same name and the same fields as in Solidity."""
