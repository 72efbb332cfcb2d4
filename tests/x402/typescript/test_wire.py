"""What a gateway answers, read by the official TypeScript decoders and models, field by field."""

from typing import Any

import pytest
import requests

from tests.gateway.shop import Gate
from tests.x402.typescript.workspace import Workspace

RESPONSE_FIELDS = {
    "success",
    "errorReason",
    "errorMessage",
    "payer",
    "transaction",
    "network",
    "amount",
    "extensions",
    "extra",
}
"""The fields of a settlement in version 2 of the protocol."""


def collect(gate: Gate) -> list[requests.Response]:
    """Return answers of each kind: unpaid, malformed, corrected, used up, and paid."""
    buyer = gate.shop.new_buyer()
    gate.ceiling = 0
    paid = gate.paid("POST", "/ask", b"{}", buyer=buyer)
    late = gate.ask("POST", "/ask", gate.pay("POST", "/ask", b"{}", buyer=buyer, ceiling=1), data=b"{}")
    empty = gate.ask("POST", "/ask", gate.pay("POST", "/ask", b"{}", buyer=gate.shop.chain.accounts[9]), data=b"{}")
    return [
        gate.ask("POST", "/ask"),
        gate.ask("GET", "/data/é?q=ü"),
        gate.ask("POST", "/ask", {"PAYMENT-SIGNATURE": "!"}),
        gate.ask("POST", "/ask", {"PAYMENT-SIGNATURE": "e30="}),
        late,
        empty,
        paid,
    ]


@pytest.fixture(scope="module")
def told(workspace: Workspace, gate: Gate) -> dict[str, Any]:
    """Return what the official package reads in the answers."""
    answers = collect(gate)
    assert [answer.status_code for answer in answers] == [402] * 6 + [200], [answer.text[:300] for answer in answers]
    found: dict[str, Any] = workspace.run(
        "wire",
        key=f"0x{'11' * 32}",
        rpc=gate.shop.url,
        required=[answer.headers["PAYMENT-REQUIRED"] for answer in answers[:-1]],
        responses=[answers[-1].headers["PAYMENT-RESPONSE"]],
    )
    return found


def test_402__by_the_official_models__is_whole_and_written_the_same(told: dict[str, Any]) -> None:
    assert len(told["required"]) == 6
    for read in told["required"]:
        assert read["problems"] == []
        assert read["isDecoded"]
        assert read["isWritten"]
        assert read["isWholeModel"], read["value"]


def test_402__its_extensions__are_those_of_the_official_packages(told: dict[str, Any]) -> None:
    for read in told["required"]:
        assert read["identifier"] == {"valid": True}
        if "bazaar" in read["names"]:
            assert read["bazaar"] == {"valid": True}
    assert "bazaar" in told["required"][0]["names"]


def test_payment_response__by_the_official_decoder__has_the_fields_of_the_protocol(told: dict[str, Any]) -> None:
    (read,) = told["responses"]
    assert read["isDecoded"]
    assert read["isWritten"]
    assert set(read["value"]) <= RESPONSE_FIELDS
    assert {"success", "payer", "transaction", "network"} <= set(read["value"])
    assert read["value"]["success"] is True
