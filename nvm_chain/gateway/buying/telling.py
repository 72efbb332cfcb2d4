"""What buyers are told of payments: the job of a payment, the header PAYMENT-RESPONSE, and refusals after money may have moved."""

from typing import Any, Final

from msgspec import json

from nvm_chain.errors import PaymentByHand, PaymentClaimed, PaymentUnderWay
from nvm_chain.errors.fields import Number
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.meter.store.payment_rows import STATE_NAMES, Payment, PaymentPurpose, PaymentState
from nvm_chain.types.ids import format_did
from nvm_chain.x402.headers import PAYMENT_RESPONSE, write_header
from nvm_chain.x402.networks import format_network

PAYMENTS: Final = "/payments/"
"""How the paths of payments begin."""
RETRY_SECONDS: Final = 3
"""When to ask again for a payment that is under way."""
NEVER_KEPT: Final[Headers] = [(b"cache-control", b"no-store, private"), (b"vary", b"PAYMENT-SIGNATURE, Authorization")]
"""No cache keeps what was paid for. The caches of some servers look at the second header only."""


def tell_payment(payment: Payment, own: str) -> dict[str, Any]:
    """Return a payment as JSON for whoever knows its name. ``own`` is the URL in front of the gateway's own paths."""
    told: dict[str, Any] = {
        "payment": payment.name,
        "url": f"{own}{PAYMENTS}{payment.name}",
        "state": STATE_NAMES[find_state(payment)],
        "isFinal": payment.is_final,
        "payer": payment.payer,
        "amount": str(payment.value),
        "asset": payment.token,
        "payTo": payment.payee,
    }
    if payment.purpose is not PaymentPurpose.FACILITATOR:
        told["plan"], told["planId"] = format_did(payment.plan_id), str(payment.plan_id)
    if payment.transaction:
        told["transaction"] = payment.transaction
    if find_state(payment) is PaymentState.GRANTED:
        told["grant"] = payment.grant or payment.transaction
    if payment.state in (PaymentState.BY_HAND, PaymentState.REFUSED):
        told["reason"] = payment.reason
    return told


def find_state(payment: Payment) -> PaymentState:
    """Return how far a payment is for its buyer. The transaction of a signed order grants the plan itself."""
    is_granted = payment.purpose is PaymentPurpose.SIGNED_ORDER and payment.state is PaymentState.PAID
    return PaymentState.GRANTED if is_granted else payment.state


def write_response(payment: Payment, chain_id: Number, **extra: Any) -> Headers:
    """Return the header PAYMENT-RESPONSE of a payment that was made."""
    told = {
        "success": True,
        "payer": payment.payer,
        "transaction": payment.transaction,
        "network": format_network(chain_id),
        "amount": str(payment.value),
        "extra": {"planId": str(payment.plan_id), "payment": payment.name, **extra},
    }
    return [(PAYMENT_RESPONSE.encode(), write_header(told).encode())]


def answer_claimed(error: PaymentClaimed, own: str) -> Refusal:
    """Return the answer where money may have moved: never 402. 202 with the job of the payment, or 409.

    Args:
        error: What is known of the payment.
        own: The URL in front of the gateway's own paths.
    """
    is_open = isinstance(error, PaymentUnderWay | PaymentByHand)
    url = f"{own}{PAYMENTS}{error.fields['payment']}"
    told = {"error": error.message(), "nvm": error.to_dict(), "payment": error.fields["payment"], "url": url}
    headers = [(b"content-type", b"application/json"), *NEVER_KEPT]
    if is_open:
        headers += [(b"location", url.encode()), (b"retry-after", str(RETRY_SECONDS).encode())]
    return Refusal(202 if is_open else 409, headers, json.encode(told))


def answer_job(payment: Payment, own: str, chain_id: Number) -> Refusal:
    """Return the answer to a purchase: 200 with the receipt when the plan is granted, else 202 with the job."""
    told, is_done = tell_payment(payment, own), find_state(payment) is PaymentState.GRANTED
    headers = [(b"content-type", b"application/json"), *NEVER_KEPT]
    if payment.is_paid:
        headers += write_response(payment, chain_id, **({"grant": told["grant"]} if is_done else {}))
    if not is_done:
        headers += [(b"location", told["url"].encode()), (b"retry-after", str(RETRY_SECONDS).encode())]
    return Refusal(200 if is_done else 202, headers, json.encode(told))
