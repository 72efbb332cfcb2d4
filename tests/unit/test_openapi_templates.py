"""metadata.openapi.templates: path templates become URL patterns that match the requests that OpenAPI means."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidEndpoint, InvalidOpenApi, InvalidUrl
from nvm_chain.metadata.endpoints import Endpoint, match_endpoint
from nvm_chain.metadata.openapi.templates import build_sample_url, build_url_pattern, rank_path

HOST = "https://example.com"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/", "/a/"),
        ("/a/{b}", "/a/:b"),
        ("/a/{b}/c/{d}", "/a/:b/c/:d"),
        ("/a/{user-id}", "/a/:user_id"),
        ("/a/{user.id}", "/a/:user_id"),
        ("/a/{user id}", "/a/:user_id"),
        ("/a/{2nd}", "/a/:_2nd"),
        ("/a/{é}", "/a/:_"),
        ("/a/{b}/{b}", "/a/:b/:b_"),
        ("/a/{b-c}/{b_c}", "/a/:b_c/:b_c_"),
        ("/a/{b}.json", "/a/:b.json"),
        ("/a/{b}.{c}", "/a/:b.:c"),
        ("/a/{b}-{c}", "/a/:b-:c"),
        ("/a/{b}suffix", '/a/:"b"suffix'),
        ("/a/{b}_{c}", '/a/:"b"_:c'),
        ("/a/{b}$x", '/a/:"b"$x'),
        ("/a/{b}é", '/a/:"b"é'),
        ("/a/{b}:cancel", "/a/:b\\:cancel"),
        ("/a/{b}(x)", "/a/:b\\(x\\)"),
        ("/a:b/*/[c]/d+e!", "/a\\:b/\\*/\\[c\\]/d\\+e\\!"),
        ("/a/<b>", "/a/\\<b\\>"),
        ("/a\\b", "/a\\\\b"),
        ("/a/{proxy+}", "/a/*proxy"),
        ("/a/{rest*}", "/a/*rest"),
        ("/a/{rest**}/b", "/a/*rest/b"),
        ("/a%20b/{c}", "/a%20b/:c"),
        ("/a b", "/a b"),
        ("/Users({id})", "/Users\\(:id\\)"),
        ("/Users(key='{id}')", "/Users\\(key=':id'\\)"),
    ],
)
def test_build_url_pattern__of_a_template__is_its_pattern(path: str, pattern: str) -> None:
    assert build_url_pattern(HOST, path, "paths") == HOST + pattern
    Endpoint("GET", HOST + pattern)


@pytest.mark.parametrize(
    ("path", "request_path", "params"),
    [
        ("/users/{id}", "/users/7", {"id": "7"}),
        ("/users/{user-id}/files/{name}.json", "/users/7/files/a.json", {"user_id": "7", "name": "a"}),
        ("/items/{id}:cancel", "/items/7:cancel", {"id": "7"}),
        ("/items/{id}suffix", "/items/7suffix", {"id": "7"}),
        ("/files/{path+}", "/files/a/b/c", {"path": ("a", "b", "c")}),
        ("/a%20b/{c}", "/a%20b/1", {"c": "1"}),
        ("/Users({id})", "/Users(7)", {"id": "7"}),
    ],
)
def test_build_url_pattern__of_a_template__matches_its_requests(
    path: str, request_path: str, params: dict[str, object]
) -> None:
    endpoint = Endpoint("GET", build_url_pattern(f"{HOST}/v1", path, "paths"))
    found = match_endpoint([endpoint], [], "GET", f"{HOST}/v1{request_path}")
    assert found is not None
    assert dict(found.params) == params
    assert match_endpoint([endpoint], [], "GET", f"{HOST}{request_path}") is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/a?b=c", "has a query, a fragment, or a brace alone"),
        ("/a#b", "has a query"),
        ("/a/{b", "a brace alone"),
        ("/a/b}", "a brace alone"),
        ("/a/{}", "a brace alone"),
        ("/a/{{b}}", "a brace alone"),
        ("/a/{b/c}", "a brace alone"),
        ("/a/{b}{c}", "there has to be text before"),
        ("/a%2fb", "an encoded slash"),
        ("/a%ff", "not UTF-8"),
        ("/" + "a" * 5_000, "more than 4096 characters"),
    ],
)
def test_build_url_pattern__of_what_no_pattern_says__is_refused(path: str, reason: str) -> None:
    with pytest.raises(InvalidOpenApi, match=f"{reason}.*leave the operation out with `exclude`"):
        build_url_pattern(HOST, path, "paths")


def test_build_url_pattern__of_a_server_with_marks_in_its_path__escapes_them() -> None:
    pattern = build_url_pattern("http://127.0.0.1:8000/a:b/(c)", "/{d}", "paths")
    assert pattern == "http://127.0.0.1:8000/a\\:b/\\(c\\)/:d"


TEXTS = st.text(st.sampled_from("abAB09-._~!$&'()*+,=:@ é"), min_size=1, max_size=6).filter(
    lambda text: text.strip(". ")
)
NAMES = st.text(st.sampled_from("ab-_.9é "), min_size=1, max_size=5)
SEGMENTS = st.tuples(TEXTS, NAMES | st.none(), TEXTS | st.just(""))


@given(st.lists(SEGMENTS, min_size=1, max_size=4), st.booleans())
def test_build_url_pattern__of_any_template__matches_the_sample_and_any_value(
    segments: list[tuple[str, str | None, str]], ends_with_slash: bool
) -> None:
    path = "".join(f"/{before}" + (f"{{{name}}}" if name else "") + after for before, name, after in segments)
    path += "/" * ends_with_slash
    endpoint = Endpoint("GET", build_url_pattern(HOST, path, "paths"))
    filled = "".join(f"/{before}{'X1x' if name else ''}{after}" for before, name, after in segments)
    filled += "/" * ends_with_slash
    for url in (build_sample_url(HOST, path), HOST + quote(filled, safe="/~!$&'()*+,=:@-._")):
        try:
            found = match_endpoint([endpoint], [], "GET", url)
        except InvalidUrl:  # a segment of dots alone
            continue
        assert found is not None, (endpoint, url)
        assert match_endpoint([endpoint], [], "GET", url.replace(HOST, f"{HOST}/zzz")) is None


@given(st.text(max_size=30))
def test_build_url_pattern__of_any_text__is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = build_url_pattern(HOST, f"/{text}", "paths")
    except InvalidOpenApi:
        return
    try:
        Endpoint("GET", pattern)
    except InvalidEndpoint as error:
        raise AssertionError from error


def test_build_sample_url__of_a_template__is_matched_by_no_literal_path() -> None:
    literal = Endpoint("GET", build_url_pattern(HOST, "/users/me", "paths"))
    template = Endpoint("GET", build_url_pattern(HOST, "/users/{id}", "paths"))
    sample = build_sample_url(HOST, "/users/{id}")
    found = match_endpoint([literal, template], [], "GET", sample)
    assert found is not None
    assert found.endpoint is template
    assert not re.search("[{}]", sample)


def test_rank_path__of_paths_that_match_the_same__puts_the_concrete_first() -> None:
    paths = ["/{a}/{b}", "/{a}/b", "/a/{b}", "/a/{b}.json", "/a/b"]
    assert sorted(paths, key=rank_path) == ["/a/b", "/a/{b}.json", "/a/{b}", "/{a}/b", "/{a}/{b}"]
