"""What a browser may do with answers of services on a host that several sellers and the checkout share."""

from pathlib import Path
from typing import Any

import pytest
import requests

from nvm_chain.meter.bindings import Level
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate, Shop

OWN_HOST = "tea.example.com"


def answer_as(*kinds: str | None, policy: str | None = None) -> Any:
    """Return an answer of a kind, or one that names several."""
    named = (*((b"content-type", kind) for kind in kinds), (b"content-security-policy", policy))
    headers = tuple((name, value.encode()) for name, value in named if value is not None)

    async def answer(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"{}", headers=headers)

    return answer


@pytest.mark.parametrize(
    ("kind", "is_alone"),
    [
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("image/svg+xml", True),
        ("application/xhtml+xml", True),
        (None, True),
        ("application/json", False),
        ("Application/JSON; charset=utf-8", False),
        ("text/event-stream", False),
        ("text/plain", False),
        ("text/plain ;charset=utf-8", False),
        ("application/json, text/html", True),
        ("text/plain; charset=utf-8, text/html", True),
        ("application/json+xml", True),
        ("text/plain+xml", True),
        ("", True),
    ],
)
def test_answer__that_could_be_a_page__is_shown_apart_from_the_checkout(
    gate: Gate, upstream: Upstream, kind: str | None, is_alone: bool
) -> None:
    upstream.answers["/data/kind"] = answer_as(kind)
    policy = gate.paid("GET", "/data/kind").headers.get("Content-Security-Policy", "")
    assert policy.startswith("sandbox ") is is_alone
    assert "allow-same-origin" not in policy


def test_answer__with_two_kinds__is_shown_apart_because_browsers_take_the_last(gate: Gate, upstream: Upstream) -> None:
    upstream.answers["/data/two"] = answer_as("application/json", "text/html")
    assert "sandbox " in gate.paid("GET", "/data/two").headers["Content-Security-Policy"]


def test_answer__with_a_policy_of_its_own__keeps_it_beside_the_gateways(gate: Gate, upstream: Upstream) -> None:
    upstream.answers["/data/policy"] = answer_as("text/html", policy="default-src 'self'")
    policy = gate.paid("GET", "/data/policy").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "sandbox " in policy


def test_answer__on_the_services_own_host__is_as_it_came(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    upstream.answers["/data/own"] = answer_as("text/html")
    with shop.open(tmp_path, upstream_url, hosts=(OWN_HOST,), level=Level.NONE) as gate:
        headers = gate.token(2) | {"Host": OWN_HOST}
        answer = requests.get(f"{gate.url}/data/own", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert "Content-Security-Policy" not in answer.headers


RULES_THE_HOST = {"Clear-Site-Data": '"*"', "NEL": '{"report_to":"x","max_age":9}', "Report-To": '{"group":"x"}'}


@pytest.mark.parametrize("is_own", [False, True])
def test_headers__that_rule_a_whole_host__pass_on_a_services_own_host_only(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path, is_own: bool
) -> None:
    sent = tuple((name.lower().encode(), value.encode()) for name, value in RULES_THE_HOST.items())

    async def answer(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"{}", headers=sent)

    upstream.answers["/data/rules"] = answer
    with shop.open(tmp_path, upstream_url, hosts=(OWN_HOST,), level=Level.NONE) as gate:
        url = f"{gate.url}/data/rules" if is_own else f"{gate.url}/services/{shop.did}/data/rules"
        headers = gate.token(2) | ({"Host": OWN_HOST} if is_own else {})
        answered = requests.get(url, headers=headers, timeout=60)
    assert answered.status_code == 200, answered.text
    assert [name in answered.headers for name in RULES_THE_HOST] == [is_own] * 3
