"""Signed orders that are brought together, as each by itself; and lists that are read in parts while the chain goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from nvm_chain.chain import bulk_reads as bulk_parts_of_balances
from nvm_chain.chain import portions
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import ConnectionFailed, CostAboveMax, NvmChainError
from nvm_chain.operations import bulk_parts, parts
from nvm_chain.operations.batch_mints import mint_credits_batch
from nvm_chain.operations.bulk_reads import read_accounts
from nvm_chain.operations.credits import read_balances
from nvm_chain.operations.external_grants import grant_external_batch
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_for_plan, sign_plan_order
from nvm_chain.types.receipts import CreditsReceipt, OrderReceipt
from tests.integration.raw import deploy_quoter
from tests.support.odd_node import Forward, OddNode, Reply, refuse
from tests.support.plans import outside
from tests.support.world import CREDITS, FUNDS, PRICE, ZERO, World

Odd = tuple[World, OddNode, Chain]


@pytest.fixture(scope="module")
def base_chain(keeping_chain: Chain) -> Chain:
    """These tests look at the states of old blocks."""
    return keeping_chain


# ---------------------------------------------------------------------- relays


@pytest.mark.parametrize("above", [0, 1, PRICE])
def test_relay_orders__of_one__tells_what_relay_order_tells(funded: World, above: int) -> None:
    """Who was paid, without the change that returned to the payer."""
    plan_id = funded.register(quoter=deploy_quoter(funded, PRICE))
    funded.set_fee(0)
    told: list[Any] = []
    for bring in (
        lambda signed: relay_order(funded.chain, funded.other, signed),
        lambda signed: relay_orders(funded.chain, funded.other, [signed])[0],
    ):
        signed = sign_plan_order(funded.chain, funded.subscriber, plan_id, max_cost=PRICE + above)
        told.append(bring(signed))
    assert all(isinstance(each, OrderReceipt) for each in told)
    assert dict(told[0].receivers) == dict(told[1].receivers) == {funded.builder.address: PRICE}
    assert [each.paid for each in told] == [PRICE, PRICE]
    assert funded.spent(funded.subscriber) == 2 * PRICE


def test_relay_orders__of_a_payer_with_money_for_one__tells_why_the_other_failed(funded: World) -> None:
    """Each would succeed by itself; what is mined second finds too little."""
    world, plan_id = funded, funded.register()
    orders = [sign_plan_order(world.chain, world.subscriber, plan_id) for _ in range(2)]
    world.send(world.subscriber, world.usdc.functions.transfer(world.other.address, FUNDS - PRICE))
    first, second = relay_orders(world.chain, world.other, orders)
    assert isinstance(first, OrderReceipt)
    assert isinstance(second, NvmChainError)
    assert "The payer has less than that" in second.problem
    assert world.tokens(world.subscriber.address) == 0


def test_relay_orders__to_a_node_that_goes_away_before__raises_and_sends_nothing(odd: Odd) -> None:
    """No order is told to have failed, as none was looked at."""
    world, node, chain = odd
    signed = [sign_plan_order(world.chain, world.subscriber, world.register()) for _ in range(2)]
    node.hook = lambda method, params, forward: (404, {})
    with pytest.raises(ConnectionFailed):
        relay_orders(chain, world.other, signed)
    assert "eth_sendRawTransaction" not in node.asked


@pytest.mark.parametrize("quantity", [1, 2, 3])
def test_check_signed_order__of_several__compares_the_price_of_all_of_them(funded: World, quantity: int) -> None:
    plan = read_plan_state(funded.chain, funded.register())
    most = quantity * PRICE - 1
    signed = sign_for_plan(
        funded.chain, funded.subscriber, plan, receiver=funded.subscriber.address, quantity=quantity, max_cost=most
    )
    with pytest.raises(CostAboveMax) as caught:
        check_signed_order(funded.chain, signed)
    assert (caught.value.cost, caught.value.max_cost) == (quantity * PRICE, most)


# ---------------------------------------------------------------------- parts


def grant_each(world: World, plan_id: int, count: int) -> list[str]:
    """Grant the first holder one credit, the second two, and so on. Return the holders."""
    holders = [f"0x{number:040x}" for number in range(0x1001, 0x1001 + count)]
    for number, holder in enumerate(holders, 1):
        world.grant(plan_id, holder, number)
    return holders


def go_on(world: World, plan_id: int, holders: list[str], method: str, forward: Forward) -> Reply:
    """Have the chain go on after each call: every holder gets a hundred more."""
    if method != "eth_call":
        return None
    told = forward()
    for holder in holders:
        world.grant(plan_id, holder, 100)
    return told


@pytest.mark.parametrize(
    "read",
    [
        read_balances,
        lambda chain, pairs: [each.balance for each in read_accounts(chain, pairs)],
    ],
    ids=["balances", "accounts"],
)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_read_many__while_the_chain_goes_on__is_of_one_block(
    odd: Odd, monkeypatch: pytest.MonkeyPatch, read: Callable[[Chain, Any], list[int]], count: int
) -> None:
    """In parts of two: what changes after each request is in none of them."""
    world, node, chain = odd
    monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", 2)
    monkeypatch.setattr(bulk_parts_of_balances, "BALANCES_AT_ONCE", 2)
    plan_id = world.register()
    holders = grant_each(world, plan_id, count)
    node.hook = lambda method, params, forward: go_on(world, plan_id, holders, method, forward)
    assert read(chain, [(plan_id, holder) for holder in holders]) == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_read_accounts__of_a_node_that_runs_no_programs_while_the_chain_goes_on__is_of_one_block(
    odd: Odd, count: int
) -> None:
    """One call after another, each of the same block."""
    world, node, chain = odd
    plan_id = world.register()
    holders = grant_each(world, plan_id, count)

    def run_no_programs(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_call" and (len(params) > 2 or "to" not in params[0]):
            return refuse("invalid params: expected two")
        return go_on(world, plan_id, holders, method, forward)

    node.hook = run_no_programs
    found = read_accounts(chain, [(plan_id, holder) for holder in holders])
    assert [each.balance for each in found] == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 13, 40])
def test_mint_credits_batch__in_several_transactions__tells_of_each_item_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Those that take no credits are in each part, the first and the last too."""
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(portions, "MOST_BYTES", 1000)
    plan_id, refusing = world.register(), world.deploy("NoHook").address
    holders = [
        refusing if number % 6 in (0, 5) or number == count - 1 else f"0x{number:040x}"
        for number in range(0x1000, 0x1000 + count)
    ]
    pairs = [(to_checksum_address(holder), amount) for amount, holder in enumerate(holders, 1)]
    receipt = mint_credits_batch(world.chain, world.builder, plan_id, pairs)
    assert receipt.minted == tuple(pair for pair in pairs if pair[0] != refusing)
    assert [(each.holder, each.amount) for each in receipt.skipped] == [pair for pair in pairs if pair[0] == refusing]
    used = [receipt.transaction, *receipt.more_transactions]
    assert len({each.hash for each in used}) == len(used) >= count // 13


def test_grant_external_batch__to_one_who_orders_in_its_hook__tells_what_was_granted(world: World) -> None:
    """The order's credits come behind those of the grant, in the same transaction."""
    plan_id = world.register(**outside())
    receiver, free = world.deploy("ReentersInHook"), world.register(token=ZERO, splits=())
    order = world.credits.functions.order(free, receiver.address, 3, 0)
    world.send(world.stranger, receiver.functions.arm(world.credits.address, 0, encode_call(order)))
    [receipt] = grant_external_batch(world.chain, world.builder, plan_id, [(receiver.address, "invoice-17")])
    assert isinstance(receipt, CreditsReceipt)
    assert world.balance(free, receiver.address) == 3 * CREDITS
    assert (receipt.holder, receipt.amount) == (receiver.address, CREDITS)
