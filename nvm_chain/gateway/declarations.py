"""What a 402 declares beside its offers: other ways to be served, and how the endpoint is called."""

from typing import Any, Final
from urllib.parse import quote

from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidUrl
from nvm_chain.gateway.addresses import Address
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.gateway.offers import find_most
from nvm_chain.metadata.endpoints import match_endpoint
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.sign_in import STATEMENT
from nvm_chain.x402.extensions import (
    BAZAAR,
    NAMED,
    PAYMENT_IDENTIFIER,
    SIGN_IN_WITH_X,
    declare_discovery,
    declare_sign_in,
)
from nvm_chain.x402.networks import format_network

SIGN_IN: Final = "nvm-sign-in"
"""Our extension that says where a session token is had for a signature."""
ORDERS: Final = "nvm-orders"
"""Our extension that says where whole plans are bought."""


def needs_no_vouchers(plan: SoldPlan) -> bool:
    """Return whether a sign-in is enough for a plan: a time plan, or one whose rule lets the seller's key redeem."""
    return plan.kind is PlanKind.TIME or (plan.kind is PlanKind.CREDITS and not plan.by_vouchers)


def declare(
    service: SoldService,
    endpoint: SoldEndpoint,
    address: Address,
    method: str,
    target: str,
    challenge: SignInChallenge | None = None,
) -> dict[str, Any]:
    """Return the declarations of a 402.

    Args:
        service: The service.
        endpoint: The endpoint of the request.
        address: Where the request came to.
        method: The method of the request.
        target: The target of the request.
        challenge: A fresh challenge for whoever signs in with the request itself. None for nobody.
    """
    plans = list(endpoint.plans.values())
    by_sign_in = [plan for plan in plans if needs_no_vouchers(plan)]
    sold = [plan for plan in plans if plan.price is not None and plan.kind is not PlanKind.USAGE]
    declared: dict[str, Any] = {PAYMENT_IDENTIFIER: NAMED}
    if by_sign_in and challenge is not None:
        declared[SIGN_IN_WITH_X] = _declare_challenge(service, address, target, challenge)
    if by_sign_in:
        declared[SIGN_IN] = {"info": _describe_sign_in(service, by_sign_in, address.own)}
    if sold:
        declared[ORDERS] = {"info": {"plans": [_describe_order(plan, address.own) for plan in sold]}}
    discovery = _declare_endpoint(service, method, target)
    return {**declared, **({} if discovery is None else {BAZAAR: discovery})}


def _declare_challenge(
    service: SoldService, address: Address, target: str, challenge: SignInChallenge
) -> dict[str, Any]:
    return declare_sign_in(
        origin=address.origin,
        uri=address.service + target.partition("?")[0],
        network=format_network(challenge.chain_id),
        nonce=challenge.nonce,
        issued_at=challenge.issued_at,
        expires_at=challenge.expires_at,
        service=service.did,
        statement=STATEMENT,
    )


def _describe_sign_in(service: SoldService, plans: list[SoldPlan], own: str) -> dict[str, Any]:
    return {
        "challenge": f"{own}/sign-in?service={quote(service.did, safe=':')}",
        "plans": [
            {
                "planId": str(plan.plan_id),
                "kind": plan.kind.name.lower(),
                "credits": str(0 if plan.kind is PlanKind.TIME else find_most(plan, service)),
            }
            for plan in plans
        ],
    }


def _describe_order(plan: SoldPlan, own: str) -> dict[str, str]:
    """Return where a plan is bought. ``own`` is the URL in front of the gateway's own paths."""
    told = {"planId": str(plan.plan_id), "url": f"{own}/plans/{plan.plan_id}/orders", "kind": plan.kind.name.lower()}
    price = plan.price
    if price is None:
        return told
    return {**told, "asset": price.token.address, "amount": str(price.cost), "credits": str(price.credits)}


def _declare_endpoint(service: SoldService, method: str, target: str) -> dict[str, Any] | None:
    """Return how the endpoint of a request is called, by the agent's metadata. A path without an endpoint has no names."""
    metadata, base = service.metadata, service.settings.endpoint_base
    try:
        found = match_endpoint(metadata.endpoints, (), method, base + target.partition("?")[0])
    except InvalidUrl:
        found = None
    if found is None or not found.params:
        return declare_discovery(method)
    params = {name: value if isinstance(value, str) else "/".join(value) for name, value in found.params.items()}
    return declare_discovery(method, params)
