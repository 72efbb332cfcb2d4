"""Limits of a buyer: what a client may sign without asking anybody, and what it may order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import InvalidAmount
from nvm_chain.errors.fields import BaseUnits, Credits, PlanId, Quantity, Seconds
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id

MAX_PERIODS: Final = 999_999
"""The highest number of access periods that a sign-in message can state."""


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """What a client may sign. Make them with `build_limits`.

    ``per_request`` is the highest number of credits for one request, and ``in_all`` the highest number for all requests that are
    counted in the same state. Empty ``plans``, ``services`` or ``redeemers`` do not limit them. ``max_periods`` is the highest
    number of access periods that a sign-in lets the seller open.
    """

    per_request: Credits
    in_all: Credits
    plans: frozenset[int] = frozenset()
    services: frozenset[str] = frozenset()
    redeemers: frozenset[str] = frozenset()
    max_periods: Quantity = 0


def build_limits(
    *,
    per_request: int,
    in_all: int,
    plans: Iterable[int | str] = (),
    services: Iterable[int | str] = (),
    redeemers: Iterable[str] = (),
    max_periods: int = 0,
) -> SpendingLimits:
    """Build the limits of a client. No network.

    Args:
        per_request: The highest number of credits that a single request may cost.
        in_all: The highest number of credits that sellers can take by all that the client signs. What is signed and not used
            counts too.
        plans: The plans whose credits may be used, in any spelling. Every plan if empty.
        services: The ids of the agents that may be paid. Every service if empty.
        redeemers: The addresses that may take the credits. If empty, every redeemer that the plan's owner has approved.
        max_periods: The highest number of access periods that the seller may open after a sign-in, on time plans that start on
            first use.

    Raises:
        InvalidAmount: A number is out of range.
        InvalidPlanId: A plan id is malformed.
        InvalidAgentId: A service is not an agent id.
        InvalidAddress: A redeemer is not an address.

    >>> build_limits(per_request=5, in_all=100).plans
    frozenset()
    """
    if check_uint(max_periods, 64, "max_periods") > MAX_PERIODS:
        raise InvalidAmount(f"max_periods {max_periods}", f"must be at most {MAX_PERIODS}")
    return SpendingLimits(
        check_uint(per_request, 64, "credits for a request"),
        check_uint(in_all, 64, "credits in all"),
        frozenset(parse_plan_id(plan) for plan in plans),
        frozenset(format_did(parse_agent_id(service)) for service in services),
        frozenset(parse_address(redeemer, "redeemer address") for redeemer in redeemers),
        max_periods,
    )


@dataclass(frozen=True, slots=True)
class Budget:
    """Money for orders of one plan. Make one with `build_budget`.

    ``orders`` is the highest number of orders, over the life of the state. ``max_cost`` is the highest cost of one order, in base
    units of the plan's token. ``pause_seconds`` is the shortest time between two orders.
    """

    plan_id: PlanId
    orders: Quantity
    max_cost: BaseUnits
    pause_seconds: Seconds = 0


def build_budget(plan_id: int | str, *, orders: int, max_cost: int, pause_seconds: int = 0) -> Budget:
    """Build a budget. No network.

    Args:
        plan_id: The plan's id, as an int, text or DID.
        orders: The highest number of orders. With a state file, orders of earlier processes count.
        max_cost: The highest cost of one order, in base units of the plan's token.
        pause_seconds: The shortest time between two orders.

    Raises:
        InvalidPlanId: The plan id is malformed.
        InvalidAmount: A number is out of range.

    >>> build_budget(7, orders=3, max_cost=20_000_000).orders
    3
    """
    return Budget(
        parse_plan_id(plan_id),
        check_uint(orders, 32, "number of orders"),
        check_uint(max_cost, 256, "highest cost"),
        check_uint(pause_seconds, 32, "pause"),
    )
