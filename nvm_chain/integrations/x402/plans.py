"""Plans as the plug-in knows them: whose credits are used up, and which order is under way."""

import threading
import time
from dataclasses import dataclass
from typing import Final

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.ordering import spending
from nvm_chain.errors import BudgetUsedUp
from nvm_chain.errors.fields import BaseUnits, Credits, PlanId, Seconds
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.signing.signed_orders import SignedOrder

VALID_SECONDS: Final = 300
"""How long an order is valid, if the offer does not say less."""
LATE_SECONDS: Final = 30
"""How long after its end an order still counts as under way, because clocks differ."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A signed order whose outcome is not known yet."""

    signed: SignedOrder
    cost: BaseUnits


class Plans:
    """Orders plans within the budgets of a buyer. Threads share one."""

    def __init__(self, buyer: Buyer) -> None:
        """Take the buyer with its budgets."""
        self._buyer = buyer
        self._lock = threading.Lock()
        self._used_up: set[int] = set()
        self._pending: dict[int, Pending] = {}

    def note_used_up(self, plan_id: PlanId) -> bool:
        """Note that a gateway says that the credits of a plan are used up. Return whether a budget may order the plan."""
        if plan_id not in self._buyer.budgets:
            return False
        with self._lock:
            self._used_up.add(plan_id)
        return True

    def needs_order(self, plan_id: PlanId, credits: Credits) -> bool:
        """Return whether a plan has to be ordered: a gateway says so, and the chain says so too."""
        if plan_id not in self._used_up or plan_id not in self._buyer.budgets:
            return False
        if plan_id in self._pending or not self._buyer.purse.is_covered(plan_id, credits):
            return True
        self.note_ordered(plan_id)
        return False

    def note_ordered(self, plan_id: PlanId) -> None:
        """Note that the credits of a plan are there."""
        with self._lock:
            self._used_up.discard(plan_id)
            self._pending.pop(plan_id, None)

    def order(self, plan_id: PlanId, cost: BaseUnits, seconds: Seconds) -> SignedOrder:
        """Return a signed order of one purchase of a plan.

        An order whose outcome is not known yet is returned again, because the token pays it only once. The order of a budget is
        counted before it is signed.

        Args:
            plan_id: The plan.
            cost: The highest cost, in base units of the plan's token.
            seconds: How long the order is valid.

        Raises:
            BudgetUsedUp: The budget does not allow the order, or an order at another price is still under way.
            NvmChainError: The errors of `sign_plan_order`.
        """
        with self._buyer.ceilings.lock_orders():
            pending = self._find_pending(plan_id)
            if pending is not None:
                if pending.cost != cost:
                    raise BudgetUsedUp(plan_id, 1, "an order at another price is still under way")
                return pending.signed
            with spending(self._buyer, plan_id, cost), self._buyer.chain_lock:
                signed = sign_plan_order(
                    self._buyer.chain,
                    self._buyer.signer,
                    plan_id,
                    max_cost=cost,
                    valid_seconds=max(1, min(seconds, VALID_SECONDS)),
                )
            self._pending[plan_id] = Pending(signed, cost)
        return signed

    def _find_pending(self, plan_id: PlanId) -> Pending | None:
        pending = self._pending.get(plan_id)
        now = max(self._buyer.find_now(), int(time.time()))
        if pending is not None and pending.signed.order.valid_before + LATE_SECONDS <= now:
            del self._pending[plan_id]
            return None
        return pending
