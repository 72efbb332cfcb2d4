"""The unmodified official fetch client with our plug-in pays from credits at a real gateway."""

from typing import Any

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
