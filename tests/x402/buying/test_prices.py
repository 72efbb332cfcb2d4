"""Which plans are sold by transfers and by orders: only those that a transfer can pay whole, and that somebody grants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nvm_chain as nvm
from nvm_chain.gateway.buying.prices import Ways, read_price
from nvm_chain.operations.plans import read_plan_state
from tests.x402.buying.market import PRICE, Market
from tests.x402.buying.shop import Counter, open_counter, register_agent

HUNDRED = nvm.get_fixed_credits_config(100)


@pytest.fixture(scope="module")
def counter(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A gateway for the tests of this file that need one."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with open_counter(market, register_agent(market), folder) as opened:
        yield opened


def look(market: Market, plan_id: int, **ways: Any) -> tuple[bool, bool] | None:
    """Return whether a plan is sold by orders and by transfers. None if it is sold in neither way."""
    usual: dict[str, Any] = {"orders": True, "exact": True, "minter": market.world.minter.address}
    price = read_price(market.chain, read_plan_state(market.chain, plan_id), Ways(**{**usual, **ways}))
    return None if price is None else (price.takes_orders, price.payee is not None)


def sell(market: Market, price: Any, credits: Any = HUNDRED) -> int:
    """Register a plan that the minter may grant."""
    plan_id = nvm.register_plan(market.chain, market.world.builder, price, credits).plan_id
    nvm.set_minter(market.chain, market.world.builder, plan_id, market.world.minter.address, True)
    return plan_id


def test_plan__with_one_receiver_and_a_minter__is_sold_in_both_ways(market: Market) -> None:
    assert look(market, market.plan_id) == (True, True)
    assert look(market, market.plan_id, minter=None) == (True, False)
    assert look(market, market.plan_id, minter=market.world.other.address) == (True, False)
    assert look(market, market.plan_id, minter=market.payee) == (True, True)
    assert look(market, market.plan_id, exact=False) == (True, False)
    assert look(market, market.plan_id, orders=False) == (False, True)
    assert look(market, market.plan_id, orders=False, exact=False) is None


def test_usage_plan__is_sold_by_transfers_without_a_minter(market: Market) -> None:
    assert look(market, market.usage_id, minter=None) == (False, True)
    assert look(market, market.usage_id, exact=False) is None


def test_plan__that_a_transfer_cannot_pay__is_not_sold_by_it(market: Market) -> None:
    world, token = market.world, market.token
    two = nvm.get_split_price_config(token, {market.payee: 15_000_000, world.other.address: 5_000_000})
    assert look(market, sell(market, two)) == (True, False)
    native = nvm.get_native_token_price_config(10**15, market.payee)
    assert look(market, sell(market, native)) is None
    assert look(market, sell(market, nvm.get_free_price_config())) is None
    plain = nvm.get_erc20_price_config(PRICE, token, market.payee)
    assert look(market, sell(market, plain, nvm.get_fixed_credits_config(100, trial=True))) == (True, False)


def test_plan__with_a_fee__is_not_sold_by_transfers(market: Market) -> None:
    world = market.world
    world.send(world.fee_owner, world.credits.functions.setProtocolFee(100, world.fee_receiver.address))
    try:
        plan_id = sell(market, nvm.get_erc20_price_config(PRICE, market.token, market.payee))
    finally:
        world.send(world.fee_owner, world.credits.functions.setProtocolFee(0, world.fee_receiver.address))
    assert look(market, plan_id) == (True, False)


def test_plan__that_takes_no_orders_any_more__is_not_paid_for(market: Market, counter: Counter) -> None:
    buyer = market.new_buyer()
    header = counter.pay_exact(buyer, "POST", counter.order_url)
    world = market.world
    world.send(world.builder, world.credits.functions.setPlanActive(market.plan_id, False))
    try:
        answer = counter.post(counter.order_url, header)
    finally:
        world.send(world.builder, world.credits.functions.setPlanActive(market.plan_id, True))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "PlanNotActive")
    assert (market.read_paid(buyer), market.read_credits(buyer)) == (0, 0)


def test_plan__whose_minter_was_dismissed__is_not_paid_for(market: Market, counter: Counter) -> None:
    buyer = market.new_buyer()
    header = counter.pay_exact(buyer, "POST", counter.order_url)
    world = market.world
    set_minter = world.credits.functions.setMinter
    world.send(world.builder, set_minter(market.plan_id, world.minter.address, False))
    try:
        answer = counter.post(counter.order_url, header)
    finally:
        world.send(world.builder, set_minter(market.plan_id, world.minter.address, True))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "NotMinter")
    assert market.read_paid(buyer) == 0
    assert counter.post(counter.order_url, header).status_code == 200
