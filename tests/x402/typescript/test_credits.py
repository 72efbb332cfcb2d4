"""The unmodified official fetch client with our plug-in pays from credits at a real gateway."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nvm_chain.meter.bindings import Level
from nvm_chain.meter.bodies import hash_body
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate
from tests.x402.typescript.workspace import Workspace


def find_payments(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was sent to be paid, with the answers."""
    return [entry for entry in told["log"] if "payment" in entry]


def test_fetch__with_credits__pays_twice_and_a_fresh_client_takes_over_the_ceiling(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    told = workspace.run("credits", **settings)
    assert [answer["status"] for answer in told["answers"]] == [200, 200, 200]
    payments = find_payments(told)
    assert [entry["status"] for entry in payments] == [200, 200, 402, 200]
    ceilings = [entry["payment"]["payload"]["voucher"]["ceiling"] for entry in payments]
    assert ceilings == ["2", "4", "2", "6"]
    assert {entry["payment"]["payload"]["binding"]["level"] for entry in payments} == {"full"}
    assert [entry["receipt"]["amount"] for entry in payments if entry["status"] == 200] == ["2", "2", "2"]
    assert all("nvm-request" not in entry["payment"]["extensions"] for entry in payments)


def test_bound_fetch__of_each_kind_of_body__signs_what_the_gateway_sees(
    workspace: Workspace, settings: dict[str, Any], upstream: Upstream
) -> None:
    upstream.seen.clear()
    told = workspace.run("bound", **settings)
    assert [answer.get("status") for answer in told["answers"]] == [200] * 9, told["answers"]
    assert [answer.get("status") for answer in told["together"]] == [200] * 20
    paid = [entry for entry in find_payments(told) if entry["status"] == 200]
    bindings = [entry["payment"]["payload"]["binding"] for entry in paid]
    seen = [(one.method, one.target, hash_body(one.body)) for one in upstream.seen]
    served = [(each["method"], each["target"], each["body"]) for each in bindings]
    served.remove(("GET", "/data/key", "-"))  # the second request with the key got the answer of the first
    assert sorted(served) == sorted(seen)
    assert [each["id"] for each in bindings].count("key-0123456789abcdef") == 2


def test_stock_fetch__for_a_service_that_wants_the_whole_request__says_how_to_show_it(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    told = workspace.run("levels", **settings)
    assert "payer.bind(fetch)" in told["unbound"]["error"]
    assert find_payments(told) == []
    assert told["second"]["status"] == 200
    assert told["sent"]["payload"]["binding"]["level"] == "full"
    assert "nvm-request" not in told["sent"]["extensions"]


def test_stock_fetch__for_a_service_that_wants_the_resource__signs_what_the_402_names(
    workspace: Workspace, settings: dict[str, Any], gate: Gate, upstream_url: str, tmp_path: Path
) -> None:
    with gate.shop.open(tmp_path, upstream_url, level=Level.RESOURCE) as other:
        other.wait_until_ready()
        told = workspace.run("levels", **{**settings, "url": replace(other).service_url})
    assert told["unbound"]["status"] == 200
    (payment,) = find_payments(told)
    assert payment["payment"]["payload"]["binding"] | {"id": ""} == {
        "v": 1,
        "level": "resource",
        "method": "*",
        "service": gate.shop.did,
        "target": "/ask",
        "body": "*",
        "id": "",
    }


def test_fetch__above_a_limit__refuses_before_anything_is_signed(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    told = workspace.run("limits", **settings)
    assert told["before"] == 0
    reasons = {name: answer["error"] for name, answer in told["told"].items()}
    assert "it may cost 2 credits, and the limit for a request is 1" in reasons["perRequest"]
    assert "0 credits are signed, 2 more are wanted, and the limit in all is 1" in reasons["inAll"]
    for name in ("plan", "service", "redeemer"):
        assert f"its {name} is not one of the {name}s of the limits" in reasons[f"{name}s"]
    assert "spendControls" in reasons["credits"]
    assert "is not one of the origins" in reasons["origins"]
    assert [answer.get("status") for answer in told["served"]] == [200, 200, None]
    assert told["after"] == 2
