"""Offers of a 402 in the types of the official client, read as our own."""

from typing import Any

from nvm_chain.errors import InputError
from nvm_chain.x402.offers import CREDITS_SCHEME, CreditsOffer
from nvm_chain.x402.orders import ORDER_SCHEME, OrderOffer


def read_credits_offer(requirements: Any) -> CreditsOffer | None:
    """Return an offer of credits. None if it is of another scheme, or malformed."""
    if requirements.scheme != CREDITS_SCHEME:
        return None
    try:
        return CreditsOffer.from_json(to_json(requirements))
    except InputError:
        return None


def read_order_offer(requirements: Any) -> OrderOffer | None:
    """Return an offer of a plan. None if it is of another scheme, or malformed."""
    if requirements.scheme != ORDER_SCHEME:
        return None
    try:
        return OrderOffer.from_json(to_json(requirements))
    except InputError:
        return None


def to_json(requirements: Any) -> dict[str, Any]:
    """Return an offer as an element of ``accepts``."""
    return {
        "scheme": requirements.scheme,
        "network": requirements.network,
        "asset": requirements.asset,
        "amount": requirements.amount,
        "payTo": requirements.pay_to,
        "maxTimeoutSeconds": requirements.max_timeout_seconds,
        "extra": requirements.extra or {},
    }


def find_same(accepts: Any, offer: CreditsOffer) -> CreditsOffer | None:
    """Return the offer of the same plan to the same redeemer among those of another 402. None if there is none."""
    offers = (read_credits_offer(requirements) for requirements in accepts)
    wanted = (offer.plan_id, offer.redeemer)
    return next((found for found in offers if found is not None and (found.plan_id, found.redeemer) == wanted), None)
