"""OpenAPI 3.1 documents of services, with the extensions of MPP's discovery: ``x-payment-info`` and ``x-service-info``."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import json

from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.discovery.charges import describe_payment, list_security
from nvm_chain.gateway.discovery.operations import WITH_BODY, Operation, describe_plans, list_operations, list_prices
from nvm_chain.x402.headers import PAYMENT_SIGNATURE

VERSION: Final = "3.1.0"
MAX_CATEGORIES: Final = 5
_SCHEMES: Final = {
    "x402": {
        "type": "apiKey",
        "in": "header",
        "name": PAYMENT_SIGNATURE.upper(),
        "description": "A payment of x402 version 2. The 402 says what is accepted.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A service token, which pays once, or a session token.",
    },
}
_CHARGES: Final = {
    "mpp": {"type": "http", "scheme": "Payment", "description": "A charge of MPP. The 402 has the challenge."},
}


def build_openapi(
    services: Sequence[tuple[SoldService, str]], more: Mapping[str, dict[str, Any]], title: str, docs: dict[str, str]
) -> dict[str, Any]:
    """Return the document of one or more services.

    Args:
        services: The services, each with the path in front of its targets. It is empty on a host of its own.
        more: Further operations with the method POST, by their paths.
        title: What the document calls the services.
        docs: Links to pages, as ``x-service-info`` has them.
    """
    paths: dict[str, Any] = {}
    for service, prefix in services:
        for operation in list_operations(service):
            methods = paths.setdefault(prefix + operation.template.path, {})
            methods[operation.method.lower()] = _describe(operation, service)
    paths |= {path: {"post": told} for path, told in more.items()}
    has_charges = any("offers" in told["x-payment-info"] for methods in paths.values() for told in methods.values())
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": hashlib.sha256(json.encode(paths)).hexdigest()[:12]},
        "x-service-info": {"categories": _list_categories([service for service, _ in services]), "docs": docs},
        "paths": paths,
        "components": {
            "securitySchemes": {**_SCHEMES, **(_CHARGES if has_charges else {})},
            "responses": {
                "PaymentRequired": {"description": "Payment required. The answer says what would be accepted."}
            },
        },
    }


def _describe(operation: Operation, service: SoldService) -> dict[str, Any]:
    template, info = operation.template, describe_payment(list_prices(operation), "One request")
    told: dict[str, Any] = {"tags": [service.metadata.name]}
    if template.names:
        told["parameters"] = [_describe_name(name, wide=name in template.wide) for name in template.names]
    if operation.method in WITH_BODY:
        told["requestBody"] = {"content": {"*/*": {}}}
    return {
        **told,
        "responses": {
            "200": {"description": "The answer of the service."},
            "402": {"$ref": "#/components/responses/PaymentRequired"},
        },
        "security": list_security(info, takes_tokens=True),
        "x-payment-info": info,
        "x-nvm-plans": describe_plans(operation, service),
    }


def _describe_name(name: str, *, wide: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {**told, "description": "One or more segments, with the slashes between them."} if wide else told


def _list_categories(services: Sequence[SoldService]) -> list[str]:
    """Return the tags of the agents, as categories are written: in small letters, with hyphens."""
    tags = [tag for service in services for tag in service.metadata.tags]
    return list(dict.fromkeys("-".join(tag.lower().split()) for tag in tags if tag.strip()))[:MAX_CATEGORIES]
