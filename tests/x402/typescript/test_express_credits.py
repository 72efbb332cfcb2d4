"""The official express server takes credits of a gateway's plans, which the gateway's facilitator verifies and charges."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.x402.facilitator.callers import build_caller
from tests.gateway.processes import find_port
from tests.gateway.shop import Gate, Shop
from tests.x402.facilitator.desks import TOKENS, hash_token
from tests.x402.typescript.shops import open_express
from tests.x402.typescript.workspace import Workspace


@pytest.fixture(scope="module")
def facilitator(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway whose facilitator lets one shop take credits for the seller's agent."""
    assert shop.chain.usdc is not None
    callers = (build_caller("shop", hash_token(TOKENS["shop"]), services=[shop.did]),)
    part = FacilitatorPart(callers, tokens=(shop.chain.usdc,))
    folder: Path = tmp_path_factory.mktemp("gateway")
    with shop.open(folder, upstream_url, port=find_port(), facilitator=part) as gate:
        gate.wait_until_ready()
        yield gate


@pytest.fixture(scope="module")
def express(workspace: Workspace, facilitator: Gate) -> Iterator[str]:
    """A shop whose route costs two credits."""
    shop = facilitator.shop
    service = {
        "planId": str(shop.credits_plan),
        "credits": shop.chain.credits.address,
        "redeemer": shop.redeemer.address,
        "did": shop.did,
    }
    with open_express(
        workspace,
        facilitator=f"{facilitator.url}/facilitator",
        token=TOKENS["shop"],
        network=f"eip155:{shop.chain.chain_id}",
        usdc=shop.chain.usdc,
        payTo=shop.builder.address,
        service=service,
    ) as url:
        yield url


def buy(workspace: Workspace, gate: Gate, express: str, key: bytes, *paths: str) -> Any:
    """Let a new client of a buyer ask some paths."""
    shop = gate.shop
    return workspace.run(
        "express_buyer",
        shop=express,
        paths=list(paths),
        rpc=shop.url,
        key=f"0x{key.hex()}",
        network=f"eip155:{shop.chain.chain_id}",
        credits=shop.chain.credits.address,
        usdc=shop.chain.usdc,
        planId=str(shop.credits_plan),
    )


def test_express__by_credits__charges_each_request(workspace: Workspace, facilitator: Gate, express: str) -> None:
    gate = Gate(facilitator.shop, facilitator.url, facilitator.shop.new_buyer())
    told = buy(workspace, gate, express, bytes(gate.buyer.key), "/credits", "/credits", "/credits")
    assert [answer.get("status") for answer in told["answers"]] == [200] * 3, told["answers"]
    receipts = [entry["receipt"] for entry in told["log"] if "receipt" in entry]
    assert [(receipt["success"], receipt["amount"]) for receipt in receipts] == [(True, "2")] * 3
    gate.ceiling = 6
    gate.wait_for("charged", "6")
