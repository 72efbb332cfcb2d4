"""Import of an agent's endpoints from an OpenAPI document in a file or at a URL."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nvm_chain.metadata.endpoint_costs import read_cost_range
from nvm_chain.metadata.openapi.documents import parse_openapi
from nvm_chain.metadata.openapi.importing import ImportedApi, import_endpoints
from nvm_chain.metadata.openapi.selection import Choice, Selector
from nvm_chain.metadata.openapi.servers import Location, check_server
from nvm_chain.storage.openapi_documents import load_openapi


def read_openapi(
    source: str | Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    open_operations: Sequence[str] = (),
    costs: Mapping[str, int | tuple[int, int]] | None = None,
    server: str = "",
    server_variables: Mapping[str, str] | None = None,
    open_endpoints: Sequence[str] = (),
    allow_overlap: bool = False,
) -> ImportedApi:
    """Read the endpoints of an agent from an OpenAPI document of version 3.0 or 3.1. One request for a URL.

    Operations are chosen by selectors. ``tag:pets`` names a tag, ``/pets/*`` a path as the document writes it, and
    ``DELETE /pets/*`` a method and a path. Any other text is an operation id. ``*`` stands for any characters, a slash
    included. Operations with ``x-internal`` are left out.

    Args:
        source: The path or the URL of the document, in JSON or YAML. YAML needs the extra ``gateway``.
        include: Selectors of operations that are public. If not given, all are.
        exclude: Selectors of operations that are left out. They have priority over the others.
        open_operations: Selectors of operations that cost nothing.
        costs: The credits of a request by selector: a number, or a range such as ``(1, 5)``. The last one counts.
        server: The URL of the service. It replaces absolute server URLs that the document has for all operations, and
            relative server URLs are resolved against it.
        server_variables: Values for variables of server URLs, in place of their defaults.
        open_endpoints: URL patterns that cost nothing. Operations that they match are open.
        allow_overlap: Whether an endpoint may match an operation that was chosen for another access or cost.

    Raises:
        OpenApiUnavailable: The document cannot be read or fetched.
        InvalidOpenApi: The document is malformed or too large, or an operation cannot become an endpoint.
        MissingExtra: The document is YAML, and PyYAML is not installed.
        InvalidConfig: A selector, a cost or a server variable does not fit to the document.
        InvalidAmount: A cost is not a number of credits.
        InvalidEndpoint: An open endpoint is not a URL pattern.
        EndpointsOverlap: An operation would get another access or cost than chosen.
    """
    given = check_server(server, "server", is_given=True) if server else ""
    priced = [(Selector(text), read_cost_range(cost, f"cost of {text}")) for text, cost in (costs or {}).items()]
    choice = Choice(_select(include), _select(exclude), _select(open_operations), priced)
    content, url = load_openapi(source)
    return import_endpoints(
        parse_openapi(content),
        choice,
        Location(url, given, server_variables or {}),
        open_endpoints=open_endpoints,
        allow_overlap=allow_overlap,
    )


def _select(texts: Sequence[str]) -> list[Selector]:
    return [Selector(text) for text in texts]
