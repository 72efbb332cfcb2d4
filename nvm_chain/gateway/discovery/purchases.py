"""Plans that are sold for money: the addresses where they are bought, as operations of OpenAPI."""

from collections.abc import Mapping, Sequence
from typing import Any

from nvm_chain.gateway.buying.paths import PLANS
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.discovery.charges import describe_payment, list_security
from nvm_chain.gateway.offers import list_purchases
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.types.ids import format_did


def list_sold_plans(services: Sequence[SoldService], settings: MeterSettings) -> Mapping[str, SoldPlan]:
    """Return the plans that are sold for money, by the path where each is bought."""
    plans = {plan.plan_id: plan for service in services for plan in service.plans.values()}
    sold = (plan for plan in plans.values() if list_purchases(plan, settings))
    return {f"{PLANS}{plan.plan_id}/orders": plan for plan in sold}


def describe_purchase(plan: SoldPlan, settings: MeterSettings) -> dict[str, Any]:
    """Return the operation that buys a plan. Ids and numbers are decimal text."""
    price = plan.price
    told = {"planId": str(plan.plan_id), "kind": plan.kind.name.lower()}
    info = describe_payment([] if price is None else [price], "One purchase of the plan")
    schemes = [offer.scheme for offer in list_purchases(plan, settings)]
    return {
        "tags": ["Plans"],
        "summary": f"One purchase of the plan {format_did(plan.plan_id)}",
        "requestBody": {"content": {"*/*": {}}, "description": "Nothing. What is sent is not read."},
        "responses": {
            "200": {"description": "The receipt: the plan is granted."},
            "202": {"description": "The payment is under way. The header Location has its address."},
            "402": {"$ref": "#/components/responses/PaymentRequired"},
        },
        "security": list_security(info, takes_tokens=False),
        "x-payment-info": info,
        "x-nvm-plans": [{**told, "credits": str(0 if price is None else price.credits), "schemes": schemes}],
    }
