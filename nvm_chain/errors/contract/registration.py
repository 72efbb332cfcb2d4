"""Plans that cannot be registered."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import BasisPoints, Money, Number, PlanId, Quantity, TermName


class PlanAlreadyRegistered(ContractError):
    """Raised when the same creator has registered the same terms with the same salt before."""

    plan_id: PlanId

    problem = "Plan {plan_id} is registered already."
    next_step = "Use that plan, or register a plan with another salt."


class ZeroCredits(ContractError):
    """Raised when a purchase would grant no credits."""

    problem = "A purchase has to grant at least 1 credit."
    next_step = "Set credits above zero."


class ZeroDuration(ContractError):
    """Raised when a time plan has periods of zero seconds."""

    problem = "A period of a time plan has to last at least 1 second."
    next_step = "Set duration above zero."


class TermNotAllowed(ContractError):
    """Raised when a term has no meaning together with the others and so must be left at zero."""

    term: TermName

    problem = "Term {term} has no meaning together with the others."
    next_step = "Set it to zero; the configs of `nvm_chain.types` set only what belongs together."


class InvalidRedeemRange(ContractError):
    """Raised when the redemption range is empty or starts at zero."""

    min_redeem: Quantity
    max_redeem: Quantity

    problem = "A redemption cannot take at least {min_redeem} and at most {max_redeem} credits."
    next_step = "Give a minimum of 1 or more that is not above the maximum."


class TooManySplits(ContractError):
    """Raised when a price has more receivers than an order can pay."""

    count: Quantity
    max: Quantity

    problem = "A price can have at most {max} receivers, and {count} were given."
    next_step = "Give fewer receivers. One receiver can pass money on to others."


class InvalidSplit(ContractError):
    """Raised when a split pays nothing, or pays the zero address or the contract."""

    index: Number
    receiver: str
    amount: Money

    problem = "Split {index} pays {amount} to {receiver}."
    next_step = "Give an amount above zero and a receiver that is neither zero nor the Credits contract."


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
    next_step = "Give a split for each receiver, with its weight as amount."


class FeeAboveMax(ContractError):
    """Raised when the protocol fee is higher than the plan's creator accepts, in basis points."""

    fee_bps: BasisPoints
    max_fee_bps: BasisPoints

    problem = "The protocol fee is {fee_bps}, above your limit of {max_fee_bps}. A plan keeps its fee for ever."
    next_step = "If you accept it, give `max_fee_bps` {fee_bps:number}."
