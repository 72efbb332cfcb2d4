"""What a page is told of a step: JSON with amounts as decimal text, and sentences for people."""

from typing import Any

from nvm_chain.errors.fields import Money
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.operations.order_steps import AuthorizationStep, PermitStep, SendStep, Step
from nvm_chain.terms.money import write_money
from nvm_chain.types.addresses import ZERO_ADDRESS


def tell_step(step: Step, card: PlanCard, payer: str, chain_id: int) -> dict[str, Any]:
    """Return a step for the page: what the order costs, all steps in words, and the data of the next one."""
    purchase = step.purchase
    cost = _write(card, purchase.cost)
    return {
        "planId": str(purchase.plan.plan_id),
        "account": payer,
        "quantity": str(purchase.quantity),
        "cost": str(purchase.cost),
        "maxCost": str(purchase.max_cost),
        "way": step.way,
        "words": {"cost": cost, "steps": _list_steps(step, card)},
        "next": _tell_next(step, payer, chain_id),
    }


def _write(card: PlanCard, amount: Money) -> str:
    return write_money(amount, card.plan.terms.token, card.label) if amount else "nothing"


def _list_steps(step: Step, card: PlanCard) -> list[str]:
    most = _write(card, step.purchase.max_cost)
    if isinstance(step, AuthorizationStep):
        return [f"You sign an order over {most}.", "The seller sends it to the chain, and pays the fee of the network."]
    if isinstance(step, PermitStep):
        return [f"You sign that this order may take {most}.", "You send the order, and pay the fee of the network."]
    if step.is_approval:
        return [
            f"You send a transaction that approves {most} for the contract of the plans.",
            "You send the order in a second transaction. You pay the fee of the network for both.",
        ]
    if step.purchase.cost == 0:
        return ["You send one transaction. It costs nothing but the fee of the network."]
    if step.purchase.token == ZERO_ADDRESS:
        return [f"You send one transaction with {most}, and pay the fee of the network."]
    return [
        f"You send one transaction, which takes {most}. You have approved it before. You pay the fee of the network."
    ]


def _tell_next(step: Step, payer: str, chain_id: int) -> dict[str, Any]:
    if isinstance(step, SendStep):
        call = step.call
        transaction = {"from": payer, "to": call.to, "data": call.data, "value": hex(call.value)}
        if call.gas is not None:
            transaction["gas"] = hex(call.gas)
        return {
            "do": "send",
            "what": "approval" if step.is_approval else "order",
            "chainId": str(chain_id),
            "transaction": transaction,
        }
    if isinstance(step, PermitStep):
        permit, purchase = step.permit, step.purchase
        draft = {
            "planId": str(purchase.plan.plan_id),
            "account": payer,
            "quantity": str(purchase.quantity),
            "value": str(permit.value),
            "nonce": str(permit.nonce),
            "deadline": str(permit.deadline),
        }
        return {"do": "sign", "what": "permit", "typedData": step.typed_data, "draft": draft}
    return {
        "do": "sign",
        "what": "order",
        "typedData": step.typed_data,
        "draft": {"planId": str(step.purchase.plan.plan_id), "order": step.order.to_json()},
    }
