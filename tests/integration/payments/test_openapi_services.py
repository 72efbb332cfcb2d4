"""`create_service` and `create_agent` with `open_api_url`: the document's operations become the endpoints."""

import json
from typing import Any

import pytest

from nvm_chain.errors import EndpointsOverlap, InvalidConfig, InvalidOpenApi, NvmChainError, OpenApiUnavailable
from nvm_chain.payments import Payments
from tests.integration.payments.conftest import SERVICE
from tests.support.http_server import Server

HOST = "https://api.example.com"
PATHS: dict[str, Any] = {
    "/orders": {"get": {"description": "private-words"}, "post": {}},
    "/orders/{id}": {"get": {}},
    "/docs": {"get": {}},
    "/debug": {"get": {"x-internal": True}},
}


def serve(web: Server, servers: object = None, **more: Any) -> str:
    """Serve a document, and return its URL."""
    document = {"openapi": "3.0.3", "servers": servers or [{"url": HOST}], "paths": PATHS, **more}
    return web.route("/openapi.json", json.dumps(document).encode())


def create(builder: Payments, plan_did: str, method: str, **more: Any) -> dict[str, Any]:
    """Register a service or an agent, and return its metadata."""
    values = {key: value for key, value in SERVICE.items() if key != "service_type" or method == "create_service"}
    created = getattr(builder, method)(plan_did, **values, **more)
    metadata: dict[str, Any] = builder.get_service_details(created.did)["metadata"]
    return metadata


@pytest.mark.parametrize("method", ["create_service", "create_agent"])
@pytest.mark.parametrize("endpoints", [None, []])
def test_create__with_the_url_of_a_document__has_its_operations_as_endpoints(
    builder: Payments, credits_did: str, file_server: Server, method: str, endpoints: object
) -> None:
    url = serve(file_server)
    metadata = create(builder, credits_did, method, open_api_url=url, endpoints=endpoints)
    assert metadata["endpoints"] == [
        {"GET": f"{HOST}/orders"},
        {"POST": f"{HOST}/orders"},
        {"GET": f"{HOST}/docs"},
        {"GET": f"{HOST}/orders/:id"},
    ]
    assert "openEndpoints" not in metadata
    assert metadata["openApiUrl"] == url
    assert "private-words" not in json.dumps(metadata)


def test_create_service__with_open_endpoints_too__keeps_these_free(
    builder: Payments, credits_did: str, file_server: Server
) -> None:
    metadata = create(
        builder,
        credits_did,
        "create_service",
        open_api_url=serve(file_server),
        open_endpoints=[f"{HOST}/docs{{/*rest}}"],
    )
    assert metadata["openEndpoints"] == [f"{HOST}/docs{{/*rest}}"]
    assert {"GET": f"{HOST}/docs"} not in metadata["endpoints"]
    assert len(metadata["endpoints"]) == 3


def test_create_service__with_endpoints_too__sends_no_request_for_the_document(
    builder: Payments, credits_did: str, file_server: Server
) -> None:
    endpoints = [{"POST": f"{HOST}/tasks"}]
    metadata = create(builder, credits_did, "create_service", open_api_url=serve(file_server), endpoints=endpoints)
    assert metadata["endpoints"] == endpoints
    assert file_server.seen == []


def test_create_service__with_a_host_of_the_service__takes_it_for_the_document(
    builder: Payments, credits_did: str, file_server: Server
) -> None:
    url = serve(file_server, servers=[{"url": "/v1"}])
    with pytest.raises(InvalidOpenApi, match="Give the public URL of the service as `service_host`"):
        create(builder, credits_did, "create_service", open_api_url=url)
    metadata = create(builder, credits_did, "create_service", open_api_url=url, service_host=HOST)
    assert {"GET": f"{HOST}/v1/orders"} in metadata["endpoints"]


@pytest.mark.parametrize(
    ("more", "arguments", "error"),
    [
        ({}, {"open_api_url": "openapi.yaml"}, InvalidConfig),
        ({}, {"open_api_url": "http://127.0.0.1:1/openapi.json"}, OpenApiUnavailable),
        ({"openapi": "2.0"}, {}, InvalidOpenApi),
        ({"paths": {}}, {}, InvalidOpenApi),
        ({"paths": {"/a?b": {"get": {}}}}, {}, InvalidOpenApi),
        ({}, {"open_endpoints": [f"{HOST}/*rest"]}, EndpointsOverlap),
    ],
)
def test_create_service__with_a_document_that_cannot_be__sends_no_transaction(
    builder: Payments,
    credits_did: str,
    file_server: Server,
    more: dict[str, Any],
    arguments: dict[str, Any],
    error: type[NvmChainError],
) -> None:
    before = builder.chain.web3.eth.block_number
    with pytest.raises(error):
        create(builder, credits_did, "create_service", **{"open_api_url": serve(file_server, **more), **arguments})
    assert builder.chain.web3.eth.block_number == before
