"""The part of `Payments` that reads, with all the parameters of the first documented generation."""

from nvm_chain.errors import IdOfAnotherKind
from nvm_chain.payments.access import need_gateway
from nvm_chain.payments.agents_api import AgentsApi, describe_agent
from nvm_chain.payments.asset_creation import FILE_TYPES
from nvm_chain.payments.ddo import build_agent_ddo, build_plan_ddo, name_kind
from nvm_chain.payments.plans_api import PlansApi
from nvm_chain.payments.results import BalanceResultDto, Ddo, DidList
from nvm_chain.payments.session import Session
from nvm_chain.types.ids import format_did, parse_plan_id


class Reading:
    """What `Payments` reads of plans and assets."""

    _session: Session
    plans: PlansApi
    agents: AgentsApi

    def get_asset_ddo(self, did: int | str) -> Ddo:
        """Assemble the DDO of a plan, agent, service or file from the chain and its metadata, which is verified.

        Raises:
            UnknownPlan: There is neither a plan nor an asset of this id.
            InvalidPlanId: The text is not an id.
            MetadataMismatch: The document is not the one that was registered.
        """
        number = parse_plan_id(did)
        try:
            plan, metadata, _ = self._session.read_plan(number)
        except IdOfAnotherKind:
            agent, described, _ = self._session.read_agent(number)
            return Ddo(build_agent_ddo(self._session.chain, agent, described))
        return Ddo(build_plan_ddo(self._session.chain, plan, metadata))

    def get_plan_balance(self, plan_did: int | str, account_address: str | None = None) -> BalanceResultDto:
        """Read what an account, this one if none is named, has on a plan. Three to four requests.

        ``balance`` is credits, on a plan in time the periods that are left or not opened yet.

        Raises:
            UnknownPlan: The plan is not registered.
            InvalidAddress: The address is malformed. It is never taken for one's own.
        """
        holder, account = self._session.read_account(plan_did, account_address)
        plan = self._session.read_plan_state(plan_did)
        return BalanceResultDto(
            planType=name_kind(plan.terms.kind),
            isOwner=holder == plan.owner,
            isSubscriptor=self._session.is_subscriber(account),
            balance=account.balance,
        )

    def get_plan_associated_services(self, plan_did: int | str) -> DidList:
        """List the DIDs of the services, agents and assistants that accept a plan. One request for each, and its store's."""
        return self._list_assets(plan_did, files=False)

    def get_plan_associated_files(self, plan_did: int | str) -> DidList:
        """List the DIDs of the file assets that accept a plan. One request for each, and what its store needs."""
        return self._list_assets(plan_did, files=True)

    def _list_assets(self, plan_did: int | str, *, files: bool) -> DidList:
        self._session.read_terms(plan_did)  # raises UnknownPlan
        assets = self._session.read_plan_assets(plan_did)
        return DidList(
            format_did(agent_id)
            for agent_id, metadata in assets
            if (metadata is not None and metadata.agent_type in FILE_TYPES) is files
        )

    def get_plan_details(self, plan_did: int | str) -> Ddo:
        """Read a plan as `payments.plans.get_plan` does. Three requests. Raises UnknownPlan, IdOfAnotherKind."""
        return Ddo(self.plans.get_plan(plan_did))

    def get_service_details(self, service_did: int | str) -> Ddo:
        """Read a service as `payments.agents.get_agent` does. Three requests.

        Raises:
            ERC721NonexistentToken: Nothing is registered under this id.
            IdOfAnotherKind: The id is a plan's.
        """
        return Ddo(describe_agent(*self._session.read_agent(service_did, "a service")))

    def get_file_details(self, file_did: int | str) -> Ddo:
        """Read a file asset as `payments.agents.get_agent` does. Three requests. Raises as `get_service_details`."""
        return Ddo(describe_agent(*self._session.read_agent(file_did, "a file")))

    def get_plan_details_url(self, plan_did: int | str) -> str:
        """Return the URL of a plan's metadata, which the chain has. Three requests. Raises UnknownPlan, IdOfAnotherKind."""
        return self._session.read_plan_uri(plan_did)

    def get_service_details_url(self, service_did: int | str) -> str:
        """Return the URL of a service's metadata, which the chain has. One request. Raises as `get_service_details`."""
        return self._session.read_agent_uri(service_did, "a service")

    def get_file_details_url(self, file_did: int | str) -> str:
        """Return the URL of a file asset's metadata, which the chain has. One request. Raises as `get_service_details`."""
        return self._session.read_agent_uri(file_did, "a file")

    def get_checkout_plan(self, plan_did: int | str) -> str:
        """Return the URL of the gateway's page where a plan is bought. Two requests. Raises NeedsGateway, UnknownPlan."""
        gateway = need_gateway(self._session, "A page to buy a plan on")
        return f"{gateway.url}/checkout/{format_did(self._session.read_plan_state(plan_did).plan_id)}"
