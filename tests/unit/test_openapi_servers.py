"""metadata.openapi.servers: variables, relative URLs, the seller's URL, and hosts that nobody outside can reach."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvm_chain.errors import InvalidConfig, InvalidOpenApi
from nvm_chain.metadata.openapi.operations import Operation, read_operations, read_servers
from nvm_chain.metadata.openapi.servers import Location, is_private, locate_server

DOCUMENT_URL = "https://docs.example.com/shop/openapi.json"


def locate(servers: list[Any] | None, location: Location | None = None, *, level: str = "document") -> str:
    """Return the URL of the one operation of a document with servers at a level."""
    operation: dict[str, Any] = {"servers": servers} if level == "operation" else {}
    item: dict[str, Any] = {"get": operation, **({"servers": servers} if level == "path" else {})}
    document: dict[str, Any] = {"paths": {"/a": item}, **({"servers": servers} if level == "document" else {})}
    (found,) = read_operations({key: value for key, value in document.items() if value is not None})
    return locate_server(found, location or Location(DOCUMENT_URL))


def url(text: str, **variables: Mapping[str, Any]) -> list[Any]:
    """Return a list of one server."""
    return [{"url": text, "variables": variables}]


@pytest.mark.parametrize("level", ["document", "path", "operation"])
@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com:443/v1", "https://api.example.com/v1"),
        ("http://api.example.com:80", "http://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("//api.example.com/v1", "https://api.example.com/v1"),
        ("/v1", "https://docs.example.com/v1"),
        ("v1", "https://docs.example.com/shop/v1"),
        ("../v1", "https://docs.example.com/v1"),
        (".", "https://docs.example.com/shop"),
        ("/", "https://docs.example.com"),
    ],
)
def test_locate_server__of_each_level__resolves_against_the_documents_url(
    server: str, expected: str, level: str
) -> None:
    assert locate(url(server), level=level) == expected


@pytest.mark.parametrize("servers", [None, []])
def test_locate_server__without_servers__is_the_root_of_the_documents_host(servers: list[Any] | None) -> None:
    assert locate(servers) == "https://docs.example.com"


def test_locate_server__of_several_servers__takes_the_first_of_the_innermost_level() -> None:
    levels = [[{"url": f"https://{name}.example.com"}, {"url": "https://other.example.com"}] for name in "abc"]
    document = {
        "servers": levels[0],
        "paths": {
            "/a": {"servers": levels[1], "get": {"servers": levels[2]}, "put": {}},
            "/b": {"servers": [], "get": {"servers": []}},
        },
    }
    found = [locate_server(each, Location()) for each in read_operations(document)]
    assert found == ["https://c.example.com", "https://b.example.com", "https://a.example.com"]


@pytest.mark.parametrize(
    ("servers", "given", "expected"),
    [
        (None, "https://shop.example.com/base", "https://shop.example.com/base"),
        (url("/"), "https://shop.example.com/base", "https://shop.example.com/base"),
        (url(""), "https://shop.example.com/base", "https://shop.example.com/base"),
        (url("/v1"), "https://shop.example.com", "https://shop.example.com/v1"),
        (url("/v1"), "https://shop.example.com/base", "https://shop.example.com/v1"),
        (url("v1"), "https://shop.example.com/base/", "https://shop.example.com/base/v1"),
        (url("https://api.example.com/v1"), "https://shop.example.com", "https://shop.example.com"),
        (url("http://10.0.0.5:8080"), "https://shop.example.com", "https://shop.example.com"),
        (url("https://api.example.com"), "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (url("/v1"), "http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
    ],
)
@pytest.mark.parametrize("document_url", ["", DOCUMENT_URL])
def test_locate_server__with_a_url_of_the_sellers__takes_it_in_place_of_the_documents(
    servers: list[Any] | None, given: str, expected: str, document_url: str
) -> None:
    assert locate(servers, Location(document_url, given)) == expected


@pytest.mark.parametrize("level", ["path", "operation"])
def test_locate_server__with_a_url_of_the_sellers__keeps_absolute_servers_of_single_operations(level: str) -> None:
    given = Location("", "https://shop.example.com/base")
    assert locate(url("https://files.example.com/v1"), given, level=level) == "https://files.example.com/v1"
    assert locate(url("/v1"), given, level=level) == "https://shop.example.com/v1"


# ---------------------------------------------------------------- variables

VARIABLES: dict[str, Any] = {
    "region": {"default": "eu", "enum": ["eu", "us"]},
    "port": {"default": 8443, "enum": [8443, "9443"]},
    "base": {"default": "v1/shop"},
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "https://eu.example.com:8443/v1/shop"),
        ({"region": "us"}, "https://us.example.com:8443/v1/shop"),
        ({"port": "9443", "base": "v2"}, "https://eu.example.com:9443/v2"),
    ],
)
def test_locate_server__with_variables__fills_in_defaults_and_values(values: dict[str, str], expected: str) -> None:
    servers = url("https://{region}.example.com:{port}/{base}", **VARIABLES)
    assert locate(servers, Location("", "", values)) == expected


def test_locate_server__with_a_value_that_is_not_a_choice__says_which_are() -> None:
    with pytest.raises(InvalidConfig, match=r"region cannot be 'cn'\. Give one of eu, us"):
        locate(url("https://{region}.example.com", **VARIABLES), Location("", "", {"region": "cn"}))


@pytest.mark.parametrize("variables", [{}, {"zone": {}}, {"zone": {"default": None}}])
def test_locate_server__of_a_variable_without_default__asks_for_a_value(variables: dict[str, Any]) -> None:
    servers = url("https://{zone}.example.com", **variables)
    with pytest.raises(InvalidOpenApi, match=r"the variable zone has no default\. Give it a value"):
        locate(servers)
    assert locate(servers, Location("", "", {"zone": "a"})) == "https://a.example.com"


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("ftp://api.example.com", "not an http or https URL"),
        ("https://", "not an http or https URL"),
        ("https:///v1", "not an http or https URL"),
        ("https://api.example.com:0", "not an http or https URL"),
        ("https://api.example.com:99999", "is not a URL"),
        ("https://[::1", "not a URL"),
        ("//[::1", "not a URL"),
        ("https://api.example.com/\x00", "not an http or https URL"),
        ("https://CANARY:pw@api.example.com", "has a user name, a query or a fragment"),
        ("https://api.example.com?key=CANARY", "has a user name, a query or a fragment"),
        ("https://api.example.com#CANARY", "has a user name, a query or a fragment"),
        ("javascript:alert(1)", "not an http or https URL"),
    ],
)
def test_locate_server__of_what_is_not_a_public_url__is_refused_without_its_secrets(server: str, reason: str) -> None:
    with pytest.raises(InvalidOpenApi, match=reason) as caught:
        locate(url(server))
    assert "CANARY" not in str(caught.value)
    assert "`server=url`" in str(caught.value)


@pytest.mark.parametrize("servers", [None, url("/v1"), url("v1"), url("/")])
def test_locate_server__of_a_relative_url_in_a_file__asks_for_the_url(servers: list[Any] | None) -> None:
    with pytest.raises(InvalidOpenApi, match=r"Give the public URL of the service: `server=url`\."):
        locate(servers, Location())


PRIVATE = (
    *("localhost", "api.localhost", "printer.local", "billing.internal", "db.lan", "billing", "LOCALHOST", "a.corp"),
    *("127.0.0.1", "127.1", "10.0.0.5", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
    *("[::1]", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.5]", "localhost."),
)


@pytest.mark.parametrize("host", PRIVATE)
def test_locate_server__of_a_private_host__is_refused_unless_the_seller_gives_it(host: str) -> None:
    with pytest.raises(InvalidOpenApi, match="inside a private network"):
        locate(url(f"http://{host}:8080/v1"))
    with pytest.raises(InvalidOpenApi, match="inside a private network"):
        locate(url("/v1"), Location(f"http://{host}:8080/openapi.json"))
    assert locate(url("/v1"), Location("", f"http://{host}:8080")) == f"http://{host}:8080/v1"


@pytest.mark.parametrize(
    "host", ["example.com", "8.8.8.8", "2606:4700::1111", "local.example.com", "xn--bcher-kva.example"]
)
def test_is_private__of_a_public_host__is_false(host: str) -> None:
    assert not is_private(host)


@pytest.mark.parametrize(
    ("servers", "place"),
    [
        ("https://api.example.com", "servers"),
        (["https://api.example.com"], r"servers\[0\]"),
        ([{}], r"servers\[0\]\.url"),
        ([{"url": True}], r"servers\[0\]\.url"),
        ([{"url": "x", "variables": []}], r"servers\[0\]\.variables"),
        ([{"url": "x", "variables": {"a": "b"}}], r"servers\[0\]\.variables\.a"),
        ([{"url": "x", "variables": {"a": {"default": []}}}], r"servers\[0\]\.variables\.a\.default"),
        ([{"url": "x", "variables": {"a": {"enum": "b"}}}], r"servers\[0\]\.variables\.a\.enum"),
        ([{"url": "x", "variables": {"a": {"enum": [{}]}}}], r"servers\[0\]\.variables\.a\.enum"),
    ],
)
def test_read_servers__of_a_malformed_one__says_where(servers: object, place: str) -> None:
    with pytest.raises(InvalidOpenApi, match=rf"\({place}\)"):
        read_servers({"servers": servers}, "servers")


def test_locate_server__of_an_operation_without_server__needs_no_document() -> None:
    operation = Operation("GET", "/a", "", (), None, False)
    assert locate_server(operation, Location("", "https://api.example.com")) == "https://api.example.com"
