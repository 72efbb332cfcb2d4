"""Errors of the token standards, as ERC-6093 names them: credits are ERC-1155 tokens, agents ERC-721 tokens."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import AgentId, Credits, PlanId, Quantity


class ERC1155InsufficientBalance(ContractError):
    """Raised when a balance of credits is too low. The Credits contract itself raises InsufficientCredits."""

    sender: str
    balance: Credits
    needed: Quantity
    token_id: PlanId

    problem = "{sender} has {balance} of plan {token_id}, but needs {needed}."
    next_step = "Give a smaller amount, or get more credits first."


class ERC1155InvalidSender(ContractError):
    """Raised when the sender of credits is the zero address."""

    sender: str

    problem = "The zero address ({sender}) cannot send credits."
    next_step = "Give the holder's address."


class ERC1155InvalidReceiver(ContractError):
    """Raised when the receiver of credits is the zero address, or has code that does not accept ERC-1155 tokens."""

    receiver: str

    problem = (
        "{receiver} cannot receive credits: it is the zero address, or has code that does not accept ERC-1155 tokens."
    )
    explained = "{receiver} cannot receive credits."
    next_step = (
        "Give an account without code, or a contract that accepts ERC-1155 tokens. If the account delegates to a "
        "contract (EIP-7702), end the delegation."
    )


class ERC1155MissingApprovalForAll(ContractError):
    """Raised when the caller is neither the holder nor an operator that the holder approved."""

    operator: str
    owner: str

    problem = "{operator} may not move or burn credits of {owner}."
    next_step = "Ask the holder to approve {operator} with setApprovalForAll."


class ERC1155InvalidApprover(ContractError):
    """Raised when the zero address approves an operator."""

    approver: str

    problem = "The zero address ({approver}) cannot approve an operator."
    next_step = "Sign with the holder's key."


class ERC1155InvalidOperator(ContractError):
    """Raised when the zero address is approved as an operator."""

    operator: str

    problem = "The zero address ({operator}) cannot be an operator."
    next_step = "Give the operator's address."


class ERC1155InvalidArrayLength(ContractError):
    """Raised when two lists that belong together have different lengths."""

    ids_length: Quantity
    values_length: Quantity

    problem = "The two lists have different lengths: {ids_length} and {values_length} items."
    next_step = "Give two lists of the same length."


class ERC721InvalidOwner(ContractError):
    """Raised when somebody asks how many agents the zero address owns."""

    owner: str

    problem = "The zero address ({owner}) cannot own an agent."
    next_step = "Give the agent owner's address."


class ERC721NonexistentToken(ContractError):
    """Raised when no agent has this id."""

    token_id: AgentId

    problem = "Agent {token_id} does not exist on this chain."
    next_step = "Check the id and the network."


class ERC721IncorrectOwner(ContractError):
    """Raised when somebody transfers an agent from an account that does not own it."""

    sender: str
    token_id: AgentId
    owner: str

    problem = "Agent {token_id} belongs to {owner}, not to {sender}."
    next_step = "Give the address of the agent owner."


class ERC721InvalidSender(ContractError):
    """Raised when the sender of an agent is the zero address."""

    sender: str

    problem = "The zero address ({sender}) cannot send an agent."
    next_step = "Give the agent owner's address."


class ERC721InvalidReceiver(ContractError):
    """Raised when the receiver of an agent is the zero address, or has code that does not accept ERC-721 tokens."""

    receiver: str

    problem = (
        "{receiver} cannot receive an agent: it is the zero address, or has code that does not accept ERC-721 tokens."
    )
    explained = "{receiver} cannot receive an agent."
    next_step = (
        "Give an account without code, or a contract that accepts ERC-721 tokens. If the account delegates to a "
        "contract (EIP-7702), end the delegation."
    )


class ERC721InsufficientApproval(ContractError):
    """Raised when the caller transfers an agent without the approval of the agent owner."""

    operator: str
    token_id: AgentId

    problem = "{operator} may not transfer agent {token_id}."
    next_step = "Sign with the key of the agent owner, or of an account that the agent owner approved."


class ERC721InvalidApprover(ContractError):
    """Raised when the caller approves an account for an agent and may not do so."""

    approver: str

    problem = "{approver} cannot approve an account for this agent, because it is not the agent owner."
    next_step = "Sign with the agent owner's key."


class ERC721InvalidOperator(ContractError):
    """Raised when the zero address is approved as an operator."""

    operator: str

    problem = "The zero address ({operator}) cannot be an operator."
    next_step = "Give the operator's address."
