"""The families of errors: base classes that say what is true of all their subclasses."""

from collections.abc import Mapping
from typing import Final

from nvm_chain.errors.base import NvmChainError
from nvm_chain.errors.fields import Credits
from nvm_chain.errors.templates import PYTHON

CEILING: Final = "The next ceiling to sign is {next_ceiling:number}."
"""A sentence of refusals, for whoever signs vouchers."""
_NO_CEILING: Final = f" {CEILING.replace('{next_ceiling:number}', '0')}"


class InputError(NvmChainError, ValueError):
    """An argument is wrong. Nothing was sent."""


class SignatureError(NvmChainError):
    """A signed message cannot be accepted. Nothing was sent."""


class NetworkError(NvmChainError):
    """The chain could not be used."""


class DeploymentError(NvmChainError):
    """A deployment or its record is wrong."""


class StorageError(NvmChainError):
    """A document or a file outside the chain could not be kept, fetched or verified."""


class IndexFailure(NvmChainError):
    """An index of events could not be read or written, or is not right."""


class RequestRefused(NvmChainError):
    """The meter refused a request. Nothing was held or charged. ``next_ceiling`` is the next ceiling to sign, or 0 for none."""

    next_ceiling: Credits

    def describe(self, names: Mapping[str, str] = PYTHON) -> tuple[str, str]:
        """Return the problem and the next step, without the next ceiling if no voucher would help."""
        problem, next_step = super().describe(names)
        return problem, next_step if self.next_ceiling else next_step.removesuffix(_NO_CEILING)


class UpstreamError(NvmChainError):
    """The service behind a gateway did not answer. Nothing was charged."""


class FundsError(NvmChainError):
    """An account has too little money for its next transaction, which was not sent. An earlier approval may have been sent."""


class TransactionError(NvmChainError):
    """The chain refused a call or a transaction."""


class ContractError(TransactionError):
    """An error of one of the contracts. Its class has the same name and the same fields as in Solidity."""
