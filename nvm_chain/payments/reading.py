"""Methods of `Payments` that read, with the parameters of the first documented generation."""

from nvm_chain.errors import IdOfAnotherKind
from nvm_chain.payments.access import need_gateway
from nvm_chain.payments.agents_api import AgentsApi, describe_agent
from nvm_chain.payments.asset_creation import FILE_TYPES
from nvm_chain.payments.ddo import build_agent_ddo, build_plan_ddo, name_kind
from nvm_chain.payments.plans_api import PlansApi
from nvm_chain.payments.results import BalanceResultDto, Ddo, DidList
from nvm_chain.payments.session import Gateway, Session
from nvm_chain.types.ids import format_did, parse_plan_id


class Reading:
    """Methods of `Payments` that read plans and assets."""

    _session: Session
    plans: PlansApi
    agents: AgentsApi

    def get_asset_ddo(self, did: int | str) -> Ddo:
        """Build the DDO of a plan, agent, service or file, from its state on the chain and its verified metadata.

        Raises:
            UnknownPlan: Neither a plan nor an asset has this id.
            InvalidPlanId: The text is not an id.
            MetadataMismatch: The document does not have the registered hash.
        """
        number = parse_plan_id(did)
        try:
            plan, metadata, _ = self._session.read_plan(number)
        except IdOfAnotherKind:
            agent, described, _ = self._session.read_agent(number)
            return Ddo(build_agent_ddo(self._session.chain, agent, described))
        return Ddo(build_plan_ddo(self._session.chain, plan, metadata))

    def get_plan_balance(self, plan_did: int | str, account_address: str | None = None) -> BalanceResultDto:
        """Read the balance of an account on a plan. The default is this account. Makes three to four requests.

        ``balance`` counts credits. On a time plan it counts the remaining periods.

        Raises:
            UnknownPlan: The plan is not registered.
            InvalidAddress: The address is malformed. It never stands for this account.
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
        """List the DIDs of the services, agents and assistants that accept a plan.

        Makes one request for each, and the requests of the metadata store.
        """
        return self._list_assets(plan_did, files=False)

    def get_plan_associated_files(self, plan_did: int | str) -> DidList:
        """List the DIDs of the file assets that accept a plan.

        Makes one request for each, and the requests of the metadata store.
        """
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
            ERC721NonexistentToken: The id is not registered.
            IdOfAnotherKind: The id is a plan's.
        """
        return Ddo(describe_agent(*self._session.read_agent(service_did, "a service")))

    def get_file_details(self, file_did: int | str) -> Ddo:
        """Read a file asset as `payments.agents.get_agent` does. Three requests. Raises the errors of `get_service_details`."""
        return Ddo(describe_agent(*self._session.read_agent(file_did, "a file")))

    def get_plan_details_url(self, plan_did: int | str) -> str:
        """Return the URL of the gateway's page of a plan. Without a gateway, the URL of the plan's metadata.

        The metadata's URL is always in `get_plan_details`, as ``registry.uri``. Makes three requests. Raises UnknownPlan,
        IdOfAnotherKind.
        """
        uri = self._session.read_plan_uri(plan_did)
        return self._find_page(plan_did) or uri

    def get_service_details_url(self, service_did: int | str) -> str:
        """Return the URL of the gateway's page of a service and its plans. Without a gateway, the URL of its metadata.

        The metadata's URL is always in `get_service_details`, as ``registry.uri``. Makes one request. Raises the errors of
        `get_service_details`.
        """
        uri = self._session.read_agent_uri(service_did, "a service")
        return self._find_page(service_did) or uri

    def get_file_details_url(self, file_did: int | str) -> str:
        """Return the URL of the gateway's page of a file asset and its plans. Without a gateway, the URL of its metadata.

        The metadata's URL is always in `get_file_details`, as ``registry.uri``. Makes one request. Raises the errors of
        `get_service_details`.
        """
        uri = self._session.read_agent_uri(file_did, "a file")
        return self._find_page(file_did) or uri

    def _find_page(self, did: int | str) -> str | None:
        """Return the URL of the gateway's page of a plan or an asset. None without a gateway."""
        gateway = self._session.gateway
        return None if gateway is None else _write_page(gateway, parse_plan_id(did))

    def get_checkout_plan(self, plan_did: int | str) -> str:
        """Return the URL of the gateway's purchase page of a plan. Makes two requests. Raises NeedsGateway, UnknownPlan."""
        gateway = need_gateway(self._session, "A page to buy a plan on")
        return _write_page(gateway, self._session.read_plan_state(plan_did).plan_id)


def _write_page(gateway: Gateway, number: int) -> str:
    """Return the URL of the page on which a plan is ordered, or an asset's plans are compared."""
    return f"{gateway.url}/checkout/{format_did(number)}"
