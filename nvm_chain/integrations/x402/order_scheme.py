"""The scheme ``nvm-order`` for the official client: a plan of a budget is bought by a signed order, and pays for the request."""

from typing import Any

from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.integrations.x402.asked import Asked, find_asked
from nvm_chain.integrations.x402.credits_scheme import read_cost
from nvm_chain.integrations.x402.offers import read_order_offer
from nvm_chain.integrations.x402.official import PaymentRequirements, PaymentResponseContext
from nvm_chain.integrations.x402.plans import Plans
from nvm_chain.integrations.x402.purse import OTHER_SERVER, UNKNOWN_ADDRESS, Vouchers
from nvm_chain.types.json_text import parse_json
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.orders import ORDER_SCHEME, OrderOffer

NO_BUDGET = "no budget of the buyer is for its plan"


class OrderScheme:
    """Buys plans within budgets. `pay_from_credits` registers it."""

    scheme = ORDER_SCHEME

    def __init__(self, vouchers: Vouchers, plans: Plans) -> None:
        """Take what signs vouchers, and what orders plans."""
        self._vouchers, self._plans = vouchers, plans
        self.scheme_hooks = {"on_payment_response": self.note_response}

    def create_payment_payload(self, requirements: PaymentRequirements) -> dict[str, Any]:
        """Sign an order within its budget, and a voucher for the request. The official client calls this.

        Raises:
            PaymentNotAllowed: The offer is malformed, or not within the limits. Nothing was signed.
            BudgetUsedUp: The budget does not allow the order.
            NvmChainError: The errors of `nvm_chain.operations.signed_orders.sign_plan_order`.
        """
        offer, asked = read_order_offer(requirements), find_asked(requirements)
        problem = "its offer of a plan is malformed" if offer is None else self.find_problem(asked, offer)
        if offer is None or problem is not None:
            raise PaymentNotAllowed("the server" if offer is None else offer.service or "the server", (problem or "",))
        order = self._plans.order(offer.plan_id, offer.amount, offer.max_seconds)
        payload = {"order": parse_json(order.to_json())}
        return payload | (self._vouchers.sign(asked, to_credits(offer)) if offer.request_credits else {})

    def find_problem(self, asked: Asked | None, offer: OrderOffer) -> str | None:
        """Return why a plan may not be bought, in words. None if it may."""
        buyer = self._vouchers.buyer
        budget = buyer.budgets.get(offer.plan_id)
        if budget is None:
            return NO_BUDGET
        if offer.amount > budget.max_cost:
            return f"its plan costs {offer.amount} base units, and the budget allows {budget.max_cost}"
        if offer.request_credits:
            return self._vouchers.find_problem(asked, to_credits(offer))
        if asked is None:
            return UNKNOWN_ADDRESS
        if not self._vouchers.pays(asked.place):
            return OTHER_SERVER
        is_ours = offer.token.chain_id == buyer.chain.chain_id and buyer.chain.has_credits(offer.contract)
        return None if is_ours else "it is of another chain or another Credits contract"

    def note_response(self, context: PaymentResponseContext) -> None:
        """Note what the request cost, and that the plan was bought. Until then, the same order is sent again."""
        told = context.settle_response
        self._vouchers.note_answer(context.payment_payload.payload.get("voucher"), read_cost(told))
        offer = read_order_offer(context.requirements)
        if told is not None and told.success and offer is not None:
            self._plans.note_ordered(offer.plan_id)


def to_credits(offer: OrderOffer) -> CreditsOffer:
    """Return what the request costs out of the plan, as an offer of credits."""
    return CreditsOffer(
        chain_id=offer.token.chain_id,
        credits=offer.contract,
        plan_id=offer.plan_id,
        redeemer=offer.redeemer,
        amount=offer.request_credits,
        max_seconds=offer.max_seconds,
        service=offer.service,
        level=offer.level,
    )
