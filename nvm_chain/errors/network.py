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

    problem = "No answer from {url} ({reason})."
    next_step = "Check that the node runs and that the URL is right."


class NodeBusy(ConnectionFailed):
    """Raised when a node refuses for now, and still does after a wait: it was asked too often, or has too much to do."""

    problem = "{url} refuses for now ({reason})."
    next_step = "Try again in a minute, ask less often, or use an endpoint with a higher limit."


class WrongChain(NetworkError):
    """Raised when a node serves another chain than the one expected."""

    expected: Number
    actual: Number

    problem = "The node serves chain {actual}, not {expected}."
    next_step = "Give the RPC URL of chain {expected}."


class RpcFailed(NetworkError):
    """Raised when a node refuses a request for a reason that is not the contract's."""

    reason: Phrase

    problem = "The node refused: {reason}."
    next_step = "Correct what it names, try again later, or use another node."


class AnswerUnreadable(NetworkError):
    """Raised when a contract's answer is not what its function returns; mostly it has no such function."""

    reason: Others

    problem = "A contract's answer cannot be read: {reason}."
    next_step = "Check that its address is right."


class BlockReplaced(NetworkError):
    """Raised when the chain replaced a block while its events were read."""

    block_number: Number

    problem = "The chain replaced block {block_number} while it was read."
    next_step = "Read again; nothing has to be undone."


class StatementMismatch(NetworkError):
    """Raised when the books rebuilt from events differ from what the chain says about the same block."""

    what: Name
    by_events: object
    by_chain: object
    block_number: Number

    problem = (
        "At block {block_number} events and chain differ. {what}: {by_events} by the events, {by_chain} by the chain."
    )
    next_step = (
        "Read again from the block in which Credits was deployed, preferably from another node. "
        "This node is behind, has lost logs or was reorganized, or `first_block` left out earlier events."
    )


class NoContract(NetworkError):
    """Raised when an address that should be a contract has no code on this chain."""

    address: str
    chain_id: Number

    problem = "The address {address} has no code on chain {chain_id}."
    next_step = "Check address and network, or deploy first."


class NoDeployment(NetworkError):
    """Raised when nothing says where a contract is on a chain."""

    chain_id: Number
    contract: Name = "Credits"
    folder: RecordsFolder = None

    problem = "No deployment of {contract} is known on chain {chain_id}: {folder} has no record of one."
    next_step = (
        "Run it in the folder where you deployed, or name that folder's records with `connect(…, records=path)`. "
        "If nobody deployed yet, do so: nvm-chain deploy, or ape run deploy."
    )
