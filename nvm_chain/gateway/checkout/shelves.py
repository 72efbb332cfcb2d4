"""Shelves: which plans of which agents a gateway sells. A page shows nothing else, whatever link leads to it."""

from collections.abc import Mapping

from nvm_chain.errors.fields import PlanId
from nvm_chain.gateway.catalogue import SoldPlan, SoldService


class Shelves:
    """Finds what is sold: by the id of a plan or the DID of an agent."""

    def __init__(self, services: Mapping[str, SoldService]) -> None:
        """Take all services, by DID."""
        self._services = services

    def find_agent(self, did: str, own: SoldService | None) -> SoldService | None:
        """Return an agent. ``own`` is the only one on a host of its own."""
        found = self._services.get(did)
        return found if own is None or found is own else None

    def list_agents(self, plan_id: PlanId, own: SoldService | None) -> list[SoldService]:
        """Return the agents that accept a plan. Empty for a plan that is not sold here."""
        return [service for service in self.list_services(own) if plan_id in service.plans]

    def list_services(self, own: SoldService | None = None) -> list[SoldService]:
        """Return what is sold here. ``own`` is the only service on a host of its own."""
        return [*self._services.values()] if own is None else [own]

    def list_plans(self, own: SoldService | None) -> list[SoldPlan]:
        """Return the plans that are sold here, each once."""
        found: dict[PlanId, SoldPlan] = {}
        for service in self.list_services(own):
            for plan_id, plan in service.plans.items():
                found.setdefault(plan_id, plan)
        return [*found.values()]
