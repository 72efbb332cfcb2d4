"""Endpoints: a request finds its own, and no spelling of a paid path passes for an open one."""

from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidEndpoint, InvalidUrl
from nvm_chain.metadata.endpoints import (
    MAX_PATH,
    MAX_PATTERN_URL,
    MAX_URL,
    Endpoint,
    match_endpoint,
    parse_request_url,
    parse_url_pattern,
)
from tests.support.reverts import reverts

HOST = "https://example.com"
TASKS = Endpoint("POST", f"{HOST}/api/v1/agents/:agentId/tasks")
INVOKE = Endpoint("GET", f"{HOST}/api/v1/agents/:agentId/tasks/invoke")
PAID = Endpoint("GET", f"{HOST}/paid/:file")
DOCS = f"{HOST}/api/v1/rest/docs-json"
EVERYTHING = f"{HOST}/*path"


def find(method: str, url: str, open_endpoints: tuple[str, ...] = (DOCS,)) -> Any:
    return match_endpoint([TASKS, INVOKE, PAID], open_endpoints, method, url)


# ---------------------------------------------------------------------- matching


def test_match_endpoint__of_the_documents_example__finds_endpoint_and_parameter() -> None:
    found = find("POST", f"{HOST}/api/v1/agents/7/tasks")
    assert (found.endpoint, found.params, found.is_open) == (TASKS, {"agentId": "7"}, False)
    assert find("GET", f"{HOST}/api/v1/agents/7/tasks/invoke").endpoint == INVOKE


def test_match_endpoint__of_an_open_one__is_open_for_every_method() -> None:
    for method in ("GET", "POST", "HEAD"):
        found = find(method, DOCS)
        assert (found.is_open, found.url_pattern, found.params) == (True, DOCS, {})


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", f"{HOST}/api/v1/agents/7/tasks"),
        ("POST", f"{HOST}/api/v1/agents/7/tasks/8"),
        ("POST", f"{HOST}/api/v1/agents"),
        ("POST", "http://example.com/api/v1/agents/7/tasks"),
        ("POST", "https://example.com:8443/api/v1/agents/7/tasks"),
        ("POST", "https://www.example.com/api/v1/agents/7/tasks"),
        ("POST", "https://example.com.evil.com/api/v1/agents/7/tasks"),
        ("POST", "https://evil-example.com/api/v1/agents/7/tasks"),
        ("", f"{HOST}/api/v1/agents/7/tasks"),
    ],
)
def test_match_endpoint__of_another_request__finds_none(method: str, url: str) -> None:
    assert find(method, url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://EXAMPLE.com/api/v1/agents/7/tasks",
        "HTTPS://example.com/api/v1/agents/7/tasks",
        "https://example.com:443/api/v1/agents/7/tasks",
        "https://example.com:0443/api/v1/agents/7/tasks",
        "https://example.com/API/v1/Agents/7/TASKS",
        "https://example.com/api/v1/agents/7/tasks/",
        "https://example.com/api/v1/agents/7/tasks?token=1",
        "https://example.com/api/v1/agents/7/tasks?a=/../b",
        "https://example.com/api/v1/agents/7/tasks#part",
        "https://example.com/api/v1/agents/7/tasks?x#y?z",
        "https://example.com/%61pi/v1/agents/7/task%73",
    ],
)
def test_match_endpoint__of_another_spelling__finds_the_same(url: str) -> None:
    assert find("post", url).endpoint == TASKS


def test_match_endpoint__that_matches_paid_and_open__is_paid() -> None:
    assert find("GET", f"{HOST}/paid/1", (EVERYTHING,)).endpoint == PAID
    assert find("HEAD", f"{HOST}/paid/1", (EVERYTHING,)).endpoint == PAID
    assert find("GET", f"{HOST}/other/1", (EVERYTHING,)).is_open


def test_match_endpoint__that_matches_two__is_the_first() -> None:
    special, general = Endpoint("GET", f"{HOST}/a/b"), Endpoint("GET", f"{HOST}/a/:x")
    for order in ([special, general], [general, special]):
        found = match_endpoint(order, [], "GET", f"{HOST}/a/b")
        assert found is not None
        assert found.endpoint == order[0]


@pytest.mark.parametrize("text", ["ä b", "100%", "a?b", "#", "日本", "a+b", "{x}", "\U0001f600"])
def test_match_endpoint__with_an_encoded_parameter__decodes_it(text: str) -> None:
    assert find("GET", f"{HOST}/paid/{quote(text, safe='')}").params == {"file": text}


@pytest.mark.parametrize("pattern", ["/caf%C3%A9/:x", "/café/:x", "/CAF%c3%a9/:x"])
@pytest.mark.parametrize("path", ["/caf%C3%A9/1", "/café/1", "/caf%c3%a9/1", "/CAFÉ/1"])
def test_match_endpoint__with_encoded_text__compares_what_it_means(pattern: str, path: str) -> None:
    found = match_endpoint([Endpoint("GET", HOST + pattern)], [], "GET", HOST + path)
    assert found is not None
    assert found.params == {"x": "1"}


def test_match_endpoint__with_encoded_marks_in_the_pattern__takes_them_for_text() -> None:
    endpoint = Endpoint("GET", f"{HOST}/a%3Ab%2A%7Bc%7D")
    assert match_endpoint([endpoint], [], "GET", f"{HOST}/a:b*%7Bc%7D") is not None


def test_match_endpoint__of_the_root__has_two_spellings() -> None:
    for pattern in (HOST, f"{HOST}/"):
        for url in (HOST, f"{HOST}/", f"{HOST}?a=b", f"{HOST}#x"):
            assert match_endpoint([Endpoint("GET", pattern)], [], "GET", url) is not None


def test_match_endpoint__on_an_ipv6_host__matches() -> None:
    endpoint = Endpoint("GET", "http://[::1]:8080/:x")
    assert match_endpoint([endpoint], [], "GET", "http://[::1]:8080/a") is not None
    assert match_endpoint([endpoint], [], "GET", "http://[::2]:8080/a") is None


# ---------------------------------------------------------------------- as an attacker

AMBIGUOUS = [
    "/open/../paid/1",
    "/open/./../paid/1",
    "/./paid/1",
    "/paid/1/.",
    "/paid/..",
    "/open/%2e%2e/paid/1",
    "/open/%2E./paid/1",
    "/open/.%2e/paid/1",
    "/open/..%2fpaid/1",
    "/open%2f..%2fpaid/1",
    "/paid%2f1",
    "/paid%2F1",
    "/open/%252e%252e/paid/1",
    "/paid%252f1",
    "/paid/%25u002e",
    "/open/..%5cpaid",
    "/open\\..\\paid",
    "/paid%5C1",
    "//paid/1",
    "/paid//1",
    "/paid/1//",
    "///",
    "/paid;v=1/1",
    "/paid%3Bv=1/1",
    "/paid/1\x00",
    "/paid/1%00",
    "/paid/1%0a",
    "/pa\tid/1",
    "/pa id/1",
    "/paid/1\n",
    "/paid/%C2%85",
    "/paid/\x85",
    "/open/...",
    "/open/..%20/paid/1",
    "/open/%c0%ae%c0%ae/paid/1",
    "/open/%c0%af",
    "/paid/%ff",
    "/paid/%zz",
    "/paid/%",
    "/paid/{1}",
]


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_match_endpoint__of_an_ambiguous_path__is_refused_even_where_everything_is_open(path: str) -> None:
    with pytest.raises(InvalidUrl):
        find("GET", HOST + path, (EVERYTHING,))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/api",
        "example.com/paid/1",
        "//example.com/paid/1",
        "ftp://example.com/paid/1",
        "https:/example.com/paid/1",
        "https:\\\\example.com/paid/1",
        "https://example.com@evil.com/paid/1",
        "https://user:pass@example.com/paid/1",
        "https://example.com\\@evil.com/",
        "https://example.com:port/paid/1",
        "https://example.com:/paid/1",
        "https://example.com./paid/1",
        "https://exämple.com/paid/1",
        "https://examp\u2024com/paid/1",
        "https:///paid/1",
        " https://example.com/paid/1",
        "https://exa mple.com/",
        "https://%65xample.com/",
    ],
)
def test_match_endpoint__of_no_url__is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        find("GET", url, (EVERYTHING,))


def test_invalid_url__never_has_password_query_or_fragment() -> None:
    for url in ("https://u:CANARY@example.com/..", f"{HOST}/..?token=CANARY", f"{HOST}/..#CANARY"):
        with pytest.raises(InvalidUrl) as caught:
            parse_request_url(url)
        assert "CANARY" not in str(caught.value) + repr(caught.value)


@given(st.text("/.%2eEfF5cC;\\ab0", max_size=20))
def test_match_endpoint__of_anything__is_open_only_with_a_plain_path(tail: str) -> None:
    """Whatever a server might make of the path, it is the one that was matched."""
    try:
        found = find("GET", f"{HOST}/open/{tail}", (f"{HOST}/open/*rest",))
    except InvalidUrl:
        return
    if found is not None:
        rest = "/".join(found.params["rest"])
        assert not {".", ".."} & set(rest.split("/"))
        assert "//" not in rest
        assert not set("\\;") & set(rest)
        assert unquote(rest) == rest


@given(st.text(max_size=40))
def test_parse_request_url__of_anything__raises_nothing_else(text: str) -> None:
    for url in (text, HOST + text, f"{HOST}/{text}"):
        try:
            origin, path = parse_request_url(url)
        except InvalidUrl:
            continue
        assert path.startswith("/")
        assert origin.startswith(("http://", "https://"))


@given(st.text(max_size=40))
def test_parse_url_pattern__of_anything__raises_nothing_else(text: str) -> None:
    for pattern in (text, HOST + text, f"{HOST}/{text}"):
        try:
            parse_url_pattern(pattern)
        except InvalidEndpoint:
            continue


@pytest.mark.parametrize(("size", "fits"), [(MAX_PATH - 1, True), (MAX_PATH, True), (MAX_PATH + 1, False)])
def test_parse_request_url__with_a_path_of_a_length__fits_up_to_the_limit(size: int, fits: bool) -> None:
    url = f"{HOST}/{'a' * (size - 1)}"
    if fits:
        assert len(parse_request_url(url)[1]) == size
        return
    with pytest.raises(InvalidUrl):
        parse_request_url(url)


@pytest.mark.parametrize(("size", "fits"), [(MAX_URL - 1, True), (MAX_URL, True), (MAX_URL + 1, False)])
def test_parse_request_url__of_a_length__fits_up_to_the_limit(size: int, fits: bool) -> None:
    url = f"{HOST}/?".ljust(size, "q")
    if fits:
        assert parse_request_url(url) == (HOST, "/")
        return
    with pytest.raises(InvalidUrl):
        parse_request_url(url)


# ---------------------------------------------------------------------- patterns that cannot be


@pytest.mark.parametrize("method", ["", "GET POST", "GET,POST", "*", "G3T", "GÈT", "A" * 21, None, 5])
def test_endpoint__with_no_method__is_refused(method: Any) -> None:
    with reverts(InvalidEndpoint(str(method), "an HTTP method is a word such as GET")):
        Endpoint(method, HOST)


def test_endpoint__method__is_written_in_capitals() -> None:
    assert Endpoint("post", HOST) == Endpoint("POST", HOST)


@pytest.mark.parametrize(
    ("pattern", "shown", "problem"),
    [
        ("example.com/a", "example.com/a", "it has to begin with http:// or https:// and a host in ASCII"),
        (
            ":scheme://example.com",
            ":scheme://example.com",
            "it has to begin with http:// or https:// and a host in ASCII",
        ),
        ("https://:host/a", "https://:host/a", "it has to begin with http:// or https:// and a host in ASCII"),
        ("https://*.a.com/", "https://*.a.com/", "it has to begin with http:// or https:// and a host in ASCII"),
        (
            "https://u:CANARY@a.com/",
            "https://a.com/",
            "a / has to follow the host, without user name or wildcard in it",
        ),
        (
            "https://a.com:*port/",
            "https://a.com:*port/",
            "a / has to follow the host, without user name or wildcard in it",
        ),
        ("https://a.com/b?key=CANARY", "https://a.com/b", "query and fragment do not matter; leave them out"),
        ("https://a.com/b#CANARY", "https://a.com/b", "query and fragment do not matter; leave them out"),
        ("https://a.com/b%2Fc", "/b%2Fc", "requests with an encoded slash are refused, so it would never match"),
        ("https://a.com/%ff", "/%ff", "what is percent-encoded in it is not UTF-8"),
        (
            "https://a.com/(b)",
            "/(b)",
            "at character 2: ( has no meaning here; write :name for a segment, *name for several, or \\( for the character itself",
        ),
    ],
)
def test_endpoint__with_no_url_pattern__is_refused(pattern: str, shown: str, problem: str) -> None:
    with reverts(InvalidEndpoint(shown, problem)):
        Endpoint("GET", pattern)


def test_endpoint__that_is_too_long__is_refused() -> None:
    with pytest.raises(InvalidEndpoint):
        Endpoint("GET", f"{HOST}/".ljust(MAX_PATTERN_URL + 1, "a"))


# ---------------------------------------------------------------------- notations of other routers

FOREIGN = [
    ("/users/{id}", "{id}", ":id", r"\{id\}"),
    ("/users/{userId}/orders/{orderId}", "{userId}", ":userId", r"\{userId\}"),
    ("/users/{user-id}", "{user-id}", ":user_id", r"\{user-id\}"),
    ("/users/{user.id}", "{user.id}", ":user_id", r"\{user.id\}"),
    ("/users/{größe}", "{größe}", ":name", r"\{größe\}"),
    ("/users/{id}.json", "{id}", ":id", r"\{id\}"),
    ("/tiles/{z}/1", "{z}", ":z", r"\{z\}"),
    ("/v{version}/users", "{version}", ":version", r"\{version\}"),
    ("/users/{id:int}", "{id:int}", ":id", r"\{id\:int\}"),
    ("/users/{id:[0-9]+}", "{id:[0-9]+}", ":id", r"\{id\:\[0-9\]\+\}"),
    ("/users/{id?}", "{id?}", ":id", r"\{id\?\}"),
    ("/files/{path:path}", "{path:path}", "*path", r"\{path\:path\}"),
    ("/files/{proxy+}", "{proxy+}", "*proxy", r"\{proxy\+\}"),
    ("/files/{**path}", "{**path}", "*path", r"\{\*\*path\}"),
    ("/files/{path*}", "{path*}", "*path", r"\{path\*\}"),
    ("/users/{{id}}", "{{id}}", ":id", r"\{\{id\}\}"),
    ("/users/${id}", "${id}", ":id", r"$\{id\}"),
    ("/users/<id>", "<id>", ":id", r"\<id\>"),
    ("/users/<int:id>", "<int:id>", ":id", r"\<int\:id\>"),
    ("/files/<path:rest>", "<path:rest>", "*rest", r"\<path\:rest\>"),
    ("/users/[id]", "[id]", ":id", r"\[id\]"),
    ("/files/[...slug]", "[...slug]", "*slug", r"\[...slug\]"),
    ("/users/:id?", ":id?", ":id", r"\:id\?"),
    ("/users/:path*", ":path*", "*path", r"\:path\*"),
    ("/users/:id(\\d+)", ":id(\\d+)", ":id", "\\:id\\(\\d\\+\\)"),
]


@pytest.mark.parametrize(("path", "written", "better", "escaped"), FOREIGN, ids=[path for path, *_ in FOREIGN])
def test_endpoint__in_the_notation_of_another_router__is_refused_with_the_spelling_to_write(
    path: str, written: str, better: str, escaped: str
) -> None:
    problem = f"{written} is the notation of another router; write {better}, or {escaped} for the text itself"
    with pytest.raises(InvalidEndpoint) as caught:
        Endpoint("GET", HOST + path)
    assert caught.value.args[1] == problem


@pytest.mark.parametrize(
    ("path", "request_path", "params"),
    [
        ("/users/\\{id\\}", "/users/%7Bid%7D", {}),
        ("/users/%7Bid%7D", "/users/%7Bid%7D", {}),
        ("/users/{\\id}", "/users/", {}),
        ("/user{s}/:id", "/users/7", {"id": "7"}),
        ("/colo{u}r", "/color", {}),
        ("/users{/:id}", "/users/7", {"id": "7"}),
        ("/users{/all}", "/users", {}),
        ("/files/{*path}", "/files/a/b", {"path": ("a", "b")}),
        ("/:file{.:ext}", "/a.b", {"file": "a", "ext": "b"}),
        ("/a{-:b}", "/a-1", {"b": "1"}),
    ],
)
def test_endpoint__with_braces_that_can_mean_one_thing__serves_it(path: str, request_path: str, params: Any) -> None:
    found = match_endpoint([Endpoint("GET", HOST + path)], [], "GET", HOST + request_path)
    assert found is not None
    assert found.params == params


def test_endpoint__with_braces_in_its_query__never_shows_the_query() -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        Endpoint("GET", f"{HOST}/{{id}}?token=CANARY")
    assert "CANARY" not in str(caught.value)
