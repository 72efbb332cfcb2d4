"""The official extension for sign-ins, beside our plug-in: time plans are used without a payment."""

from typing import Any

from tests.gateway.shop import Gate
from tests.x402.typescript.workspace import Workspace


def test_sign_in__with_open_access__is_served_without_a_payment(
    workspace: Workspace, settings: dict[str, Any], gate: Gate
) -> None:
    key = f"0x{bytes(gate.shop.buyers[0].key).hex()}"
    told = workspace.run("sign_in", **{**settings, "key": key})
    assert [answer["status"] for answer in told["answers"]] == [200, 200], told
    assert [entry["signIn"] for entry in told["log"]] == [False, True, False, True]
    assert not any("payment" in entry for entry in told["log"])


def test_sign_in__without_access__goes_on_to_credits(workspace: Workspace, settings: dict[str, Any]) -> None:
    told = workspace.run("sign_in", **settings)
    assert [answer["status"] for answer in told["answers"]] == [200, 200], told
    paid = [entry for entry in told["log"] if "payment" in entry]
    assert [entry["payment"]["accepted"]["scheme"] for entry in paid] == ["nvm-credits", "nvm-credits"]
