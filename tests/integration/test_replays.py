"""Mined transactions that failed: their reason is that of the transaction, with its gas limit and its price."""

from typing import Any

import pytest

from nvm_chain.chain.node import encode_call
from nvm_chain.chain.replays import explain_failure
from nvm_chain.errors import (
    NotPlanOwner,
    NvmChainError,
    OutOfGas,
    PlanNotActive,
    RevertedWithoutReason,
    WouldSucceedNow,
)
from nvm_chain.operations.transactions import look_up_transaction
from tests.integration.raw import deploy_code
from tests.support.odd_node import OddNode, refuse
from tests.support.world import PRICE, World

PRICE_REFUSED = bytes.fromhex("3a15600857" + "5f5ffd" + "5b00")
"""Code that reverts if the gas price is not 0: GASPRICE, ISZERO, PUSH1 8, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST, STOP."""


def explain(world: World, receipt: Any) -> NvmChainError:
    """Return the reason of a failed transaction."""
    assert receipt["status"] == 0
    return explain_failure(world.chain, world.chain.web3.eth.get_transaction(receipt["transactionHash"]), receipt)


@pytest.mark.parametrize("gas", [25_000, 30_000])
def test_explain_failure__of_a_call_with_too_little_gas__says_so(world: World, gas: int) -> None:
    receipt = world.send_with_gas(world.builder, world.credits.functions.setPlanActive(world.register(), False), gas)
    found = explain(world, receipt)
    assert isinstance(found, OutOfGas)
    assert found.transaction_hash == f"0x{bytes(receipt['transactionHash']).hex()}"


def test_explain_failure__of_a_refused_call__is_the_contracts_error_even_if_its_gas_was_little(world: World) -> None:
    plan_id = world.register()
    function = world.credits.functions.setPlanActive(plan_id, False)
    for gas in (40_000, 3_000_000):
        found = explain(world, world.send_with_gas(world.stranger, function, gas))
        assert (type(found), found.args) == (NotPlanOwner, (plan_id, world.stranger.address))


def test_explain_failure__of_a_call_between_two_changes_of_one_block__says_it_would_succeed_now(world: World) -> None:
    plan_id = world.register()
    mint = world.credits.functions.order(plan_id, world.subscriber.address, 1, PRICE)
    world.fund(world.subscriber)
    receipts = mine_together(
        world,
        (world.builder, world.credits.functions.setPlanActive(plan_id, False), 3),
        (world.subscriber, mint, 2),
        (world.builder, world.credits.functions.setPlanActive(plan_id, True), 1),
    )
    assert [receipt["status"] for receipt in receipts] == [1, 0, 1]
    assert isinstance(explain(world, receipts[1]), WouldSucceedNow)


def test_explain_failure__of_a_call_whose_cause_the_same_block_undoes_later__is_found_before_the_block(
    world: World,
) -> None:
    plan_id = world.register()
    world.fund(world.subscriber)
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    receipts = mine_together(
        world,
        (world.subscriber, world.credits.functions.order(plan_id, world.subscriber.address, 1, PRICE), 2),
        (world.builder, world.credits.functions.setPlanActive(plan_id, True), 1),
    )
    found = explain(world, receipts[0])
    assert (type(found), found.args) == (PlanNotActive, (plan_id,))


def mine_together(world: World, *calls: Any) -> list[Any]:
    """Mine calls in one block, those with the higher tip first. Return their receipts."""
    ask = world.chain.ask
    ask("evm_setAutomine", False)
    try:
        hashes = []
        for signer, function, tip in calls:
            fields = {
                "to": function.address,
                "data": encode_call(function),
                "chainId": world.chain.chain_id,
                "nonce": world.chain.count_sent(signer.address, "pending"),
                "gas": 500_000,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": tip * 10**9,
            }
            signed = signer.sign_transaction(fields)
            hashes.append(world.chain.web3.eth.send_raw_transaction(signed.raw_transaction))
        ask("evm_mine")
    finally:
        ask("evm_setAutomine", True)
    return [world.chain.web3.eth.get_transaction_receipt(each) for each in hashes]


def test_send__to_a_contract_that_looks_at_the_price__does_not_say_that_it_would_succeed_now(world: World) -> None:
    """The estimate has no price. The transaction has one, and so has what is asked about it."""
    contract = deploy_code(world, PRICE_REFUSED)
    with pytest.raises(RevertedWithoutReason):
        world.chain.send_data(world.stranger, "0x", contract)
    [sent] = world.chain.read_journal(world.stranger.address)[-1:]
    assert isinstance(look_up_transaction(world.chain, sent.hash).error, RevertedWithoutReason)


@pytest.mark.parametrize("takes", ["price", "nothing"])
def test_explain_failure__by_a_node_that_takes_no_other_balance__is_asked_with_the_price_if_it_takes_that(
    odd: tuple[World, OddNode, Any], takes: str
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, PRICE_REFUSED)

    def hook(method: str, params: list[Any], forward: Any) -> Any:
        if method != "eth_call":
            return None
        if len(params) > 2:
            return refuse("too many arguments, want at most 2", -32602)
        is_priced = "maxFeePerGas" in params[0]
        return refuse("insufficient funds for gas * price + value") if takes == "nothing" and is_priced else None

    node.hook = hook
    with pytest.raises(RevertedWithoutReason if takes == "price" else WouldSucceedNow):
        chain.send_data(world.stranger, "0x", contract)
