"""The gateway's own paths are as their OpenAPI document says, whatever is sent to them, and none fails of its own (G16)."""

import json
import re
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from tests.gateway.shop import METRICS_TOKEN, Gate
from tests.gateway.test_serving import read_header

ROOT: Final = Path(__file__).parent.parent.parent
DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "gateway.openapi.json").read_text("utf-8"))
OPERATIONS: Final = [
    (method.upper(), path, operation) for path, each in DOCUMENT["paths"].items() for method, operation in each.items()
]
IDS: Final = [f"{method} {path}" for method, path, _ in OPERATIONS]
EXAMPLES: Final = 25
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "null": (type(None),),
}
"""The types that the document uses."""


def find_problems(value: Any, schema: dict[str, Any], place: str = "the answer") -> list[str]:
    """Return in what a value is not as a schema of the document says. A keyword that this does not know is an error."""
    if "$ref" in schema:
        return find_problems(value, resolve(schema["$ref"]), place)
    if "oneOf" in schema:
        return _find_problems_of_choice(value, schema["oneOf"], place)
    return _find_problems_of_value(value, schema, place)


def _find_problems_of_choice(value: Any, choices: list[dict[str, Any]], place: str) -> list[str]:
    found = [find_problems(value, each, place) for each in choices]
    if found.count([]) == 1:
        return []
    return [problem for problems in found for problem in problems] or [f"{place} is as more than one schema says"]


def _find_problems_of_value(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    unknown = schema.keys() - {
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern", "minimum"),
        "description",
    }
    assert not unknown, unknown
    if "const" in schema or "enum" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return [] if value in allowed else [f"{place} is {value!r}, and not one of {allowed}"]
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if isinstance(value, bool) or not isinstance(value, tuple(each for kind in kinds for each in TYPES[kind])):
        return [f"{place} is {value!r}, and not of the type {kinds}"]
    if isinstance(value, dict):
        return _find_problems_of_object(value, schema, place)
    if isinstance(value, list):
        return [problem for each in value for problem in find_problems(each, schema["items"], f"{place}[]")]
    is_wrong = (
        not re.search(schema.get("pattern", ""), value)
        if isinstance(value, str)
        else value is not None and value < schema.get("minimum", value)
    )
    return [f"{place} is {value!r}, and not as {schema} says"] if is_wrong else []


def _find_problems_of_object(value: dict[str, Any], schema: dict[str, Any], place: str) -> list[str]:
    known = schema.get("properties", {})
    problems = [f"{place} lacks {name}" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties") is False:
        problems += [f"{place} has {name}, which is not described" for name in value.keys() - known.keys()]
    for name in value.keys() & known.keys():
        problems += find_problems(value[name], known[name], f"{place}.{name}")
    return problems


def resolve(reference: str) -> dict[str, Any]:
    """Return what a reference of the document names."""
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def check(answer: requests.Response, operation: dict[str, Any]) -> None:
    """Compare an answer with its operation: the status, the headers and the body."""
    status = str(answer.status_code)
    assert status in operation["responses"], f"{answer.request.method} {answer.url} answered {status}: {answer.text}"
    described = operation["responses"][status]
    described = resolve(described["$ref"]) if "$ref" in described else described
    (kind,) = described["content"]
    assert answer.headers["Content-Type"].split(";")[0] == kind
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Traceback" not in answer.text
    for name, header in described.get("headers", {}).items():
        assert re.search(header["schema"]["pattern"], answer.headers[name])
    if kind == "application/json" and answer.request.method != "HEAD":
        assert find_problems(answer.json(), described["content"][kind]["schema"]) == []


def send(gate: Gate, method: str, path: str, **more: Any) -> requests.Response:
    """Send a request to a path of the gateway."""
    return requests.request(method, gate.url + path, timeout=60, **more)


def find_operation(method: str, path: str) -> dict[str, Any]:
    """Return an operation of the document."""
    return dict(DOCUMENT["paths"][path][method.lower()])


# ---------------------------------------------------------------------- the document


def test_document__has_the_paths_of_the_page(gate: Gate) -> None:
    page = (ROOT / "docs" / "serving.md").read_text("utf-8").partition("## The gateway's own addresses")[2]
    told = re.findall(r"`([A-Z]+) (/[^`]*)`", page.partition("\n## ")[0])
    assert {(method, path.replace("/ID", "/{id}")) for method, path in told} == {
        (method, path) for method, path, _ in OPERATIONS
    }


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_path__of_the_document__is_there_with_its_methods_and_no_others(
    gate: Gate, method: str, path: str, operation: dict[str, Any]
) -> None:
    known = {each.upper() for each in DOCUMENT["paths"][path]}
    at = path.replace("{id}", "00")
    check(send(gate, method, at), operation)
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - known:
        refused = send(gate, other, at)
        assert refused.status_code in (404, 405), f"{other} {path}"
        if refused.status_code == 405:
            assert {*refused.headers["Allow"].split(", ")} == known
    if "GET" in known:
        head = send(gate, "HEAD", at)
        assert (head.status_code, head.content) == (send(gate, "GET", at).status_code, b"")


# ---------------------------------------------------------------------- good requests


def test_answers__to_good_requests__are_as_the_document_says(gate: Gate) -> None:
    shop = gate.shop
    for path in ("/services", "/health/live", "/health/ready", "/sign-in"):
        check(send(gate, "GET", path), find_operation("GET", path))
    operator = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    check(send(gate, "GET", "/metrics", headers=operator), find_operation("GET", "/metrics"))
    hold = read_header(gate.paid("POST", "/ask", b"tea?"), "PAYMENT-RESPONSE")["extra"]["hold"]
    gate.wait_for("charged", "2")
    mine = gate.token(0, ceiling=gate.ceiling)
    for path, at in (("/account", "/account"), ("/receipts/{id}", f"/receipts/{hold}")):
        answer = send(gate, "GET", at, headers=mine)
        assert answer.status_code == 200
        check(answer, find_operation("GET", path))
    end = int(time.time()) + 7_200
    terms = build_session_terms(shop.credits_plan, holder=gate.buyer.address, limit=50, end=end)
    voucher = build_voucher(
        shop.credits_plan,
        holder=gate.buyer.address,
        redeemer=shop.redeemer.address,
        ceiling=gate.ceiling + 50,
        deadline=end,
        context=terms.context,
    )
    where: Any = {"chain_id": shop.chain.chain_id, "contract": shop.chain.credits.address}
    signed = sign_voucher(gate.buyer, voucher, **where)
    body = {"terms": terms.text, "voucher": signed.to_json()}
    opened = send(gate, "POST", "/sessions", json=body)
    assert opened.status_code == 200, opened.text
    check(opened, find_operation("POST", "/sessions"))
    bearer = {"Authorization": f"Bearer {opened.json()['token']}"}
    revoked = send(gate, "DELETE", "/sessions", headers=bearer)
    assert revoked.status_code == 200
    check(revoked, find_operation("DELETE", "/sessions"))
    check(send(gate, "GET", "/account", headers=bearer), find_operation("GET", "/account"))


# ---------------------------------------------------------------------- any requests

TEXT = st.text(max_size=40) | st.sampled_from(
    ["0x", "0x" + "11" * 65, "-1", "1" * 400, "{}", "null", "\0", "\u202e", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        (
            *("Authorization", "PAYMENT-SIGNATURE", "Idempotency-Key", "Content-Type", "Accept", "Origin", "Cookie"),
            *("X-Forwarded-Host", "Accept-Encoding", "Range", "If-None-Match", "SIGN-IN-WITH-X"),
        )
    ),
    st.sampled_from(
        ["Bearer nvms_" + "x" * 43, "Bearer e30", "Basic eDp5", "e30=", "*/*", "text/html", "a" * 3_000, "0"]
    )
    | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30),
    max_size=4,
)


def build_bodies(operation: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Return bodies for an operation: as described, with other values, and anything."""
    anything = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
    if "requestBody" not in operation:
        return anything
    (content,) = operation["requestBody"]["content"].values()
    names = resolve(content["schema"]["$ref"])["properties"]
    like = st.fixed_dictionaries({}, optional=dict.fromkeys(names, TEXT | JSON))
    right = st.fixed_dictionaries(dict.fromkeys(names, TEXT))
    return (like | right).map(lambda value: json.dumps(value).encode()) | anything


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_answer__to_any_request__is_one_of_the_document(
    open_gate: Gate, method: str, path: str, operation: dict[str, Any]
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(
        headers=HEADERS, body=build_bodies(operation), name=st.text("0123456789abcdefg%./é", min_size=1, max_size=70)
    )
    def run(headers: dict[str, str], body: bytes, name: str) -> None:
        at = path.replace("{id}", quote(name, safe=""))
        answer = send(open_gate, method, at, headers=headers, data=body)
        check(answer, operation)

    run()
