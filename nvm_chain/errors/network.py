"""A chain that cannot be used: no node, the wrong node, or answers that cannot be true."""

from nvm_chain.errors.families import NetworkError
from nvm_chain.errors.fields import Choices, Name, Number, Others, Phrase, RecordsFolder


class UnknownNetwork(NetworkError):
    """Raised when a name is neither a network this package knows nor a URL."""

    name: Others
    known: Choices

    problem = "No network is called {name}."
    next_step = "Give {known}, or the http(s) URL of a node."


class ConnectionFailed(NetworkError):
    """Raised when a node does not answer. ``url`` is without user name, password, path and query."""

    url: Name
    reason: Phrase

    problem = "The node at {url} does not answer ({reason})."
    next_step = "Check that the node runs and that the URL is right."


class NodeBusy(ConnectionFailed):
    """Raised when a node still refuses requests after a wait, because it got too many or is overloaded."""

    problem = "The node at {url} refuses requests for now ({reason})."
    next_step = "Try again in a minute, ask less often, or use an endpoint with a higher limit."


class WrongChain(NetworkError):
    """Raised when a node serves another chain than the one expected."""

    expected: Number
    actual: Number

    problem = "The node serves chain {actual}, not {expected}."
    next_step = "Give the RPC URL of chain {expected}."


class RpcFailed(NetworkError):
    """Raised when the node, and not a contract, refuses a request."""

    reason: Phrase

    problem = "The node refused the request: {reason}."
    next_step = "Correct the cause, try again later, or use another node."


class AnswerUnreadable(NetworkError):
    """Raised when a contract's answer does not have the types that the function returns. Often the function is missing."""

    reason: Others

    problem = "A contract's answer cannot be read: {reason}."
    next_step = "Check the contract's address."


class BlockReplaced(NetworkError):
    """Raised when the chain replaced a block during a read of its events."""

    block_number: Number

    problem = "The chain replaced block {block_number} during the read."
    next_step = "Read the events again. Nothing has to be undone."


class StatementMismatch(NetworkError):
    """Raised when numbers computed from events differ from the state of the chain at the same block."""

    what: Name
    by_events: object
    by_chain: object
    block_number: Number

    problem = (
        "Events and chain differ at block {block_number} ({what}). The events say {by_events}, and the chain says "
        "{by_chain}."
    )
    next_step = (
        "Read again from the block in which Credits was deployed, preferably from another node. Either `first_block` "
        "is too late, or the node is behind, was reorganized or has lost events."
    )


class NoContract(NetworkError):
    """Raised when the address of a contract has no code on this chain."""

    address: str
    chain_id: Number

    problem = "No contract exists at {address} on chain {chain_id}."
    next_step = "Check the address and the network, or deploy the contract first."


class NoDeployment(NetworkError):
    """Raised when no deployment record gives the address of a contract on a chain."""

    chain_id: Number
    contract: Name = "Credits"
    folder: RecordsFolder = None

    problem = "No deployment of {contract} is known on chain {chain_id}: {folder} has no record of it."
    next_step = (
        "Run the program in the folder where you deployed, or give its records: "
        "`connect(…, records='FOLDER/deployments')`. If {contract} is not deployed yet, run nvm-chain deploy or ape run deploy."
    )
