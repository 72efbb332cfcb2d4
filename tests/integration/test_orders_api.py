"""orders: one call checks, approves exactly what is needed, buys, and tells what the chain then shows."""

from collections import Counter
from typing import Any

import pytest

from nvm_chain.errors import InsufficientAllowance
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.tokens import approve_token_spending, mint_test_usdc, read_allowance, read_token_balance
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.amounts import ether
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_split_price_config,
)
from nvm_chain.types.receipts import OrderReceipt
from tests.support.events import granted, ordered
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, PRICE, World

EMBEDDED_TOO = True


def sell(world: World, price: PriceConfig, **options: Any) -> int:
    """Register a plan of the builder's with 100 credits at a price, and return its id."""
    credits = get_fixed_credits_config(CREDITS, **options)
    return register_plan(world.chain, world.builder, price, credits, allow_tiny_price=True).plan_id


def give(world: World, amount: int = FUNDS) -> None:
    """Give the subscriber USDC, and no approval."""
    mint_test_usdc(world.chain, world.subscriber, world.subscriber.address, amount)


def allowance(world: World) -> int:
    """Return what Credits may take of the subscriber's USDC."""
    assert world.chain.usdc is not None
    return read_allowance(world.chain, world.chain.usdc, world.subscriber.address)


# ---------------------------------------------------------------------- what is told is what happened


def test_order_plan__in_usdc__tells_what_the_chain_shows(world: World, plan: RegisteredPlan) -> None:
    give(world)
    receipt = order_plan(world.chain, world.subscriber, plan.plan_id)
    subscriber, builder = world.subscriber.address, world.builder.address
    assert receipt == OrderReceipt(
        plan_id=plan.plan_id,
        payer=subscriber,
        receiver=subscriber,
        quantity=1,
        token=world.usdc.address,
        paid=PRICE,
        receivers={builder: PRICE},
        credits_granted=CREDITS,
        transaction=receipt.transaction,
        approval=receipt.approval,
    )
    assert (world.tokens(subscriber), world.tokens(builder)) == (FUNDS - PRICE, PRICE)
    assert world.balance(plan.plan_id, subscriber) == CREDITS
    mined = world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]
    assert world.events(mined) == [
        granted(subscriber, subscriber, plan.plan_id, CREDITS),
        ordered(plan.plan_id, subscriber, subscriber, 1, PRICE),
    ]
    assert (receipt.transaction.gas_used, receipt.transaction.block_number) == (mined["gasUsed"], mined["blockNumber"])


def test_order_plan__for_somebody_else_and_several_times__grants_to_them(world: World, plan: RegisteredPlan) -> None:
    give(world)
    other = world.other.address
    receipt = order_plan(world.chain, world.subscriber, plan.plan_id, receiver=other.lower(), quantity=3)
    assert (receipt.payer, receipt.receiver, receipt.quantity) == (world.subscriber.address, other, 3)
    assert (receipt.paid, receipt.receivers, receipt.credits_granted) == (
        3 * PRICE,
        {world.builder.address: 3 * PRICE},
        3 * CREDITS,
    )
    assert (world.balance(plan.plan_id, other), world.balance(plan.plan_id, world.subscriber.address)) == (300, 0)


@pytest.mark.parametrize("fee_bps", [0, 1, 333, 1000])
@pytest.mark.parametrize("quantity", [1, 7])
def test_order_plan__with_splits_and_fee__tells_each_receivers_part(world: World, fee_bps: int, quantity: int) -> None:
    world.set_fee(fee_bps)
    amounts = {world.builder.address: 9_999, world.partner.address: 1, world.other.address: 123_457}
    plan_id = sell(world, get_split_price_config(world.usdc.address, amounts))
    give(world)
    receipt = order_plan(world.chain, world.subscriber, plan_id, quantity=quantity)
    fees = {holder: amount * quantity * fee_bps // 10_000 for holder, amount in amounts.items()}
    expected = {holder: amount * quantity - fees[holder] for holder, amount in amounts.items()}
    if fee_bps > 0 and sum(fees.values()) > 0:
        expected[world.fee_receiver.address] = sum(fees.values())
    assert receipt.receivers == expected
    assert sum(receipt.receivers.values()) == receipt.paid == quantity * sum(amounts.values())
    assert {holder: world.tokens(holder) for holder in receipt.receivers} == expected


def test_order_plan__where_one_receiver_has_several_splits__sums_them(world: World) -> None:
    price = get_split_price_config(
        world.usdc.address, [(world.builder.address, 5_000)] * 3 + [(world.partner.address, 7)]
    )
    give(world)
    receipt = order_plan(world.chain, world.subscriber, sell(world, price))
    assert receipt.receivers == {world.builder.address: 15_000, world.partner.address: 7}


def test_order_plan__by_one_of_its_receivers__counts_what_they_pay_themselves(world: World) -> None:
    price = get_split_price_config(world.usdc.address, {world.subscriber.address: 3_000, world.builder.address: 4_000})
    give(world)
    receipt = order_plan(world.chain, world.subscriber, sell(world, price))
    assert receipt.receivers == {world.subscriber.address: 3_000, world.builder.address: 4_000}
    assert world.tokens(world.subscriber.address) == FUNDS - 4_000


def test_order_plan__with_16_receivers__pays_all(world: World) -> None:
    amounts = {f"0x{number:040x}": 1_000 + number for number in range(1, 17)}
    give(world)
    receipt = order_plan(
        world.chain, world.subscriber, sell(world, get_split_price_config(world.usdc.address, amounts))
    )
    assert {holder: world.tokens(holder) for holder in receipt.receivers} == receipt.receivers
    assert Counter(receipt.receivers.values()) == Counter(amounts.values())


def test_order_plan__in_coin__needs_no_approval(world: World) -> None:
    price = ether("0.01")
    plan_id = sell(world, get_native_token_price_config(price, world.builder.address))
    before = world.coins(world.subscriber.address), world.coins(world.builder.address)
    receipt = order_plan(world.chain, world.subscriber, plan_id, quantity=2)
    assert (receipt.token, receipt.paid, receipt.approval) == (ZERO_ADDRESS, 2 * price, None)
    assert receipt.receivers == {world.builder.address: 2 * price}
    assert world.coins(world.builder.address) == before[1] + 2 * price
    assert world.coins(world.subscriber.address) == before[0] - 2 * price - (receipt.transaction.fee_wei or 0)


@pytest.mark.parametrize("bps", [1, 999])
def test_order_plan__in_coin_with_splits_and_fee__tells_each_receivers_part(world: World, bps: int) -> None:
    world.set_fee(bps)
    amounts = {world.builder.address: 10**15 + 1, world.partner.address: 9_999}
    plan_id = sell(world, get_split_price_config(ZERO_ADDRESS, amounts))
    watched = (world.builder.address, world.partner.address, world.fee_receiver.address)
    before = {holder: world.coins(holder) for holder in watched}
    receipt = order_plan(world.chain, world.subscriber, plan_id, quantity=3)
    gained = {holder: world.coins(holder) - before[holder] for holder in watched}
    assert receipt.receivers == {holder: amount for holder, amount in gained.items() if amount}
    assert sum(gained.values()) == receipt.paid


@pytest.mark.parametrize("kind", ["coin", "token"])
def test_order_plan__whose_fee_cannot_be_delivered__tells_that_the_first_receiver_got_it(
    world: World, kind: str
) -> None:
    stubborn = world.deploy("RejectsCoin") if kind == "coin" else None
    token = ZERO_ADDRESS if stubborn else world.usdc.address
    world.set_fee(1000, stubborn.address if stubborn else world.fee_receiver.address)
    plan_id = sell(world, get_split_price_config(token, {world.builder.address: 5_000, world.partner.address: 5_000}))
    give(world)
    if stubborn is None:
        world.send(world.fee_owner, world.usdc.functions.blacklist(world.fee_receiver.address))
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert receipt.receivers == {world.builder.address: 4_500 + 1_000, world.partner.address: 4_500}


def test_order_plan__of_a_free_plan__pays_nobody(world: World) -> None:
    plan_id = sell(world, get_free_price_config())
    receipt = order_plan(world.chain, world.subscriber, plan_id, quantity=5)
    assert (receipt.paid, receipt.receivers, receipt.approval, receipt.credits_granted) == (0, {}, None, 500)


def test_order_plan__of_a_free_plan_that_names_a_token__asks_nothing_of_the_token(world: World) -> None:
    nowhere, plan_ids = "0x" + "12" * 20, []
    for token in (nowhere, world.usdc.address):
        plan_ids.append(world.register(token=token, splits=()))
    for plan_id in plan_ids:
        receipt = order_plan(world.chain, world.subscriber, plan_id)
        assert (receipt.paid, receipt.receivers, receipt.approval, receipt.credits_granted) == (0, {}, None, CREDITS)


def test_order_plan__of_a_token_that_takes_a_fee__tells_what_each_got(world: World) -> None:
    token = world.deploy("TakesFee")
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    plan_id = sell(world, get_erc20_price_config(10_000, token.address, world.builder.address))
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert receipt.paid == 10_000
    assert receipt.receivers == {world.builder.address: 9_900, ZERO_ADDRESS: 100}
    assert world.tokens(world.builder.address, token) == 9_900


# ---------------------------------------------------------------------- approvals


def test_order_plan__without_allowance__approves_exactly_the_cost_and_uses_it_up(
    world: World, plan: RegisteredPlan
) -> None:
    give(world)
    receipt = order_plan(
        world.chain, world.subscriber, plan.plan_id, quantity=2, max_cost=FUNDS, payment_method="approve"
    )
    assert receipt.approval is not None
    approval = world.chain.web3.eth.get_transaction_receipt(receipt.approval.hash)  # type: ignore[arg-type]
    events = world.usdc.events.Approval().process_receipt(approval)
    assert [dict(event["args"]) for event in events] == [
        {"owner": world.subscriber.address, "spender": world.credits.address, "value": 2 * PRICE}
    ]
    assert allowance(world) == 0


@pytest.mark.parametrize(("before", "approves"), [(PRICE - 1, True), (PRICE, False), (PRICE + 1, False)])
def test_order_plan__with_some_allowance__approves_only_if_it_is_too_small(
    world: World, plan: RegisteredPlan, before: int, approves: bool
) -> None:
    give(world)
    approve_token_spending(world.chain, world.subscriber, world.usdc.address, before)
    receipt = order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="approve")
    assert (receipt.approval is not None) is approves
    assert allowance(world) == (0 if approves else before - PRICE)


@pytest.mark.parametrize("before", [0, PRICE - 1])
def test_order_plan__that_may_not_approve__says_what_is_missing(
    world: World, plan: RegisteredPlan, unchanged: Any, before: int
) -> None:
    give(world)
    approve_token_spending(world.chain, world.subscriber, world.usdc.address, before)
    payer, spender, token = world.subscriber.address, world.credits.address, world.usdc.address
    error = InsufficientAllowance(token, payer, spender, before, PRICE)
    with unchanged(world.subscriber, plan_ids=[plan.plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="allowance")


def test_order_plan__that_may_not_approve_but_need_not__succeeds(world: World, plan: RegisteredPlan) -> None:
    give(world)
    approve_token_spending(world.chain, world.subscriber, world.usdc.address, PRICE)
    assert order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="allowance").approval is None


@pytest.mark.parametrize("before", [0, 1, PRICE - 1, PRICE, PRICE + 1])
def test_order_plan__in_a_token_that_changes_no_allowance_in_use__sets_it_to_zero_first(
    world: World, before: int
) -> None:
    token = world.deploy("ApprovalRace")
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    world.send(world.subscriber, token.functions.approve(world.credits.address, before))
    plan_id = sell(world, get_erc20_price_config(PRICE, token.address, world.builder.address))
    nonce = world.chain.web3.eth.get_transaction_count(world.subscriber.address)
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    sent = world.chain.web3.eth.get_transaction_count(world.subscriber.address) - nonce
    assert sent == {0: 2, 1: 3, PRICE - 1: 3, PRICE: 1, PRICE + 1: 1}[before]
    assert receipt.receivers == {world.builder.address: PRICE}
    assert read_allowance(world.chain, token.address, world.subscriber.address) == max(before - PRICE, 0)


@pytest.mark.parametrize("name", ["ReturnsNothing", "PhantomPermit", "NameIsBytes32", "HostileName"])
def test_order_plan__in_a_token_with_habits_of_its_own__pays_the_builder(world: World, name: str) -> None:
    token = world.deploy(name)
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    plan_id = sell(world, get_erc20_price_config(PRICE, token.address, world.builder.address))
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert receipt.receivers == {world.builder.address: PRICE}
    assert read_token_balance(world.chain, token.address, world.builder.address) == PRICE
