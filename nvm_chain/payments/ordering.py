"""Orders and payments of a session: an order under a name, and a payment for one request."""

from uuid import UUID

from nvm_chain.errors import InvalidConfig, NetworkError, OrderAlreadyMade, TokenCannotSign
from nvm_chain.operations.named_orders import can_be_named, order_once
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.usage import pay_usage
from nvm_chain.payments.id_kinds import explain_id
from nvm_chain.payments.parameters import read_amount
from nvm_chain.payments.results import OrderPlanResultDto
from nvm_chain.payments.session import NO_AGREEMENT, Session
from nvm_chain.signing.order_names import parse_order_name
from nvm_chain.types.plans import PlanState, Terms
from nvm_chain.types.receipts import UsageReceipt


def order_by_name(session: Session, plan_did: int | str, name: str | None) -> OrderPlanResultDto:
    """Order a plan. The same name orders only once, apart from the exceptions in `Payments.order_plan`."""
    parsed = None if name is None or name in NO_AGREEMENT else parse_order_name(name)
    plan = session.read_plan_state(plan_did)
    check_fixed_price(plan.terms)
    if name is None or parsed is None:
        transaction = order_plan(session.chain, session.signer, plan.plan_id).transaction.hash
        return OrderPlanResultDto(agreementId=transaction, success=True, txHash=transaction)
    transaction = _order_once(session, plan, parsed)
    for key in (name, parsed):
        session.agreements.setdefault(key, set()).add(plan.plan_id)
    return OrderPlanResultDto(agreementId=name, success=True, txHash=transaction)


def _order_once(session: Session, plan: PlanState, name: str) -> str:
    """Order a plan under a name. If the name was used, order nothing.

    If nothing can be signed for the plan, ignore the name and order. Return the hash of the order's transaction, or ""
    if the node does not find it.
    """
    if not can_be_named(session.signer, plan):
        return order_plan(session.chain, session.signer, plan.plan_id).transaction.hash
    try:
        return order_once(session.chain, session.signer, plan.plan_id, name).receipt.transaction.hash
    except TokenCannotSign:
        if plan.terms.token == session.chain.usdc:
            raise  # USDC can sign. An order without a name would be paid again by a repeated call
        return order_plan(session.chain, session.signer, plan.plan_id).transaction.hash
    except OrderAlreadyMade as error:
        if isinstance(error.__cause__, NetworkError):
            return ""
        raise


def pay_for_request(
    session: Session, plan_id: int | str, quantity: int | str, max_cost: int | str | None, request_id: str
) -> UsageReceipt:
    """Pay for a request of a usage plan. See `Payments.pay_usage`."""
    if max_cost is None:
        check_fixed_price(session.read_terms(plan_id), "`payments.pay_usage(plan_id, max_cost=…)`")
    with explain_id(session.chain, plan_id, "a plan"):
        return pay_usage(
            session.chain,
            session.signer,
            plan_id,
            quantity=read_amount(quantity, "quantity"),
            max_cost=None if max_cost is None else read_amount(max_cost, "max_cost"),
            context=read_request_id(request_id),
        )


def check_fixed_price(terms: Terms, call: str = "`payments.plans.order_plan(plan_id, max_cost)`") -> None:
    """Raise InvalidConfig if a contract sets the price of the plan. Its cost is not known before the order."""
    if terms.is_quoted:
        raise InvalidConfig(
            "a contract names the price of this plan",
            f"give the highest cost that you accept: {call}",
        )


def read_request_id(text: str) -> str | UUID:
    """Return a request's id as a UUID if it is a UUID, else unchanged."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return text
