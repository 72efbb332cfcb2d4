"""Import of endpoints: the operations of an OpenAPI document and a seller's choice become paid and open endpoints.

Only methods, paths and servers are taken from a document. Its descriptions, examples and security schemes stay where
they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nvm_chain.errors import EndpointsOverlap, InvalidConfig, InvalidOpenApi, InvalidUrl
from nvm_chain.errors.fields import Credits
from nvm_chain.errors.formatting import format_range
from nvm_chain.metadata.data_uris import MAX_JSON
from nvm_chain.metadata.endpoint_costs import CostRange, describe_costs
from nvm_chain.metadata.endpoints import Endpoint, match_endpoint
from nvm_chain.metadata.openapi.operations import Operation, read_operations, read_servers
from nvm_chain.metadata.openapi.selection import Access, Choice
from nvm_chain.metadata.openapi.servers import Location, locate_server
from nvm_chain.metadata.openapi.templates import LEAVE_OUT, build_sample_url, build_url_pattern, rank_path

ALIKE: Final = ("HEAD", "OPTIONS")
"""Methods that tell about other methods. They may be called wherever an endpoint of their path lets them."""


@dataclass(frozen=True, slots=True)
class ImportedOperation:
    """An operation of an OpenAPI document, and who may call it through the agent.

    ``access`` is "paid", "open" or "private". ``url_pattern`` is empty for a private operation. Both costs are None if
    the plan alone has the cost, and for an operation that is not paid.
    """

    method: str
    path: str
    operation_id: str
    tags: tuple[str, ...]
    access: Access
    url_pattern: str
    min_credits: Credits | None = None
    max_credits: Credits | None = None


@dataclass(frozen=True, slots=True)
class ImportedApi:
    """The endpoints of an OpenAPI document, as `AgentMetadata` takes them, and what became of each operation.

    ``extras`` has the costs of single endpoints. ``other_servers`` are the URLs of the document that were not used,
    because its first server counts. Endpoints that are too many for metadata are not searched for overlaps.
    """

    endpoints: tuple[Endpoint, ...]
    open_endpoints: tuple[str, ...]
    costs: Mapping[Endpoint, CostRange]
    operations: tuple[ImportedOperation, ...]
    other_servers: tuple[str, ...] = ()

    @property
    def extras(self) -> dict[str, Any]:
        """The costs of endpoints in the form of ``extras`` of `AgentMetadata`."""
        return describe_costs(self.endpoints, self.costs)


@dataclass(frozen=True, slots=True)
class _Drafted:
    """An operation with its URL pattern and a sample of its URLs. Both are empty if the operation cannot have them."""

    operation: Operation
    access: Access
    url_pattern: str = ""
    sample: str = ""
    cost: CostRange | None = None


def import_endpoints(
    document: Mapping[str, Any],
    choice: Choice,
    location: Location,
    *,
    open_endpoints: Sequence[str] = (),
    allow_overlap: bool = False,
) -> ImportedApi:
    """Build the endpoints of the operations that a seller chooses from an OpenAPI document. No network.

    Args:
        document: The document, from `parse_openapi`.
        choice: The operations that are public, open or left out, and their costs.
        location: The URL of the document or of the service.
        open_endpoints: URL patterns that are open. Operations that they match are open too, unless left out.
        allow_overlap: Whether an endpoint may match an operation that was chosen for another access or cost.

    Raises:
        InvalidOpenApi: The document is malformed, or an operation cannot become an endpoint.
        InvalidConfig: A selector or a server variable names nothing in the document, or nothing would be public.
        InvalidEndpoint: An open endpoint is not a URL pattern.
        EndpointsOverlap: An operation would get another access or cost than chosen.
    """
    operations = read_operations(document)
    choice.check(operations)
    _check_variables(operations, location)
    drafts = [_draft(operation, choice, location, open_endpoints) for operation in operations]
    paid = sorted((each for each in drafts if each.access == "paid"), key=lambda each: rank_path(each.operation.path))
    costs: dict[Endpoint, CostRange | None] = {}
    for each in paid:
        costs.setdefault(Endpoint(each.operation.method, each.url_pattern), each.cost)
    opened = [each.url_pattern for each in drafts if each.access == "open" and each.url_pattern]
    patterns = tuple(dict.fromkeys([*open_endpoints, *opened]))
    if not costs and not patterns:  # an agent without endpoints stands for a service that sells every path
        raise InvalidConfig("no operation of the OpenAPI document would be public", "include or open at least one")
    if _fits(costs, patterns):
        drafts = [_settle(each, costs, patterns, drafts, allow_overlap) for each in drafts]
    known = {endpoint: cost for endpoint, cost in costs.items() if cost is not None}
    others = () if location.server else tuple(each.url for each in read_servers(document, "servers")[1:])
    return ImportedApi(tuple(costs), patterns, known, tuple(map(_tell, drafts)), others)


def _check_variables(operations: Sequence[Operation], location: Location) -> None:
    used = {name for each in operations if each.server for name in each.server.variables}
    unknown = set(location.variables) - used
    if unknown:
        raise InvalidConfig(
            f"no server of the OpenAPI document has the variable {min(unknown)}",
            f"give one of {', '.join(sorted(used))[:400]}" if used else "leave it out",
        )


# ---------------------------------------------------------------- operations


def _draft(operation: Operation, choice: Choice, location: Location, open_endpoints: Sequence[str]) -> _Drafted:
    access = choice.find_access(operation)
    place = f"paths.{operation.path}"
    try:
        server = locate_server(operation, location)
        pattern = build_url_pattern(server, operation.path, place)
        sample = build_sample_url(server, operation.path)
        covers = match_endpoint((), open_endpoints, operation.method, sample) is not None
    except (InvalidOpenApi, InvalidUrl) as error:
        if access == "private":
            return _Drafted(operation, access)
        raise _explain(error, place) from None
    if access == "paid" and covers:
        return _Drafted(operation, "open", "", sample)
    cost = choice.find_cost(operation) if access == "paid" else None
    return _Drafted(operation, access, "" if access == "private" else pattern, sample, cost)


def _explain(error: InvalidOpenApi | InvalidUrl, place: str) -> InvalidOpenApi:
    if isinstance(error, InvalidOpenApi):
        return error
    return InvalidOpenApi(place, f"no request can have its URL, which {error.reason}", LEAVE_OUT)


def _fits(endpoints: Mapping[Endpoint, object], patterns: Sequence[str]) -> bool:
    """Return whether endpoints may fit into metadata. If they do not, they cannot be registered, nor overlap."""
    sizes = [len(each.url_pattern) + len(each.method) + 8 for each in endpoints]
    return sum(sizes) + sum(map(len, patterns)) <= MAX_JSON


def _settle(
    draft: _Drafted,
    costs: Mapping[Endpoint, CostRange | None],
    patterns: Sequence[str],
    drafts: Sequence[_Drafted],
    allow_overlap: bool,
) -> _Drafted:
    """Return an operation with the access and the cost that a request to it would get from the endpoints.

    Raises EndpointsOverlap if they differ from what was chosen.
    """
    operation = draft.operation
    if not draft.sample:
        return draft
    found = match_endpoint(tuple(costs), patterns, operation.method, draft.sample)
    if found is None:
        return draft
    access: Access = "open" if found.endpoint is None else "paid"
    cost = None if found.endpoint is None else costs[found.endpoint]
    is_alike = operation.method in ALIKE and draft.access == "private"
    follows = is_alike and any(each.operation.path == operation.path and each.url_pattern for each in drafts)
    if (access, cost) != (draft.access, draft.cost) and not (allow_overlap or follows):
        raise EndpointsOverlap(operation.name, _say(draft.access, draft.cost), found.url_pattern, _say(access, cost))
    return replace(draft, access=access, cost=cost, url_pattern=found.url_pattern)


def _say(access: Access, cost: CostRange | None) -> str:
    return access if cost is None else f"{access} with {format_range(*cost, 'credit')}"


def _tell(draft: _Drafted) -> ImportedOperation:
    operation = draft.operation
    return ImportedOperation(
        operation.method,
        operation.path,
        operation.operation_id,
        operation.tags,
        draft.access,
        draft.url_pattern,
        *(draft.cost or (None, None)),
    )
