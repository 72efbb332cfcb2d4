"""Errors of deployments and of deployment records."""

from nvm_chain.errors.families import DeploymentError
from nvm_chain.errors.fields import Name, Number, Phrase, Sentence, TransactionHash, Transactions, Verbatim


class InvalidRecord(DeploymentError):
    """Raised when a deployment record cannot be read."""

    path: str
    reason: Phrase

    problem = "{path} is not a valid deployment record: {reason}."
    next_step = "Deploy again, or restore the file."


class RecordNotWritable(DeploymentError):
    """Raised when a deployment record cannot be written to its folder. This is checked before anything is deployed."""

    path: str
    reason: Phrase

    problem = "The deployment record cannot be written to {path} ({reason})."
    next_step = "Give another folder. Nothing was deployed."


class RecordNotWritten(DeploymentError):
    """Raised when a contract is deployed, but its record cannot be saved. ``record`` is the record's JSON."""

    contract: Name
    address: str
    transaction_hash: TransactionHash
    path: str
    reason: Phrase
    record: Verbatim

    problem = (
        "{contract} is deployed at {address} (transaction {transaction_hash}). Its record cannot be written to "
        "{path} ({reason})."
    )
    next_step = "Do not deploy again. Make the file writable or free some space, and save {record} as that file."


class RecordInUse(DeploymentError):
    """Raised when a deployment would replace the record of another contract that is on the chain. Nothing was sent."""

    path: str
    contract: Name
    address: str
    chain_id: Number
    advice: Sentence

    problem = (
        "{path} records another {contract}, {address}, which is on chain {chain_id}. This deployment would replace "
        "that record."
    )
    next_step = "{advice}."


class PendingTransactions(DeploymentError):
    """Raised when a deployer has transactions that are not mined. One of them may be this deployment."""

    deployer: str
    count: Transactions

    problem = "The deployer {deployer} has {count} that the chain has not mined yet."
    next_step = "Deploy again when no transaction is pending."


class DeploymentMismatch(DeploymentError):
    """Raised when the chain, a deployment record and the packaged artifacts disagree."""

    field: Name
    expected: str
    actual: str

    problem = "{field} should be {expected}, but is {actual}."
    next_step = "Do not use this deployment until you know the cause."
