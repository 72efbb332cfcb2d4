"""A node that answers a sent transaction with an error: what is told is what came of the transaction."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from web3.exceptions import Web3ValueError
from web3.middleware import Web3Middleware

from nvm_chain.cli.exit_codes import EXIT_UNKNOWN_OUTCOME
from nvm_chain.cli.failures import find_exit_code
from nvm_chain.errors import InvalidConfig, NodeBusy, OutcomeUnknown, RpcFailed
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.tokens import approve_token_spending
from nvm_chain.payments import Payments
from tests.support.plans import usage
from tests.support.quoted import register_quoted
from tests.support.world import PRICE, World


class Answers(Web3Middleware):
    """Has requests of one method answered with an error, from the ``first`` on; the node does what is asked if ``takes``."""

    method = "eth_sendRawTransaction"
    message = ""
    takes = False
    first = 1
    blind = False
    """Whether the node does not find transactions either."""

    def wrap_make_request(self, make_request: Any) -> Any:
        asked: list[str] = []

        def request(method: Any, params: Any) -> Any:
            asked.append(method)
            if method == self.method and asked.count(method) >= self.first:
                if self.takes:
                    make_request(method, params)
                return {"id": 1, "jsonrpc": "2.0", "error": {"code": -32000, "message": self.message}}
            if self.blind and asked.count(self.method) and method == "eth_getTransactionByHash":
                return {"id": 1, "jsonrpc": "2.0", "error": {"code": -32000, "message": "busy"}}
            return make_request(method, params)

        return request

    def wrap_make_batch_request(self, make_batch_request: Any) -> Any:
        """Take no batches, so that each request is answered by itself."""
        return lambda batch: {"id": None, "jsonrpc": "2.0", "error": {"code": -32600, "message": "no batches"}}


@pytest.fixture
def odd(world: World) -> Iterator[World]:
    """A world whose node answers as it is told to until the test ends."""
    world.fund(world.subscriber)
    yield world
    with suppress(Web3ValueError):
        world.chain.web3.middleware_onion.remove("odd")


def answer(odd: World, message: str, **more: object) -> None:
    """Have the node answer every transaction, or what `Answers` says, with an error from now on."""
    told = type("Told", (Answers,), {"message": message, **more})
    odd.chain.web3.middleware_onion.inject(told, "odd", layer=0)


def read_newest_hash(odd: World) -> str:
    """Return the transaction in the latest block."""
    return f"0x{bytes(odd.chain.web3.eth.get_block('latest')['transactions'][0]).hex()}"  # type: ignore[arg-type]


@pytest.mark.parametrize("message", ["already known", "nonce too low", "internal error", "rate limit exceeded"])
def test_order_plan__that_the_node_took_and_answered_with_an_error__is_paid_once_and_done(
    odd: World, message: str
) -> None:
    plan_id, before = odd.register(), odd.tokens(odd.subscriber.address)
    answer(odd, message, takes=True)
    receipt = order_plan(odd.chain, odd.subscriber, plan_id)
    assert odd.tokens(odd.subscriber.address) == before - PRICE
    assert receipt.transaction.hash == read_newest_hash(odd)


@pytest.mark.parametrize("blind", [False, True])
def test_order_plan__answered_with_an_error_that_may_be_anything__is_of_unknown_outcome(
    odd: World, blind: bool
) -> None:
    plan_id, before = odd.register(), odd.tokens(odd.subscriber.address)
    answer(odd, "upstream failed", blind=blind)
    with pytest.raises(OutcomeUnknown) as caught:
        order_plan(odd.chain, odd.subscriber, plan_id)
    assert odd.tokens(odd.subscriber.address) == before
    assert caught.value.reason == "the node answered 'upstream failed', and does not show the transaction"
    assert "look_up_transaction" in caught.value.next_step
    assert find_exit_code(caught.value) == EXIT_UNKNOWN_OUTCOME


@pytest.mark.parametrize("message", ["nonce too low", "insufficient funds"])
def test_order_plan__clearly_refused_by_a_node_that_cannot_be_asked_then__is_of_unknown_outcome(
    odd: World, message: str
) -> None:
    """Another node behind the same URL may have taken it: with another nonce it would be paid twice."""
    plan_id = odd.register()
    answer(odd, message, blind=True)
    with pytest.raises(OutcomeUnknown) as caught:
        order_plan(odd.chain, odd.subscriber, plan_id)
    assert message in caught.value.reason


@pytest.mark.parametrize(
    "message",
    [
        "Insufficient funds for gas * price + value",
        "replacement transaction underpriced",
        "intrinsic gas too low",
        "exceeds block gas limit",
        "max fee per gas less than block base fee",
    ],
)
def test_order_plan__that_the_node_did_not_take__says_what_the_node_says(odd: World, message: str) -> None:
    plan_id = odd.register()
    answer(odd, message)
    with pytest.raises(RpcFailed) as caught:
        order_plan(odd.chain, odd.subscriber, plan_id)
    assert caught.value.reason == message
    assert "{" not in str(caught.value)


def test_order_plan__refused_after_its_approval__does_not_say_that_nothing_was_sent(odd: World) -> None:
    plan_id, payer = odd.register(), odd.subscriber
    approve_token_spending(odd.chain, payer, odd.usdc.address, 0)
    before = odd.chain.web3.eth.get_transaction_count(payer.address)
    answer(odd, "rate limited", method="eth_estimateGas", first=2)
    with pytest.raises(NodeBusy) as caught:
        order_plan(odd.chain, payer, plan_id, payment_method="approve")
    assert odd.chain.web3.eth.get_transaction_count(payer.address) == before + 1
    assert "othing was sent" not in str(caught.value)
    assert "still stands" in caught.value.__notes__[-1]


def test_pay_usage__of_a_price_that_a_contract_names__needs_a_limit_as_an_order_does(world: World) -> None:
    quoter = world.deploy("ChangesPrice", 900_000_000)
    plan_id = register_quoted(world, quoter, **usage())
    before = world.tokens(world.subscriber.address)
    with pytest.raises(InvalidConfig) as caught:
        Payments(world.chain, world.subscriber).pay_usage(plan_id)
    assert "max_cost" in str(caught.value)
    assert world.tokens(world.subscriber.address) == before
