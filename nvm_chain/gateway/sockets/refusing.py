"""Answers to websockets that are refused before they are accepted: a 402 says how a session pays for them."""

from typing import Any, Final
from urllib.parse import quote

from msgspec import json

from nvm_chain.client.sockets import BEARER_PROTOCOL, OWN_PROTOCOL
from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldService
from nvm_chain.gateway.refusals import Refusal, find_status, refuse
from nvm_chain.x402.headers import PAYMENT_REQUIRED
from nvm_chain.x402.reasons import find_reason
from nvm_chain.x402.required import build_required, build_resource, write_required

EXTENSION: Final = "nvm-session"
"""The name under which a 402 says how a websocket is paid for. It accepts no payment for one request."""


def refuse_socket(
    error: NvmChainError,
    service: SoldService,
    endpoint: SoldEndpoint,
    *,
    base: str,
    target: str,
    own_host: str | None = None,
) -> Refusal:
    """Return the answer to a websocket that is refused.

    Args:
        error: Why it is refused.
        service: The service.
        endpoint: The endpoint of the websocket.
        base: The URL of the gateway.
        target: The target of the websocket.
        own_host: The host of the websocket, if it is of the service alone.
    """
    if find_status(error) != 402:
        return refuse(error)
    address = find_address(service.did, base, own_host)
    metadata = service.metadata
    required = build_required(
        build_resource(
            f"{address.service}{target}",
            description=metadata.description or metadata.name,
            name=metadata.name,
            tags=metadata.tags,
        ),
        [],
        error=find_reason(error),
        extensions={EXTENSION: {"info": _describe(service, endpoint, address.own)}},
    )
    header = (PAYMENT_REQUIRED.encode(), write_required(required).encode())
    body = json.encode({**required, "nvm": error.to_dict()})
    return Refusal(402, [*refuse(error).headers, header], body)


def _describe(service: SoldService, endpoint: SoldEndpoint, own: str) -> dict[str, Any]:
    """Return how a session is opened, and what it pays. ``own`` is the URL in front of the gateway's own paths."""
    terms = service.settings.websocket
    return {
        "sessions": f"{own}/sessions",
        "signIn": f"{own}/sign-in?service={quote(service.did, safe=':')}",
        "header": "Authorization: Bearer TOKEN",
        "subprotocols": [OWN_PROTOCOL, f"{BEARER_PROTOCOL}TOKEN"],
        "per": "" if terms is None else terms.per.value,
        "plans": [
            {"planId": str(plan.plan_id), "kind": plan.kind.name.lower(), "credits": str(plan.min_credits)}
            for plan in sorted(endpoint.plans.values(), key=lambda each: (each.min_credits, each.plan_id))
        ],
    }
