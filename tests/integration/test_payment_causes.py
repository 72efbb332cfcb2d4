"""Payments that fail: the error names the true cause, and its amounts are in whole units."""

from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    AuthorizationFailed,
    CostAboveMax,
    ERC1155InvalidReceiver,
    InsufficientFunds,
    NvmChainError,
    PaymentFailed,
    RevertedWithReason,
)
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.tokens import name_money, read_allowance
from nvm_chain.operations.usage import pay_usage
from nvm_chain.types.credits import get_pay_as_you_go_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.delegated import delegate
from tests.support.odd_node import OddNode
from tests.support.world import FUNDS, PRICE, World

METHODS = ("allowance", "approve", "permit", "authorization")


def give(world: World, *, approved: int = 0) -> None:
    """Give the subscriber 1,000 USDC."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, approved))


def fail(world: World, plan: RegisteredPlan, **options: Any) -> NvmChainError:
    """Order, and return the error."""
    with pytest.raises(NvmChainError) as caught:
        order_plan(world.chain, world.subscriber, plan.plan_id, **options)
    return caught.value


@pytest.mark.parametrize("method", METHODS)
def test_order_plan__of_a_paused_token__names_the_pause(world: World, plan: RegisteredPlan, method: Any) -> None:
    give(world, approved=PRICE if method == "allowance" else 0)
    world.send(world.fee_owner, world.usdc.functions.pause())
    error = fail(world, plan, payment_method=method)
    assert isinstance(error, PaymentFailed | AuthorizationFailed | RevertedWithReason)
    assert f"The token {world.usdc.address} is paused." in error.problem
    assert error.next_step == "Try again when its issuer has ended the pause."


@pytest.mark.parametrize("blocked", ["subscriber", "builder", "credits"])
@pytest.mark.parametrize("method", METHODS)
def test_order_plan__where_the_token_blocks_somebody__names_them(
    world: World, plan: RegisteredPlan, method: Any, blocked: str
) -> None:
    give(world, approved=PRICE if method == "allowance" else 0)
    account = getattr(world, blocked).address
    world.send(world.fee_owner, world.usdc.functions.blacklist(account))
    error = fail(world, plan, payment_method=method)
    assert f"The token {world.usdc.address} blocks {account}." in error.problem
    assert ("Pay with another account" in error.next_step) == (blocked == "subscriber")


def test_pay_usage__of_a_paused_token__names_the_pause(world: World) -> None:
    give(world, approved=PRICE)
    price = get_erc20_price_config(1500, world.usdc.address, world.builder.address)
    usage_plan = register_plan(world.chain, world.builder, price, get_pay_as_you_go_credits_config()).plan_id
    world.send(world.fee_owner, world.usdc.functions.pause())
    with pytest.raises(PaymentFailed) as caught:
        pay_usage(world.chain, world.subscriber, usage_plan)
    assert " is paused." in caught.value.problem


def test_order_plan__of_a_token_with_a_cause_of_its_own__keeps_to_what_may_be(world: World) -> None:
    token = world.deploy("Pauses")
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, FUNDS))
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.setPaused(True))
    with pytest.raises(PaymentFailed) as caught:
        order_plan(world.chain, world.subscriber, plan_id, payment_method="approve")
    assert caught.value.explanation is None or "paused" in caught.value.problem
    assert f"of token {token.address}" in caught.value.problem or f"(token {token.address})" in caught.value.problem


@pytest.mark.parametrize(("method", "kind"), [("permit", PaymentFailed), ("authorization", AuthorizationFailed)])
def test_order_plan__by_a_signature_that_the_payers_code_refuses__says_to_approve(
    world: World, plan: RegisteredPlan, method: Any, kind: type[NvmChainError]
) -> None:
    give(world)
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    error = fail(world, plan, payment_method=method)
    assert type(error) is kind
    does_not = "may not" if method == "authorization" else "does not"
    assert error.problem.endswith(f"The payer has code, and that code {does_not} accept the signature.")
    assert error.next_step == "Order with `payment_method='approve'`."
    assert order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="approve").paid == PRICE


def test_order_plan__by_an_account_whose_code_refuses_the_permit__approves(world: World, plan: RegisteredPlan) -> None:
    """The simulation shows it, so nothing that fails is sent."""
    give(world)
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    sent = world.chain.count_sent(world.subscriber.address, "latest")
    receipt = order_plan(world.chain, world.subscriber, plan.plan_id)
    assert (receipt.paid, receipt.approval is not None) == (PRICE, True)
    assert world.chain.count_sent(world.subscriber.address, "latest") == sent + 2
    assert read_allowance(world.chain, world.usdc.address, world.subscriber.address) == 0


@pytest.mark.parametrize("blocked", ["subscriber", "builder"])
def test_order_plan__where_an_approval_would_not_help__sends_nothing(
    world: World, plan: RegisteredPlan, blocked: str
) -> None:
    give(world)
    world.send(world.fee_owner, world.usdc.functions.blacklist(getattr(world, blocked).address))
    sent = world.chain.count_sent(world.subscriber.address, "latest")
    assert "blocks" in fail(world, plan).problem
    assert world.chain.count_sent(world.subscriber.address, "latest") == sent


def test_order_plan__whose_permit_order_is_mined_and_fails__sends_nothing_more(
    odd: tuple[World, OddNode, Chain], plan: RegisteredPlan
) -> None:
    world, node, chain = odd
    give(world)

    def block_first(method: str, params: list[Any], forward: Any) -> Any:
        if method == "eth_sendRawTransaction":
            node.hook = None
            world.send(world.fee_owner, world.usdc.functions.blacklist(world.builder.address))
        return None

    node.hook = block_first
    with pytest.raises(PaymentFailed) as caught:
        order_plan(chain, world.subscriber, plan.plan_id)
    sent = chain.read_journal(world.subscriber.address)
    assert [each.hash for each in sent] == [caught.value.mined]


def test_order_plan__by_an_account_whose_code_takes_neither_permits_nor_credits__sends_nothing(
    world: World, plan: RegisteredPlan
) -> None:
    give(world)
    delegate(world, world.subscriber, world.deploy("NoHook").address)
    sent = world.chain.count_sent(world.subscriber.address, "latest")
    assert isinstance(fail(world, plan), ERC1155InvalidReceiver)
    assert world.chain.count_sent(world.subscriber.address, "latest") == sent


def test_order_plan__above_the_limit__has_amounts_in_whole_units(world: World, plan: RegisteredPlan) -> None:
    give(world)
    error = fail(world, plan, max_cost=PRICE - 1)
    assert type(error) is CostAboveMax
    assert error.problem == "The order costs 20 USDC, but you allowed at most 19.999999 USDC."


def test_order_plan__without_funds__has_amounts_in_whole_units(world: World, plan: RegisteredPlan) -> None:
    error = fail(world, plan)
    assert str(error) == (
        f"{world.subscriber.address} needs 20 USDC, but has 0 USDC. It is test money. "
        f"Take 20 USDC for {world.subscriber.address} with `mint_test_usdc`."
    )


def test_name_money__of_a_token_that_does_not_answer__leaves_the_error_as_it_is(world: World) -> None:
    error = InsufficientFunds(world.credits.address, world.subscriber.address, 0, 20)
    assert name_money(world.chain, error, world.credits.address) is error
    assert error.problem.startswith(f"{world.subscriber.address} needs 20 base units of token {world.credits.address}")


def test_name_money__of_another_token__names_its_address_too(world: World) -> None:
    token = world.deploy("Pauses")
    error = name_money(world.chain, CostAboveMax(20, 19), token.address)
    assert error.token_label is None or token.address in str(error)
