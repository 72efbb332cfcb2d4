"""What is sold: the services of a gateway with the plans and the endpoints that the chain has for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final
from urllib.parse import quote, unquote

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import CostOutOfRange, InvalidUrl
from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.prices import NO_WAYS, Ways, read_price
from nvm_chain.gateway.files import METHODS, find_files, fold_path
from nvm_chain.gateway.notice_rules import build_notice_rules
from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata, parse_metadata
from nvm_chain.metadata.endpoint_costs import CostRange, fit_cost_range, read_costs
from nvm_chain.metadata.endpoints import Endpoint, match_endpoint
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.first_uses import find_first_use
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.windows import FirstUse, WindowPolicy
from nvm_chain.operations.agents import read_agent
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.settlement_simulations import may_settle_unsigned
from nvm_chain.storage.stores import load_metadata
from nvm_chain.types.agents import AttachedPlan


@dataclass(frozen=True, slots=True)
class SoldPlan:
    """A plan that a service accepts. ``by_vouchers`` is False if the plan's rule lets the seller's key redeem.

    ``first_use`` is there for a time plan whose periods begin with the first request. ``price`` is there if the gateway sells the
    plan for money itself.
    """

    plan_id: PlanId
    kind: PlanKind
    min_credits: Credits
    max_credits: Credits
    by_vouchers: bool
    first_use: FirstUse | None = None
    price: PlanPrice | None = None


@dataclass(frozen=True, slots=True)
class SoldEndpoint:
    """An endpoint of a service: the plans that pay for a request to it, with its cost on each. An open one needs none."""

    plans: Mapping[int, SoldPlan]
    is_open: bool = False


OPEN: Final = SoldEndpoint({}, is_open=True)


@dataclass(frozen=True, eq=False)
class SoldService:
    """A service: its settings, what its metadata says, and its plans. ``costs`` are those of single endpoints.

    ``files`` are those that are served, by their paths in a target. ``usage`` are the usage plans that are sold for single
    requests: each has a price and a payee, and the meter does not know of them.
    """

    settings: ServiceSettings
    metadata: AgentMetadata
    plans: Mapping[int, SoldPlan]
    costs: Mapping[Endpoint, CostRange] = field(default_factory=dict)
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    usage: Mapping[int, SoldPlan] = field(default_factory=dict)

    def find_endpoint(self, method: str, target: str) -> SoldEndpoint | None:
        """Return the endpoint of a request. None if the service has no such endpoint.

        An agent without endpoints and files serves every path, and every request is paid. An agent with files serves these, and
        without an upstream nothing else.
        """
        path = target.partition("?")[0]
        if self.find_file(method, target) is not None:
            return SoldEndpoint(self._payable)
        if not self.settings.upstream:
            return None
        if method in METHODS and fold_path(path) in self._folded_files:
            return None  # the upstream could give out the file for another spelling of its path
        if not (self.metadata.endpoints or self.metadata.open_endpoints or self.metadata.files):
            return SoldEndpoint(self._payable)
        return _find_endpoint(self, method, path)

    def find_file(self, method: str, target: str) -> str | None:
        """Return the path of the file that a request is for, without percent signs. None for any other request."""
        path = unquote(target.partition("?")[0])
        return path if method in METHODS and path in self.files else None

    @cached_property
    def _payable(self) -> Mapping[int, SoldPlan]:
        """All plans that pay for a request whose cost is that of its plan. Usage plans have no other."""
        return {**self.plans, **self.usage}

    @cached_property
    def _folded_files(self) -> frozenset[str]:
        return frozenset(map(fold_path, map(quote, self.files)))

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
            plan.plan_id: WindowPolicy(own.max_open, own.per_period, plan.first_use)
            for plan in self.plans.values()
            if plan.kind is PlanKind.TIME
        }
        seconds, most = own.request_seconds, own.max_answer_seconds
        return ServiceTerms(self.did, policies, own.level, seconds, windows, own.limits, most)


@lru_cache(maxsize=4_096)
def _find_endpoint(service: SoldService, method: str, path: str) -> SoldEndpoint | None:
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
    if found.endpoint is None:
        return OPEN
    cost = service.costs.get(found.endpoint)
    fitted = (_fit(plan, cost) for plan in service.plans.values())
    return SoldEndpoint({**{plan.plan_id: plan for plan in fitted if plan is not None}, **service.usage})


def _fit(plan: SoldPlan, cost: CostRange | None) -> SoldPlan | None:
    """Return a plan with the cost of an endpoint. None if the agent does not take that cost on the plan."""
    try:
        least, most = fit_cost_range(cost, AttachedPlan(plan.plan_id, plan.min_credits, plan.max_credits))
    except CostOutOfRange:
        return None
    return replace(plan, min_credits=least, max_credits=most)


def read_service(
    chain: Chain, settings: ServiceSettings, redeemer: ChecksumAddress, base: str, ways: Ways = NO_WAYS
) -> SoldService:
    """Read a service from the chain, and its metadata from where it is. About three requests for each plan.

    Args:
        chain: The connection to the chain.
        settings: The settings of the service.
        redeemer: The address of the seller's key that settles.
        base: The URL of the gateway.
        ways: In which ways the gateway sells plans for money.

    Raises:
        ERC721NonexistentToken: The agent is not registered.
        StorageError: The metadata cannot be loaded.
        InvalidMetadata: The metadata is malformed.
        NetworkError: The node does not give a usable answer.
    """
    agent = read_agent(chain, settings.did)
    metadata = parse_metadata(load_metadata(agent.uri, public_only=True))
    found = [_read_plan(chain, attached, redeemer, ways) for attached in agent.plans]
    plans = {plan.plan_id: plan for plan in found if plan.kind is not PlanKind.USAGE}
    usage = {plan.plan_id: plan for plan in found if plan.kind is PlanKind.USAGE and plan.price is not None}
    files = find_files(metadata.files, settings, base)
    return SoldService(settings, metadata, plans, read_costs(metadata), files, usage)


def _read_plan(chain: Chain, attached: AttachedPlan, redeemer: ChecksumAddress, ways: Ways) -> SoldPlan:
    state = read_plan_state(chain, attached.plan_id)
    kind, price = state.terms.kind, read_price(chain, state, ways)
    by_vouchers = kind is PlanKind.CREDITS and not may_settle_unsigned(chain, attached.plan_id, redeemer)
    costs = (attached.min_credits, attached.max_credits)
    return SoldPlan(attached.plan_id, kind, *costs, by_vouchers, find_first_use(state.terms), price)


def read_services(
    chain: Chain, settings: GatewaySettings, redeemer: ChecksumAddress, minter: ChecksumAddress | None = None
) -> dict[str, SoldService]:
    """Read all services of a gateway. ``minter`` is the key that grants plans for transfers. See `read_service`."""
    ways = Ways(settings.checkout.relays, settings.buying.exact, minter)
    return {did: read_service(chain, own, redeemer, settings.url, ways) for did, own in settings.services.items()}


def build_meter_settings(
    chain: Chain,
    settings: GatewaySettings,
    services: Mapping[str, SoldService],
    redeemer: ChecksumAddress,
    former_redeemers: tuple[ChecksumAddress, ...] = (),
) -> MeterSettings:
    """Return the settings of the meter for what is sold."""
    return MeterSettings(
        chain.chain_id,
        chain.credits.address,
        redeemer,
        {did: service.build_terms() for did, service in services.items()},
        depth=settings.depth,
        max_view_age_seconds=settings.max_view_age_seconds,
        min_voucher_seconds=settings.min_voucher_seconds,
        sign_in_seconds=settings.sign_in_seconds,
        former_redeemers=former_redeemers,
        origins=(settings.url,),
        own_origins={
            find_address(did, settings.url, host).origin: did
            for did, service in services.items()
            for host in service.settings.hosts
        },
        notices=build_notice_rules(settings, {did: service.plans for did, service in services.items()}),
        retention=settings.retention,
    )
