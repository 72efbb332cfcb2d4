"""Plans that cannot be registered."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import BasisPoints, Money, Number, PlanId, Quantity, TermName


class PlanAlreadyRegistered(ContractError):
    """Raised when the same creator has already registered the same terms with the same salt."""

    plan_id: PlanId

    problem = "Plan {plan_id} is already registered with the same terms and the same salt."
    next_step = "Use this plan, or register another plan with another salt."


class ZeroCredits(ContractError):
    """Raised when a purchase of a plan would grant no credits."""

    problem = "A purchase has to grant at least 1 credit."
    next_step = "Set the credits to 1 or more."


class ZeroDuration(ContractError):
    """Raised when a time plan has periods of zero seconds."""

    problem = "A period of a time plan has to last at least 1 second."
    next_step = "Set the duration to 1 second or more."


class TermNotAllowed(ContractError):
    """Raised when a term cannot be combined with the plan's other terms and so has to be zero."""

    term: TermName

    problem = "The term {term} cannot be combined with the plan's other terms."
    next_step = "Set it to zero. The configs of `nvm_chain.types` set only terms that fit together."


class InvalidRedeemRange(ContractError):
    """Raised when the redemption range is empty or starts at zero."""

    min_redeem: Quantity
    max_redeem: Quantity

    problem = "The redemption range of {min_redeem} to {max_redeem} credits is empty or starts at zero."
    next_step = "Give a minimum of 1 or more, and a maximum that is not below the minimum."


class TooManySplits(ContractError):
    """Raised when a price has more receivers than an order can pay."""

    count: Quantity
    max: Quantity

    problem = "A price can have at most {max} receivers, but {count} were given."
    next_step = "Give fewer receivers. One receiver can pass money on to others."


class InvalidSplit(ContractError):
    """Raised when a split of a price pays nothing, or pays the zero address or the Credits contract."""

    index: Number
    receiver: str
    amount: Money

    problem = "Split {index} of the price, counted from 0, cannot pay {amount} to {receiver}."
    next_step = "Give an amount above zero, and a receiver other than the zero address and the Credits contract."


class TokenWithoutCode(ContractError):
    """Raised when the price is in a token that has no code on this chain."""

    token: str

    problem = "Token {token} has no code on this chain."
    next_step = "Check the address and the network."


class QuoterWithoutCode(ContractError):
    """Raised when the quoter has no code on this chain."""

    quoter: str

    problem = "Quoter {quoter} has no code on this chain."
    next_step = "Check the address and the network."


class QuoteWithoutReceivers(ContractError):
    """Raised when a quoted price has no receiver."""

    problem = "A quoted price needs at least one receiver."
    next_step = "Give one split for each receiver, with the receiver's weight as the amount."


class FeeAboveMax(ContractError):
    """Raised when the protocol fee is higher than the plan's creator accepts, in basis points."""

    fee_bps: BasisPoints
    max_fee_bps: BasisPoints

    problem = "The protocol fee is {fee_bps}, above your limit of {max_fee_bps}. A plan keeps its fee for ever."
    next_step = "If you accept this fee, set `max_fee_bps` to {fee_bps:number}."
