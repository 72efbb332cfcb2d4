"""The protocol fee and its owner."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import BasisPoints


class FeeAboveCap(ContractError):
    """Raised when the protocol fee would exceed its cap, in basis points."""

    fee_bps: BasisPoints
    cap_bps: BasisPoints

    problem = "A fee of {fee_bps} is above the cap, which is fixed."
    next_step = "Set at most {cap_bps}."


class InvalidFeeReceiver(ContractError):
    """Raised when a fee is set with the contract as receiver, or a fee above zero without one."""

    receiver: str

    problem = "Fees cannot go to {receiver}: it is the zero address or the Credits contract."
    next_step = "Give another address."


class OwnableUnauthorizedAccount(ContractError):
    """Raised when the caller is not the owner who sets the protocol fee."""

    account: str

    problem = "{account} is not the fee owner."
    next_step = "Sign with the fee owner's key."


class OwnableInvalidOwner(ContractError):
    """Raised when the contract would be deployed without a fee owner."""

    owner: str

    problem = "The fee owner cannot be {owner}: nobody has the key of the zero address."
    next_step = "Give an address that somebody has the key of."
