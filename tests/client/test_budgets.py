"""Budgets: a plan is ordered when its credits or its access are used up, as often and as dear as the budget says."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.client.limits import Budget, build_budget
from nvm_chain.client.ordering import order_again
from nvm_chain.client.payment import find_payment
from nvm_chain.errors import BudgetUsedUp, CostAboveMax, InsufficientCoin
from nvm_chain.operations.credits import burn_credits, read_balance
from tests.client.clients import Client, find_port, open_client
from tests.gateway.shop import BALANCE, Gate, Shop, run_shop

Open = Callable[..., Client]
PRICE = 10**15


@pytest.fixture
def newcomer(shop: Shop) -> LocalAccount:
    """An account with coins and without credits."""
    account: LocalAccount = Account.create()
    shop.chain.ask("anvil_setBalance", account.address, hex(10**18))
    return account


def find_orders(client: Client, plan_id: int) -> int:
    """Return how often the budget has ordered."""
    return client.buyer.ceilings.read_orders(plan_id).count


# ---------------------------------------------------------------------- orders


def test_credits__that_are_missing__are_ordered_once_for_all_threads(
    client: Open, gate: Gate, newcomer: LocalAccount
) -> None:
    plan_id = gate.shop.credits_plan
    buyer = client(signer=newcomer, budgets=[build_budget(plan_id, orders=5, max_cost=0)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: buyer.ask("POST", "/ask", data=b"%d" % n), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert read_balance(gate.shop.chain, plan_id, newcomer.address) == BALANCE
    assert find_orders(buyer, plan_id) == 1


def test_credits__without_a_budget__are_the_answer_of_the_gateway(
    client: Open, gate: Gate, newcomer: LocalAccount
) -> None:
    answer = client(signer=newcomer).ask("POST", "/ask")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "CreditsUsedUp")
    assert read_balance(gate.shop.chain, gate.shop.credits_plan, newcomer.address) == 0


def test_budget__after_a_restart__counts_the_orders_of_before(
    client: Open, gate: Gate, newcomer: LocalAccount, tmp_path: Path
) -> None:
    shop, state = gate.shop, tmp_path / "state.json"
    plan_id = shop.credits_plan

    def start(orders: int, **more: Any) -> Client:
        budget = build_budget(plan_id, orders=orders, max_cost=0, **more)
        return client(signer=newcomer, state=state, budgets=[budget])

    assert start(1).ask("POST", "/ask").status_code == 200
    burn_credits(shop.chain, newcomer, plan_id, BALANCE)
    Gate(shop, gate.url, newcomer).wait_for("available", "0")
    for budget, reason in (({"orders": 1}, "1 are allowed"), ({"orders": 2, "pause_seconds": 86_400}, "apart")):
        with pytest.raises(BudgetUsedUp, match=reason):
            start(**budget).ask("POST", "/ask")
    assert read_balance(shop.chain, plan_id, newcomer.address) == 0
    last = start(2)
    assert last.ask("POST", "/ask").status_code == 200
    assert find_orders(last, plan_id) == 2


def test_time_plan__that_is_not_open__is_ordered_before_the_sign_in(
    client: Open, gate: Gate, newcomer: LocalAccount
) -> None:
    plan_id = gate.shop.time_plan
    buyer = client(signer=newcomer, limits={"plans": [plan_id]}, budgets=[build_budget(plan_id, orders=1, max_cost=0)])
    answer = buyer.ask("POST", "/ask")
    payment = find_payment(answer)
    assert (answer.status_code, payment and payment.plan_id) == (200, plan_id)
    assert find_orders(buyer, plan_id) == 1


# ---------------------------------------------------------------------- never dearer, never lost


@pytest.fixture
def priced(shop: Shop) -> int:
    """A plan with a price in the native coin."""
    price = nvm.get_native_token_price_config(PRICE, shop.builder.address)
    return nvm.register_plan(shop.chain, shop.builder, price, nvm.get_fixed_credits_config(10)).plan_id


def open_buyer(gate: Gate, signer: LocalAccount, plan_id: int, **budget: Any) -> Client:
    """Return a client with a budget."""
    return open_client(gate, signer=signer, budgets=[build_budget(plan_id, **{"orders": 3, **budget})])


def test_order__that_is_too_dear__is_not_sent_and_costs_nothing_of_the_budget(
    gate: Gate, newcomer: LocalAccount, priced: int
) -> None:
    buyer = open_buyer(gate, newcomer, priced, max_cost=PRICE - 1)
    with pytest.raises(CostAboveMax):
        order_again(buyer.buyer, priced, 1)
    assert find_orders(buyer, priced) == 0
    right = open_buyer(gate, newcomer, priced, max_cost=PRICE)
    assert order_again(right.buyer, priced, 1)
    assert order_again(right.buyer, priced, 10)
    assert (find_orders(right, priced), read_balance(gate.shop.chain, priced, newcomer.address)) == (1, 10)
    assert order_again(right.buyer, priced, 11)
    assert find_orders(right, priced) == 2


def test_order__without_money__costs_nothing_of_the_budget(gate: Gate, priced: int) -> None:
    buyer = open_buyer(gate, Account.create(), priced, max_cost=PRICE)
    with pytest.raises(InsufficientCoin):
        order_again(buyer.buyer, priced, 1)
    assert find_orders(buyer, priced) == 0


def test_order__of_a_plan_without_a_budget__is_not_made(gate: Gate, newcomer: LocalAccount, priced: int) -> None:
    assert not order_again(open_client(gate, signer=newcomer).buyer, priced, 1)


def test_orders__in_memory_and_in_a_file__are_written_before_they_are_sent(
    gate: Gate, newcomer: LocalAccount, priced: int, tmp_path: Path
) -> None:
    for state in (None, tmp_path / "state.json"):
        buyer = open_client(gate, signer=newcomer, state=state, budgets=[Budget(priced, 3, PRICE)])
        counts: list[int] = []
        buyer.buyer.chain.on_progress = lambda _, b=buyer, c=counts: c.append(find_orders(b, priced))  # type: ignore[misc]
        assert order_again(buyer.buyer, priced, 10 if state is None else 11)
        assert counts
        assert set(counts) == {1}


KILLED = """
import os
import sys
from pathlib import Path
from eth_account import Account
import nvm_chain as nvm
from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_budget, build_limits
from nvm_chain.client.ordering import order_again

node, credits, agents, key, plan, price, state = sys.argv[1:]
chain = nvm.connect(node, credits=credits, agents=agents)
chain.on_progress = lambda _: os._exit(9)
budget = build_budget(plan, orders=1, max_cost=int(price))
limits = build_limits(per_request=1, in_all=1)
order_again(Buyer(chain, Account.from_key(key), limits, state=Path(state), budgets=[budget]), budget.plan_id, 1)
"""


def test_order__of_a_process_that_is_killed__is_not_paid_for_again(
    gate: Gate, newcomer: LocalAccount, priced: int, tmp_path: Path
) -> None:
    shop, state = gate.shop, tmp_path / "state.json"
    arguments = [shop.url, shop.chain.credits.address, shop.chain.agents.address, f"0x{bytes(newcomer.key).hex()}"]
    arguments += [str(priced), str(PRICE), str(state)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=120, check=False)
    assert done.returncode == 9
    buyer = open_client(gate, signer=newcomer, state=state, budgets=[Budget(priced, 1, PRICE)])
    assert find_orders(buyer, priced) == 1
    if read_balance(shop.chain, priced, newcomer.address) == 0:
        with pytest.raises(BudgetUsedUp):
            order_again(buyer.buyer, priced, 1)
    else:
        assert order_again(buyer.buyer, priced, 1)
    assert read_balance(shop.chain, priced, newcomer.address) in (0, 10)
    assert find_orders(buyer, priced) == 1


def test_time_plan__whose_access_has_ended__is_renewed_once(upstream_url: str, tmp_path: Path) -> None:
    port = find_port()
    where: dict[str, Any] = {"port": port, "url": f"http://127.0.0.1:{port}"}
    with run_shop() as shop:
        plan_id = shop.time_plan
        budget = build_budget(plan_id, orders=2, max_cost=0)
        with shop.open(tmp_path, upstream_url, **where) as gate:
            buyer = open_client(gate, signer=shop.buyers[0], limits={"plans": [plan_id]}, budgets=[budget])
            assert buyer.ask("POST", "/ask").status_code == 200
            assert find_orders(buyer, plan_id) == 0
            buyer.session.close()
        shop.chain.ask("evm_increaseTime", hex(2 * 86_400))
        shop.chain.ask("evm_mine")
        with shop.open(tmp_path, upstream_url, **where):  # started again, because a gateway counts time on by itself
            end = time.monotonic() + 60
            while (
                not find_orders(buyer, plan_id) and time.monotonic() < end
            ):  # until the gateway has seen the new block
                answer = buyer.ask("POST", "/ask")
                assert answer.status_code == 200, answer.text
            assert find_orders(buyer, plan_id) == 1
            assert buyer.ask("POST", "/ask").status_code == 200
            assert find_orders(buyer, plan_id) == 1
            buyer.session.close()
