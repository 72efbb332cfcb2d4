"""Orders of a budget: a plan is ordered again when its credits or its access are used up, as often as the budget says."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import Budget
from nvm_chain.client.states import Orders
from nvm_chain.errors import BudgetUsedUp, ContractError, FundsError, InputError, NvmChainError
from nvm_chain.errors.fields import BaseUnits, Credits, PlanId
from nvm_chain.errors.formatting import format_duration
from nvm_chain.operations.orders import order_plan

logger: Final = logging.getLogger(__name__)


def order_again(buyer: Buyer, plan_id: PlanId, credits: Credits | None) -> bool:
    """Order a plan, unless somebody else has done so meanwhile. Return False if the buyer has no budget for it.

    One thread or process at a time orders. The order is written into the state before it is sent. So a process that is stopped in
    the middle has used up one order of the budget, even if the transaction was never sent.

    Args:
        buyer: The buyer.
        plan_id: The plan.
        credits: The credits that are needed. None on a time plan.

    Raises:
        BudgetUsedUp: The budget does not allow another order now.
        NvmChainError: The errors of `nvm_chain.order_plan`.
    """
    budget = buyer.budgets.get(plan_id)
    if budget is None:
        return False
    with buyer.ceilings.lock_orders():
        if not _has_enough(buyer, plan_id, credits):
            _order(buyer, budget)
    return True


def _has_enough(buyer: Buyer, plan_id: PlanId, credits: Credits | None) -> bool:
    if credits is not None:
        return buyer.purse.is_covered(plan_id, credits)
    account = buyer.read_account(plan_id)
    has_period = account.balance > 0 and buyer.limits.max_periods > 0
    return has_period or account.access_until > buyer.find_now(anew=True)


def _order(buyer: Buyer, budget: Budget) -> None:
    with spending(buyer, budget.plan_id, budget.max_cost), buyer.chain_lock:
        receipt = order_plan(buyer.chain, buyer.wallet, budget.plan_id, max_cost=budget.max_cost)
    logger.info("ordered a plan within the budget: transaction %s", receipt.transaction.hash)


@contextmanager
def spending(buyer: Buyer, plan_id: PlanId, cost: BaseUnits) -> Iterator[None]:
    """Count an order of a budget, before the block makes it. The caller has to hold the lock of orders.

    If the block raises an error after which certainly nothing was paid, the order does not count.

    Raises:
        BudgetUsedUp: The budget does not allow another order now, or not at this cost.
    """
    budget, now = buyer.budgets[plan_id], int(time.time())
    with buyer.ceilings.lock():
        past = buyer.ceilings.read_orders(plan_id)
        _check(budget, past, now, cost)
        buyer.ceilings.write_orders(plan_id, Orders(past.count + 1, now))
    try:
        yield
    except NvmChainError as error:
        if was_not_sent(error):
            with buyer.ceilings.lock():
                buyer.ceilings.write_orders(plan_id, past)
        raise


def _check(budget: Budget, past: Orders, now: int, cost: BaseUnits) -> None:
    if cost > budget.max_cost:
        raise BudgetUsedUp(
            budget.plan_id, past.count, f"it allows {budget.max_cost} base units for one, and not {cost}"
        )
    if past.count >= budget.orders:
        raise BudgetUsedUp(budget.plan_id, past.count, f"{budget.orders} are allowed")
    if past.count and now < past.last + budget.pause_seconds:
        pause = format_duration(budget.pause_seconds)
        raise BudgetUsedUp(budget.plan_id, past.count, f"two orders are at least {pause} apart")


def was_not_sent(error: NvmChainError) -> bool:
    """Return whether an order certainly cost nothing: it was refused before anything was sent."""
    return isinstance(error, InputError | FundsError) or (isinstance(error, ContractError) and error.mined is None)
