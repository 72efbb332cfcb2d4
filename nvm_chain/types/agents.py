"""The values that go into and come out of the agent functions."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import AgentId, Credits, PlanId
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.credits import CREDITS_BITS
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.receipts import Transaction


@dataclass(frozen=True, slots=True)
class AttachedPlan:
    """A plan that an agent accepts, and the credits that one request costs on it: a fixed cost if both numbers are equal.

    Zero to zero is a request that costs nothing beyond access, as on time plans. Raises InvalidPlanId, InvalidAmount.

    >>> AttachedPlan(255, 1, 5).as_tuple()
    (255, 1, 5)
    """

    plan_id: PlanId
    min_credits: Credits = 1
    max_credits: Credits = 1

    def __post_init__(self) -> None:
        """Check the id, which may come in any spelling, and that the numbers fit the contract's 32 bits."""
        object.__setattr__(self, "plan_id", parse_plan_id(self.plan_id))
        check_uint(self.max_credits, CREDITS_BITS, "max_credits")
        check_uint(self.min_credits, CREDITS_BITS, "min_credits")

    def as_tuple(self) -> tuple[int, int, int]:
        """Return the plan as the contract's ABI takes it."""
        return self.plan_id, self.min_credits, self.max_credits


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as it is on the chain now. ``uri`` links to the metadata, or is a data URI that contains the metadata."""

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
