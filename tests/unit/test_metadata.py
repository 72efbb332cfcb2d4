"""Metadata: one JSON form, there and back, and no secret in it whatever its name."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.endpoints import Endpoint
from nvm_chain.errors import InputError, InvalidEndpoint, InvalidMetadata, SecretInMetadata
from nvm_chain.metadata import (
    MAX_DEPTH,
    MAX_JSON,
    URI_PREFIX,
    AgentMetadata,
    build_metadata_uri,
    describe_metadata,
    format_metadata,
    parse_metadata,
    parse_metadata_uri,
    refuse_secrets,
)
from tests.support.reverts import reverts

FULL = AgentMetadata(
    name="E2E Payments Agent",
    description="Description for the E2E Payments Agent – ünï",
    author="builder",
    tags=("test", "e2e"),
    date_created="2026-01-31T12:00:00Z",
    agent_type="service",
    endpoints=(
        Endpoint("POST", "https://example.com/api/v1/agents/:agentId/tasks"),
        Endpoint("GET", "https://example.com/api/v1/agents/:agentId/tasks/invoke"),
    ),
    open_endpoints=("https://example.com/api/v1/rest/docs-json",),
    extras={"sampleLink": "https://example.com/sample", "limits": {"requests": 10, "nested": [1, None, True, "x"]}},
)


def test_describe_metadata__is_the_object_of_the_documents() -> None:
    assert describe_metadata(FULL) == {
        "name": FULL.name,
        "description": FULL.description,
        "author": "builder",
        "tags": ["test", "e2e"],
        "dateCreated": "2026-01-31T12:00:00Z",
        "agentType": "service",
        "endpoints": [
            {"POST": "https://example.com/api/v1/agents/:agentId/tasks"},
            {"GET": "https://example.com/api/v1/agents/:agentId/tasks/invoke"},
        ],
        "openEndpoints": ["https://example.com/api/v1/rest/docs-json"],
        **FULL.extras,
    }


@pytest.mark.parametrize("metadata", [FULL, AgentMetadata("x")], ids=["full", "least"])
def test_metadata__written_and_read__is_the_same(metadata: AgentMetadata) -> None:
    assert parse_metadata(format_metadata(metadata)) == metadata
    assert parse_metadata_uri(build_metadata_uri(metadata)) == metadata


def test_format_metadata__is_canonical() -> None:
    text = format_metadata(AgentMetadata("é", extras={"b": 1, "a": [1, 2]}))
    assert text == '{"a":[1,2],"agentType":"agent","b":1,"name":"é"}'
    assert format_metadata(parse_metadata(json.dumps(json.loads(text), indent=4))) == text


NAMES = st.text("abcdefghijxyz", min_size=1, max_size=8).filter(lambda name: name not in ("name", "author", "tags"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text('abc é"\\/', max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.text("abc é", min_size=1, max_size=20), st.dictionaries(NAMES, JSON, max_size=4))
def test_metadata__with_any_extras__comes_back(name: str, extras: dict[str, Any]) -> None:
    metadata = AgentMetadata(name, extras=extras)
    assert parse_metadata_uri(build_metadata_uri(metadata)) == metadata


@given(st.text(max_size=200))
def test_parse__of_anything__raises_input_errors_only(text: str) -> None:
    for read in (parse_metadata, parse_metadata_uri):
        for given_text in (text, URI_PREFIX + text, URI_PREFIX + b64encode(text.encode("utf-8", "replace")).decode()):
            with pytest.raises(InputError):
                read(given_text)


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, InvalidMetadata("name", "it is empty")),
        ({"name": 5}, InvalidMetadata("name", "it is no text but int")),
        ({"description": None}, InvalidMetadata("description", "it is no text but NoneType")),
        ({"tags": ["a"]}, InvalidMetadata("tags", "it is no tuple of str")),
        ({"tags": (1,)}, InvalidMetadata("tags", "it is no tuple of str")),
        ({"endpoints": ("https://a.com",)}, InvalidMetadata("endpoints", "it is no tuple of Endpoint")),
        ({"extras": []}, InvalidMetadata("extras", "it is no mapping")),
        ({"extras": {"openEndpoints": []}}, InvalidMetadata("extras", "openEndpoints has a field of its own")),
        ({"extras": {"x": {1, 2}}}, InvalidMetadata("extras", "it has something that JSON has not")),
        ({"extras": {"x": float("nan")}}, InvalidMetadata("extras", "it has something that JSON has not")),
        ({"description": "\ud800"}, InvalidMetadata("extras", "it has something that JSON has not")),
        (
            {"open_endpoints": ("docs",)},
            InvalidEndpoint("docs", "it has to begin with http:// or https:// and a host in ASCII"),
        ),
    ],
)
def test_agent_metadata__that_cannot_be__is_refused(changes: dict[str, Any], error: InputError) -> None:
    with reverts(error):
        AgentMetadata(**{"name": "x", **changes})


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidMetadata("as JSON", "it is no JSON")),
        ("[]", InvalidMetadata("as JSON", "it is no object")),
        ("{}", InvalidMetadata("name", "it is empty")),
        ("[" * 10_000, InvalidMetadata("as JSON", "it is no JSON")),
        ('{"name":"a","name":"b"}', InvalidMetadata("as JSON", "it has a name twice in one object")),
        ('{"name":"a","x":NaN}', InvalidMetadata("extras", "it has something that JSON has not")),
        ('{"name":"a","tags":"b"}', InvalidMetadata("tags", "it is no list")),
        ('{"name":"a","endpoints":{}}', InvalidMetadata("endpoints", "it is no list")),
        ('{"name":"a","endpoints":[{"GET":5}]}', InvalidEndpoint("GET", "its URL pattern is no text")),
        (
            '{"name":"a","endpoints":[{}]}',
            InvalidMetadata("endpoints", 'each is an object of one method and URL pattern, {"POST": "https://…"}'),
        ),
    ],
)
def test_parse_metadata__that_cannot_be__is_refused(text: str, error: InputError) -> None:
    with reverts(error):
        parse_metadata(text)


@pytest.mark.parametrize(("size", "fits"), [(MAX_JSON - 1, True), (MAX_JSON, True), (MAX_JSON + 1, False)])
def test_metadata__of_a_size__fits_up_to_the_limit(size: int, fits: bool) -> None:
    name = "x" * (size - len('{"name":""}'))
    if fits:
        uri = build_metadata_uri(AgentMetadata(name, agent_type=""))
        assert parse_metadata_uri(uri).name == name
        return
    with reverts(InvalidMetadata("as JSON", f"it has {size} bytes and may have {MAX_JSON}")):
        AgentMetadata(name, agent_type="")
    with reverts(InvalidMetadata("as JSON", f"it has more than {MAX_JSON} bytes")):
        parse_metadata(json.dumps({"name": name}, separators=(",", ":")))
    with pytest.raises(InvalidMetadata):
        parse_metadata_uri(URI_PREFIX + b64encode(b"{" * (size + 10)).decode())


@pytest.mark.parametrize("uri", ["", "https://example.com", "data:text/plain,x", URI_PREFIX + "!", URI_PREFIX + "/w=="])
def test_parse_metadata_uri__that_is_none__is_refused(uri: str) -> None:
    with pytest.raises(InvalidMetadata):
        parse_metadata_uri(uri)


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_metadata__nested__is_bounded(depth: int, fits: bool) -> None:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    if fits:
        assert AgentMetadata("x", extras={"a": value}).extras == {"a": value}
        return
    with pytest.raises(InvalidMetadata):
        AgentMetadata("x", extras={"a": value})


# ---------------------------------------------------------------------- secrets

CANARY = "canary-value"
KEY = "0x" + "5a" * 32


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "Authorization", "AUTHORISATION", "token", "access_token", "accessToken", "refresh-token",
        "password", "Passwd", "PASSWORD", "pass_phrase", "secret", "clientSecret", "api_key", "apikey", "apiKey",
        "API-KEY", "X-Api-Key", "OPENAI_API_KEY", "bearer", "bearerToken", "credentials", "credential", "private_key",
        "privateKey", "PRIVATE KEY", "p.r.i.v.a.t.e.k.e.y", "mnemonic", "seed phrase", "cookie",
        "upstreamTokens", "accessTokens", "tokens", "pwd", "pass", "passcode", "auth", "X-Auth", "session", "sessionId",
        "seed", "credentials_file", "ｐａｓｓｗｏｒｄ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("nest", [lambda v: v, lambda v: {"upstream": [v]}, lambda v: {"a": {"b": {"c": v}}}])
def test_refuse_secrets__under_a_suspicious_name__says_where_and_not_what(name: str, nest: Any) -> None:
    with pytest.raises(SecretInMetadata) as caught:
        AgentMetadata("x", extras={"more": nest({name: CANARY})})
    assert caught.value.field.endswith(name)
    assert CANARY not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("value", [{"value": CANARY}, [CANARY], {"a": {"b": CANARY}}, 12345])
def test_refuse_secrets__inside_a_suspicious_name__finds_it(value: Any) -> None:
    with pytest.raises(SecretInMetadata):
        refuse_secrets({"api_key": value})


@pytest.mark.parametrize(
    "value",
    [
        "Bearer abcdefgh12345678",
        "call it with authorization: bearer abcdefgh12345678",
        "Basic dXNlcjpwYXNzd29yZA==",
        "sk-abcdefghijklmnop1234",
        "key sk-proj-abcdefghijklmnop1234 here",
        "ghp_abcdefghijklmnop1234",
        "xoxb-1234567890-abcdefghij",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "-----BEGIN RSA PRIVATE KEY-----",
        "https://user:pass@example.com/",
        "postgres://user@host/db",
        "https://example.com/?api_key=abc",
        "https://example.com/?a=b&access_token=abc",
        "https://example.com/?sv=1&sig=abc",
        "https://example.com/?key=abc",
        "send Authorization: Token abc with it",
    ],
)
@pytest.mark.parametrize("field", ["name", "description", "tags", "extras", "names", "open_endpoints"])
def test_agent_metadata__with_a_value_that_looks_like_a_secret__is_refused(field: str, value: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "tags": {"tags": ("ok", value)},
        "extras": {"extras": {"note": [value]}},
        "names": {"extras": {value: "note"}},
        "open_endpoints": {"open_endpoints": (value,)},
    }
    with pytest.raises(SecretInMetadata) as caught:
        AgentMetadata(**{"name": "x", **changes.get(field, {field: value})})
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["key", "PK", "deployerKey", "seed", "signer", "wallet"])
@pytest.mark.parametrize("value", [KEY, KEY[2:], f" {KEY.upper().replace('X', 'x')} "])
def test_refuse_secrets__of_64_hexadecimal_digits_under_the_name_of_a_key__is_refused(name: str, value: str) -> None:
    with reverts(SecretInMetadata(name)):
        refuse_secrets({name: value})


@pytest.mark.parametrize(
    "extras",
    [
        {"planId": KEY},
        {"transactionHash": KEY},
        {"tokenAddress": "0x036CbD53842c5426634e7929541eC2318f3dCF7e"},
        {"tokens": 5},
        {"token_id": 7, "maxTokens": 100, "token_symbol": "USDC"},
        {"password": ""},
        {"api_key": None, "secret": False},
        {"description": "Give your API key to nobody. The bearer of this has a token."},
        {"contact": "mailto:builder@example.com"},
        {"link": "https://example.com/@user?q=key"},
        {"author": "Tokenizer", "keywords": ["secretary", "keyboard"]},
        {"task-force": "ask-me-anything-about-it-please"},
    ],
)
def test_agent_metadata__with_what_only_sounds_like_a_secret__is_accepted(extras: dict[str, Any]) -> None:
    changes = {"author": extras.pop("author")} if "author" in extras else {}
    changes |= {"description": extras.pop("description")} if "description" in extras else {}
    assert AgentMetadata("x", **changes, extras=extras).extras == extras


def test_parse_metadata__with_a_secret__is_refused_as_well() -> None:
    with reverts(SecretInMetadata("upstream.token")):
        parse_metadata(json.dumps({"name": "x", "upstream": {"token": CANARY}}))


def test_agent_metadata__with_a_secret_in_an_endpoints_url__never_shows_it() -> None:
    for pattern in ("https://u:CANARY@example.com/", "https://example.com/a?token=CANARY"):
        with pytest.raises(InputError) as caught:
            parse_metadata(json.dumps({"name": "x", "endpoints": [{"GET": pattern}]}))
        assert "CANARY" not in str(caught.value) + repr(caught.value)
