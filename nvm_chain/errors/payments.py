"""Errors of payments that are in the books of a gateway: money may have moved, so nobody is told to pay again."""

from nvm_chain.errors.base import NvmChainError
from nvm_chain.errors.families import RequestRefused
from nvm_chain.errors.fields import Credits, Name, Phrase, Quantity, Seconds, TransactionHash


class PaymentClaimed(NvmChainError):
    """A payment is in the books. Money may have moved, so do not sign another one for the same."""

    payment: Name


class PaymentUnderWay(PaymentClaimed):
    """Raised when a payment was taken, and what came of it is not certain yet. ``transaction`` is None before one was signed."""

    payment: Name
    transaction: TransactionHash

    problem = "The payment {payment} is under way. Its transaction is {transaction}."
    next_step = "Wait and send the same payment again, or ask for its state. Do not sign another one."


class PaymentForOther(PaymentClaimed):
    """Raised when a signed transfer was given before, to pay for something else."""

    payment: Name

    problem = "The payment {payment} was given for something else."
    next_step = "Send it with the request that it was signed for. For this one, sign another transfer."


class PaymentServed(PaymentClaimed):
    """Raised when a request was served for a payment before. Each payment is served once."""

    payment: Name
    transaction: TransactionHash

    problem = "A request was already served for the payment {payment} in transaction {transaction}."
    next_step = "Sign another transfer for another request."


class PaymentServing(PaymentClaimed):
    """Raised when a request is being served for a payment. It is served once."""

    payment: Name

    problem = "A request is being served for the payment {payment}."
    next_step = "Wait for its answer. If the service fails, send the same payment again."


class PaymentNotMade(PaymentClaimed):
    """Raised when a payment was taken and could not be made any more. No money has moved."""

    payment: Name
    reason: Phrase

    problem = "The payment {payment} was not made: {reason}."
    next_step = "Look at the balance of the account that pays, and sign another transfer."


class PaymentByHand(PaymentClaimed):
    """Raised when a payment was made, and a person has to do the rest. The seller sees it with the reason."""

    payment: Name
    reason: Phrase

    problem = "The payment {payment} was made, and the seller has to do the rest: {reason}."
    next_step = "Give the seller the name of the payment. Do not sign another one."


class TooManyPayments(RequestRefused):
    """Raised when a gateway has sent as many transfers as it sends in a day, for one account or in all. Nothing was sent."""

    next_ceiling: Credits
    account: str
    sent: Quantity
    retry_seconds: Seconds

    problem = "{account} cannot pay by a signed transfer now, because the gateway sends {sent} in a day."
    next_step = "Try again in {retry_seconds}, or order the plan yourself."
