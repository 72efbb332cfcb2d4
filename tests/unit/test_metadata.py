"""Metadata: one JSON form, there and back, and no secret in it whatever its name."""

import json
import time
from base64 import b64encode
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.endpoints import Endpoint
from nvm_chain.errors import InputError, InvalidAmount, InvalidEndpoint, InvalidMetadata, SecretInMetadata
from nvm_chain.file_entries import FileEntry, describe_file, read_file_entry
from nvm_chain.leaks import MAX_DEPTH, refuse_secrets
from nvm_chain.metadata import (
    MAX_JSON,
    URI_PREFIX,
    AgentMetadata,
    Metadata,
    PlanMetadata,
    build_metadata_uri,
    describe_metadata,
    format_metadata,
    hash_metadata,
    parse_metadata,
    parse_metadata_uri,
    parse_plan_metadata,
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
    extras={"sampleCode": "print(1)", "limits": {"requests": 10, "nested": [1, None, True, "x"]}},
)

NO_SCHEME = "it does not begin with one of https, http, ipfs, data, file, followed by a colon"
NO_LENGTH, NO_TYPE = "it is not a number of bytes", "it is not SHA256, the one that is checked"
UNKNOWN = "a file has url, name, contentType, contentLength, sha256 and a checksum"
NO_HASH = "it is not 64 hexadecimal digits in small letters"
NO_DATE = "it is not a date as ISO 8601 has it, such as 2026-01-31T12:00:00Z"


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


PLAN = PlanMetadata(
    name="My Credits Plan",
    description="100 credits",
    license="Apache-2.0",
    tags=["test"],
    sample_link="https://example.com/sample",
    images=["https://example.com/cover.png"],
    is_trial_plan=True,
    extras={"colour": "blue"},
)


def test_plan_metadata__written_and_read__is_the_same() -> None:
    assert parse_plan_metadata(format_metadata(PLAN)) == PLAN
    assert describe_metadata(PLAN) == {
        "name": "My Credits Plan",
        "description": "100 credits",
        "license": "Apache-2.0",
        "tags": ["test"],
        "sampleLink": "https://example.com/sample",
        "images": ["https://example.com/cover.png"],
        "isTrialPlan": True,
        "colour": "blue",
    }


@pytest.mark.parametrize("kind", [PlanMetadata, AgentMetadata])
def test_metadata__with_none_for_what_is_not_there__is_without_it(kind: type[Metadata]) -> None:
    """As people write it who come from the hosted API, where everything but the name is optional."""
    absent = {own.name: None for own in fields(kind) if own.name != "name"}
    assert kind("x", **absent) == kind("x")  # type: ignore[arg-type]


def test_metadata__with_lists__has_tuples() -> None:
    metadata = AgentMetadata("x", tags=["a"], endpoints=[Endpoint("GET", "https://a.com")], files=[FILE])
    assert (metadata.tags, metadata.files) == (("a",), (FILE,))
    assert metadata == AgentMetadata("x", tags=("a",), endpoints=(Endpoint("GET", "https://a.com"),), files=(FILE,))


def test_plan_metadata__trial_that_is_no_bool__is_refused() -> None:
    with reverts(InvalidMetadata("is_trial_plan", "it is neither true nor false")):
        PlanMetadata("x", is_trial_plan="no")  # type: ignore[arg-type]


def test_hash_metadata__is_of_the_canonical_json() -> None:
    assert hash_metadata(PLAN) == sha256(format_metadata(PLAN).encode()).hexdigest()
    assert hash_metadata(PLAN) == hash_metadata(parse_plan_metadata(json.dumps(describe_metadata(PLAN), indent=2)))
    assert hash_metadata(PLAN) != hash_metadata(replace(PLAN, name="Mine"))


# ---------------------------------------------------------------------- files

FILE = FileEntry("https://example.com/data/file1.csv", content_type="text/csv", length=3, sha256="ab" * 32)


def test_file_entry__written_and_read__is_the_same() -> None:
    assert read_file_entry(describe_file(FILE)) == FILE
    metadata = AgentMetadata("x", agent_type="dataset", files=(FILE,))
    assert parse_metadata(format_metadata(metadata)) == metadata


def test_read_file_entry__as_the_documents_have_it__is_read() -> None:
    entry = read_file_entry(
        {
            "index": 0,
            "url": FILE.url,
            "contentType": "text/csv",
            "contentLength": "3",
            "checksum": "AB" * 32,
            "checksumType": "SHA-256",
        }
    )
    assert entry == FILE


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (
            "https://a.com/b",
            InvalidMetadata("files", 'each is an object with a URL, {"name": "…", "url": "https://…"}'),
        ),
        ({"name": "a"}, InvalidMetadata("files", 'each is an object with a URL, {"name": "…", "url": "https://…"}')),
        ({"url": 5}, InvalidMetadata("files.url", "it is not text but int")),
        ({"url": "javascript:alert(1)"}, InvalidMetadata("files.url", NO_SCHEME)),
        ({"url": "file1.csv"}, InvalidMetadata("files.url", NO_SCHEME)),
        ({"url": "https://[a/b"}, InvalidMetadata("files.url", "it is not a URL")),
        ({"url": "https://a.com/\x1b"}, InvalidMetadata("files.url", NO_SCHEME)),
        ({"url": "https://a.com/b", "name": ["b"]}, InvalidMetadata("files.name", "it is not text but list")),
        ({"url": "https://a.com/b", "contentLength": "3 kB"}, InvalidMetadata("files.contentLength", NO_LENGTH)),
        ({"url": "https://a.com/b", "sha256": "xy" * 32}, InvalidMetadata("files.sha256", NO_HASH)),
        ({"url": "https://a.com/b", "md5": "ab"}, InvalidMetadata("files.md5", UNKNOWN)),
        (
            {"url": "https://a.com/b", "checksum": "ab", "checksumType": "MD5"},
            InvalidMetadata("files.checksumType", NO_TYPE),
        ),
        (
            {"url": "https://a.com/b", "checksum": "ab", "checksumType": "sha256"},
            InvalidMetadata("files.sha256", NO_HASH),
        ),
    ],
)
def test_read_file_entry__that_cannot_be__is_refused(value: object, error: InputError) -> None:
    with reverts(error):
        read_file_entry(value)


@pytest.mark.parametrize("length", [-1, 2**53, True, 1.5])
def test_file_entry__with_a_length_that_no_file_has__is_refused(length: Any) -> None:
    with pytest.raises(InvalidAmount):
        FileEntry("https://a.com/b", length=length)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.com/b/c.csv?x=1", "c.csv"),
        ("https://a.com/", "file"),
        ("data:text/plain,a/b", "file"),
        ("ipfs://bafk", "file"),
    ],
)
def test_file_entry__without_a_name__takes_it_from_the_url(url: str, name: str) -> None:
    assert FileEntry(url).name == name


# ---------------------------------------------------------------------- canonical


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
        ({"name": 5}, InvalidMetadata("name", "it is not text but int")),
        ({"name": None}, InvalidMetadata("name", "it is not text but NoneType")),
        ({"tags": "test"}, InvalidMetadata("tags", "it is not a list of str")),
        ({"tags": (1,)}, InvalidMetadata("tags", "it is not a list of str")),
        ({"endpoints": ("https://a.com",)}, InvalidMetadata("endpoints", "it is not a list of Endpoint")),
        ({"files": ["https://a.com/b"]}, InvalidMetadata("files", "it is not a list of FileEntry")),
        ({"date_created": "yesterday"}, InvalidMetadata("date_created", NO_DATE)),
        ({"extras": []}, InvalidMetadata("extras", "it is not a mapping")),
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
        ("", InvalidMetadata("as JSON", "it is not JSON")),
        ("[]", InvalidMetadata("as JSON", "it is not an object")),
        ("{}", InvalidMetadata("name", "it is empty")),
        ("[" * 10_000, InvalidMetadata("as JSON", "it is not JSON")),
        ('{"name":"a","name":"b"}', InvalidMetadata("as JSON", "it has a name twice in one object")),
        ('{"name":"a","x":NaN}', InvalidMetadata("extras", "it has something that JSON has not")),
        ('{"name":"a","tags":"b"}', InvalidMetadata("tags", "it is not a list")),
        ('{"name":"a","endpoints":{}}', InvalidMetadata("endpoints", "it is not a list")),
        ('{"name":"a","endpoints":[{"GET":5}]}', InvalidEndpoint("GET", "its URL pattern is not text")),
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
        "sk-abcdefghijklmnopqrstuvwx",
        "xoxc-1234567890-abcdefghijkl",
        "sk-lf-0c1d2e3f-0000-4aaa-8bbb-0123456789ab",
        "sk-ant-api03-abc_def-ghijklmnopqrstuv9w",
        "glpat-abc-def_ghi-jkl_mno1",
        "github_pat_11ABCDEFG0abcdefghijkl_mnop",
        "xapp-1-A0123456789-abcdefghijkl",
        "Bearer abcdefghijklmnopqrstuvwxyzabcdef",
        "Bearer 1|abcdefghijklmnopqrstuvwxyzabcdefghijklmn",
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


@pytest.mark.parametrize("text", ["sk-", "basic ", "sk-a1-", "a://", "bearer-"])
def test_refuse_secrets__of_many_beginnings_of_secrets__looks_at_each_once(text: str) -> None:
    started = time.process_time()
    refuse_secrets({"name": text * (100_000 // len(text))})
    assert time.process_time() - started < 2


def test_parse_metadata__with_a_secret__is_refused_as_well() -> None:
    with reverts(SecretInMetadata("upstream.token")):
        parse_metadata(json.dumps({"name": "x", "upstream": {"token": CANARY}}))


def test_agent_metadata__with_a_secret_in_an_endpoints_url__never_shows_it() -> None:
    for pattern in ("https://u:CANARY@example.com/", "https://example.com/a?token=CANARY"):
        with pytest.raises(InputError) as caught:
            parse_metadata(json.dumps({"name": "x", "endpoints": [{"GET": pattern}]}))
        assert "CANARY" not in str(caught.value) + repr(caught.value)
