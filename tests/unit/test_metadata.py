"""Metadata: one JSON form, there and back, and no secret in it whatever its name."""

import json
import time
from base64 import b64encode
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InputError, InvalidAmount, InvalidEndpoint, InvalidMetadata, SecretInMetadata
from nvm_chain.metadata.canonical_json import format_canonical_json
from nvm_chain.metadata.data_uris import MAX_JSON, URI_PREFIX, parse_data_uri
from nvm_chain.metadata.documents import (
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
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.metadata.file_entries import FileEntry, describe_file, read_file_entry
from nvm_chain.metadata.secret_scan import MAX_DEPTH, refuse_secrets
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

NO_SCHEME = "it does not begin with one of https, http, ipfs, data, file, gateway, followed by a colon"
NO_LENGTH, NO_TYPE = "it is not a number of bytes", "it is not SHA256, the only type that is checked"
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


# Taken from appendix B of RFC 8785 and from `JSON.stringify` of Node.js 20.20.2.
NUMBERS = [
    (1.0, "1"),
    (-0.0, "0"),
    (0.0, "0"),
    (-1.5, "-1.5"),
    (4.50, "4.5"),
    (2e-3, "0.002"),
    (1e-6, "0.000001"),
    (1e-07, "1e-7"),
    (1.5e-07, "1.5e-7"),
    (1e-27, "1e-27"),
    (5e-324, "5e-324"),
    (1e2, "100"),
    (120.0, "120"),
    (333333333.33333329, "333333333.3333333"),
    (0.1 + 0.2, "0.30000000000000004"),
    (2**53 - 1, "9007199254740991"),
    (1 - 2**53, "-9007199254740991"),
    (9007199254740991.0, "9007199254740991"),
    (123456789012345.67, "123456789012345.67"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS, ids=[text for _, text in NUMBERS])
def test_format_canonical_json__of_a_number__is_what_javascript_writes(number: Any, text: str) -> None:
    assert format_canonical_json(number) == text


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**256 - 1, 1e16, 1e21, 1e300, 10**5000], ids=range(7))
def test_format_canonical_json__of_a_number_that_readers_round__is_refused(number: Any) -> None:
    problem = "it has a number of 2**53 or more, which many readers round; write it as text"
    with reverts(InvalidMetadata("extras", problem)):
        format_canonical_json([number])


def test_format_canonical_json__of_names__sorts_them_by_utf_16_unit() -> None:
    """The example of RFC 8785, section 3.2.3. By code point, U+FB33 would come before U+1F600."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = format_canonical_json(dict.fromkeys(names, 0))
    assert list(json.loads(text)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_format_canonical_json__of_text__escapes_what_rfc_8785_escapes() -> None:
    text = format_canonical_json("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/\x7f\u2028")
    assert text == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f\u2028"'


@pytest.mark.parametrize(
    "value", [{1: "a"}, {"a": {2: 3}}, {1, 2}, b"x", object(), float("inf"), "\udc00", {"\ud800": 1}]
)
def test_format_canonical_json__of_what_json_has_not__is_refused(value: Any) -> None:
    with reverts(InvalidMetadata("extras", "it has something that JSON does not have")):
        format_canonical_json(value)


@pytest.mark.parametrize(
    ("value", "text"), [({}, "{}"), ([], "[]"), ((), "[]"), ((1, [{}]), "[1,[{}]]"), (True, "true")]
)
def test_format_canonical_json__of_lists_and_objects__has_no_blanks(value: Any, text: str) -> None:
    assert format_canonical_json(value) == text


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
        ({"extras": {"x": {1, 2}}}, InvalidMetadata("extras", "it has something that JSON does not have")),
        ({"extras": {"x": float("nan")}}, InvalidMetadata("extras", "it has something that JSON does not have")),
        ({"description": "\ud800"}, InvalidMetadata("extras", "it has something that JSON does not have")),
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
        ('{"name":"a","x":NaN}', InvalidMetadata("extras", "it has something that JSON does not have")),
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
    with reverts(InvalidMetadata("as JSON", f"it has {size} bytes, and at most {MAX_JSON} are allowed")):
        AgentMetadata(name, agent_type="")
    with reverts(InvalidMetadata("as JSON", f"it has more than {MAX_JSON} bytes")):
        parse_metadata(json.dumps({"name": name}, separators=(",", ":")))
    with pytest.raises(InvalidMetadata):
        parse_metadata_uri(URI_PREFIX + b64encode(b"{" * (size + 10)).decode())


DOCUMENT = '{"name":"Caf\u00e9 #1"}'
PACKED = b64encode(DOCUMENT.encode()).decode()


@pytest.mark.parametrize(
    "uri",
    [
        f"data:application/json;base64,{PACKED}",
        f"DATA:application/json;BASE64,{PACKED}",
        f"data:application/json;charset=utf-8;base64,{PACKED}",
        f'data:application/json;charset="UTF-8";base64,{PACKED}',
        f"data:application/json;utf8;base64,{PACKED}",
        f"data:;base64,{PACKED}",
        f"data:text/plain;base64,{PACKED}",
        f"data:application/json;base64,{PACKED.rstrip('=')}",
        f"data:application/json;base64,{PACKED[:8]}\n{PACKED[8:]}",
        f"data:application/json;base64,{quote(PACKED, safe='')}",
        f"data:application/json,{DOCUMENT}",
        f"data:application/json;utf8,{DOCUMENT}",
        f"data:application/json;charset=utf-8,{quote(DOCUMENT)}",
        f"data:application/ld+json;profile=x,{quote(DOCUMENT)}",
        f"data:,{quote(DOCUMENT)}",
    ],
)
def test_parse_data_uri__in_any_usual_spelling__is_the_document(uri: str) -> None:
    assert parse_data_uri(uri) == DOCUMENT
    assert parse_metadata_uri(uri).name == "Caf\u00e9 #1"


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("https://example.com/a.json", "it does not begin with data:"),
        ("data:application/json;base64", "a data: URI has a comma before its data"),
        ("data:" + "a" * 257 + ",{}", "a data: URI has a comma before its data"),
        ("data:application/json;charset=iso-8859-1,{}", "it is not UTF-8 text"),
        ("data:application/json,%ff", "it is not UTF-8 text"),
        ("data:application/json;base64,!", "its data is not base64"),
        ("data:application/json;base64,e30=e30=", "its data is not base64"),
        ("data:," + "x" * (MAX_JSON + 1), f"its document has more than {MAX_JSON} bytes"),
        ("data:," + "x" * 1_000_000, f"its document has more than {MAX_JSON} bytes"),
    ],
    ids=range(9),
)
def test_parse_data_uri__that_cannot_be_read__is_refused(uri: str, problem: str) -> None:
    with reverts(InvalidMetadata("URI", problem)):
        parse_data_uri(uri)


def test_parse_data_uri__of_the_longest_document_in_the_longest_spelling__is_read() -> None:
    assert parse_data_uri("data:application/json," + "%41" * MAX_JSON) == "A" * MAX_JSON


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
    with reverts(SecretInMetadata(name, "it is 64 hexadecimal digits under the name of a key")):
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


@pytest.mark.parametrize(
    "text",
    [
        "Send the header Authorization: Bearer <token> with each request.",
        "Send Authorization: Bearer YOUR_ACCESS_TOKEN.",
        "Use `Authorization: Bearer $TOKEN`, or ${TOKEN}.",
        'curl -H "Authorization: Bearer ${TOKEN}" https://example.com',
        'headers={"Authorization": "Bearer {token}"}',
        "authorization: bearer <your token>",
        "Authorization: Bearer",
        "Authorization: Basic <base64>",
        "Authorization: {{token}}",
        "Authorization: Bearer sk-...",
        "Authorization: Bearer xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "Bearer YOUR_OPENAI_API_KEY_HERE",
        "Add api_key=YOUR_KEY to it.",
        "https://example.com/?api_key=YOUR_KEY",
        "https://example.com/?token=<token>&a=b",
        "export OPENAI_API_KEY=sk-...",
        "X-API-Key: <key>",
        "postgres://USER:PASSWORD@host/db",
        "password: required, at least 8 characters",
        "token: ERC-20, on Base",
        "maxTokens=4096",
    ],
)
def test_refuse_secrets__of_instructions_with_a_placeholder__accepts_them(text: str) -> None:
    assert PlanMetadata("x", description=text).description == text
    assert AgentMetadata("x", extras={"note": [text]}).extras == {"note": [text]}


@pytest.mark.parametrize("value", ["Bearer <token>", "<key>", "YOUR_KEY", "${API_KEY}", "..."])
def test_refuse_secrets__of_a_placeholder_under_the_name_of_a_secret__accepts_it(value: str) -> None:
    refuse_secrets({"headers": {"Authorization": value, "X-API-Key": value}})


HEADER, ASSIGNED = "it has an Authorization header", "it gives a secret a value, as api_key=… does"
FORM, QUERY = "it has the form of a token or a key", "a URL in it has a secret in its query"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Authorization: Bearer <token> or Authorization: Bearer 8f3a9c21d4", HEADER),
        ("Authorization: Bearer $TOKEN8f3a9c21d4e5", HEADER),
        ('headers={"Authorization": "Bearer 8f3a9c21d4"}', HEADER),
        ("Send Bearer 8f3a9c21d4 with it.", FORM),
        ("Add api_key=8f3a9c21d4e5 to it.", ASSIGNED),
        ("X-API-Key: 8f3a9c21d4e5", ASSIGNED),
        ('"client_secret": "8f3a9c21d4e5"', ASSIGNED),
        ("password=hunter22", ASSIGNED),
        ("https://example.com/?api_key=YOUR_KEY&token=8f3a9c21", QUERY),
        ("https://USER:8f3a9c21@example.com/", "a URL in it has a user name or a password"),
    ],
)
def test_refuse_secrets__of_instructions_with_a_secret__refuses_them_and_says_why(text: str, reason: str) -> None:
    with reverts(SecretInMetadata("description", reason)):
        PlanMetadata("x", description=text)


@pytest.mark.parametrize(
    "text", ["a-", "authorization ", "api_key=", "${a_", "your_a", "sk-", "basic ", "sk-a1-", "a://", "bearer-"]
)
def test_refuse_secrets__of_many_beginnings_of_secrets__looks_at_each_once(text: str) -> None:
    started = time.process_time()
    refuse_secrets({"name": text * (100_000 // len(text))})
    assert time.process_time() - started < 60


def test_parse_metadata__with_a_secret__is_refused_as_well() -> None:
    with reverts(SecretInMetadata("upstream.token", "its name is that of a secret")):
        parse_metadata(json.dumps({"name": "x", "upstream": {"token": CANARY}}))


def test_agent_metadata__with_a_secret_in_an_endpoints_url__never_shows_it() -> None:
    for pattern in ("https://u:CANARY@example.com/", "https://example.com/a?token=CANARY"):
        with pytest.raises(InputError) as caught:
            parse_metadata(json.dumps({"name": "x", "endpoints": [{"GET": pattern}]}))
        assert "CANARY" not in str(caught.value) + repr(caught.value)
