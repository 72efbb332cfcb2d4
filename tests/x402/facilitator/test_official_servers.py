"""Official resource servers in both languages use the facilitator, and official clients pay them."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests
from x402 import x402ClientSync
from x402.http.clients.requests import wrapRequestsWithPayment
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner

from tests.x402.facilitator.desks import PRICE, TOKENS, FacilitatorDesk
from tests.x402.facilitator.shops import ROOT, open_express_shop, open_fastapi_shop

BUYER = Path(__file__).parent / "programs" / "fetch_buyer.mjs"


@pytest.mark.parametrize("flow", ["", "upfront"])
def test_fastapi_shop__with_our_facilitator__is_paid(desk: FacilitatorDesk, flow: str) -> None:
    payer, seller = desk.fund(), desk.chain.accounts[4].address
    before = desk.balance(seller)
    client = x402ClientSync().register("eip155:*", ExactEvmScheme(EthAccountSigner(payer)))
    client.set_spend_controls(False)
    with open_fastapi_shop(desk.url, TOKENS["shop"], desk.usdc, seller, flow) as url:
        assert requests.get(f"{url}/answer", timeout=30).status_code == 402
        with wrapRequestsWithPayment(requests.Session(), client) as session:
            answer = session.get(f"{url}/answer", timeout=60)
    assert (answer.status_code, answer.text) == (200, "42")
    assert desk.balance(seller) == before + PRICE


def test_express_shop__with_our_facilitator__is_paid_by_the_official_fetch_client(desk: FacilitatorDesk) -> None:
    payer, seller = desk.fund(), desk.chain.accounts[5].address
    before, required = desk.balance(seller), desk.require(seller)
    settings = {"key": f"0x{payer.key.hex().removeprefix('0x')}", "token": TOKENS["other"], "facilitator": desk.url}
    with open_express_shop(desk.url, TOKENS["shop"], desk.usdc, seller) as url:
        given = json.dumps({**settings, "url": f"{url}/answer", "required": required})
        environment = {**os.environ, "SETTINGS": given, "NODE_NO_WARNINGS": "1"}
        done = subprocess.run(
            ["node", str(BUYER)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr[-3_000:]
    told = json.loads(done.stdout)
    assert (told["status"], told["body"], told["receipt"]["success"]) == (200, "42", True)
    assert told["verified"] == {"isValid": True, "payer": payer.address}
    assert (told["settled"]["success"], told["settled"]["amount"]) == (True, str(PRICE))
    assert (told["again"]["success"], told["again"]["errorReason"]) == (False, "duplicate_settlement")
    assert told["again"]["transaction"] == told["settled"]["transaction"]
    assert [kind["scheme"] for kind in told["supported"]["kinds"]] == ["exact", "nvm-order"]
    assert desk.balance(seller) == before + 2 * PRICE
