"""Deployments and their records that are not as they should be."""

from nvm_chain.errors.families import DeploymentError
from nvm_chain.errors.fields import Name, Phrase, Transactions


class InvalidRecord(DeploymentError):
    """Raised when a deployment record cannot be read."""

    path: str
    reason: Phrase

    problem = "{path} is not a deployment record: {reason}."
    next_step = "Deploy again, or restore the file."


class RecordNotWritable(DeploymentError):
    """Raised when a deployment record cannot be written anywhere. Found before anything is deployed."""

    path: str
    reason: Phrase

    problem = "A record cannot be written to {path} ({reason})."
    next_step = "Give another folder; nothing was deployed."


class PendingTransactions(DeploymentError):
    """Raised when a deployer has transactions that are not mined, one of which may be this very deployment."""

    deployer: str
    count: Transactions

    problem = "{deployer} has {count} that the chain has not mined yet."
    next_step = "Wait until that is done, then deploy again."


class DeploymentMismatch(DeploymentError):
    """Raised when the chain, a deployment record and the packaged artifacts disagree."""

    field: Name
    expected: str
    actual: str

    problem = "{field} should be {expected} and is {actual}."
    next_step = "Do not use this deployment before you know why."
