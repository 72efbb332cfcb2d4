"""Orders that the contract refuses, and payments that a token refuses."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Coin, Money, PlanId, Quantity


class InvalidQuantity(ContractError):
    """Raised when an order has quantity 0 or above 2**32 - 1, or a trial any other quantity than 1."""

    plan_id: PlanId
    quantity: Quantity

    problem = "Quantity {quantity} of plan {plan_id} cannot be ordered."
    next_step = "Order at least 1, at most 4294967295, and exactly 1 of a trial."


class CostAboveMax(ContractError):
    """Raised when an order costs more than the payer allowed, in base units."""

    cost: Money
    max_cost: Money

    problem = "The order costs {cost}, and you allowed {max_cost}."
    next_step = "Raise `max_cost` if you agree."


class QuoteFailed(ContractError):
    """Raised when a plan's quoter gives no price."""

    plan_id: PlanId
    quoter: str

    problem = "The quoter {quoter} of plan {plan_id} gave no price for this order."
    next_step = "Ask the plan's owner, or order another quantity."


class AuthorizationFailed(ContractError):
    """Raised when a token does not move the money of a signed order."""

    token: str
    payer: str
    value: Money

    problem = "The token did not move {value} from {payer} for this signed order."
    next_step = (
        "Check the payer's balance, and that the token is not paused and does not block the payer. "
        "If all that is right, ask the payer to sign another order: this one was used, has expired, is not valid yet, "
        "or was signed by somebody else."
    )


class WrongValue(ContractError):
    """Raised when the native coin sent is not exactly what the order needs, in wei."""

    expected: Coin
    sent: Coin

    problem = "The order has to carry exactly {expected} and carries {sent}."
    next_step = "Send {expected}."


class PaymentFailed(ContractError):
    """Raised when a receiver of the price could not be paid; ``token`` is zero for the native coin."""

    token: str
    payer: str
    receiver: str
    amount: Money

    problem = "A payment of {amount} from {payer} to {receiver} failed."
    next_step = (
        "Check the payer's balance and allowance, and that the token is not paused and blocks neither payer nor "
        "receiver. A permit has to be signed by the payer, unused, and within its deadline."
    )


class TrialAlreadyTaken(ContractError):
    """Raised when a holder has had the one grant of a trial plan."""

    plan_id: PlanId
    holder: str

    problem = "{holder} has had the trial of plan {plan_id} already."
    next_step = "Order a plan that is not a trial."


class TrialOrderedForOther(ContractError):
    """Raised when a trial is ordered for another account. The order would use up the only trial of that account."""

    plan_id: PlanId
    payer: str
    receiver: str

    problem = "{payer} cannot order the trial of plan {plan_id} for {receiver}."
    next_step = "Ask the receiver to order the trial, or ask the plan's owner to grant the trial with `mint_credits`."
