"""The official express server takes our schemes and `exact` through our facilitator, from the official client with our plug-in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account

import nvm_chain as nvm
from nvm_chain.operations.credits import read_account
from tests.gateway.shop import Shop
from tests.x402.facilitator.desks import TOKENS, FacilitatorDesk, open_desk
from tests.x402.typescript.shops import open_express, run_shop_program
from tests.x402.typescript.workspace import PACKAGE, Workspace

PLAN_COST = 20_000_000
CREDITS = 100


@dataclass(frozen=True)
class Market:
    """A facilitator, a shop that uses it, and a plan that the shop sells."""

    desk: FacilitatorDesk
    url: str
    plan_id: int

    def buy(self, workspace: Workspace, *paths: str, budget: int = 0, url: str | None = None) -> Any:
        """Let a new buyer with tokens ask some paths. Return what it saw, with its address and its tokens afterwards."""
        funds = PLAN_COST
        buyer, chain = Account.create(), self.desk.chain
        nvm.mint_test_usdc(chain, chain.accounts[0], buyer.address, funds)
        told = workspace.run(
            "express_buyer",
            shop=url or self.url,
            paths=list(paths),
            rpc=chain.label,
            key=f"0x{bytes(buyer.key).hex()}",
            network=f"eip155:{chain.chain_id}",
            credits=chain.credits.address,
            usdc=self.desk.usdc,
            planId=str(self.plan_id),
            budget=str(budget) if budget else None,
        )
        return told | {"address": buyer.address, "tokens": self.desk.balance(buyer.address)}


@pytest.fixture(scope="module")
def market(workspace: Workspace, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """A shop of the seller whose plan costs 20 USDC."""
    chain, seller = shop.chain, shop.builder
    assert chain.usdc is not None
    price = nvm.get_erc20_price_config(PLAN_COST, chain.usdc, seller.address)
    plan_id = nvm.register_plan(chain, seller, price, nvm.get_fixed_credits_config(CREDITS)).plan_id
    redeemer = shop.redeemer.address
    nvm.set_redeemer(chain, seller, plan_id, redeemer, True)
    plan = {"planId": str(plan_id), "credits": chain.credits.address, "redeemer": redeemer}
    with (
        open_desk(chain, tmp_path_factory.mktemp("facilitator")) as desk,
        open_express(
            workspace,
            facilitator=desk.url,
            token=TOKENS["shop"],
            network=f"eip155:{chain.chain_id}",
            usdc=desk.usdc,
            payTo=seller.address,
            plan={**plan, "amount": str(PLAN_COST), "gives": str(CREDITS)},
        ) as url,
    ):
        yield Market(desk, url, plan_id)


def test_express__by_exact__is_paid_within_the_spend_controls(workspace: Workspace, market: Market) -> None:
    told = market.buy(workspace, "/exact", "/exact")
    assert [answer.get("status") for answer in told["answers"]] == [200, 200], told["answers"]
    assert told["tokens"] == PLAN_COST - 2 * 10_000
    receipts = [entry["receipt"] for entry in told["log"] if "receipt" in entry]
    assert [receipt["success"] for receipt in receipts] == [True, True]


def test_express__by_an_order__sells_the_plan_in_one_transaction(workspace: Workspace, market: Market) -> None:
    told = market.buy(workspace, "/plan", budget=PLAN_COST)
    assert [answer["status"] for answer in told["answers"]] == [200], told
    (paid,) = [entry for entry in told["log"] if "payment" in entry]
    assert paid["payment"]["accepted"]["scheme"] == "nvm-order"
    assert paid["receipt"]["success"] is True
    assert told["tokens"] == 0
    assert read_account(market.desk.chain, market.plan_id, told["address"]).balance == CREDITS


def test_express__as_the_readme_shows_it__sells_a_plan(workspace: Workspace, market: Market) -> None:
    (program,) = re.findall(r"^```js\n(.*?)^```$", (PACKAGE / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    bearer = f'{{ Authorization: "Bearer {TOKENS["shop"]}" }}'
    told_by = f"verify: {bearer}, settle: {bearer}, supported: {bearer}"
    caller = f'createAuthHeaders: async () => ({{ {told_by} }}), url: "{market.desk.url}"'
    for shown, real in (
        ('url: "http://127.0.0.1:8403"', caller),
        ("eip155:84532", f"eip155:{market.desk.chain.chain_id}"),
        ("0x5FbDB2315678afecb367f032d93F642f64180aa3", market.desk.chain.credits.address),
        ("0x036CbD53842c5426634e7929541eC2318f3dCF7e", market.desk.usdc),
        ('planId: "7"', f'planId: "{market.plan_id}"'),
    ):
        assert shown in program
        program = program.replace(shown, real)
    listens = 'const listener = app.listen(0, "127.0.0.1", () => console.log(listener.address().port));\n'
    (workspace.folder / "readme_shop.mjs").write_text(program + listens, "utf-8")
    with run_shop_program(workspace, "readme_shop.mjs") as url:
        told = market.buy(workspace, "/plan", budget=PLAN_COST, url=url)
    assert [answer.get("text") for answer in told["answers"]] == ['{"bought":"a plan"}'], told["answers"]
    assert read_account(market.desk.chain, market.plan_id, told["address"]).balance == CREDITS


def test_express__an_order_above_the_budget__is_not_signed(workspace: Workspace, market: Market) -> None:
    told = market.buy(workspace, "/plan", budget=PLAN_COST - 1)
    assert "error" in told["answers"][0]
    assert not any("payment" in entry for entry in told["log"])
    assert told["tokens"] == PLAN_COST
