"""A node that answers a sent transaction with an error: what is told is what came of the transaction."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from web3.exceptions import Web3ValueError
from web3.middleware import Web3Middleware

from nvm_chain.errors import InvalidConfig, RpcFailed
from nvm_chain.operations.orders import order_plan
from nvm_chain.payments import Payments
from tests.support.plans import usage
from tests.support.quoted import register_quoted
from tests.support.world import PRICE, World


class Answers(Web3Middleware):
    """Has every sent transaction answered with an error, after the node has taken it or in place of that."""

    message = ""
    takes = False

    def wrap_make_request(self, make_request: Any) -> Any:
        def request(method: Any, params: Any) -> Any:
            if method != "eth_sendRawTransaction":
                return make_request(method, params)
            if self.takes:
                make_request(method, params)
            return {"id": 1, "jsonrpc": "2.0", "error": {"code": -32000, "message": self.message}}

        return request


@pytest.fixture
def odd(world: World) -> Iterator[World]:
    """A world whose node answers as it is told to until the test ends."""
    world.fund(world.subscriber)
    yield world
    with suppress(Web3ValueError):
        world.chain.web3.middleware_onion.remove("odd")


def answer(odd: World, message: str, *, takes: bool) -> None:
    """Have the node answer every transaction with an error from now on."""
    told = type("Told", (Answers,), {"message": message, "takes": takes})
    odd.chain.web3.middleware_onion.inject(told, "odd", layer=0)


def test_order_plan__that_the_node_took_and_answered_with_an_error__says_that_it_may_be_there(odd: World) -> None:
    plan_id, before = odd.register(), odd.tokens(odd.subscriber.address)
    answer(odd, "internal error", takes=True)
    with pytest.raises(RpcFailed) as caught:
        order_plan(odd.chain, odd.subscriber, plan_id)
    assert odd.tokens(odd.subscriber.address) == before - PRICE
    sent = odd.chain.web3.eth.get_block("latest")["transactions"][0]
    assert f"0x{bytes(sent).hex()}" in caught.value.next_step  # type: ignore[arg-type]
    assert "may have taken" in caught.value.problem
    assert "othing was sent" not in str(caught.value)


@pytest.mark.parametrize(
    "message", ["nonce too low", "insufficient funds for gas * price + value", "transaction underpriced"]
)
def test_order_plan__that_the_node_did_not_take__says_what_the_node_says(odd: World, message: str) -> None:
    plan_id = odd.register()
    answer(odd, message, takes=False)
    with pytest.raises(RpcFailed) as caught:
        order_plan(odd.chain, odd.subscriber, plan_id)
    assert caught.value.reason == message
    assert "{" not in str(caught.value)
    assert "may have taken" not in str(caught.value)


def test_pay_usage__of_a_price_that_a_contract_names__needs_a_limit_as_an_order_does(world: World) -> None:
    quoter = world.deploy("ChangesPrice", 900_000_000)
    plan_id = register_quoted(world, quoter, **usage())
    before = world.tokens(world.subscriber.address)
    with pytest.raises(InvalidConfig) as caught:
        Payments(world.chain, world.subscriber).pay_usage(plan_id)
    assert "max_cost" in str(caught.value)
    assert world.tokens(world.subscriber.address) == before
