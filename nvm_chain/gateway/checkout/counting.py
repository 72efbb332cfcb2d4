"""Counting: an order is on the chain some blocks before the gateway counts it. Until then, nothing can be opened with it."""

from nvm_chain.errors.fields import Number, Time
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.meter.books import Account as Booked
from nvm_chain.meter.windows import WindowAccount
from nvm_chain.types.accounts import Account


def check_credits_counted(booked: Booked, account: Account, now: Time, depth: Number) -> None:
    """Check that the books know of credits, if the chain has some. Raises Refused.

    Args:
        booked: The account in the books.
        account: The same account as the chain has it.
        now: The time of the books.
        depth: How many blocks later the gateway counts an order.
    """
    is_spent = booked.find_available(now) + booked.held <= 0
    if is_spent and account.balance > booked.find_funds(now) - booked.view.taken:
        raise _refuse(depth)


def check_time_counted(window: WindowAccount, account: Account, now: Time, depth: Number) -> None:
    """Check that the books know of access or of periods to open, if the chain has some. The arguments are those for credits."""
    is_unseen = not window.past and account.balance > 0
    if window.least_until <= now and (is_unseen or account.access_until > now):
        raise _refuse(depth)


def _refuse(depth: Number) -> Refused:
    counts = f"counts an order {count(depth, 'block')} later" if depth else "has not read your last order yet"
    message = f"The gateway {counts}. Wait a moment, and try again."
    return Refused(tell_refusal(409, "OrderNotCounted", message))
