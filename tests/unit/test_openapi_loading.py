"""storage.openapi_documents and operations.openapi: documents from files and servers, honest or not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import nvm_chain as nvm
from nvm_chain.errors import InvalidAmount, InvalidConfig, InvalidOpenApi, OpenApiUnavailable
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.metadata.openapi.documents import MAX_BYTES
from nvm_chain.operations.openapi import read_openapi
from nvm_chain.storage import openapi_documents
from nvm_chain.storage.openapi_documents import load_openapi
from tests.support.http_server import Server, run_server
from tests.unit.openapi_imports import DOCUMENTS, HOST

PETS = (DOCUMENTS / "pets.json").read_bytes()


@pytest.fixture
def server() -> Iterator[Server]:
    with run_server() as running:
        yield running


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", [str, Path])
def test_load_openapi__of_a_file__is_its_content_without_a_url(kind: type) -> None:
    assert load_openapi(kind(DOCUMENTS / "pets.json")) == (PETS, "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.yaml", "No such file"),
        ("", "Is a directory"),
        ("a\0b", "it is not a path"),
        ("ftp://host/a", "No such"),
    ],
)
def test_load_openapi__of_no_file__says_why(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OpenApiUnavailable, match=reason):
        load_openapi(path)


def test_load_openapi__of_a_large_file__reads_one_byte_more_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1_000)
    assert len(load_openapi(path)[0]) == MAX_BYTES + 1
    with pytest.raises(InvalidOpenApi, match="more than 16 MiB"):
        read_openapi(path)


# ---------------------------------------------------------------- servers


def test_load_openapi__of_a_url__is_its_content_and_the_url(server: Server) -> None:
    url = server.route("/api/openapi.json", PETS)
    assert load_openapi(f"{url}?version=1") == (PETS, f"{url}?version=1")
    assert "Authorization" not in server.seen[0][1]


def test_load_openapi__after_a_redirect__has_the_url_that_answered(server: Server) -> None:
    target = server.route("/v2/openapi.json", PETS)
    url = server.route("/openapi.json", lambda request: request.redirect("/v2/openapi.json"))
    assert load_openapi(url) == (PETS, target)


def test_load_openapi__in_capitals__is_a_url(server: Server) -> None:
    url = server.route("/openapi.json", PETS)
    assert load_openapi(url.replace("http", "HTTP", 1))[0] == PETS


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"status": 404}, "the server answers 404"),
        ({"status": 500}, "the server answers 500"),
        ({"status": 204}, "the server answers 204"),
        ({"headers": {"Content-Encoding": "gzip"}}, "a compressed answer"),
        ({"headers": {"Content-Length": "99999"}}, "the connection broke off|the server announced"),
    ],
)
def test_load_openapi__of_an_answer_that_is_no_document__says_why(
    server: Server, options: dict[str, object], reason: str
) -> None:
    url = server.route("/openapi.json", b"" if options.get("status") == 204 else b"{}", **options)
    with pytest.raises(OpenApiUnavailable, match=reason) as caught:
        load_openapi(f"{url}?token=CANARY")
    assert "CANARY" not in str(caught.value)


def test_load_openapi__of_a_server_that_redirects_in_a_circle__stops(server: Server) -> None:
    url = server.route("/a", lambda request: request.redirect("/a"))
    with pytest.raises(OpenApiUnavailable, match="more than 5 redirects"):
        load_openapi(url)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://user@127.0.0.1/"])
def test_load_openapi__of_a_redirect_to_another_scheme__is_refused(server: Server, location: str) -> None:
    url = server.route("/a", lambda request: request.redirect(location))
    with pytest.raises(OpenApiUnavailable):
        load_openapi(url)


def test_load_openapi__of_an_endless_answer__stops_at_the_limit(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openapi_documents, "MAX_BYTES", 100_000)

    def pour(request: object) -> None:
        request.reply(b"{", headers={"Content-Length": ""})  # type: ignore[attr-defined]
        request.pour(b" " * 10_000)  # type: ignore[attr-defined]

    content, _ = load_openapi(server.route("/a", pour))
    assert len(content) == 100_001


def test_load_openapi__of_a_silent_server__gives_up(server: Server) -> None:
    url = server.route("/a", lambda request: request.stall())
    with pytest.raises(OpenApiUnavailable, match="said nothing for 1 seconds"):
        load_openapi(url, timeout_seconds=1)


# ---------------------------------------------------------------- together


def test_read_openapi__of_a_served_document__resolves_servers_by_the_url_and_refuses_private_hosts(
    server: Server,
) -> None:
    url = server.route("/docs/openapi.json", PETS)
    with pytest.raises(InvalidOpenApi, match=r"127\.0\.0\.1 is inside a private network.*`server=url`"):
        read_openapi(url)
    api = nvm.read_openapi(url, include=["listPets"], server=server.url, costs={"listPets": (1, 3)})
    assert api.endpoints == (Endpoint("GET", f"{server.url}/api/pets"),)
    assert api.extras == {"nvmCosts": {"*": [1, 3]}}


def test_read_openapi__of_a_file__makes_metadata_of_an_agent() -> None:
    api = read_openapi(
        DOCUMENTS / "pets.json",
        include=["tag:pets"],
        exclude=["tag:admin"],
        open_operations=["readHealth"],
        costs={"*": 1, "POST /*": 5},
        server=HOST,
    )
    metadata = nvm.AgentMetadata("Pets", endpoints=api.endpoints, open_endpoints=api.open_endpoints, extras=api.extras)
    assert nvm.metadata.describe_metadata(metadata) == {
        "name": "Pets",
        "agentType": "agent",
        "endpoints": [
            {"GET": f"{HOST}/api/pets"},
            {"POST": f"{HOST}/api/pets"},
            {"GET": f"{HOST}/api/pets/:petId"},
        ],
        "openEndpoints": [f"{HOST}/api/health"],
        "nvmCosts": {"*": 1, f"POST {HOST}/api/pets": 5},
    }


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"include": ["nothing"]}, InvalidConfig),
        ({"include": [""]}, InvalidConfig),
        ({"costs": {"*": -1}}, InvalidAmount),
        ({"costs": {"*": (5, 1)}}, InvalidConfig),
        ({"costs": {"*": "5"}}, InvalidConfig),
        ({"server": "localhost:8000"}, InvalidOpenApi),
        ({"server": "https://user:pw@example.com"}, InvalidOpenApi),
        ({"server_variables": {"x": "y"}}, InvalidConfig),
    ],
)
def test_read_openapi__with_impossible_arguments__says_which(options: dict[str, object], error: type) -> None:
    with pytest.raises(error):
        read_openapi(DOCUMENTS / "pets.json", **{"server": HOST, **options})  # type: ignore[arg-type]
