"""A purchase that was checked and is about to be paid, and the call that orders it."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.errors.fields import Money, PlanId, Quantity
from nvm_chain.operations.payment_methods.choice import PaymentMethod
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as somebody asks for it, before anything of it is checked."""

    plan_id: PlanId | str
    receiver: str | None
    quantity: Quantity
    max_cost: Money | None
    payment_method: PaymentMethod | None
    salt: bytes


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order whose plan and price were checked. Amounts are in base units of the plan's token."""

    plan: PlanState
    receiver: ChecksumAddress
    """Who gets the credits."""
    quantity: Quantity
    cost: Money
    """What the order costs now."""
    max_cost: Money
    """What is approved or signed for: the cost of a fixed price, the caller's limit where a contract names the price."""

    @property
    def token(self) -> ChecksumAddress:
        """The token that the plan is priced in; the zero address is the native coin."""
        return self.plan.terms.token

    @property
    def needs_no_token(self) -> bool:
        """Whether the order is free, or paid in the native coin."""
        return self.token == ZERO_ADDRESS or self.cost == 0

    def build_call(self, chain: Chain) -> ContractFunction:
        """Return the plain call that orders. No request."""
        return chain.credits.functions.order(self.plan.plan_id, self.receiver, self.quantity, self.max_cost)
