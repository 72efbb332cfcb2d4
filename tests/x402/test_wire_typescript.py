"""What we write, read by the official package for TypeScript: each model is whole, and each header is written there the same."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.meter.sign_in_messages import parse_sign_in
from nvm_chain.x402.headers import write_header
from nvm_chain.x402.required import build_required, build_resource
from tests.x402.test_wire_required import EVERYTHING, make_plan, read_both, refuse
from tests.x402.wires import BUYER, OFFERS, PAYMENTS, VECTORS, open_header

PROGRAM = Path(__file__).with_name("read_ours.mjs")
REQUIRED = [
    read_both(refuse(EVERYTHING))[2],
    read_both(refuse([make_plan(1)], method="GET"))[2],
    read_both(refuse([make_plan(number) for number in range(300)]))[2],
    write_header(build_required(build_resource("https://x/é", description="茶"), OFFERS, error="Payment required")),
]
RESPONSES = [write_header(vector["value"]) for vector in VECTORS["responses"]]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Return what the official package reads."""
    given = {"required": REQUIRED, "payments": [*PAYMENTS.values()], "responses": RESPONSES, "account": BUYER.address}
    command = ["node", str(PROGRAM), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_402s__in_typescript__have_each_field(told: dict[str, Any]) -> None:
    assert [read["model"] for read in told["required"]] == [open_header(header) for header in REQUIRED]
    assert [read["header"] for read in told["required"]] == REQUIRED
    for read in told["required"]:
        for field in ("serviceName", "tags"):
            assert read["resource"].get(field) == read["model"]["resource"].get(field)


def test_extensions__in_typescript__are_valid(told: dict[str, Any]) -> None:
    everything, small, *_ = told["required"]
    assert [each["isIdentifier"] for each in (everything, small)] == [True, True]
    assert small["discovery"] == {"valid": True}
    message = parse_sign_in(everything["message"])
    assert (message.address, message.statement) == (BUYER.address, "Sign in to use this service.")


def test_payments__in_typescript__have_each_field(told: dict[str, Any]) -> None:
    assert [read["model"] for read in told["payments"]] == [open_header(header) for header in PAYMENTS.values()]
    assert [read["header"] for read in told["payments"]] == [*PAYMENTS.values()]
    kinds = dict(zip(PAYMENTS, told["payments"], strict=True))
    assert [kind for kind, read in kinds.items() if read["isTransfer"]] == ["exact"]


def test_responses__in_typescript__are_written_the_same(told: dict[str, Any]) -> None:
    assert told["responses"] == RESPONSES
