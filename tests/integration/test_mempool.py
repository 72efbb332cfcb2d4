"""Transactions that are not mined at once, on a node of its own whose mining is switched off: NotMined, and no second payment."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.errors import NotMined, NvmChainError, PlanNotActive, RpcFailed
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan, set_plan_active
from nvm_chain.operations.tokens import approve_token_spending, read_allowance
from tests.support.reverts import reverts
from tests.support.world import FUNDS, PRICE, World


@pytest.fixture
def slow(node: World) -> Iterator[World]:
    """The node, on which nothing is mined unless it is told to, and which is not waited for long."""
    snapshot = node.take_snapshot()
    timeout, node.chain.timeout_seconds = node.chain.timeout_seconds, 2
    yield node
    node.chain.timeout_seconds = timeout
    request(node, "evm_setAutomine", True)
    request(node, "anvil_dropAllTransactions")
    node.revert_to(snapshot)


def request(world: World, method: str, *params: Any) -> Any:
    """Ask the node for something that only anvil has."""
    return world.chain.web3.provider.make_request(method, list(params))["result"]  # type: ignore[arg-type]


def pending(world: World, address: str) -> list[str]:
    """Return the hashes of an account's transactions that wait, by nonce."""
    content: dict[str, dict[str, Any]] = request(world, "txpool_content")["pending"]
    waiting = {key.lower(): transactions for key, transactions in content.items()}.get(address.lower(), {})
    return [waiting[nonce]["hash"] for nonce in sorted(waiting, key=int)]


def stop_mining_after(world: World, count: int) -> None:
    """Switch mining off as soon as ``count`` more transactions have been sent."""
    sent: list[str] = []

    def count_down(text: str) -> None:
        sent.append(text)
        world.chain.web3.eth.wait_for_transaction_receipt(text.rsplit(maxsplit=1)[-1], 10, 0.01)  # type: ignore[arg-type]
        if len(sent) == count:
            world.chain.on_progress = lambda text: None
            request(world, "evm_setAutomine", False)

    world.chain.on_progress = count_down


def test_send__that_is_not_mined_in_time__says_which_and_it_may_still_be(slow: World) -> None:
    plan_id = slow.register()
    request(slow, "evm_setAutomine", False)
    with pytest.raises(NotMined) as caught:
        set_plan_active(slow.chain, slow.builder, plan_id, False)
    assert pending(slow, slow.builder.address) == [caught.value.transaction_hash]
    assert caught.value.timeout_seconds == 2
    request(slow, "evm_mine")
    assert not read_plan(slow.chain, plan_id).active
    mined = slow.chain.read_transaction(caught.value.transaction_hash)
    assert mined.hash == caught.value.transaction_hash


def test_order_plan__whose_order_is_not_mined_in_time__names_it_and_leaves_the_approval(slow: World) -> None:
    plan_id = slow.register()
    slow.send(slow.subscriber, slow.usdc.functions.mint(slow.subscriber.address, FUNDS))
    slow.chain.timeout_seconds = 10
    stop_mining_after(slow, 1)
    slow.chain.timeout_seconds = 4
    with pytest.raises(NotMined) as caught:
        order_plan(slow.chain, slow.subscriber, plan_id, payment_method="approve")
    assert pending(slow, slow.subscriber.address) == [caught.value.transaction_hash]
    assert read_allowance(slow.chain, slow.usdc.address, slow.subscriber.address) == PRICE
    request(slow, "evm_mine")
    assert slow.balance(plan_id, slow.subscriber.address) == 100
    assert slow.tokens(slow.subscriber.address) == FUNDS - PRICE


@pytest.mark.parametrize("before", [0, PRICE - 1])
def test_order_plan__whose_approval_is_not_mined_in_time__names_it_and_sends_no_more(slow: World, before: int) -> None:
    plan_id = slow.register()
    slow.send(slow.subscriber, slow.usdc.functions.mint(slow.subscriber.address, FUNDS))
    approve_token_spending(slow.chain, slow.subscriber, slow.usdc.address, before)
    request(slow, "evm_setAutomine", False)
    with pytest.raises(NotMined) as caught:
        order_plan(slow.chain, slow.subscriber, plan_id, payment_method="approve")
    assert pending(slow, slow.subscriber.address) == [caught.value.transaction_hash]
    request(slow, "evm_mine")
    assert slow.tokens(slow.subscriber.address) == FUNDS


def test_send__twice_without_mining__uses_two_nonces(slow: World) -> None:
    plan_id = slow.register()
    request(slow, "evm_setAutomine", False)
    for active in (False, True):
        with pytest.raises(NotMined):
            set_plan_active(slow.chain, slow.builder, plan_id, active)
    assert len(pending(slow, slow.builder.address)) == 2
    request(slow, "evm_mine")
    assert read_plan(slow.chain, plan_id).active


def test_send__that_fails_only_when_it_is_mined__raises_the_contracts_error(slow: World) -> None:
    plan_id = slow.register()
    slow.fund(slow.subscriber)
    slow.chain.timeout_seconds = 10
    request(slow, "evm_setAutomine", False)

    def deactivate_first(_: str) -> None:
        slow.chain.on_progress = lambda text: None
        function = slow.credits.functions.setPlanActive(plan_id, False)
        transaction = slow.chain.build_transaction(
            slow.builder.address, function._encode_transaction_data(), function.address
        )
        transaction["maxFeePerGas"] = transaction["maxPriorityFeePerGas"] = 100 * 10**9  # type: ignore[typeddict-item]
        slow.chain.web3.eth.send_raw_transaction(slow.builder.sign_transaction(transaction).raw_transaction)  # type: ignore[arg-type]
        request(slow, "evm_mine")

    slow.chain.on_progress = deactivate_first
    nonce = slow.chain.web3.eth.get_transaction_count(slow.subscriber.address)
    with reverts(PlanNotActive(plan_id)):
        order_plan(slow.chain, slow.subscriber, plan_id)
    assert slow.chain.web3.eth.get_transaction_count(slow.subscriber.address) == nonce + 1  # mined, and failed
    assert slow.tokens(slow.subscriber.address) == FUNDS


def test_send__that_another_process_overtakes__is_refused_and_not_sent_twice(slow: World) -> None:
    plan_id = slow.register()
    request(slow, "evm_setAutomine", False)
    function = slow.credits.functions.setPlanActive(plan_id, False)
    transaction = slow.chain.build_transaction(
        slow.builder.address, function._encode_transaction_data(), function.address
    )
    with pytest.raises(NotMined):
        set_plan_active(slow.chain, slow.builder, plan_id, True)
    # Each price has a random part, and a dearer transaction would replace the first.
    cheaper: Any = {
        **transaction,
        "maxFeePerGas": int(transaction["maxFeePerGas"]) * 99 // 100,
        "maxPriorityFeePerGas": int(transaction["maxPriorityFeePerGas"]) // 2,
    }
    raw = slow.builder.sign_transaction(cheaper).raw_transaction
    with pytest.raises(NvmChainError) as caught, slow.chain.typed_errors():
        slow.chain.web3.eth.send_raw_transaction(raw)
    assert isinstance(caught.value, RpcFailed)
    assert "underpriced" in str(caught.value)
    assert len(pending(slow, slow.builder.address)) == 1
