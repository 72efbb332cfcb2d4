"""A lying node: the attacker answers the client's requests, and wants it to sign, pay or believe too much.

It names prices, fees, numbers and data of its choice, has not seen what others have seen, and is on another chain than it says. A client
believes its node about what happened; it signs and sends nothing above the caller's own limit, takes no bomb, and waits for ever for
nothing (P5, P6, P7, P12, P14). What connecting to such nodes does is in tests/integration/test_connecting.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import decode as decode_abi

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.errors import (
    CostAboveMax,
    InsufficientCoin,
    InsufficientFunds,
    NvmChainError,
    OutcomeUnknown,
    TooMuchGas,
)
from nvm_chain.operations.agents import register_agent
from nvm_chain.operations.credits import grant_external, mint_credits_batch, read_lots
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import quote_plan, read_plan, register_plan, set_plan_active
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.events import selector
from tests.support.liar import Lie, lying
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, PRICE, World

QUOTE = "0x" + selector("quote(uint256,address,uint256)").hex()
SENDING = {"eth_sendRawTransaction", "eth_sendTransaction"}


@pytest.fixture(autouse=True)
def quick_estimates() -> None:
    """Have the node's own estimates here: it may lie about them."""


@pytest.fixture
def lied_to(funded: World) -> World:
    """The funded world, which is not waited for long."""
    funded.chain.timeout_seconds = 1
    return funded


@pytest.fixture(autouse=True)
def patient(lied_to: World) -> Any:
    """Give the chain its patience back."""
    yield
    lied_to.chain.timeout_seconds = 120


def answer_calls(start: str, word: int) -> dict[str, Lie]:
    """Answer calls of one function with a number, and others with the truth."""

    def lie(params: Any, truth: Any) -> Any:
        data = params[0].get("data", "0x")
        text = data if isinstance(data, str) else "0x" + bytes(data).hex()
        return f"0x{word:064x}" if text.startswith(start) else truth

    return {"eth_call": lie}


# ---------------------------------------------------------------- a price of the node's choice


@pytest.mark.parametrize("price", [PRICE + 1, FUNDS, 2**128, 2**256 - 1])
def test_order_plan__by_a_node_that_names_a_higher_price__sends_nothing_above_the_limit(
    lied_to: World, price: int
) -> None:
    """P12: ``max_cost`` is the caller's, and no answer raises it."""
    plan_id = lied_to.register()
    with lying(lied_to.chain, answer_calls(QUOTE, price)) as asked, reverts(CostAboveMax(price, PRICE)):
        order_plan(lied_to.chain, lied_to.subscriber, plan_id, max_cost=PRICE)
    assert not SENDING & set(asked)
    with lying(lied_to.chain, answer_calls(QUOTE, price)), reverts(CostAboveMax(price, PRICE)):
        sign_plan_order(lied_to.chain, lied_to.subscriber, plan_id, max_cost=PRICE)


def test_order_plan__by_a_node_that_names_a_higher_price_below_the_limit__pays_the_plans_price(
    lied_to: World,
) -> None:
    """P12: the contract takes what the plan costs, whatever the node said it would."""
    plan_id = lied_to.register()
    with lying(lied_to.chain, answer_calls(QUOTE, 2 * PRICE)):
        order_plan(lied_to.chain, lied_to.subscriber, plan_id, max_cost=3 * PRICE)
    assert lied_to.tokens(lied_to.builder.address) == PRICE


def test_order_plan__by_a_node_that_names_a_lower_price__is_refused_by_the_chain(lied_to: World) -> None:
    plan_id = lied_to.register()
    with lying(lied_to.chain, answer_calls(QUOTE, 1)), reverts(CostAboveMax(PRICE, 1)):
        order_plan(lied_to.chain, lied_to.subscriber, plan_id)
    assert lied_to.tokens(lied_to.subscriber.address) == FUNDS


@pytest.mark.parametrize("method", ["eth_maxPriorityFeePerGas", "eth_gasPrice"])
def test_send__by_a_node_that_names_fees_beyond_the_balance__sends_nothing(lied_to: World, method: str) -> None:
    """A node decides about gas and fees up to the sender's own coin: keep little of it on accounts that pay in tokens."""
    plan_id = lied_to.register()
    lies: dict[str, Lie] = {method: lambda params, truth: hex(10**40) if isinstance(truth, str) else 10**40}
    if method == "eth_gasPrice":  # what web3 computes a tip from where a node does not know the other method
        lies["eth_maxPriorityFeePerGas"] = lies[method]
    with lying(lied_to.chain, lies) as asked, pytest.raises(InsufficientCoin):
        set_plan_active(lied_to.chain, lied_to.builder, plan_id, False)
    assert not SENDING & set(asked)


def test_send__by_a_node_that_estimates_more_gas_than_a_transaction_may_use__sends_nothing(lied_to: World) -> None:
    plan_id = lied_to.register()
    lies: dict[str, Lie] = {"eth_estimateGas": lambda params, truth: hex(10**40) if isinstance(truth, str) else 10**40}
    with lying(lied_to.chain, lies) as asked, reverts(TooMuchGas(10**40, MOST_GAS)):
        set_plan_active(lied_to.chain, lied_to.builder, plan_id, False)
    assert not SENDING & set(asked)


def test_order_plan__by_a_node_that_shows_no_funds__sends_nothing(lied_to: World) -> None:
    plan_id = lied_to.register()
    balance = "0x" + selector("balanceOf(address)").hex()
    with lying(lied_to.chain, answer_calls(balance, 0)) as asked, pytest.raises(InsufficientFunds):
        order_plan(lied_to.chain, lied_to.subscriber, plan_id)
    assert not SENDING & set(asked)


# ---------------------------------------------------------------- a node that has not seen it yet


def test_send__by_a_node_that_is_behind_the_one_that_mined_it__waits_for_the_receipt(lied_to: World) -> None:
    """P5: behind a load balancer the receipt is there, gone, and there again."""
    plan_id, seen = lied_to.register(), []

    def forget(params: Any, truth: Any) -> Any:
        seen.append(params)
        return None if len(seen) < 4 else truth

    with lying(lied_to.chain, {"eth_getTransactionReceipt": forget}):
        set_plan_active(lied_to.chain, lied_to.builder, plan_id, False)
    assert (len(seen), read_plan(lied_to.chain, plan_id).active) == (4, False)


def test_send__by_a_node_that_never_sees_it__gives_up_and_names_it(lied_to: World) -> None:
    """P3, P6: bounded, and the caller is told which transaction to look for before sending another."""
    plan_id = lied_to.register()
    started = time.monotonic()
    with lying(lied_to.chain, {"eth_getTransactionReceipt": lambda *_: None}), pytest.raises(OutcomeUnknown) as caught:
        set_plan_active(lied_to.chain, lied_to.builder, plan_id, False)
    assert time.monotonic() - started < 120
    assert lied_to.chain.read_transaction(caught.value.transaction_hash).hash == caught.value.transaction_hash


# ---------------------------------------------------------------- bombs


def words(*numbers: int) -> str:
    """Return an answer of these words."""
    return "0x" + "".join(f"{number:064x}" for number in numbers)


BOMBS = {
    "nothing": "0x",
    "a length of 2^255": words(32, 2**255),
    "a length of 2^64": words(32, 2**64),
    "a length of a million": words(32, 10**6),
    "an offset to nowhere": words(2**255),
    "an offset to itself": words(0, 0, 0, 0),
    "a hundred thousand offsets to one place": words(32, 100_000, *[32] * 100),
    "offsets all the way down": words(*[32] * 4_000),
    "ones": "0x" + "ff" * 100_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_read__of_an_answer_that_is_a_bomb__ends_within_a_second_in_a_typed_error_or_a_value(bomb: str) -> None:
    """P14: lists of structs, structs with lists, texts and numbers, from a node that answers them all with a bomb."""
    world = World(open_embedded())
    plan_id, holder = world.register(), world.subscriber.address
    reads: list[Any] = [
        lambda: read_plan(world.chain, plan_id),
        lambda: quote_plan(world.chain, holder, plan_id),
        lambda: read_lots(world.chain, plan_id, holder),
        lambda: world.read(world.credits.functions.uri(plan_id)),
        lambda: world.read(world.chain.agents.functions.plansOf(1)),
        lambda: world.read(world.chain.agents.functions.agentsOf(plan_id, 0, 10)),
        lambda: world.read(world.credits.functions.balanceOfBatch([holder], [plan_id])),
    ]
    with lying(world.chain, {"eth_call": lambda *_: bomb}):
        for read in reads:
            started = time.process_time()
            try:
                read()
            except NvmChainError as error:
                assert len(str(error)) < 2_000
            assert time.process_time() - started < 60


def test_bombs__are_such__for_a_decoder_that_believes_them() -> None:
    """The check of the check: the shapes above reach the decoder, and some of them decode."""
    assert decode_abi(["uint256"], bytes.fromhex(BOMBS["an offset to itself"][2:])) == (0,)


# ---------------------------------------------------------------- a receipt without what happened


def without_logs(_: Any, receipt: Any) -> Any:
    """Return a receipt as a node gives it that has lost the logs."""
    return {**receipt, "logs": []} if receipt else receipt


@dataclass(frozen=True)
class Lost:
    """A transaction and the event that tells what came of it."""

    event: str
    do: Callable[[World, int], object]


def _settle(world: World, plan_id: int) -> object:
    order_plan(world.chain, world.subscriber, plan_id)
    signed = sign_next_voucher(world.chain, world.subscriber, plan_id, redeemer=world.builder.address, cost=1)
    with lying(world.chain, {"eth_getTransactionReceipt": without_logs}):
        return settle_vouchers(world.chain, world.builder, plan_id, [signed])


LOST = [
    Lost("Ordered", lambda world, plan_id: order_plan(world.chain, world.subscriber, plan_id)),
    Lost(
        "PlanRegistered",
        lambda world, plan_id: register_plan(
            world.chain,
            world.builder,
            get_erc20_price_config(PRICE, world.usdc.address, world.builder.address),
            get_fixed_credits_config(CREDITS),
        ),
    ),
    Lost(
        "TransferSingle",
        lambda world, plan_id: grant_external(
            world.chain, world.builder, plan_id, world.other.address, reference="payment 1"
        ),
    ),
    Lost(
        "TransferSingle or MintSkipped",
        lambda world, plan_id: mint_credits_batch(world.chain, world.builder, plan_id, {world.other.address: 1}),
    ),
    Lost("Registered", lambda world, plan_id: register_agent(world.chain, world.builder, "https://agent.example")),
]


@pytest.mark.parametrize("lost", LOST, ids=lambda lost: lost.event)
def test_send__by_a_node_that_lost_the_logs__says_which_transaction_to_look_up(lied_to: World, lost: Lost) -> None:
    """P5: what was sent is mined, so the caller has to be told in the package's own words where to look."""
    plan_id = lied_to.register()
    with (
        lying(lied_to.chain, {"eth_getTransactionReceipt": without_logs}),
        pytest.raises(OutcomeUnknown, match=f"its receipt has no {lost.event} event") as caught,
    ):
        lost.do(lied_to, plan_id)
    assert lied_to.chain.read_transaction(caught.value.transaction_hash).gas_used


def test_settle_vouchers__by_a_node_that_lost_the_logs__does_not_call_them_settled(lied_to: World) -> None:
    """P5: a batch without events is not one in which every voucher brought nothing."""
    with pytest.raises(OutcomeUnknown, match="its receipt has no Settled event"):
        _settle(lied_to, lied_to.register())
