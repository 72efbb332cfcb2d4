"""orders that fail: always with a typed error, and with nothing half done."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import pytest
from eth_account import Account
from web3.contract.contract import Contract

from nvm_chain.errors import (
    CostAboveMax,
    CreditsOverflow,
    ERC1155InvalidReceiver,
    InsufficientCoin,
    InsufficientFunds,
    InvalidAddress,
    InvalidAmount,
    InvalidPlanId,
    InvalidQuantity,
    NvmChainError,
    PaymentFailed,
    PlanNotActive,
    TrialAlreadyTaken,
    TrialOrderedForOther,
    UnknownPlan,
)
from nvm_chain.operations.credits import mint_credits, read_account
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import set_plan_active
from nvm_chain.operations.tokens import read_allowance
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import Split
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, PRICE, ZERO, World

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def refused(world: World, unchanged: Unchanged) -> Callable[..., None]:
    """Order for the subscriber, expect an error, and insist that nothing has changed for anybody."""

    def refused(error: NvmChainError, plan_id: Any, *, token: Contract | None = None, **options: Any) -> None:
        known = [plan_id] if type(plan_id) is int and 0 <= plan_id < 2**256 else []
        with unchanged(world.subscriber, world.builder, plan_ids=known, token=token), reverts(error):
            order_plan(world.chain, world.subscriber, plan_id, **options)

    return refused


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize("plan_id", [-1, 2**256, "0xg", "did:nv:zz", None, 1.5, True])
def test_order_plan__with_no_plan_id__is_refused(world: World, refused: Callable[..., None], plan_id: Any) -> None:
    refused(InvalidPlanId(plan_id), plan_id)


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_order_plan__of_an_unknown_plan__is_refused(world: World, refused: Callable[..., None], plan_id: int) -> None:
    refused(UnknownPlan(plan_id), plan_id)


@pytest.mark.parametrize("quantity", [0, -1, 2**32, 2**72, 2**256])
def test_order_plan__of_a_quantity_out_of_range__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], quantity: int
) -> None:
    refused(InvalidAmount(f"quantity {quantity}", f"must be from 1 to {2**32 - 1}"), plan.plan_id, quantity=quantity)


@pytest.mark.parametrize("quantity", [1.0, "1", True, None])
def test_order_plan__of_a_quantity_that_is_no_int__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], quantity: Any
) -> None:
    problem = ("is not an int", "give an int; amounts of money are base units, such as `usdc('20')`")
    refused(InvalidAmount(f"quantity {quantity!r}", *problem), plan.plan_id, quantity=quantity)


@pytest.mark.parametrize(
    ("receiver", "problem"),
    [
        ("0x1", "is not 0x and 40 hexadecimal digits"),
        (ZERO, "is the zero address, which nobody owns"),
        ("0x036CbD53842c5426634e7929541eC2318f3dCF7E", "has a wrong checksum, so at least one character is mistyped"),
    ],
)
def test_order_plan__for_no_receiver__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], receiver: str, problem: str
) -> None:
    refused(InvalidAddress("receiver address", receiver, problem), plan.plan_id, receiver=receiver)


@pytest.mark.parametrize("max_cost", [-1, 2**256])
def test_order_plan__with_a_limit_out_of_range__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], max_cost: int
) -> None:
    refused(InvalidAmount(f"max_cost {max_cost}", f"must be from 0 to {2**256 - 1}"), plan.plan_id, max_cost=max_cost)


def test_order_plan__with_a_limit_in_whole_units__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None]
) -> None:
    problem = ("is not an int", "give an int; amounts of money are base units, such as `usdc('20')`")
    refused(InvalidAmount("max_cost 20.0", *problem), plan.plan_id, max_cost=20.0)


# ---------------------------------------------------------------------- found before anything is sent


def test_order_plan__of_a_plan_that_takes_no_orders__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None]
) -> None:
    world.fund(world.subscriber)
    set_plan_active(world.chain, world.builder, plan.plan_id, False)
    refused(PlanNotActive(plan.plan_id), plan.plan_id)


@pytest.mark.parametrize("max_cost", [0, PRICE - 1])
def test_order_plan__above_the_limit__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], max_cost: int
) -> None:
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    refused(CostAboveMax(PRICE, max_cost), plan.plan_id, max_cost=max_cost)


@pytest.mark.parametrize("max_cost", [PRICE, PRICE + 1])
def test_order_plan__up_to_the_limit__succeeds(world: World, plan: RegisteredPlan, max_cost: int) -> None:
    world.fund(world.subscriber)
    assert order_plan(world.chain, world.subscriber, plan.plan_id, max_cost=max_cost).paid == PRICE


@pytest.mark.parametrize("balance", [0, PRICE - 1])
def test_order_plan__without_enough_tokens__says_how_many_are_missing(
    world: World, plan: RegisteredPlan, refused: Callable[..., None], balance: int
) -> None:
    if balance:
        world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, balance))
    refused(InsufficientFunds(world.usdc.address, world.subscriber.address, balance, PRICE), plan.plan_id)


def test_order_plan__without_enough_tokens_for_the_quantity__is_refused(
    world: World, plan: RegisteredPlan, refused: Callable[..., None]
) -> None:
    world.fund(world.subscriber, amount=3 * PRICE - 1)
    error = InsufficientFunds(world.usdc.address, world.subscriber.address, 3 * PRICE - 1, 3 * PRICE)
    refused(error, plan.plan_id, quantity=3)


def test_order_plan__without_any_coin__is_refused(world: World, plan: RegisteredPlan, unchanged: Unchanged) -> None:
    poor = Account.create()
    world.send(world.subscriber, world.usdc.functions.mint(poor.address, FUNDS))
    with unchanged(poor, plan_ids=[plan.plan_id]), pytest.raises(InsufficientCoin) as caught:
        order_plan(world.chain, poor, plan.plan_id)
    assert caught.value.account == poor.address
    assert caught.value.balance == 0 < caught.value.required


def test_order_plan__without_enough_test_usdc__names_its_faucet(world: World, plan: RegisteredPlan) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        order_plan(world.chain, world.subscriber, plan.plan_id)
    told = f"Take 20 USDC for {world.subscriber.address} with `mint_test_usdc`."
    assert caught.value.next_step == told


def test_order_plan__without_any_coin__names_what_the_whole_transaction_needs(world: World) -> None:
    poor, plan_id = Account.create(), world.register(token=ZERO, splits=())
    with pytest.raises(InsufficientCoin) as caught:
        order_plan(world.chain, poor, plan_id)
    world.chain.send_data(world.subscriber, "0x", poor.address, value=caught.value.required)
    assert order_plan(world.chain, poor, plan_id).credits_granted == CREDITS


def test_order_plan__in_coin_without_any__says_that_gas_comes_on_top(world: World) -> None:
    poor, plan_id = Account.create(), world.register(token=ZERO, splits=(Split(world.builder.address, 10**18),))
    with pytest.raises(InsufficientCoin) as caught:
        order_plan(world.chain, poor, plan_id)
    assert "That is the least" in caught.value.problem
    assert caught.value.next_step == f"Send 1 ETH more to {poor.address}, and coin for the gas on top of it."


@pytest.mark.parametrize("shortage", [1, 10**12])
def test_order_plan__in_coin_without_enough__is_refused(
    world: World, refused: Callable[..., None], shortage: int
) -> None:
    price = world.coins(world.subscriber.address) + shortage
    plan_id = world.register(token=ZERO, splits=(Split(world.builder.address, price),))
    refused(InsufficientCoin(world.subscriber.address, price - shortage, price), plan_id)


def test_order_plan__in_coin_without_enough_for_gas__is_refused(world: World, unchanged: Unchanged) -> None:
    price = world.coins(world.subscriber.address)
    plan_id = world.register(token=ZERO, splits=(Split(world.builder.address, price),))
    with unchanged(world.subscriber, plan_ids=[plan_id]), pytest.raises(InsufficientCoin) as caught:
        order_plan(world.chain, world.subscriber, plan_id)
    assert caught.value.balance == price < caught.value.required


@pytest.mark.parametrize("quantity", [2, 3])
def test_order_plan__of_several_trials__is_refused(world: World, refused: Callable[..., None], quantity: int) -> None:
    plan_id = world.register(trial=True)
    refused(InvalidQuantity(plan_id, quantity), plan_id, quantity=quantity)


def test_order_plan__of_a_trial_that_was_taken__is_refused_before_an_approval(
    world: World, refused: Callable[..., None]
) -> None:
    plan_id = world.register(trial=True)
    world.fund(world.subscriber, amount=PRICE)
    order_plan(world.chain, world.subscriber, plan_id)
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    refused(TrialAlreadyTaken(plan_id, world.subscriber.address), plan_id)


def test_order_plan__of_a_trial_for_another__is_refused_before_an_approval(
    world: World, refused: Callable[..., None]
) -> None:
    """It would be their one trial; the plan's owner can give it to them, and they can order it."""
    plan_id, other = world.register(trial=True), world.other.address
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    refused(TrialOrderedForOther(plan_id, world.subscriber.address, other), plan_id, receiver=other)
    assert order_plan(world.chain, world.subscriber, plan_id).receiver == world.subscriber.address
    mint_credits(world.chain, world.builder, plan_id, other, CREDITS)
    assert read_account(world.chain, plan_id, other).trial_taken


def test_order_plan__of_credits_that_do_not_fit__is_refused(
    world: World, refused: Callable[..., None], plan: RegisteredPlan
) -> None:
    world.fund(world.subscriber)
    world.grant(plan.plan_id, world.subscriber.address, 2**54 - CREDITS)
    refused(CreditsOverflow(plan.plan_id, world.subscriber.address, CREDITS), plan.plan_id)


# ---------------------------------------------------------------------- found only after an approval


def blocked(world: World) -> tuple[Contract, int]:
    """Return a token, and a plan of it of which the second receiver is blocked."""
    token = world.deploy("BlocksAddress")
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    splits = (Split(world.builder.address, PRICE - 1), Split(world.partner.address, 1))
    plan_id = world.register(token=token.address, splits=splits)
    world.send(world.stranger, token.functions.setBlocked(world.partner.address, True))
    return token, plan_id


@pytest.mark.parametrize("before", [0, 1, PRICE - 1])
def test_order_plan__that_fails_after_approving__puts_the_allowance_back(world: World, before: int) -> None:
    token, plan_id = blocked(world)
    world.send(world.subscriber, token.functions.approve(world.credits.address, before))
    nonce = world.chain.web3.eth.get_transaction_count(world.subscriber.address)
    with reverts(PaymentFailed(token.address, world.subscriber.address, world.partner.address, 1)):
        order_plan(world.chain, world.subscriber, plan_id)
    assert read_allowance(world.chain, token.address, world.subscriber.address) == before
    assert world.chain.web3.eth.get_transaction_count(world.subscriber.address) == nonce + 2
    assert world.tokens(world.subscriber.address, token) == FUNDS
    assert world.tokens(world.builder.address, token) == 0
    assert world.balance(plan_id, world.subscriber.address) == 0


@pytest.mark.parametrize("allowance", [PRICE, FUNDS])
def test_order_plan__that_fails_without_having_approved__leaves_the_allowance(
    world: World, refused: Callable[..., None], allowance: int
) -> None:
    token, plan_id = blocked(world)
    world.send(world.subscriber, token.functions.approve(world.credits.address, allowance))
    error = PaymentFailed(token.address, world.subscriber.address, world.partner.address, 1)
    refused(error, plan_id, token=token)


def test_order_plan__of_a_token_that_is_paused__takes_the_approval_back(world: World) -> None:
    token = world.deploy("Pauses")
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.setPaused(True))
    with reverts(PaymentFailed(token.address, world.subscriber.address, world.builder.address, PRICE)):
        order_plan(world.chain, world.subscriber, plan_id)
    assert read_allowance(world.chain, token.address, world.subscriber.address) == 0


def test_order_plan__for_a_contract_that_takes_no_credits__takes_the_approval_back(
    world: World, plan: RegisteredPlan
) -> None:
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    receiver = world.deploy("NoHook")
    with reverts(ERC1155InvalidReceiver(receiver.address)):
        order_plan(world.chain, world.subscriber, plan.plan_id, receiver=receiver.address, payment_method="approve")
    assert read_allowance(world.chain, world.usdc.address, world.subscriber.address) == 0
    assert world.tokens(world.subscriber.address) == FUNDS


def test_order_plan__whose_approval_cannot_be_taken_back__says_so_with_the_first_error(
    world: World, plan: RegisteredPlan
) -> None:
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    receiver = world.deploy("NoHook")

    def pause_at_the_approval(_: str) -> None:
        world.chain.on_progress = lambda text: None
        world.send(world.fee_owner, world.usdc.functions.blacklist(world.builder.address))
        world.send(world.fee_owner, world.usdc.functions.pause())

    keep, world.chain.on_progress = world.chain.on_progress, pause_at_the_approval
    try:
        with pytest.raises(PaymentFailed) as caught:
            order_plan(world.chain, world.subscriber, plan.plan_id, receiver=receiver.address, payment_method="approve")
    finally:
        world.chain.on_progress = keep
    _, note = caught.value.__notes__
    assert f"for {world.credits.address} still stands (it could not be taken back: " in note
    assert note.endswith("set the allowance back to 0 base units.")
