"""What a buyer's client does not send, sign or pay."""

from nvm_chain.errors.families import InputError, TransactionError
from nvm_chain.errors.fields import Choices, Name, Number, Phrase, PlanId, Quantity, Time, TransactionHash, Verbatim


class PaymentNotAllowed(InputError):
    """Raised when nothing that a service accepts is within the limits of the buyer. Nothing was signed for this request."""

    service: Name
    reasons: Choices

    problem = "Nothing that {service} accepts is within the limits of the buyer: {reasons}."
    next_step = "Raise the limits, or ask the seller what a request costs."


class BodyNotRepeatable(InputError):
    """Raised when a body can be read only once, and is too long to be kept for a second request. Nothing was sent."""

    limit: Number

    problem = "The body of the request can be read only once, and has more than {limit} bytes. A paid request may be sent twice."
    next_step = "Give the body as bytes, or raise the limit: `Buyer(…, max_body=…)`."


class BudgetUsedUp(InputError):
    """Raised when a plan has to be ordered again, and the budget of the buyer does not allow it now. Nothing was ordered."""

    plan_id: PlanId
    orders: Quantity
    reason: Phrase

    problem = "The budget for plan {plan_id} has paid for {orders:number} orders, and {reason}."
    next_step = "Order the plan with `order_plan`, or give the buyer another budget."


class GatewayRefused(InputError):
    """Raised when a gateway refuses a sign-in or a session, or answers it with something else."""

    gateway: Name
    what: Phrase
    reason: Phrase
    error: Verbatim = "unknown"

    problem = "{gateway} refused {what} ({error}): {reason}."
    next_step = "Do what the reason says, or ask the seller."


class PaymentUnsettled(TransactionError):
    """Raised when a server wants another payment for a request, and an earlier one may have moved money or still can.

    ``nonce`` is that of the signed transfer. ``transaction`` is None if the server named none.
    """

    service: Name
    nonce: Verbatim
    valid_before: Time
    transaction: TransactionHash

    problem = (
        "{service} wants another payment for this request. The transfer with nonce {nonce} was signed for it before, "
        "and can be made until {valid_before}. Its transaction is {transaction}."
    )
    next_step = (
        "Look at the token's transfers for that nonce, and ask the seller. After that time, the request is paid anew."
    )
