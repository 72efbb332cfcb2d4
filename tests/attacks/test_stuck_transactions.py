"""Stuck, replaced and dropped: the attacker, or a busy chain, keeps a transaction from being mined, and waits for the client to pay twice.

The client never sends a second transaction of its own accord. It says after a bounded time which one it has not seen mined (P2, P3). A signed
order is its own receipt: however often it is brought, it is paid once.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nvm_chain.errors import NotMined, NvmChainError, OrderAlreadyMade, TransactionReplaced
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan, set_plan_active
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.tokens import approve_token_spending
from tests.support.world import CREDITS, FUNDS, PRICE, World

PATIENCE_SECONDS = 2


@pytest.fixture
def slow(node: World) -> Iterator[World]:
    """The node with a funded subscriber; what a test does to it is undone, and nothing is waited for long."""
    snapshot = node.take_snapshot()
    node.fund(node.subscriber)
    node.chain.timeout_seconds = PATIENCE_SECONDS
    yield node
    node.chain.on_progress = lambda text: None
    node.chain.timeout_seconds = 120
    ask(node, "evm_setAutomine", True)
    ask(node, "anvil_dropAllTransactions")
    ask(node, "anvil_setNextBlockBaseFeePerGas", hex(10**9))
    node.revert_to(snapshot)
    ask(node, "evm_mine")


def ask(world: World, method: str, *params: Any) -> Any:
    """Ask the node for something that only anvil has."""
    return world.chain.web3.provider.make_request(method, list(params))["result"]  # type: ignore[arg-type]


def when_sent(world: World, act: Callable[[str], None]) -> None:
    """Do something once, with the hash, as soon as the next transaction has been sent."""

    def once(text: str) -> None:
        world.chain.on_progress = lambda text: None
        act(text.rsplit(maxsplit=1)[-1])

    world.chain.on_progress = once


def expect_not_mined(act: Callable[[], Any]) -> str:
    """Run something whose transaction is not mined; return the hash that the caller is told, in bounded time."""
    started = time.monotonic()
    with pytest.raises(NotMined) as caught:
        act()
    assert time.monotonic() - started < PATIENCE_SECONDS + 120
    return caught.value.transaction_hash


def test_send__below_the_base_fee__says_which_is_stuck_and_is_sent_again_at_the_new_price(slow: World) -> None:
    """P2: fees rise a thousandfold while it waits. Nothing is sent twice; sent again by the caller it takes the same nonce."""
    plan_id, sender = slow.register(), slow.builder.address
    nonce = slow.chain.web3.eth.get_transaction_count(sender)
    ask(slow, "evm_setAutomine", False)
    stuck = expect_not_mined(lambda: set_plan_active(slow.chain, slow.builder, plan_id, False))
    assert slow.chain.count_pending(sender) == 1
    ask(slow, "anvil_setNextBlockBaseFeePerGas", hex(10**12))
    ask(slow, "evm_mine")
    assert read_plan(slow.chain, plan_id).active
    ask(slow, "evm_setAutomine", True)
    slow.chain.timeout_seconds = 60
    mined = set_plan_active(slow.chain, slow.builder, plan_id, False)
    assert (mined.hash != stuck, (mined.fee_wei or 0) // (mined.gas_used or 1) > 10**11) == (True, True)
    assert slow.chain.web3.eth.get_transaction_count(sender, "pending") == nonce + 1
    assert not read_plan(slow.chain, plan_id).active


def test_send__replaced_by_another_of_the_same_key__says_so(slow: World) -> None:
    """P3: somebody with the key takes the nonce with a higher fee; the caller hears of the own transaction only."""
    plan_id = slow.register()
    ask(slow, "evm_setAutomine", False)

    def replace(sent: str) -> None:
        original = slow.chain.read_sent_transaction(sent)
        transaction: dict[str, Any] = {
            "to": slow.builder.address,
            "value": 0,
            "nonce": original["nonce"],
            "gas": 21_000,
            "chainId": slow.chain.chain_id,
            "maxFeePerGas": 3 * original["maxFeePerGas"],
            "maxPriorityFeePerGas": 3 * original["maxPriorityFeePerGas"],
        }
        slow.chain.web3.eth.send_raw_transaction(slow.builder.sign_transaction(transaction).raw_transaction)
        ask(slow, "evm_mine")

    when_sent(slow, replace)
    with pytest.raises(TransactionReplaced) as lost:
        set_plan_active(slow.chain, slow.builder, plan_id, False)
    with pytest.raises(NvmChainError):
        slow.chain.read_transaction(lost.value.transaction_hash)
    assert (slow.chain.count_pending(slow.builder.address), read_plan(slow.chain, plan_id).active) == (0, True)


def test_order_plan__dropped_by_the_node__took_nothing_and_can_be_sent_again(slow: World) -> None:
    """P3: with the same nonce, so the lost one can never come back and be paid as well."""
    plan_id, payer = slow.register(), slow.subscriber
    ask(slow, "evm_setAutomine", False)
    nonce = slow.chain.web3.eth.get_transaction_count(payer.address)
    sent_raw: list[Any] = []

    def drop(sent: str) -> None:
        sent_raw.append(ask(slow, "eth_getRawTransactionByHash", sent))
        ask(slow, "anvil_dropTransaction", sent)

    when_sent(slow, drop)
    expect_not_mined(lambda: order_plan(slow.chain, payer, plan_id, payment_method="approve"))
    assert (slow.chain.count_pending(payer.address), slow.tokens(payer.address)) == (0, FUNDS)
    ask(slow, "evm_setAutomine", True)
    slow.chain.timeout_seconds = 60
    order_plan(slow.chain, payer, plan_id, payment_method="approve")
    with pytest.raises(NvmChainError), slow.chain.typed_errors():
        slow.chain.web3.eth.send_raw_transaction(sent_raw[0])
    assert slow.chain.web3.eth.get_transaction_count(payer.address) == nonce + 1
    assert (slow.balance(plan_id, payer.address), slow.tokens(payer.address)) == (CREDITS, FUNDS - PRICE)


def test_relay_order__again_because_the_first_was_not_mined__is_paid_once(slow: World) -> None:
    """P3: retried by the same relayer and by another while the first waits; the digest is the key, and it is the token's."""
    plan_id, payer = slow.register(), slow.subscriber
    signed = sign_plan_order(slow.chain, payer, plan_id)
    ask(slow, "evm_setAutomine", False)
    hashes = [
        expect_not_mined(lambda relayer=relayer: relay_order(slow.chain, relayer, signed))  # type: ignore[misc]
        for relayer in (slow.relayer, slow.relayer, slow.stranger)
    ]
    ask(slow, "evm_mine")
    statuses = [slow.chain.web3.eth.get_transaction_receipt(each)["status"] for each in hashes]  # type: ignore[arg-type]
    assert sorted(statuses) == [0, 0, 1]
    assert (slow.balance(plan_id, payer.address), slow.tokens(payer.address)) == (CREDITS, FUNDS - PRICE)
    with pytest.raises(OrderAlreadyMade):
        relay_order(slow.chain, slow.relayer, signed)


def test_order_plan__again_because_the_first_was_not_mined__pays_no_more_than_was_approved(slow: World) -> None:
    """P3: who does not look up the first and orders again has ordered twice; an allowance of one price pays for one."""
    plan_id, payer = slow.register(), slow.subscriber
    approve_token_spending(slow.chain, payer, slow.usdc.address, PRICE)
    ask(slow, "evm_setAutomine", False)
    for _ in range(2):
        expect_not_mined(lambda: order_plan(slow.chain, payer, plan_id, payment_method="allowance"))
    ask(slow, "evm_mine")
    assert (slow.balance(plan_id, payer.address), slow.tokens(payer.address)) == (CREDITS, FUNDS - PRICE)
    assert slow.read(slow.usdc.functions.allowance(payer.address, slow.credits.address)) == 0
