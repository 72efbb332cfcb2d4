"""Purchases: the arguments of an order, the checked purchase, and the call that orders it."""

from dataclasses import dataclass
from typing import Protocol

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.errors.fields import Money, PlanId, Quantity
from nvm_chain.operations.payment_methods.choice import PaymentMethod
from nvm_chain.operations.receivers import Delivery
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState


class Payer(Protocol):
    """Who pays an order: a signer, or an account whose key somebody else has."""

    @property
    def address(self) -> ChecksumAddress:
        """The payer's address."""


@dataclass(frozen=True, slots=True)
class OrderArguments:
    """The arguments of an order, before any check."""

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
    """The address that gets the credits."""
    quantity: Quantity
    cost: Money
    """The present cost of the order."""
    max_cost: Money
    """The amount to approve or sign: the cost of a fixed price, or the caller's limit for a quoted price."""

    @property
    def token(self) -> ChecksumAddress:
        """The token of the plan's price. The zero address stands for the native coin."""
        return self.plan.terms.token

    @property
    def needs_no_token(self) -> bool:
        """Whether the order is free, or paid in the native coin."""
        return self.token == ZERO_ADDRESS or self.cost == 0

    def describe_delivery(self, payer: ChecksumAddress) -> Delivery:
        """Return what the receiver's code learns of the credits, if it has code."""
        return Delivery(payer, ZERO_ADDRESS, self.plan.plan_id, self.plan.terms.credits * self.quantity)

    def build_call(self, chain: Chain) -> ContractFunction:
        """Return the call that orders, without a permit or an authorization. No request."""
        return chain.credits.functions.order(self.plan.plan_id, self.receiver, self.quantity, self.max_cost)
