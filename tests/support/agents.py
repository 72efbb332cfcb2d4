"""An AgentRegistry for the Credits of a world, with short methods for tests."""

from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3.contract.contract import Contract
from web3.types import TxReceipt

from tests.support.receipts import decode_events
from tests.support.world import World

MAX_PLANS = 64
MAX_UINT32 = 2**32 - 1
URI = "https://example.com/agent.json"

Event = tuple[str, dict[str, Any]]
Attached = tuple[int, int, int]
"""A plan id, and the fewest and the most credits that one request costs."""


@dataclass
class Agents:
    """The registry of a world. The builder is the default owner and signer."""

    world: World

    @property
    def contract(self) -> Contract:
        """The AgentRegistry contract."""
        return self.world.chain.agents

    @property
    def functions(self) -> Any:
        """The contract's functions, for `World.send` and `World.read`."""
        return self.contract.functions

    def register(self, *plans: Attached, signer: LocalAccount | None = None, uri: str = URI) -> int:
        """Register an agent and return its id."""
        function = self.functions.register(uri, list(plans))
        receipt = self.world.send(signer or self.world.builder, function)
        return int(self.world.chain.read_events(self.contract, "Registered", receipt)[0]["args"]["agentId"])

    def attach(self, agent_id: int, plan_id: int, least: int = 1, most: int = 1) -> TxReceipt:
        """Attach a plan to an agent."""
        return self.world.send(self.world.builder, self.functions.attachPlan(agent_id, plan_id, least, most))

    def transfer(self, agent_id: int, new_owner: LocalAccount) -> None:
        """Transfer an agent to a new owner."""
        function = self.functions.transferFrom(self.world.builder.address, new_owner.address, agent_id)
        self.world.send(self.world.builder, function)

    def pass_plan(self, plan_id: int, new_owner: LocalAccount) -> None:
        """Transfer a plan to a new owner, who accepts it."""
        functions = self.world.credits.functions
        self.world.send(self.world.builder, functions.transferPlanOwnership(plan_id, new_owner.address))
        self.world.send(new_owner, functions.acceptPlanOwnership(plan_id))

    def plans_of(self, agent_id: int) -> list[Attached]:
        """Return an agent's plans, in the registry's order."""
        return [tuple(plan) for plan in self.world.read(self.functions.plansOf(agent_id))]

    def agents_of(self, plan_id: int, offset: int = 0, limit: int = 1000) -> list[int]:
        """Return a page of a plan's agents, in the registry's order."""
        return list(self.world.read(self.functions.agentsOf(plan_id, offset, limit)))

    def cost_of(self, agent_id: int, plan_id: int) -> list[int]:
        """Return the fewest and the most credits that a request costs."""
        return list(self.world.read(self.functions.costOf(agent_id, plan_id)))

    def events(self, receipt: TxReceipt) -> list[Event]:
        """Return every event that the registry emitted in a transaction, in order, as (name, arguments)."""
        return decode_events(self.contract, receipt)


def attached(agent_id: int, plan_id: int, least: int, most: int) -> Event:
    """Return the event of a plan that an agent accepts."""
    arguments = {"agentId": agent_id, "planId": plan_id, "minCredits": least, "maxCredits": most}
    return ("PlanAttached", arguments)


def detached(agent_id: int, plan_id: int, caller: str) -> Event:
    """Return the event of a plan that an agent no longer accepts."""
    return ("PlanDetached", {"agentId": agent_id, "planId": plan_id, "caller": caller})


def moved(sender: str, receiver: str, agent_id: int) -> Event:
    """Return the event of an agent's new owner."""
    return ("Transfer", {"from": sender, "to": receiver, "tokenId": agent_id})
