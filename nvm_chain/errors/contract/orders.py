"""Orders that the contract refuses, and payments that a token refuses."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Coin, Money, PlanId, Quantity


class InvalidQuantity(ContractError):
    """Raised when an order has quantity 0 or above 2**32 - 1, or when a trial has another quantity than 1."""

    plan_id: PlanId
    quantity: Quantity

    problem = "A quantity of {quantity} is not allowed for plan {plan_id}."
    next_step = "Give a quantity from 1 to 4294967295. If the plan is a trial, give 1."


class CostAboveMax(ContractError):
    """Raised when an order costs more than the payer allowed. Both amounts are in base units."""

    cost: Money
    max_cost: Money

    problem = "The order costs {cost}, but you allowed at most {max_cost}."
    next_step = "Raise `max_cost` if you agree."


class QuoteFailed(ContractError):
    """Raised when a plan's quoter gives no price."""

    plan_id: PlanId
    quoter: str

    problem = "The quoter contract {quoter} gave no price for this order of plan {plan_id}."
    next_step = "Order another quantity, or ask the plan owner."


class AuthorizationFailed(ContractError):
    """Raised when a token does not transfer the money of a signed order."""

    token: str
    payer: str
    value: Money

    problem = "The token did not transfer {value} from {payer} for this signed order."
    next_step = (
        "Check the payer's balance, and whether the token is paused or blocks the payer. If all that is right, ask "
        "the payer for a new signed order, because this one is used, expired, not valid yet or wrongly signed."
    )


class WrongValue(ContractError):
    """Raised when a transaction does not send exactly the native coin that its order needs, in wei."""

    expected: Coin
    sent: Coin

    problem = "The transaction has to send exactly {expected}, but it sends {sent}."
    next_step = "Send exactly {expected} with the transaction."


class PaymentFailed(ContractError):
    """Raised when a receiver of the price could not be paid; ``token`` is zero for the native coin."""

    token: str
    payer: str
    receiver: str
    amount: Money

    problem = "A payment of {amount} from {payer} to {receiver} failed."
    next_step = (
        "Check the payer's balance, allowance and permit: a permit has to be signed by the payer, unused and not "
        "expired. Check also that the token is not paused and does not block the payer or the receiver."
    )


class TrialAlreadyTaken(ContractError):
    """Raised when a holder has already had the one trial of a plan."""

    plan_id: PlanId
    holder: str

    problem = "{holder} has already had the trial of plan {plan_id}."
    next_step = "Order a plan that is not a trial."


class TrialOrderedForOther(ContractError):
    """Raised when a trial is ordered for another account. The order would use up the only trial of that account."""

    plan_id: PlanId
    payer: str
    receiver: str

    problem = (
        "{payer} cannot order the trial of plan {plan_id} for {receiver}: an account can order a trial only for itself."
    )
    next_step = "Ask the receiver to order the trial, or ask the plan owner to grant it with `mint_credits`."
