"""What is sold: the services of a gateway with the plans and the endpoints that the chain has for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidUrl
from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata, parse_metadata
from nvm_chain.metadata.endpoints import match_endpoint
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.windows import WindowPolicy
from nvm_chain.operations.agents import read_agent
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.settlement_simulations import may_settle_unsigned
from nvm_chain.storage.stores import load_metadata


class Access(Enum):
    """Whether a request has to be paid for."""

    PAID = "paid"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class SoldPlan:
    """A plan that a service accepts. ``by_vouchers`` is False if the plan's rule lets the seller's key redeem."""

    plan_id: PlanId
    kind: PlanKind
    min_credits: Credits
    max_credits: Credits
    by_vouchers: bool


@dataclass(frozen=True, eq=False)
class SoldService:
    """A service: its settings, what its metadata says, and its plans."""

    settings: ServiceSettings
    metadata: AgentMetadata
    plans: Mapping[int, SoldPlan]

    def find_access(self, method: str, target: str) -> Access | None:
        """Return whether a request has to be paid for. None if the service has no such endpoint.

        An agent without endpoints serves every path, and every request is paid.
        """
        if not self.metadata.endpoints and not self.metadata.open_endpoints:
            return Access.PAID
        return _find_access(self, method, target.partition("?")[0])

    @property
    def did(self) -> str:
        """The DID of the agent."""
        return self.settings.did

    def build_terms(self) -> ServiceTerms:
        """Return what the meter has to know of the service."""
        own = self.settings
        policies = {
            plan.plan_id: Policy(own.exposure, plan.by_vouchers)
            for plan in self.plans.values()
            if plan.kind is PlanKind.CREDITS
        }
        windows = {
            plan.plan_id: WindowPolicy(own.max_open, own.per_period)
            for plan in self.plans.values()
            if plan.kind is PlanKind.TIME
        }
        return ServiceTerms(self.did, policies, own.level, own.request_seconds, windows, own.limits)


@lru_cache(maxsize=4_096)
def _find_access(service: SoldService, method: str, path: str) -> Access | None:
    """Return what an endpoint says. Paths are many, and each comparison takes longer than the rest of a request."""
    metadata = service.metadata
    try:
        found = match_endpoint(
            metadata.endpoints, metadata.open_endpoints, method, service.settings.endpoint_base + path
        )
    except InvalidUrl:
        return None
    if found is None:
        return None
    return Access.OPEN if found.is_open else Access.PAID


def read_service(chain: Chain, settings: ServiceSettings, redeemer: ChecksumAddress) -> SoldService:
    """Read a service from the chain, and its metadata from where it is. About three requests for each plan.

    Raises:
        ERC721NonexistentToken: The agent is not registered.
        StorageError: The metadata cannot be loaded.
        NetworkError: The node does not give a usable answer.
    """
    agent = read_agent(chain, settings.did)
    metadata = parse_metadata(load_metadata(agent.uri))
    plans = {}
    for attached in agent.plans:
        kind = read_plan_state(chain, attached.plan_id).terms.kind
        if kind is PlanKind.USAGE:
            continue  # each request has a payment of its own on chain, and none of credits
        by_vouchers = kind is PlanKind.CREDITS and not may_settle_unsigned(chain, attached.plan_id, redeemer)
        plans[attached.plan_id] = SoldPlan(
            attached.plan_id, kind, attached.min_credits, attached.max_credits, by_vouchers
        )
    return SoldService(settings, metadata, plans)


def read_services(chain: Chain, settings: GatewaySettings, redeemer: ChecksumAddress) -> dict[str, SoldService]:
    """Read all services of a gateway. See `read_service`."""
    return {did: read_service(chain, own, redeemer) for did, own in settings.services.items()}


def build_meter_settings(
    chain: Chain, settings: GatewaySettings, services: Mapping[str, SoldService], redeemer: ChecksumAddress
) -> MeterSettings:
    """Return the settings of the meter for what is sold."""
    return MeterSettings(
        chain.chain_id,
        chain.credits.address,
        redeemer,
        {did: service.build_terms() for did, service in services.items()},
        depth=settings.depth,
        max_view_age_seconds=settings.max_view_age_seconds,
        origins=(settings.url,),
    )
