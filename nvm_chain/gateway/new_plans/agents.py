"""Agents of an account that a gateway serves: which of them may accept a new plan, and what a request would cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import ERC721NonexistentToken
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checks.costs import find_request_costs
from nvm_chain.gateway.checks.services import Attachment
from nvm_chain.operations.agents import read_agent_plans
from nvm_chain.operations.publishing import fit_cost
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import parse_agent_id
from nvm_chain.types.plans import Terms


@dataclass(frozen=True, slots=True)
class OwnAgent:
    """An agent that the gateway serves, and that the account owns. ``plans`` are those that it accepts now, on the chain."""

    service: SoldService
    plans: tuple[AttachedPlan, ...]

    def accepts(self, plan_id: int) -> bool:
        """Return whether the agent accepts a plan now."""
        return any(plan.plan_id == plan_id for plan in self.plans)


def list_owned(chain: Chain, services: Mapping[str, SoldService], account: ChecksumAddress) -> tuple[SoldService, ...]:
    """Return the services whose agents belong to an account. One request for each service, in one batch if the node takes it."""
    readers = [partial(_owns, chain, service, account) for service in services.values()]
    with chain.reading_ahead(*readers):
        return tuple(service for service in services.values() if _owns(chain, service, account))


def _owns(chain: Chain, service: SoldService, account: ChecksumAddress) -> bool:
    try:
        return bool(chain.read(chain.agents.functions.ownerOf(parse_agent_id(service.did))) == account)
    except ERC721NonexistentToken:
        return False


def read_owned(chain: Chain, services: Mapping[str, SoldService], account: ChecksumAddress) -> Iterator[OwnAgent]:
    """Yield the agents of an account with the plans that they accept now. One more request for each."""
    for service in list_owned(chain, services, account):
        yield OwnAgent(service, read_agent_plans(chain, service.did))


def build_attachment(service: SoldService, plan_id: int, terms: Terms, base: str) -> Attachment:
    """Return a plan as an agent would accept it, with the usual cost of a request. ``base`` is the gateway's URL."""
    attached = fit_cost(plan_id, terms)
    return Attachment(
        service.settings, attached, find_request_costs(service.settings, service.metadata, attached, base)
    )
