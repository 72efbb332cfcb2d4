"""The facilitator's answers: the official client reads them, and each refusal has the protocol's reason."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.http.facilitator_client_base import AuthHeaders
from x402.schemas import PaymentPayload, PaymentRequirements

from tests.x402.facilitator.desks import PRICE, TOKENS, FacilitatorDesk


class Bearer:
    """Gives the official client the token of a caller."""

    def __init__(self, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"}

    def get_auth_headers(self) -> AuthHeaders:
        return AuthHeaders(verify=self.headers, settle=self.headers, supported=self.headers)


def test_official_client__verifies_and_settles__and_reads_what_is_supported(desk: FacilitatorDesk) -> None:
    client = HTTPFacilitatorClient(FacilitatorConfig(url=desk.url, auth_provider=Bearer(TOKENS["shop"])))
    payer, required = desk.fund(), desk.require()
    payment = PaymentPayload.model_validate(desk.pay(payer, required))
    requirements = PaymentRequirements.model_validate(required)
    before = desk.balance(required["payTo"])

    async def run() -> None:
        verified = await client.verify(payment, requirements)
        assert (verified.is_valid, verified.payer, verified.invalid_reason) == (True, payer.address, None)
        settled = await client.settle(payment, requirements)
        assert (settled.success, settled.payer, settled.network) == (True, payer.address, "eip155:31337")
        assert settled.amount == str(PRICE)
        assert desk.chain.find_receipt(settled.transaction) is not None
        again = await client.verify(payment, requirements)
        assert (again.is_valid, again.invalid_reason) == (False, "invalid_exact_evm_nonce_already_used")
        await client.aclose()

    asyncio.run(run())
    assert desk.balance(required["payTo"]) == before + PRICE
    supported = client.get_supported()
    assert [(kind.scheme, kind.network) for kind in supported.kinds] == [
        ("exact", "eip155:31337"),
        ("nvm-order", "eip155:31337"),
    ]
    assert supported.signers == {"eip155:*": [desk.chain.accounts[2].address]}


Change = Callable[[FacilitatorDesk, dict[str, Any], dict[str, Any]], None]


def change(where: str, *path: str, to: Any) -> Change:
    """Return a function that changes a value of the payment or of the requirements."""

    def apply(_: FacilitatorDesk, payment: dict[str, Any], required: dict[str, Any]) -> None:
        value = payment if where == "payment" else required
        for name in path[:-1]:
            value = value[name]
        value[path[-1]] = to

    return apply


def spend(desk: FacilitatorDesk, payment: dict[str, Any], required: dict[str, Any]) -> None:
    assert desk.ask("/settle", payment, required).json()["success"] is True


SIGNED = ("payload", "authorization")
OTHER = Account.create().address
CASES: dict[str, tuple[Change, str]] = {
    "another amount": (
        change("required", "amount", to="10001"),
        "invalid_exact_evm_payload_authorization_value_mismatch",
    ),
    "another payee": (change("required", "payTo", to=OTHER), "invalid_exact_evm_payload_recipient_mismatch"),
    "another name of the token": (
        change("required", "extra", "name", to="USD Coin"),
        "invalid_exact_evm_token_name_mismatch",
    ),
    "another version": (change("required", "extra", "version", to="1"), "invalid_exact_evm_token_version_mismatch"),
    "no domain": (change("required", "extra", to={}), "missing_eip712_domain"),
    "another chain": (change("required", "network", to="eip155:1"), "network_mismatch"),
    "another chain accepted": (change("payment", "accepted", "network", to="eip155:1"), "network_mismatch"),
    "another scheme": (change("required", "scheme", to="upto"), "unsupported_scheme"),
    "another scheme accepted": (change("payment", "accepted", "scheme", to="upto"), "unsupported_scheme"),
    "another token": (change("required", "asset", to=OTHER), "invalid_payment_requirements"),
    "nothing": (change("required", "amount", to="0"), "invalid_payment_requirements"),
    "no amount": (change("required", "amount", to=None), "invalid_payment_requirements"),
    "expired": (
        change("payment", *SIGNED, "validBefore", to="1000000"),
        "invalid_exact_evm_payload_authorization_valid_before",
    ),
    "long": (
        change("payment", *SIGNED, "validBefore", to="9000000000"),
        "invalid_exact_evm_payload_authorization_valid_before",
    ),
    "not yet": (
        change("payment", *SIGNED, "validAfter", to="9000000000"),
        "invalid_exact_evm_payload_authorization_valid_after",
    ),
    "another nonce": (change("payment", *SIGNED, "nonce", to="0x" + "07" * 32), "invalid_exact_evm_payload_signature"),
    "a signature of zeros": (
        change("payment", "payload", "signature", to="0x" + "00" * 65),
        "invalid_exact_evm_payload_signature",
    ),
    "a long signature": (
        change("payment", "payload", "signature", to="0x" + "01" * 96),
        "invalid_exact_evm_payload_undeployed_smart_wallet",
    ),
    "an odd signature": (change("payment", "payload", "signature", to="0xzz"), "invalid_payload"),
    "no payload": (change("payment", "payload", to=None), "invalid_payload"),
    "version 1": (change("payment", "x402Version", to=1), "invalid_x402_version"),
    "permit2": (
        change("payment", "payload", to={"permit2Authorization": {}, "signature": "0x"}),
        "unsupported_payload_type",
    ),
    "used": (spend, "invalid_exact_evm_nonce_already_used"),
}


@pytest.mark.parametrize("name", CASES)
def test_verify_and_settle__of_what_is_wrong__are_refused_with_the_protocols_reason(
    desk: FacilitatorDesk, name: str
) -> None:
    alter, reason = CASES[name]
    payer, required = desk.fund(), desk.require()
    payment = desk.pay(payer, required)
    alter(desk, payment, required)
    verified = desk.ask("/verify", payment, required)
    assert verified.status_code == 200
    assert (verified.json()["isValid"], verified.json()["invalidReason"]) == (False, reason)
    settled = desk.ask("/settle", payment, required)
    expected = "duplicate_settlement" if name == "used" else reason
    assert settled.status_code == 200
    assert (settled.json()["success"], settled.json()["errorReason"]) == (False, expected)
    assert bool(settled.json()["transaction"]) is (name == "used")


def test_verify__of_a_payer_without_funds__is_refused(desk: FacilitatorDesk) -> None:
    required = desk.require()
    told = desk.ask("/verify", desk.pay(Account.create(), required), required).json()
    assert (told["isValid"], told["invalidReason"]) == (False, "invalid_exact_evm_insufficient_balance")


def test_ask__of_integral_floats__is_understood(desk: FacilitatorDesk) -> None:
    required = desk.require()
    payment = desk.pay(desk.fund(), required)
    payment["x402Version"] = 2.0
    payment["accepted"]["maxTimeoutSeconds"] = required["maxTimeoutSeconds"] = 300.0
    assert desk.ask("/verify", payment, required).json()["isValid"] is True


@pytest.mark.parametrize("path", ["/verify", "/settle"])
def test_ask__without_a_known_token__is_refused_with_401(desk: FacilitatorDesk, path: str) -> None:
    required = desk.require()
    payment = desk.pay(desk.fund(), required)
    for caller in (None, "guess", ""):
        told = desk.ask(path, payment, required, caller)
        assert told.status_code == 401
        assert told.headers["www-authenticate"].startswith("Bearer")
    assert desk.ask(path, payment, required).status_code == 200


def test_ask__of_other_http__is_refused(desk: FacilitatorDesk) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
    for body in (b"", b"[]", b"{", b"\xff", b'{"x402Version": 2, '):
        assert requests.post(f"{desk.url}/verify", data=body, headers=headers, timeout=30).status_code == 400
    assert requests.post(f"{desk.url}/verify", data=b"x" * 70_000, headers=headers, timeout=30).status_code == 400
    assert requests.get(f"{desk.url}/verify", headers=headers, timeout=30).status_code == 405
    assert requests.get(f"{desk.url}/else", headers=headers, timeout=30).status_code == 404
    assert requests.get(f"{desk.url}/health/ready", timeout=30).json() == {"status": "ok"}


def test_program__of_the_page__asks_this_facilitator(desk: FacilitatorDesk) -> None:
    page = (Path(__file__).parent.parent.parent.parent / "docs" / "facilitator.md").read_text("utf-8")
    (program,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    program = program.replace("http://127.0.0.1:8403", desk.url).replace("kZ3v…", TOKENS["shop"])
    names: dict[str, Any] = {}
    exec(compile(program, "facilitator.md", "exec"), names)
    client, required = names["facilitator"], desk.require()
    payment = PaymentPayload.model_validate(desk.pay(desk.fund(), required))

    async def run() -> bool:
        verified = await client.verify(payment, PaymentRequirements.model_validate(required))
        await client.aclose()
        return bool(verified.is_valid)

    assert asyncio.run(run()) is True
