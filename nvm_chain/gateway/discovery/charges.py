"""What discovery says of payments: which protocols pay, and the charges of MPP with their amounts."""

from collections.abc import Sequence
from typing import Any

from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.mpp.challenges import INTENT, METHOD
from nvm_chain.x402.networks import format_network


def describe_payment(prices: Sequence[PlanPrice], what: str) -> dict[str, Any]:
    """Return ``x-payment-info``. The 402 says what is paid in credits, and charges have a price in money.

    Args:
        prices: What is paid by a transfer.
        what: What a charge buys.
    """
    charges = [_describe(price, what) for price in prices if price.payee is not None]
    if not charges:
        return {"protocols": ["x402"], "pricingMode": "quote"}
    return {"protocols": ["x402", "mpp"], "pricingMode": "quote", "offers": charges}


def list_security(info: dict[str, Any], *, takes_tokens: bool) -> list[dict[str, list[str]]]:
    """Return what a request may bring to be paid for, by the names of the document's security schemes."""
    by_charge = ["mpp"] if "offers" in info else []
    return [{name: []} for name in ("x402", *(["token"] if takes_tokens else []), *by_charge)]


def _describe(price: PlanPrice, what: str) -> dict[str, Any]:
    token = price.token
    return {
        "intent": INTENT,
        "method": METHOD,
        "amount": str(price.cost),
        "currency": token.address,
        "description": f"{what}, paid in {token.name} on {format_network(token.chain_id)}",
    }
