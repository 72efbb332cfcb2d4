"""``payments.agents``: register, read and change agents, under the names of the second documented generation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nvm_chain.agent_types import AttachedPlan
from nvm_chain.agents import attach_plan, detach_plan, read_agent_plans, read_attached_plan, register_agent
from nvm_chain.assets import fit_cost, keep_document, publish_agent, republish_agent, stop_plan_on_failure
from nvm_chain.ddo import describe_attached
from nvm_chain.ids import format_did, parse_agent_id, parse_plan_id
from nvm_chain.metadata import AgentMetadata, PlanMetadata, describe_metadata
from nvm_chain.payments.access import Access, Way, build_service_token, voucher_cost
from nvm_chain.payments.desk import Desk
from nvm_chain.payments.plans_api import PaginationOptions, read_pagination, register
from nvm_chain.payments.results import (
    Done,
    PlanPage,
    Registered,
    ServiceTokenResultDto,
    take_page,
)
from nvm_chain.payments.sdk_names import AgentAPIAttributes
from nvm_chain.payments.shapes import check_kind, read_agent_shape, read_plan_metadata
from nvm_chain.plans import read_terms
from nvm_chain.settling import check_accepts_vouchers
from nvm_chain.types import CreditsConfig, PriceConfig

AgentShape = AgentMetadata | Mapping[str, Any]
"""An agent's metadata, as such or as the documents' dictionary."""
ApiShape = AgentAPIAttributes | Mapping[str, Any]
"""An agent's API, as such or as the documents' dictionary."""


class AgentsApi:
    """Agents, as the account behind a Payments object sees and changes them. Ids may be given in any spelling."""

    def __init__(self, desk: Desk) -> None:
        """Take who acts, and where."""
        self._desk = desk

    # ------------------------------------------------------------------ register

    def register_agent(
        self, agent_metadata: AgentShape, agent_api: ApiShape, payment_plans: Iterable[int | str]
    ) -> Registered:
        """Register an agent that accepts plans of this account, at the credits per request that each plan says. One transaction.

        ``agent_metadata`` is AgentMetadata or ``{"name": …, "tags": […], "dateCreated": …}``, ``agent_api``
        ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``. Raises as `nvm_chain.register_agent`, and InvalidMetadata,
        InvalidEndpoint, SecretInMetadata, and NeedsVendor for credentials, which metadata would publish.
        """
        metadata = read_agent_shape(agent_metadata, agent_api)
        check_kind("payment_plans", payment_plans, (list, tuple, set, Iterator), "[plan_id]")
        plans = [self._fit(plan_id) for plan_id in payment_plans]
        registered = publish_agent(self._desk.chain, self._desk.signer, metadata, plans, store=self._desk.store)
        return {"agentId": str(registered.agent_id), "success": True, "txHash": registered.transaction.hash}

    def _fit(self, plan_id: int | str) -> AttachedPlan:
        return fit_cost(parse_plan_id(plan_id), read_terms(self._desk.chain, plan_id))

    def register_agent_and_plan(
        self,
        agent_metadata: AgentShape,
        agent_api: ApiShape,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
    ) -> Registered:
        """Register a plan, and then an agent that accepts it. Two transactions.

        Everything that can be checked is, before the first. Should the second fail all the same, the plan is stopped and
        AgentNotRegistered says so. Raises as `register_agent` and `nvm_chain.register_plan`.
        """
        metadata = read_agent_shape(agent_metadata, agent_api)
        desk = self._desk
        _ = desk.chain.agents  # raises NoDeployment where there is no registry
        with keep_document(desk.store, metadata) as uri:
            plan = register(desk, read_plan_metadata(plan_metadata), price_config, credits_config)
            with stop_plan_on_failure(desk.chain, desk.signer, plan.plan_id):
                accepted = [fit_cost(plan.plan_id, plan.terms)]
                registered = register_agent(desk.chain, desk.signer, uri, accepted)
        return {
            "agentId": str(registered.agent_id),
            "planId": str(plan.plan_id),
            "success": True,
            "txHash": registered.transaction.hash,
            "planTxHash": plan.transaction.hash,
        }

    # ------------------------------------------------------------------ read

    def get_agent(self, agent_id: int | str) -> dict[str, Any]:
        """Read an agent: its metadata, and under ``registry`` what the chain says. Three requests.

        Metadata that cannot be read is empty, and ``metadataProblem`` says why. Raises ERC721NonexistentToken,
        MetadataMismatch.
        """
        agent, metadata, problem = self._desk.read_agent(agent_id)
        return {
            "id": str(agent.agent_id),
            "agentId": str(agent.agent_id),
            "did": format_did(agent.agent_id),
            "metadata": describe_metadata(metadata) if metadata else {},
            **({"metadataProblem": problem} if problem else {}),
            "registry": {
                "owner": agent.owner,
                "uri": agent.uri,
                "plans": [describe_attached(plan) for plan in agent.plans],
            },
        }

    def get_agent_plans(self, agent_id: int | str, pagination: PaginationOptions | None = None) -> PlanPage:
        """List the plans that an agent accepts, with the credits of a request. One request. Raises ERC721NonexistentToken."""
        options = read_pagination(pagination)
        found = {plan.plan_id: plan for plan in read_agent_plans(self._desk.chain, agent_id)}
        ordered = take_page(options.sort(found), options.page, options.offset)
        plans = [describe_attached(found[plan_id]) for plan_id in ordered]
        return {"total": len(found), "page": options.page, "offset": options.offset, "plans": plans}

    def get_agent_access_token(self, plan_id: int | str, agent_id: int | str) -> ServiceTokenResultDto:
        """Sign what a request to an agent has to carry, for the gateway in front of it. Sends nothing.

        Raises NeedsGateway, SettlementsNotAccepted, PlanNotAttached, InsufficientCredits.
        """
        attached = read_attached_plan(self._desk.chain, agent_id, plan_id)
        check_accepts_vouchers(attached.plan_id, read_terms(self._desk.chain, attached.plan_id))
        access = Access(attached.plan_id, Way.CREDITS, voucher_cost(attached))
        return build_service_token(self._desk, parse_agent_id(agent_id), access)

    # ------------------------------------------------------------------ change

    def add_plan_to_agent(self, plan_id: int | str, agent_id: int | str) -> Done:
        """Let an agent accept a plan, at the credits per request that the plan says. Only who owns both. One transaction.

        Raises as `nvm_chain.attach_plan`.
        """
        plan = self._fit(plan_id)
        transaction = attach_plan(
            self._desk.chain, self._desk.signer, agent_id, plan.plan_id, plan.min_credits, plan.max_credits
        )
        return {"success": True, "txHash": transaction.hash}

    def remove_plan_from_agent(self, plan_id: int | str, agent_id: int | str) -> Done:
        """End that an agent accepts a plan. The owner of either. One transaction. Raises as `nvm_chain.detach_plan`."""
        transaction = detach_plan(self._desk.chain, self._desk.signer, agent_id, plan_id)
        return {"success": True, "txHash": transaction.hash}

    def update_agent_metadata(self, agent_id: int | str, agent_metadata: AgentShape, agent_api: ApiShape) -> Done:
        """Replace an agent's metadata. Agent owner only. One transaction. Raises as `register_agent`, NotAgentOwner."""
        metadata = read_agent_shape(agent_metadata, agent_api)
        number = parse_agent_id(agent_id)
        transaction = republish_agent(self._desk.chain, self._desk.signer, number, metadata, store=self._desk.store)
        return {"success": True, "txHash": transaction.hash}
