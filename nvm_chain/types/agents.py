"""Arguments and results of the functions for agents."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import AgentId, Credits, PlanId
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.credits import CREDITS_BITS
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.receipts import Transaction


@dataclass(frozen=True, slots=True)
class AttachedPlan:
    """A plan that an agent accepts, with the lowest and the highest cost of a request in credits.

    Equal numbers are a fixed cost. If both are 0, a request needs access but costs no credits, as on a time plan.
    Raises InvalidPlanId or InvalidAmount.

    >>> AttachedPlan(255, 1, 5).as_tuple()
    (255, 1, 5)
    """

    plan_id: PlanId
    min_credits: Credits = 1
    max_credits: Credits = 1

    def __post_init__(self) -> None:
        """Parse the plan's id, and check that both costs fit into the contract's 32 bits."""
        object.__setattr__(self, "plan_id", parse_plan_id(self.plan_id))
        check_uint(self.max_credits, CREDITS_BITS, "max_credits")
        check_uint(self.min_credits, CREDITS_BITS, "min_credits")

    def as_tuple(self) -> tuple[int, int, int]:
        """Return the plan as the contract's ABI takes it."""
        return self.plan_id, self.min_credits, self.max_credits


@dataclass(frozen=True, slots=True)
class Agent:
    """The present state of an agent. ``uri`` is a link to the metadata, or a ``data:`` URI with the metadata in it."""

    agent_id: AgentId
    owner: ChecksumAddress
    uri: str
    plans: tuple[AttachedPlan, ...]


@dataclass(frozen=True, slots=True)
class RegisteredAgent:
    """The result of registering an agent."""

    agent_id: AgentId
    owner: ChecksumAddress
    uri: str
    plans: tuple[AttachedPlan, ...]
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class RequestCost:
    """The lowest and the highest number of credits that a request costs. Both are 0 for an open endpoint."""

    min_credits: Credits
    max_credits: Credits
    is_open: bool = False
