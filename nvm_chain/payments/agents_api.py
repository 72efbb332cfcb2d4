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
"""An agent's metadata, as such or as the documents' dictionary."""
ApiShape = AgentAPIAttributes | Mapping[str, Any]
"""An agent's API, as such or as the documents' dictionary."""


class AgentsApi(Refuses):
    """Agents, as the account behind a Payments object sees and changes them. Ids may be given in any spelling."""

    _hosted_prefix = "payments.agents"
    _hosted = ON_AGENTS

    def __init__(self, session: Session) -> None:
        """Take who acts, and where."""
        self._session = session

    # ------------------------------------------------------------------ register

    def register_agent(
        self, agent_metadata: AgentShape, agent_api: ApiShape, payment_plans: Iterable[int | str]
    ) -> Registered:
        """Register an agent that accepts plans of this account, at the credits per request that each plan says. One transaction.

        Args:
            agent_metadata: AgentMetadata, or ``{"name": …, "tags": […], "dateCreated": …}``.
            agent_api: ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``.
            payment_plans: Ids of plans.

        Raises:
            InvalidMetadata: The metadata has another form.
            InvalidEndpoint: A URL cannot be matched.
            SecretInMetadata: The metadata would publish what looks like a secret.
            NeedsVendor: Credentials are given, which metadata would publish.

        It also raises as `nvm_chain.register_agent` does.
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
        """Register a plan, and then an agent that accepts it. Two transactions.

        Everything that can be checked is checked before the first.

        Raises:
            AgentNotRegistered: The second failed all the same. The error says that the plan is stopped.
            NotMined: A transaction is not mined in time. If it is the agent's, the error says which plan stands.
            OutcomeUnknown: The node does not say what became of a transaction. If it is the agent's, the error says which
                plan stands.
            NvmChainError: As `register_agent` and `nvm_chain.register_plan`.
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
        """Read an agent: its metadata, and under ``registry`` what the chain says. Three requests.

        Metadata that cannot be read is empty, and ``metadataProblem`` says why. Raises ERC721NonexistentToken,
        MetadataMismatch.
        """
        return describe_agent(*self._session.read_agent(agent_id))

    def get_agent_plans(self, agent_id: int | str, pagination: PaginationOptions | None = None) -> PlanPage:
        """List the plans that an agent accepts, with the credits of a request. One request. Raises ERC721NonexistentToken."""
        options = read_pagination(pagination)
        found = {plan.plan_id: plan for plan in self._session.read_agent_plans(agent_id)}
        ordered = take_page(options.sort(found), options.page, options.offset)
        plans = [describe_attached(found[plan_id]) for plan_id in ordered]
        return {"total": len(found), "page": options.page, "offset": options.offset, "plans": plans}

    def get_agent_access_token(self, plan_id: int | str, agent_id: int | str) -> ServiceTokenResultDto:
        """Sign what a request to an agent has to carry, for the gateway in front of it. Sends nothing.

        Raises:
            NeedsGateway: No gateway is configured.
            SettlementsNotAccepted: The plan takes no vouchers. The message says what the account has of it.
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
        """Let an agent accept a plan, at the credits per request that the plan says.

        Only for the owner of both. One transaction.

        Raises as `nvm_chain.attach_plan`.
        """
        plan = self._fit(plan_id)
        chain, signer = self._session.chain, self._session.signer
        with explain_id(chain, agent_id, "an agent"):
            transaction = attach_plan(chain, signer, agent_id, plan.plan_id, plan.min_credits, plan.max_credits)
        return {"success": True, "txHash": transaction.hash}

    def remove_plan_from_agent(self, plan_id: int | str, agent_id: int | str) -> Done:
        """Stop an agent from accepting a plan. Agent owner or plan owner. One transaction.

        Raises as `nvm_chain.detach_plan`.
        """
        with explain_id(self._session.chain, agent_id, "an agent"):
            transaction = detach_plan(self._session.chain, self._session.signer, agent_id, plan_id)
        return {"success": True, "txHash": transaction.hash}

    def update_agent_metadata(self, agent_id: int | str, agent_metadata: AgentShape, agent_api: ApiShape) -> Done:
        """Replace an agent's metadata. Agent owner only. One transaction. Raises as `register_agent`, NotAgentOwner."""
        metadata = read_agent_shape(agent_metadata, agent_api)
        number = parse_agent_id(agent_id)
        chain, signer = self._session.chain, self._session.signer
        with explain_id(chain, agent_id, "an agent"):
            transaction = republish_agent(chain, signer, number, metadata, store=self._session.store)
        return {"success": True, "txHash": transaction.hash}


def describe_agent(agent: Agent, metadata: AgentMetadata | None, problem: str) -> dict[str, Any]:
    """Return an agent under the names of the documents, as `AgentsApi.get_agent` does."""
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
