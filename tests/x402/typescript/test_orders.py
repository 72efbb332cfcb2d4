"""The official client with our plug-in buys at a gateway: plans by orders within budgets, and requests by `exact`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.chain.embedded import deploy_all
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World
from tests.x402.buying.market import CREDITS, PRICE, build_market
from tests.x402.buying.shop import Counter, open_counter, register_agent
from tests.x402.typescript.workspace import Workspace


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A gateway that sells a plan of 100 credits for 20 USDC, and single requests for 20 USDC."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        market = build_market(World(chain), url)
        with open_counter(market, register_agent(market), folder) as opened:
            yield opened


def run(workspace: Workspace, program: str, counter: Counter, buyer: LocalAccount, **settings: Any) -> Any:
    """Run a program of a buyer."""
    market = counter.market
    usual = {
        "url": counter.service_url,
        "orderUrl": counter.order_url,
        "rpc": market.url,
        "key": f"0x{bytes(buyer.key).hex()}",
        "network": f"eip155:{market.chain.chain_id}",
        "credits": market.chain.credits.address,
        "usdc": market.token,
        "planId": str(market.plan_id),
    }
    return workspace.run(program, **usual, **settings)


def find_schemes(told: list[dict[str, Any]]) -> list[str]:
    """Return by which schemes requests were paid and served."""
    return [each["payment"]["accepted"]["scheme"] for each in told if "payment" in each and each["status"] == 200]


def find_statuses(answers: list[dict[str, Any]]) -> list[Any]:
    """Return the statuses, or the errors where there are none."""
    return [answer.get("status", answer.get("error")) for answer in answers]


def test_request__without_credits__orders_the_plan_once_and_is_served(workspace: Workspace, counter: Counter) -> None:
    buyer, market = counter.market.new_buyer(), counter.market
    told = run(workspace, "orders", counter, buyer, together=1, more=2, budget=PRICE, fresh=2)
    assert find_statuses([*told["first"], *told["more"], *told["last"]]) == [200] * 5
    assert find_schemes(told["log"]) == ["nvm-order", *["nvm-credits"] * 4]
    assert (market.read_paid(buyer), market.read_credits(buyer)) == (PRICE, CREDITS)


def test_requests__at_the_same_time_without_credits__order_the_plan_once(
    workspace: Workspace, counter: Counter
) -> None:
    buyer = counter.market.new_buyer()
    told = run(workspace, "orders", counter, buyer, together=8, more=0, budget=3 * PRICE, fresh=2)
    assert find_statuses([*told["first"], *told["last"]]) == [200] * 10
    assert find_schemes(told["log"]).count("nvm-order") == 1
    assert counter.market.read_paid(buyer) == PRICE


def test_requests__beyond_what_a_plan_gives__order_again_as_far_as_the_budget_goes(
    workspace: Workspace, counter: Counter
) -> None:
    buyer = counter.market.new_buyer()
    told = run(workspace, "orders", counter, buyer, together=1, more=CREDITS, budget=2 * PRICE, fresh=0)
    statuses = find_statuses([*told["first"], *told["more"]])
    assert statuses[:CREDITS] == [200] * CREDITS
    assert find_schemes(told["log"]).count("nvm-order") == 2
    assert told["more"][-1]["name"] == "PaymentNotAllowed"
    assert f"{2 * PRICE} base units of the budget" in told["more"][-1]["error"]
    assert counter.market.read_paid(buyer) == 2 * PRICE


def test_plan_and_requests__for_money__are_bought_by_an_order_and_by_exact(
    workspace: Workspace, counter: Counter
) -> None:
    buyer, market = counter.market.new_buyer(), counter.market
    told = run(workspace, "money", counter, buyer)
    assert told["order"]["status"] == 200, told["order"]
    assert market.read_credits(buyer) == CREDITS
    assert find_schemes(told["logs"]["order"]) == ["nvm-order"]
    assert find_statuses(told["exact"]) == [200, 200]
    assert find_schemes(told["logs"]["exact"]) == ["exact", "exact"]
    assert market.read_paid(buyer) == 3 * PRICE
