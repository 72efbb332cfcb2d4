"""Mined transactions that failed: their reason is that of the transaction, with its gas limit and its price."""

from typing import Any

import pytest
from eth_typing import ChecksumAddress

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
from nvm_chain.operations.tokens import ERC20_ABI
from nvm_chain.operations.transactions import look_up_transaction
from tests.integration.raw import deploy_code
from tests.support.odd_node import OddNode, refuse
from tests.support.world import PRICE, World

PRICE_REFUSED = bytes.fromhex("3a15600857" + "5f5ffd" + "5b00")
"""Code that reverts if the gas price is not 0: GASPRICE, ISZERO, PUSH1 8, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST, STOP."""
TOO_MUCH_WANTED = bytes.fromhex("6301312d00" + "5a11600d57" + "5f5ffd" + "5b00")
"""Code that reverts unless it has more than 20 million gas: PUSH4, GAS, GT, PUSH1 13, JUMPI, and so on as above."""


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


def send_blindly(world: World, contract: ChecksumAddress) -> Any:
    """Send a call that is not simulated before. Return its receipt."""
    function = world.chain.bind(contract, ERC20_ABI).functions.balanceOf(contract)
    return world.send_with_gas(world.stranger, function, 100_000)


def test_explain_failure__of_a_call_that_fails_for_its_price__does_not_say_that_it_would_succeed_now(
    world: World,
) -> None:
    receipt = send_blindly(world, deploy_code(world, PRICE_REFUSED))
    assert isinstance(explain(world, receipt), RevertedWithoutReason)
    found = look_up_transaction(world.chain, f"0x{bytes(receipt['transactionHash']).hex()}")
    assert isinstance(found.error, RevertedWithoutReason)


def test_explain_failure__of_a_call_that_needs_more_gas_than_any_transaction_has__does_not_advise_to_send_it_again(
    world: World,
) -> None:
    receipt = send_blindly(world, deploy_code(world, TOO_MUCH_WANTED))
    assert isinstance(explain(world, receipt), RevertedWithoutReason)


@pytest.mark.parametrize("takes", ["price", "nothing", "calls without a price"])
def test_explain_failure__by_a_node_that_takes_no_other_balance__never_counts_a_call_without_a_price(
    odd: tuple[World, OddNode, Any], takes: str
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, PRICE_REFUSED)
    receipt = send_blindly(world, contract)
    sent = chain.web3.eth.get_transaction(receipt["transactionHash"])

    def hook(method: str, params: list[Any], forward: Any) -> Any:
        if method != "eth_call":
            return None
        if len(params) > 2 or takes == "nothing":
            return refuse("too many arguments, want at most 2", -32602)
        is_priced = "maxFeePerGas" in params[0] or "gasPrice" in params[0]
        return refuse("unknown field") if takes == "calls without a price" and is_priced else None

    node.hook = hook
    found = explain_failure(chain, sent, receipt)
    assert isinstance(found, RevertedWithoutReason)
    assert ("the node does not say why" in found.problem) == (takes != "price")


def test_explain_failure__whose_price_is_below_the_base_fee_of_the_block_before__is_repeated_there_too(
    odd: tuple[World, OddNode, Any],
) -> None:
    """The cause is undone in the block of the transaction, so only the block before tells it."""
    world, node, chain = odd
    plan_id, base_fee = world.register(), 10**12
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    receipts = mine_together(
        world,
        (world.subscriber, world.credits.functions.order(plan_id, world.subscriber.address, 1, PRICE), 2),
        (world.builder, world.credits.functions.setPlanActive(plan_id, True), 1),
    )
    before = hex(receipts[0]["blockNumber"] - 1)

    def hook(method: str, params: list[Any], forward: Any) -> Any:
        is_below = method == "eth_call" and int(params[0].get("maxFeePerGas", "0x0"), 16) < base_fee
        return refuse("max fee per gas less than block base fee") if is_below and params[1] == before else None

    node.hook = hook
    found = explain_failure(chain, chain.web3.eth.get_transaction(receipts[0]["transactionHash"]), receipts[0])
    assert (type(found), found.args) == (PlanNotActive, (plan_id,))


@pytest.mark.parametrize("is_told", [True, False])
def test_explain_failure__by_a_node_that_caps_the_gas_of_a_call__is_the_contracts_error(
    odd: tuple[World, OddNode, Any], is_told: bool
) -> None:
    world, node, chain = odd
    plan_id, cap = world.register(), 10_000_000
    function = world.credits.functions.setPlanActive(plan_id, False)
    receipts = [world.send_with_gas(signer, function, 30_000) for signer in (world.stranger, world.builder)]

    def hook(method: str, params: list[Any], forward: Any) -> Any:
        if method != "eth_call":
            return None
        if is_told and int(params[0].get("gas", "0x0"), 16) > cap:
            return refuse("gas limit is too high")
        params[0]["gas"] = hex(min(cap, int(params[0].get("gas", hex(cap)), 16)))
        return None

    node.hook = hook
    found = [explain_failure(chain, chain.web3.eth.get_transaction(each["transactionHash"]), each) for each in receipts]
    assert (type(found[0]), found[0].args) == (NotPlanOwner, (plan_id, world.stranger.address))
    assert isinstance(found[1], OutOfGas)


def test_explain_failure__of_a_sender_with_little_coin_left__is_the_contracts_error_on_a_node_without_overrides(
    odd: tuple[World, OddNode, Any],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    receipt = world.send_with_gas(world.stranger, world.credits.functions.setPlanActive(plan_id, False), 40_000)
    world.chain.ask("anvil_setBalance", world.stranger.address, hex(10**16))
    node.hook = lambda method, params, forward: refuse("too many arguments", -32602) if len(params) > 2 else None
    found = explain_failure(chain, chain.web3.eth.get_transaction(receipt["transactionHash"]), receipt)
    assert (type(found), found.args) == (NotPlanOwner, (plan_id, world.stranger.address))
