"""The protocol fee and its owner."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import BasisPoints


class FeeAboveCap(ContractError):
    """Raised when the protocol fee is set above its cap, in basis points."""

    fee_bps: BasisPoints
    cap_bps: BasisPoints

    problem = "A fee of {fee_bps} is above the fixed cap of {cap_bps}."
    next_step = "Set a fee of at most {cap_bps}."


class InvalidFeeReceiver(ContractError):
    """Raised when the fee receiver is the Credits contract, or is the zero address while the fee is above zero."""

    receiver: str

    problem = "Fees cannot go to {receiver}: it is the zero address or the Credits contract."
    next_step = "Give another receiver."


class OwnableUnauthorizedAccount(ContractError):
    """Raised when the caller is not the owner who sets the protocol fee."""

    account: str

    problem = "{account} is not the fee owner."
    next_step = "Sign with the fee owner's key."


class OwnableInvalidOwner(ContractError):
    """Raised when the contract is deployed without a fee owner."""

    owner: str

    problem = "The zero address ({owner}) cannot be the fee owner, because nobody has its key."
    next_step = "Give an address whose key somebody holds."
