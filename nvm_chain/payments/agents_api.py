"""``payments.agents``: register, read and change agents, under the names of the second documented generation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata, describe_metadata
from nvm_chain.operations.agents import attach_plan, detach_plan, read_attached_plan, register_agent
from nvm_chain.operations.publishing import (
    fit_cost,
    keep_document,
    publish_agent,
    republish_agent,
    stop_plan_on_failure,
)
from nvm_chain.payments.access import Access, PaidFrom, look_at, need_gateway
from nvm_chain.payments.ddo import describe_attached
from nvm_chain.payments.hosted_names import ON_AGENTS, Refuses
from nvm_chain.payments.id_kinds import explain_id
from nvm_chain.payments.pagination import PaginationOptions, read_pagination
from nvm_chain.payments.parameters import check_kind, read_agent_shape, read_plan_metadata
from nvm_chain.payments.plan_registration import register
from nvm_chain.payments.refusals import explain_no_token
from nvm_chain.payments.results import Done, PlanPage, Registered, ServiceTokenResultDto, take_page
from nvm_chain.payments.sdk_names import AgentAPIAttributes
from nvm_chain.payments.session import Session
from nvm_chain.payments.tokens import build_service_token
from nvm_chain.types.agents import Agent, AttachedPlan
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id
from nvm_chain.types.prices import PriceConfig

AgentShape = AgentMetadata | Mapping[str, Any]
"""Metadata of an agent, as AgentMetadata or as a dictionary."""
ApiShape = AgentAPIAttributes | Mapping[str, Any]
"""API of an agent, as AgentAPIAttributes or as a dictionary."""


class AgentsApi(Refuses):
    """Agents, with the methods of a Payments object's account. Every method takes ids in any spelling."""

    _hosted_prefix = "payments.agents"
    _hosted = ON_AGENTS

    def __init__(self, session: Session) -> None:
        """Store the session, which has the account and the chain."""
        self._session = session

    # ------------------------------------------------------------------ register

    def register_agent(
        self, agent_metadata: AgentShape, agent_api: ApiShape, payment_plans: Iterable[int | str]
    ) -> Registered:
        """Register an agent that accepts plans of this account. Sends one transaction.

        A request costs the credits per request of the plan.

        Args:
            agent_metadata: AgentMetadata, or ``{"name": …, "tags": […], "dateCreated": …}``.
            agent_api: ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``.
            payment_plans: Ids of the plans that the agent accepts.

        Raises:
            InvalidMetadata: The metadata does not have the documented form.
            InvalidEndpoint: An endpoint is not a valid URL pattern.
            SecretInMetadata: The metadata contains text that looks like a secret. Metadata is public.
            NeedsVendor: The API contains credentials. Metadata is public.

        The method also raises the errors of `nvm_chain.register_agent`.
        """
        metadata = read_agent_shape(agent_metadata, agent_api)
        check_kind("payment_plans", payment_plans, (list, tuple, set, Iterator), "[plan_id]")
        plans = [self._fit(plan_id) for plan_id in payment_plans]
        registered = publish_agent(
            self._session.chain, self._session.signer, metadata, plans, store=self._session.store
        )
        return {"agentId": str(registered.agent_id), "success": True, "txHash": registered.transaction.hash}

    def _fit(self, plan_id: int | str) -> AttachedPlan:
        return fit_cost(parse_plan_id(plan_id), self._session.read_terms(plan_id))

    def register_agent_and_plan(
        self,
        agent_metadata: AgentShape,
        agent_api: ApiShape,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a plan, and then an agent that accepts the plan. Sends two transactions.

        The method checks all arguments before the first transaction.

        Raises:
            AgentNotRegistered: The agent's transaction failed. The plan is deactivated, and the error names it.
            NotMined: A transaction is not mined in time. If it is the agent's, the error names the registered plan.
            OutcomeUnknown: The node does not tell the outcome of a transaction. If it is the agent's, the error names the
                registered plan.
            NvmChainError: The errors of `register_agent` and `nvm_chain.register_plan`.
        """
        metadata = read_agent_shape(agent_metadata, agent_api)
        session = self._session
        _ = session.chain.agents  # raises NoDeployment where there is no registry
        with keep_document(session.store, metadata) as uri:
            described = read_plan_metadata(plan_metadata)
            plan = register(session, described, price_config, credits_config, allow_tiny_price=allow_tiny_price)
            with stop_plan_on_failure(session.chain, session.signer, plan.plan_id):
                accepted = [fit_cost(plan.plan_id, plan.terms)]
                registered = register_agent(session.chain, session.signer, uri, accepted)
        return {
            "agentId": str(registered.agent_id),
            "planId": str(plan.plan_id),
            "success": True,
            "txHash": registered.transaction.hash,
            "planTxHash": plan.transaction.hash,
        }

    # ------------------------------------------------------------------ read

    def get_agent(self, agent_id: int | str) -> dict[str, Any]:
        """Read an agent: its metadata, and its state on the chain under ``registry``. Makes three requests.

        Unreadable metadata is empty, and ``metadataProblem`` gives the reason.

        Raises:
            ERC721NonexistentToken: The agent is not registered.
            MetadataMismatch: The document does not have the registered hash.
        """
        return describe_agent(*self._session.read_agent(agent_id))

    def get_agent_plans(self, agent_id: int | str, pagination: PaginationOptions | None = None) -> PlanPage:
        """List the plans that an agent accepts, with the credits of a request.

        Makes one request. Raises ERC721NonexistentToken if the agent is not registered.
        """
        options = read_pagination(pagination)
        found = {plan.plan_id: plan for plan in self._session.read_agent_plans(agent_id)}
        ordered = take_page(options.sort(found), options.page, options.offset)
        plans = [describe_attached(found[plan_id]) for plan_id in ordered]
        return {"total": len(found), "page": options.page, "offset": options.offset, "plans": plans}

    def get_agent_access_token(self, plan_id: int | str, agent_id: int | str) -> ServiceTokenResultDto:
        """Sign the token of a request to an agent, for the gateway in front of the agent. Sends nothing.

        Raises:
            NeedsGateway: No gateway is configured.
            SettlementsNotAccepted: The plan does not accept vouchers. The message tells the holding of the account.
            PlanNotAttached: The agent does not accept the plan.
            InsufficientCredits: The account has too few credits for a request.
        """
        need_gateway(self._session, "A token for an agent")
        with explain_id(self._session.chain, agent_id, "an agent"):
            attached = read_attached_plan(self._session.chain, agent_id, plan_id)
        held = look_at(self._session, attached)
        if not held.terms.accepts_vouchers:
            raise explain_no_token(self._session, held)
        access = Access(held.attached.plan_id, PaidFrom.CREDITS, held.voucher_cost)
        return build_service_token(self._session, parse_agent_id(agent_id), access)

    # ------------------------------------------------------------------ change

    def add_plan_to_agent(self, plan_id: int | str, agent_id: int | str) -> Done:
        """Let an agent accept a plan. Sends one transaction.

        The account has to own both. A request costs the credits per request of the plan. Raises the errors of
        `nvm_chain.attach_plan`.
        """
        plan = self._fit(plan_id)
        chain, signer = self._session.chain, self._session.signer
        with explain_id(chain, agent_id, "an agent"):
            transaction = attach_plan(chain, signer, agent_id, plan.plan_id, plan.min_credits, plan.max_credits)
        return {"success": True, "txHash": transaction.hash}

    def remove_plan_from_agent(self, plan_id: int | str, agent_id: int | str) -> Done:
        """Stop an agent from accepting a plan. Agent owner or plan owner only. Sends one transaction.

        Raises the errors of `nvm_chain.detach_plan`.
        """
        with explain_id(self._session.chain, agent_id, "an agent"):
            transaction = detach_plan(self._session.chain, self._session.signer, agent_id, plan_id)
        return {"success": True, "txHash": transaction.hash}

    def update_agent_metadata(self, agent_id: int | str, agent_metadata: AgentShape, agent_api: ApiShape) -> Done:
        """Replace the metadata of an agent. Agent owner only. Sends one transaction.

        Raises NotAgentOwner, and the errors of `register_agent`.
        """
        metadata = read_agent_shape(agent_metadata, agent_api)
        number = parse_agent_id(agent_id)
        chain, signer = self._session.chain, self._session.signer
        with explain_id(chain, agent_id, "an agent"):
            transaction = republish_agent(chain, signer, number, metadata, store=self._session.store)
        return {"success": True, "txHash": transaction.hash}


def describe_agent(agent: Agent, metadata: AgentMetadata | None, problem: str) -> dict[str, Any]:
    """Return an agent as the dictionary that `AgentsApi.get_agent` returns."""
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
