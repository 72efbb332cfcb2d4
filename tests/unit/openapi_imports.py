"""Imports of OpenAPI documents, with selectors as texts, and documents to import."""

from typing import Any

from nvm_chain.metadata.endpoint_costs import CostRange
from nvm_chain.metadata.openapi.documents import parse_openapi
from nvm_chain.metadata.openapi.importing import ImportedApi, import_endpoints
from nvm_chain.metadata.openapi.selection import Choice, Selector
from nvm_chain.metadata.openapi.servers import Location
from tests.support.vectors import FOLDER

DOCUMENTS = FOLDER / "openapi"
"""OpenAPI documents. Those in ``readme`` are of @readme/oas-examples 8.2.2, under the license beside them."""
SHOP = parse_openapi((DOCUMENTS / "shop.yaml").read_bytes())
PETS = parse_openapi((DOCUMENTS / "pets.json").read_bytes())
HOST = "https://api.example.com"


def run(
    document: Any,
    *,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    opened: tuple[str, ...] = (),
    costs: tuple[tuple[str, CostRange], ...] = (),
    server: str = "",
    variables: dict[str, str] | None = None,
    **more: Any,
) -> ImportedApi:
    """Import a document with selectors as texts."""
    chosen, left_out, free = ([Selector(text) for text in texts] for texts in (include, exclude, opened))
    choice = Choice(chosen, left_out, free, [(Selector(text), cost) for text, cost in costs])
    return import_endpoints(document, choice, Location("", server, variables or {}), **more)


def build(*names: str) -> dict[str, Any]:
    """Return a document with operations such as "GET /users/{id}" at one host. Their ids are the names without blank."""
    paths: dict[str, Any] = {}
    for name in names:
        method, _, path = name.partition(" ")
        paths.setdefault(path, {})[method.lower()] = {"operationId": name.replace(" ", "")}
    return {"servers": [{"url": HOST}], "paths": paths}


def patterns(api: ImportedApi) -> list[str]:
    """Return the paid endpoints as texts."""
    return [f"{each.method} {each.url_pattern}" for each in api.endpoints]
