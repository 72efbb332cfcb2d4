"""bindings: canonical JSON and contexts are those of the vectors; a request differs in one field, and is refused (S6, G5)."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import (
    BindingMismatch,
    BindingTooWeak,
    InvalidAgentId,
    InvalidConfig,
    InvalidMessage,
    InvalidTarget,
    VoucherMismatch,
)
from nvm_chain.metadata.canonical_json import format_canonical_json
from nvm_chain.meter.bindings import MAX_BINDING, NO_CONTEXT, Binding, Level, binding_context, build_binding
from nvm_chain.meter.bodies import BodyHasher, hash_body, is_body_digest
from nvm_chain.meter.requests import Request, check_binding, check_context, check_level
from nvm_chain.meter.targets import MAX_TARGET, build_target, check_target
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import format_did
from tests.support.meter_vectors import BINDINGS, read_binding
from tests.support.reverts import reverts
from tests.support.vectors import name, read_hex

VECTORS: list[dict[str, Any]] = BINDINGS["vectors"]
BINDING = build_binding(7, "POST", "/ask?q=1", hash_body(b"{}"), "request-1")
REQUEST = Request(format_did(7), "POST", "/ask?q=1", hash_body(b"{}"))
FIELDS: dict[str, Any] = json.loads(BINDING.to_json())


# ---------------------------------------------------------------------- the vectors


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_binding__of_each_vector__has_its_json_and_its_context(vector: dict[str, Any]) -> None:
    binding = read_binding(vector)
    assert binding.to_json() == vector["canonical"]
    assert binding.context == binding_context(binding) == read_hex(vector["context"])
    assert Binding.from_json(vector["canonical"]) == binding
    assert Binding.from_object(vector["binding"]) == binding


def test_vectors__are_all_different() -> None:
    assert len({vector["context"] for vector in VECTORS}) == len({vector["name"] for vector in VECTORS}) == len(VECTORS)


@pytest.mark.parametrize("row", BINDINGS["targets"], ids=lambda row: ascii(row["target"])[:40])
def test_check_target__of_each_vector__is_its_verdict(row: dict[str, Any]) -> None:
    if row["accepted"]:
        assert check_target(row["target"]) == row["target"]
    else:
        with pytest.raises(InvalidTarget):
            check_target(row["target"])


@pytest.mark.parametrize("row", BINDINGS["bodies"], ids=lambda row: ascii(row["text"])[:12])
def test_hash_body__of_each_vector__is_its_digest(row: dict[str, str]) -> None:
    assert hash_body(row["text"].encode()) == row["digest"]
    assert is_body_digest(row["digest"]) == bool(row["text"])


visible = st.text("!#$%&'()*+,-./0189:;<=>?@AZ[]^_`az{|}~", min_size=1, max_size=20)


@given(visible, visible)
def test_to_json__of_any_binding__is_canonical_json(path: str, request_id: str) -> None:
    try:
        binding = build_binding(7, "GET", f"/{path}", "-", request_id)
    except InvalidTarget:
        return
    assert binding.to_json() == format_canonical_json(json.loads(binding.to_json()))


# ---------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/a//b", "has an empty segment in its path"),
        ("/a\\b", "has a backslash in its path"),
        ("/a%2Fb", "has an encoded slash in its path"),
        ("/a%5Cb", "has an encoded backslash in its path"),
        ("/a/%2E./b", "has a dot segment in its path"),
        ("/a/..;v=1/b", "has a dot segment in its path"),
        ("/a%00", "has an encoded NUL"),
        ("/é", "has a character that is not visible ASCII, or a #"),
        ("ask", "does not begin with a slash"),
        ("/" + "a" * MAX_TARGET, "has more than 8,192 characters"),
    ],
)
def test_check_target__that_servers_read_differently__says_why(target: str, reason: str) -> None:
    with reverts(InvalidTarget(target, reason)):
        check_target(target)


def test_build_target__of_raw_bytes__keeps_each_byte() -> None:
    assert build_target(b"/caf%C3%A9", b"q=%2f&u=//") == "/caf%C3%A9?q=%2f&u=//"
    assert build_target(b"/a", b"") == "/a"
    with pytest.raises(InvalidTarget):
        build_target("/é".encode())
    with pytest.raises(InvalidTarget):
        build_target(b"/a", b"\xff")


@given(st.lists(st.sampled_from([*"/.%25cfeE\\?#;a \0\u00e9", "%2e", "%2F", ".."]), max_size=9).map("".join))
def test_check_target__of_any_text__is_kept_as_it_is_or_refused(text: str) -> None:
    try:
        assert check_target(f"/{text}") == f"/{text}"
    except InvalidTarget:
        return
    assert text.isascii()
    assert ".." not in f"/{text}".partition("?")[0].split("/")


# ---------------------------------------------------------------------- bodies


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_body_hasher__in_any_pieces__is_that_of_the_whole(pieces: list[bytes]) -> None:
    hasher = BodyHasher()
    for piece in pieces:
        hasher.update(piece)
    assert hasher.format() == hash_body(b"".join(pieces))
    assert hasher.size == sum(map(len, pieces))


@pytest.mark.parametrize("text", ["-", "*", "sha-256:", "sha-256:" + "A" * 64, "sha-512:" + "a" * 64, "a" * 64])
def test_is_body_digest__of_other_texts__is_false(text: str) -> None:
    assert not is_body_digest(text)


def test_is_body_digest__of_the_hash_of_nothing__is_false() -> None:
    assert not is_body_digest("sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


# ---------------------------------------------------------------------- building and reading


def test_build_binding__of_the_level_resource__leaves_out_method_and_body() -> None:
    binding = build_binding("7", "POST", "/ask", hash_body(b"{}"), "request-1", level="resource")
    assert (binding.level, binding.method, binding.body) == (Level.RESOURCE, "*", "*")
    assert binding.service == format_did(7)


def test_binding_context__without_a_binding__is_zeros() -> None:
    assert binding_context(None) == NO_CONTEXT == bytes(32)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"level": Level.NONE}, "a voucher with the level none has no binding"),
        ({"method": "post"}, "its method is not in capital letters, or is not * with the level resource"),
        ({"method": "*"}, "its method is not in capital letters, or is not * with the level resource"),
        ({"method": "P" * 33}, "its method is not in capital letters, or is not * with the level resource"),
        ({"body": "*"}, "its body is not a digest, or is not * with the level resource"),
        ({"body": ""}, "its body is not a digest, or is not * with the level resource"),
        ({"service": "7"}, "its service is not a DID in small letters"),
        ({"service": "did:nv:" + "F" * 64}, "its service is not a DID in small letters"),
        ({"request_id": ""}, "its id is not 1 to 128 visible ASCII characters"),
        ({"request_id": "a" * 129}, "its id is not 1 to 128 visible ASCII characters"),
        ({"request_id": "a b"}, "its id is not 1 to 128 visible ASCII characters"),
        ({"request_id": 'a"'}, "its id is not 1 to 128 visible ASCII characters"),
        ({"request_id": "a\\"}, "its id is not 1 to 128 visible ASCII characters"),
        ({"request_id": "é"}, "its id is not 1 to 128 visible ASCII characters"),
    ],
)
def test_binding__with_a_malformed_field__is_refused(changes: dict[str, Any], problem: str) -> None:
    with reverts(InvalidConfig(f"the binding is not valid: {problem}")):
        replace(BINDING, **changes)


def test_build_binding__of_other_values__is_refused() -> None:
    with pytest.raises(InvalidAgentId):
        build_binding(0, "GET", "/", "-", "1")
    with reverts(InvalidConfig("the binding level is 'most'", "give full or resource")):
        build_binding(7, "GET", "/", "-", "1", level="most")
    with pytest.raises(InvalidConfig):
        build_binding(7, "GET", "/", "-", "1", level="none")
    with pytest.raises(InvalidTarget):
        build_binding(7, "GET", "/a/../b", "-", "1")


def test_from_json__with_other_order_blanks_and_a_fraction__is_the_same_binding() -> None:
    shuffled = dict(reversed(FIELDS.items()))
    assert Binding.from_json(json.dumps(shuffled, indent=2)) == BINDING
    assert Binding.from_object({**FIELDS, "v": 1.0}) == BINDING  # protobuf has only fractions


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 9_000, "it is not JSON"),
        ("null", "it is not an object with exactly v, level, method, service, target, body, id"),
        ("{}", "it is not an object with exactly v, level, method, service, target, body, id"),
        ('{"v":1,"v":1}', "a field appears twice"),
        (
            json.dumps({**FIELDS, "x": ""}),
            "it is not an object with exactly v, level, method, service, target, body, id",
        ),
        (json.dumps({**FIELDS, "v": 2}), "its version is not 1, or another field is not a text"),
        (json.dumps({**FIELDS, "v": True}), "its version is not 1, or another field is not a text"),
        (json.dumps({**FIELDS, "v": "1"}), "its version is not 1, or another field is not a text"),
        (json.dumps({**FIELDS, "id": 1}), "its version is not 1, or another field is not a text"),
        (json.dumps({**FIELDS, "level": "most"}), "its level is not full or resource"),
        (json.dumps({**FIELDS, "level": "none"}), "a voucher with the level none has no binding"),
        (json.dumps({**FIELDS, "target": "/a//b"}), "its target has an empty segment in its path"),
        (json.dumps({**FIELDS, "id": ""}), "its id is not 1 to 128 visible ASCII characters"),
        (" " * (MAX_BINDING + 1), "it has more than 16,384 characters"),
    ],
)
def test_from_json__of_other_texts__is_refused(text: str, reason: str) -> None:
    with reverts(InvalidMessage("binding", reason)):
        Binding.from_json(text)


@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "x"]),
        st.sampled_from(["", "full", "GET", "-", "*", "é", None, 1, 1.0, 1.5, True, 2**70, [], {}]),
    )
)
def test_from_object__of_any_object__is_a_binding_or_refused(changes: dict[str, Any]) -> None:
    try:
        binding = Binding.from_object({**FIELDS, **changes})
    except InvalidMessage:
        return
    assert binding.context == keccak(binding.to_json().encode())


# ---------------------------------------------------------------------- a binding and its request


def test_check_binding__of_the_request_itself__is_the_computed_one() -> None:
    assert check_binding(BINDING, REQUEST) == BINDING
    keyed = replace(REQUEST, idempotency_key="request-1")
    assert check_binding(BINDING, keyed) == BINDING


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("service", {"service": format_did(8)}),
        ("method", {"method": "PUT"}),
        ("target", {"target": "/ask?q=2"}),
        ("target", {"target": "/ask"}),
        ("body", {"body": hash_body(b"{ }")}),
        ("body", {"body": "-"}),
        ("id", {"idempotency_key": "request-2"}),
    ],
)
def test_check_binding__of_another_request__says_what_was_computed(field: str, changes: dict[str, str]) -> None:
    request = replace(REQUEST, **changes)
    computed = request.bind(BINDING)
    signed, found = (json.loads(binding.to_json())[field] for binding in (BINDING, computed))
    with reverts(BindingMismatch(field, signed, found, computed.to_json())):
        check_binding(BINDING, request)
    assert check_binding(computed, request) == computed  # the binding in the error is the right one
    assert binding_context(computed) != binding_context(BINDING)


def test_check_binding__of_the_level_resource__takes_any_method_and_body() -> None:
    binding = build_binding(7, "GET", "/ask?q=1", "-", "request-1", level=Level.RESOURCE)
    assert (
        check_binding(binding, REQUEST) == check_binding(binding, replace(REQUEST, method="GET", body="-")) == binding
    )
    with pytest.raises(BindingMismatch):
        check_binding(binding, replace(REQUEST, target="/other"))


def test_check_binding__before_the_body_was_read__compares_the_rest() -> None:
    streaming = replace(REQUEST, body=None)
    assert check_binding(BINDING, streaming) == BINDING
    with pytest.raises(BindingMismatch):
        check_binding(BINDING, replace(streaming, method="PUT"))


def test_binding_mismatch__as_json__has_the_binding_to_sign() -> None:
    with pytest.raises(BindingMismatch) as caught:
        check_binding(BINDING, replace(REQUEST, method="PUT"))
    assert Binding.from_json(caught.value.to_dict()["fields"]["binding"]).method == "PUT"


RESOURCE = build_binding(7, "GET", "/", "-", "1", level=Level.RESOURCE)


@pytest.mark.parametrize("binding", [BINDING, RESOURCE, None], ids=["full", "resource", "none"])
@pytest.mark.parametrize("least", list(Level))
def test_check_level__of_each_pair__refuses_the_weaker(binding: Binding | None, least: Level) -> None:
    order = [Level.NONE, Level.RESOURCE, Level.FULL]
    level = Level.NONE if binding is None else binding.level
    if order.index(level) >= order.index(least):
        check_level(binding, least)
    else:
        with reverts(BindingTooWeak(level.value, least.value)):
            check_level(binding, least)


def test_check_context__of_another_binding__is_refused() -> None:
    check_context(BINDING.context, BINDING)
    check_context(bytes(32), None)
    for context, binding in ((bytes(32), BINDING), (BINDING.context, None), (RESOURCE.context, BINDING)):
        expected = binding_context(binding)
        with reverts(VoucherMismatch("context", f"0x{expected.hex()}", f"0x{context.hex()}")):
            check_context(context, binding)
