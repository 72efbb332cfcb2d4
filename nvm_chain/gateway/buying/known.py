"""Payments that accept an offer of before. What is in the books decides what their buyers are told, and not what is offered now."""

from contextlib import suppress
from typing import Any, Final

from nvm_chain.errors import InputError
from nvm_chain.errors.fields import Number
from nvm_chain.gateway.buying.purchases import Purchases
from nvm_chain.gateway.buying.telling import answer_job
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.meter.store.payment_rows import PaymentState, name_payment
from nvm_chain.signing.signed_orders import authorization_nonce
from nvm_chain.types.addresses import parse_address
from nvm_chain.x402.exact import ExactPayment
from nvm_chain.x402.orders import OrderPayment

CONFLICT: Final = 409


async def answer_known(
    purchases: Purchases, payment: Any, own: str, chain_id: Number, *, serves: bool
) -> Refusal | None:
    """Return the answer to a payment for which something was signed before, although no offer of now is the one that it accepts.

    Args:
        purchases: What knows the books.
        payment: The payment, as it came.
        own: The URL in front of the gateway's own paths.
        chain_id: The chain of this gateway.
        serves: Whether the request is for a service. It is not served then, so a payment that was made is told with 409.

    Returns:
        The answer. None if nothing was signed, or if the payment was not made and cannot be made any more: then it may be
        offered again.
    """
    name = _name(payment, chain_id)
    known = None if name is None else await purchases.find(name)
    if known is None or not known.was_sent or known.state is PaymentState.REFUSED:
        return None
    answer = answer_job(known, own, chain_id)
    return Refusal(CONFLICT, answer.headers, answer.body) if serves and known.is_paid else answer


def _name(payment: Any, chain_id: Number) -> bytes | None:
    """Return the name of a payment in the books. None if it cannot have one."""
    with suppress(InputError):
        if isinstance(payment, ExactPayment) and payment.accepted.asset is not None:
            token, transfer = parse_address(payment.accepted.asset, "asset"), payment.authorization
            return name_payment(chain_id, token, transfer.payer, transfer.nonce)
        if isinstance(payment, OrderPayment):
            signed = payment.order
            nonce = authorization_nonce(signed.order, chain_id=chain_id, contract=signed.contract)
            return name_payment(chain_id, signed.token.address, signed.order.payer, nonce)
    return None
