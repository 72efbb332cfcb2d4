"""Errors of the token standards, as ERC-6093 names them: credits are ERC-1155 tokens, agents ERC-721 tokens."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import AgentId, Credits, PlanId, Quantity


class ERC1155InsufficientBalance(ContractError):
    """Raised when a balance is too low; Credits itself says InsufficientCredits."""

    sender: str
    balance: Credits
    needed: Quantity
    token_id: PlanId

    problem = "{sender} has {balance} of plan {token_id} and needs {needed}."
    next_step = "Give a smaller amount, or get more first."


class ERC1155InvalidSender(ContractError):
    """Raised when credits would come from the zero address."""

    sender: str

    problem = "{sender} cannot send credits."
    next_step = "Give the holder's address."


class ERC1155InvalidReceiver(ContractError):
    """Raised when the receiver is zero, or has code that does not accept ERC-1155 tokens."""

    receiver: str

    problem = (
        "{receiver} cannot receive credits: it is the zero address, or has code that does not accept ERC-1155 tokens."
    )
    next_step = (
        "Give an account without code, or a contract that accepts ERC-1155 tokens; "
        "an account that delegates to such code (EIP-7702) can end the delegation."
    )


class ERC1155MissingApprovalForAll(ContractError):
    """Raised when the caller is neither the holder nor their operator."""

    operator: str
    owner: str

    problem = "{operator} may not move or burn credits of {owner}."
    next_step = "Ask the holder to approve this address with setApprovalForAll."


class ERC1155InvalidApprover(ContractError):
    """Raised when the zero address would approve an operator."""

    approver: str

    problem = "{approver} cannot approve anyone."
    next_step = "Sign with the holder's key."


class ERC1155InvalidOperator(ContractError):
    """Raised when the zero address would become an operator."""

    operator: str

    problem = "{operator} cannot be an operator."
    next_step = "Give the operator's address."


class ERC1155InvalidArrayLength(ContractError):
    """Raised when two lists that belong together have different lengths."""

    ids_length: Quantity
    values_length: Quantity

    problem = "The lists have {ids_length} and {values_length} items."
    next_step = "Give lists of one length."


class ERC721InvalidOwner(ContractError):
    """Raised when the balance of the zero address is asked for."""

    owner: str

    problem = "{owner} owns nothing."
    next_step = "Give the owner's address."


class ERC721NonexistentToken(ContractError):
    """Raised when no agent has this id."""

    token_id: AgentId

    problem = "Agent {token_id} does not exist on this chain."
    next_step = "Check the id and the network."


class ERC721IncorrectOwner(ContractError):
    """Raised when an agent would be taken from somebody who does not own it."""

    sender: str
    token_id: AgentId
    owner: str

    problem = "Agent {token_id} belongs to {owner}, not to {sender}."
    next_step = "Give its owner's address."


class ERC721InvalidSender(ContractError):
    """Raised when an agent would come from the zero address."""

    sender: str

    problem = "{sender} cannot send an agent."
    next_step = "Give the address of the agent's owner."


class ERC721InvalidReceiver(ContractError):
    """Raised when the receiver is zero, or has code that does not accept ERC-721 tokens."""

    receiver: str

    problem = (
        "{receiver} cannot receive an agent: it is the zero address, or has code that does not accept ERC-721 tokens."
    )
    next_step = (
        "Give an account without code, or a contract that accepts ERC-721 tokens; "
        "an account that delegates to such code (EIP-7702) can end the delegation."
    )


class ERC721InsufficientApproval(ContractError):
    """Raised when the caller may not move an agent."""

    operator: str
    token_id: AgentId

    problem = "{operator} may not move agent {token_id}."
    next_step = "Sign with the key of the agent's owner, or of an account that the owner approved."


class ERC721InvalidApprover(ContractError):
    """Raised when the caller may not approve anyone for an agent."""

    approver: str

    problem = "{approver} cannot approve anyone."
    next_step = "Sign with the agent owner's key."


class ERC721InvalidOperator(ContractError):
    """Raised when the zero address would become an operator."""

    operator: str

    problem = "{operator} cannot be an operator."
    next_step = "Give the operator's address."
