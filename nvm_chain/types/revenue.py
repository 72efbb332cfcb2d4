"""Revenue of a receiver from a plan."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Money, PlanId, Quantity


@dataclass(frozen=True, slots=True)
class Revenue:
    """Revenue of one receiver from one plan, in base units of ``token``. The zero address is the native coin.

    ``shares`` is the receiver's part of the prices, after the protocol fee. ``fees`` is the receiver's protocol fees.
    ``forgone`` is the undeliverable fees, which went to the plan's first receiver. ``sales`` counts the orders and
    payments. The amounts are those of Credits' transfers. A token with a transfer fee delivers less.
    """

    plan_id: PlanId
    token: ChecksumAddress
    receiver: ChecksumAddress
    shares: Money
    fees: Money
    forgone: Money
    sales: Quantity

    @property
    def total(self) -> int:
        """Total revenue in base units."""
        return self.shares + self.fees + self.forgone
