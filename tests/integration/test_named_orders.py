"""Orders with a name: paid once, on nodes that search little too, and refused before anything is asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from web3.exceptions import Web3RPCError
from web3.middleware import Web3Middleware

from nvm_chain.errors import InvalidAmount, InvalidConfig, NetworkError, OrderAlreadyMade
from nvm_chain.operations.named_orders import order_once
from nvm_chain.types.plans import RegisteredPlan
from tests.support.world import PRICE, World


@contextmanager
def limited(world: World, most: int) -> Iterator[list[int]]:
    """Let the node answer eth_getLogs for so many blocks at once, and count the blocks of each request."""
    asked: list[int] = []

    class Limit(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Callable[[Any, Any], Any]:
            def request(method: Any, params: Any) -> Any:
                if method == "eth_getLogs":
                    asked.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1)
                    if asked[-1] > most:
                        raise Web3RPCError(f"query exceeds max block range {most}")
                return make_request(method, params)

            return request

    world.chain.web3.middleware_onion.inject(Limit, "limit", layer=0)
    yield asked
    world.chain.web3.middleware_onion.remove("limit")


def tokens(world: World) -> int:
    """Return the subscriber's USDC."""
    return world.tokens(world.subscriber.address)


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_order_once__repeated_on_a_node_that_searches_few_blocks_at_once__is_the_same_order(
    funded: World, plan: RegisteredPlan, most: int
) -> None:
    made = order_once(funded.chain, funded.subscriber, plan.plan_id, "invoice-17")
    before = tokens(funded)
    with limited(funded, most) as asked:
        again = order_once(funded.chain, funded.subscriber, plan.plan_id, "invoice-17")
    assert asked[-1] <= most
    assert (again.repeated, again.receipt) == (True, made.receipt)
    assert tokens(funded) == before


def test_order_once__repeated_on_a_node_that_searches_nothing__says_that_it_was_made(
    funded: World, plan: RegisteredPlan
) -> None:
    order_once(funded.chain, funded.subscriber, plan.plan_id, "invoice-17")
    before = tokens(funded)
    with limited(funded, 0), pytest.raises(OrderAlreadyMade) as caught:
        order_once(funded.chain, funded.subscriber, plan.plan_id, "invoice-17")
    assert caught.value.payer == funded.subscriber.address
    assert isinstance(caught.value.__cause__, NetworkError)
    assert "max block range 0" in caught.value.problem
    assert "before you order under another name" in caught.value.next_step
    assert tokens(funded) == before


def test_order_once__under_one_name_typed_in_two_ways__is_one_order(funded: World, plan: RegisteredPlan) -> None:
    before = tokens(funded)
    names = ("caf\u00e9", "cafe\u0301 ")
    orders = [order_once(funded.chain, funded.subscriber, plan.plan_id, name) for name in names]
    assert [order.repeated for order in orders] == [False, True]
    assert tokens(funded) == before - PRICE


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_order_once__under_a_blank_name__asks_nothing_of_the_node(
    world: World, plan: RegisteredPlan, requests_made: list[str], name: str
) -> None:
    with pytest.raises(InvalidConfig, match="name of an order"):
        order_once(world.chain, world.subscriber, plan.plan_id, name)
    assert requests_made == []


@pytest.mark.parametrize("quantity", [0, -1, 2**32, 2**256])
def test_order_once__of_a_quantity_out_of_range__is_refused_as_order_plan_does(
    world: World, plan: RegisteredPlan, requests_made: list[str], quantity: int
) -> None:
    with pytest.raises(InvalidAmount) as caught:
        order_once(world.chain, world.subscriber, plan.plan_id, "invoice-17", quantity=quantity)
    assert (caught.value.value, caught.value.reason) == (f"quantity {quantity}", f"must be from 1 to {2**32 - 1}")
    assert requests_made == []
