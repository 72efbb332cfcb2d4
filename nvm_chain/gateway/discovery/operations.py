"""What a service sells, one operation for each method of a path, each with the plans that pay for it.

Each endpoint is looked up as a request to it would be. So an operation never says more than the gateway does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from nvm_chain.enums import PlanKind
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.gateway.discovery.templates import EVERY, SAMPLE, Template, list_templates
from nvm_chain.gateway.offers import find_most
from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.x402.exact import EXACT_SCHEME
from nvm_chain.x402.offers import CREDITS_SCHEME

METHODS: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
"""The methods that OpenAPI knows."""
WITH_BODY: Final = ("POST", "PUT", "PATCH")
MAX_OPERATIONS: Final = 1_000
"""How many operations of a service are told."""
_EVERY_PATH: Final = Template(f"/{{{EVERY}}}", (EVERY,), frozenset((EVERY,)), f"/{SAMPLE}")


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path that is sold, and the endpoint with its plans."""

    method: str
    template: Template
    endpoint: SoldEndpoint


def list_operations(service: SoldService) -> list[Operation]:
    """Return what a service sells. Open endpoints are not in it, because the agent names no method for them."""
    found: dict[tuple[str, str], Operation] = {}
    paths: dict[str, Template] = {}
    for method, wanted in _list_places(service):
        if len(found) == MAX_OPERATIONS:
            break
        template = paths.setdefault(wanted.shape, wanted)
        sold = service.find_endpoint(method, template.sample)
        if sold is not None and not sold.is_open and sold.plans:
            found.setdefault((method, template.path), Operation(method, template, sold))
    return list(found.values())


def _list_places(service: SoldService) -> Iterator[tuple[str, Template]]:
    metadata = service.metadata
    for endpoint in metadata.endpoints if service.settings.upstream else ():
        if endpoint.method in METHODS:
            for template in list_templates(service.settings.endpoint_base, endpoint.url_pattern):
                yield endpoint.method, template
    for path in sorted(service.files):
        quoted = quote(path)
        yield "GET", Template(quoted, sample=quoted)
    if service.settings.upstream and not (metadata.endpoints or metadata.open_endpoints or metadata.files):
        yield from (("GET", _EVERY_PATH), ("POST", _EVERY_PATH))


def describe_plans(operation: Operation, service: SoldService) -> list[dict[str, Any]]:
    """Return the plans that pay for an operation, and what it costs on each. Ids and numbers are decimal text."""
    return [_describe_plan(plan, service) for plan in operation.endpoint.plans.values()]


def _describe_plan(plan: SoldPlan, service: SoldService) -> dict[str, Any]:
    told: dict[str, Any] = {"planId": str(plan.plan_id), "kind": plan.kind.name.lower()}
    if plan.kind is PlanKind.USAGE:
        return {**told, "scheme": EXACT_SCHEME}
    if plan.kind is PlanKind.CREDITS:
        most = find_most(plan, service) if plan.by_vouchers else plan.max_credits
        told |= {"minCredits": str(plan.min_credits), "maxCredits": str(most)}
    return {**told, "scheme": CREDITS_SCHEME if plan.by_vouchers else "sign-in"}


def list_prices(operation: Operation) -> list[PlanPrice]:
    """Return what single requests cost that are paid by a transfer."""
    plans = operation.endpoint.plans.values()
    return [plan.price for plan in plans if plan.kind is PlanKind.USAGE and plan.price is not None]
