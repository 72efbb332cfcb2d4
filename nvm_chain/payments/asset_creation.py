"""Methods of `Payments` that register services, agents and files, with the parameters of the first generation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidConfig, NeedsVendor
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.file_entries import read_file_entry
from nvm_chain.operations.publishing import fit_cost, publish_agent
from nvm_chain.payments.ddo import SERVICES
from nvm_chain.payments.endpoint_sources import read_endpoints
from nvm_chain.payments.hosted_names import HOSTING_ADVICE
from nvm_chain.payments.parameters import read_amount, read_extras, refuse_credentials
from nvm_chain.payments.results import CreateAssetResultDto
from nvm_chain.payments.session import Session
from nvm_chain.storage.file_names import check_file_names
from nvm_chain.types.ids import format_did, parse_plan_id
from nvm_chain.types.plans import Terms

FILE_TYPES: Final = ("algorithm", "model", "dataset", "file")
CHARGE_TYPES: Final = ("fixed", "dynamic")
AUTH_TYPES: Final = ("none", "basic", "oauth", "bearer")


class CreatingAssets:
    """Methods of `Payments` that register services, agents and files."""

    _session: Session

    def create_service(  # noqa: D417, PLR0917  as documented; most are metadata
        self,
        plan_did: int | str,
        service_type: str,
        name: str,
        description: str,
        service_charge_type: str,
        auth_type: str,
        amount_of_credits: int | str = 1,
        min_credits_to_charge: int | str | None = 1,
        max_credits_to_charge: int | str | None = 1,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        endpoints: Sequence[Mapping[str, str]] | None = None,
        open_endpoints: Sequence[str] | None = [],
        open_api_url: str | None = None,
        integration: str | None = None,
        sample_link: str | None = None,
        api_description: str | None = None,
        tags: Sequence[str] | None = None,
        is_nevermined_hosted: bool | None = None,
        implements_query_protocol: bool | None = None,
        query_protocol_version: str | None = None,
        service_host: str | None = None,
    ) -> CreateAssetResultDto:
        """Register a service, agent or assistant that accepts a plan of this account. Sends one transaction.

        On a time plan a request is free. All arguments except those below become metadata, which is public.

        With ``open_api_url`` and without ``endpoints``, the operations of that OpenAPI document become the endpoints,
        after one more request. Those that ``open_endpoints`` match are open, and those with ``x-internal`` are left out.
        ``service_host`` is then the URL of the service, in place of the document's. To choose the operations, give the
        endpoints of `nvm_chain.read_openapi`.

        Args:
            service_charge_type: ``fixed`` or ``dynamic``.
            amount_of_credits: The cost of a request in credits, for the type ``fixed``.
            min_credits_to_charge: The minimum cost of a request in credits, for the type ``dynamic``.
            max_credits_to_charge: The maximum cost of a request in credits, for the type ``dynamic``.

        Raises:
            NeedsVendor: The arguments contain a user name, a password or a token, or ask the vendor to host the service.
            InvalidConfig: A value is invalid.
            InvalidMetadata: The metadata does not have the documented form.
            InvalidEndpoint: An endpoint is not a valid URL pattern.
            OpenApiUnavailable: The OpenAPI document cannot be fetched.
            InvalidOpenApi: The OpenAPI document is malformed, or an operation of it cannot become an endpoint.
            MissingExtra: The OpenAPI document is YAML, and PyYAML is not installed.
            EndpointsOverlap: An endpoint would match an operation that is left out, or make an open one paid.

        The method also raises the errors of `nvm_chain.register_agent`.
        """
        _check_choice("service_type", service_type, SERVICES)
        _check_choice("auth_type", auth_type, AUTH_TYPES)
        refuse_credentials({"username": username, "password": password, "token": token})
        if is_nevermined_hosted:
            raise NeedsVendor("a host for the service", HOSTING_ADVICE)
        costs = _read_charge(service_charge_type, amount_of_credits, min_credits_to_charge, max_credits_to_charge)
        paid, opened = read_endpoints(endpoints, open_endpoints, open_api_url, service_host)
        metadata = AgentMetadata(
            name,
            description,
            tags=tags or (),
            integration=integration or "",
            sample_link=sample_link or "",
            api_description=api_description or "",
            agent_type=service_type,
            endpoints=paid,
            open_endpoints=opened,
            extras=read_extras(
                service_charge_type=service_charge_type,
                auth_type=auth_type,
                open_api_url=open_api_url,
                implements_query_protocol=implements_query_protocol,
                query_protocol_version=query_protocol_version,
                service_host=service_host,
            ),
        )
        return self._create_asset(plan_did, self._session.read_terms(plan_did), metadata, *costs)

    def create_agent(  # noqa: PLR0917  as documented; most are metadata
        self,
        plan_did: int | str,
        name: str,
        description: str,
        service_charge_type: str,
        auth_type: str,
        amount_of_credits: int | str = 1,
        min_credits_to_charge: int | str | None = 1,
        max_credits_to_charge: int | str | None = 1,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        endpoints: Sequence[Mapping[str, str]] | None = None,
        open_endpoints: Sequence[str] | None = [],
        open_api_url: str | None = None,
        integration: str | None = None,
        sample_link: str | None = None,
        api_description: str | None = None,
        tags: Sequence[str] | None = None,
        use_ai_hub: bool | None = None,
        implements_query_protocol: bool | None = None,
        query_protocol_version: str | None = None,
        service_host: str | None = None,
    ) -> CreateAssetResultDto:
        """Register an agent that accepts a plan of this account. Sends one transaction.

        The method works like `create_service` with the type agent. ``use_ai_hub`` raises NeedsVendor, because the vendor
        ran the hub's endpoints.
        """
        if use_ai_hub:
            raise NeedsVendor("an AI hub with endpoints for agents", HOSTING_ADVICE)
        return self.create_service(
            plan_did,
            "agent",
            name,
            description,
            service_charge_type,
            auth_type,
            amount_of_credits=amount_of_credits,
            min_credits_to_charge=min_credits_to_charge,
            max_credits_to_charge=max_credits_to_charge,
            username=username,
            password=password,
            token=token,
            endpoints=endpoints,
            open_endpoints=open_endpoints,
            open_api_url=open_api_url,
            integration=integration,
            sample_link=sample_link,
            api_description=api_description,
            tags=tags,
            implements_query_protocol=implements_query_protocol,
            query_protocol_version=query_protocol_version,
            service_host=service_host,
        )

    def create_file(  # noqa: D417, PLR0917  as documented; most are metadata
        self,
        plan_did: int | str,
        asset_type: str,
        name: str,
        description: str,
        files: Sequence[Mapping[str, Any]],
        data_schema: str | None = None,
        sample_code: str | None = None,
        files_format: str | None = None,
        usage_example: str | None = None,
        programming_language: str | None = None,
        framework: str | None = None,
        task: str | None = None,
        training_details: str | None = None,
        variations: str | None = None,
        fine_tunable: bool | None = None,
        amount_of_credits: int | str | None = None,
        tags: Sequence[str] | None = None,
    ) -> CreateAssetResultDto:
        """Register an asset with files. Holders of a plan of this account can download them. Sends one transaction.

        The metadata is public, with the URLs of the files. To protect the files, serve them through a gateway.

        Args:
            files: One dictionary for each file: ``{"url": …, "name": …, "contentLength": bytes, "sha256": …}``. Only the
                URL is required. Each download verifies the declared values.
            amount_of_credits: The cost of a download in credits. Default: the plan's minimum.

        The other arguments become metadata. The method raises the errors of `create_service`.
        """
        _check_choice("asset_type", asset_type, FILE_TYPES)
        if not files:
            raise InvalidConfig("a file asset has at least one file, such as {'url': 'https://…'}")
        entries = [read_file_entry(file) for file in files]
        check_file_names(entry.name for entry in entries)
        metadata = AgentMetadata(
            name,
            description,
            tags=tags or (),
            agent_type=asset_type,
            files=entries,
            extras=read_extras(
                data_schema=data_schema,
                sample_code=sample_code,
                files_format=files_format,
                usage_example=usage_example,
                programming_language=programming_language,
                framework=framework,
                task=task,
                training_details=training_details,
                variations=variations,
                fine_tunable=fine_tunable,
            ),
        )
        terms = self._session.read_terms(plan_did)
        if terms.kind is PlanKind.USAGE:
            raise InvalidConfig("a usage plan gives no access to files", "register a plan of credits or time")
        cost = terms.min_redeem if amount_of_credits is None else read_amount(amount_of_credits, "amount_of_credits")
        return self._create_asset(plan_did, terms, metadata, cost, cost)

    def _create_asset(
        self, plan_did: int | str, terms: Terms, metadata: AgentMetadata, least: int, most: int
    ) -> CreateAssetResultDto:
        accepted = fit_cost(parse_plan_id(plan_did), terms, least, most)
        registered = publish_agent(
            self._session.chain, self._session.signer, metadata, [accepted], store=self._session.store
        )
        return CreateAssetResultDto(did=format_did(registered.agent_id), txHash=registered.transaction.hash)


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InvalidConfig(f"{name} is {value!r}", f"give one of {', '.join(choices)}")


def _read_charge(
    charge_type: str, amount: int | str, least: int | str | None, most: int | str | None
) -> tuple[int, int]:
    """Return the credit range of a request. A missing minimum is 1, and a missing maximum equals the minimum."""
    _check_choice("service_charge_type", charge_type, CHARGE_TYPES)
    fixed = read_amount(amount, "amount_of_credits")
    low = 1 if least is None else read_amount(least, "min_credits_to_charge")
    high = low if most is None else read_amount(most, "max_credits_to_charge")
    if charge_type == "dynamic":
        return low, high
    for number in (low, high):
        if number not in (1, fixed):
            raise InvalidConfig(
                f"a fixed charge of {fixed} credits cannot be {number} too",
                "use the type dynamic, or leave out the other number",
            )
    return fixed, fixed
