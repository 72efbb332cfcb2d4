"""Deployments and their records that are not as they should be."""

from nvm_chain.errors.families import DeploymentError
from nvm_chain.errors.fields import Name, Phrase, TransactionHash, Transactions, Verbatim


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


class RecordNotWritten(DeploymentError):
    """Raised when a contract is deployed, but its record cannot be saved. ``record`` is the record's JSON."""

    contract: Name
    address: str
    transaction_hash: TransactionHash
    path: str
    reason: Phrase
    record: Verbatim

    problem = (
        "{contract} is deployed at {address} (transaction {transaction_hash}), and its record cannot be written to "
        "{path} ({reason})."
    )
    next_step = "Do not deploy again. Make room, and save {record} as that file."


class PendingTransactions(DeploymentError):
    """Raised when a deployer has transactions that are not mined. One of them may be this deployment."""

    deployer: str
    count: Transactions

    problem = "{deployer} has {count} that the chain has not mined yet."
    next_step = "Deploy again when no transaction is pending."


class DeploymentMismatch(DeploymentError):
    """Raised when the chain, a deployment record and the packaged artifacts disagree."""

    field: Name
    expected: str
    actual: str

    problem = "The deployment's {field} should be {expected} and is {actual}."
    next_step = "Do not use this deployment until you know the cause."
