"""Receivers that decide by the plan: they are asked about the credits that they would get, and not about others."""

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from nvm_chain.errors import ERC1155InvalidReceiver
from nvm_chain.operations.batch_mints import mint_credits_batch
from nvm_chain.operations.credits import mint_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.operations.tokens import read_allowance
from tests.integration.raw import deploy_code
from tests.support.delegated import delegate
from tests.support.odd_node import open_odd_chain, refuse
from tests.support.world import CREDITS, FUNDS, World
from tests.wallets.artifacts import deploy, read_double

SAID = "its code refuses with 'not of this plan'."


def test_order_plan__for_a_receiver_of_this_plan_only__is_paid_although_the_permit_is_refused(world: World) -> None:
    """The receiver is asked before an approval, which would be in vain for one that refuses."""
    plan_id = world.register()
    receiver = deploy(world, read_double("ChoosyReceiver"), plan_id, True).address
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    order_plan(world.chain, world.subscriber, plan_id, receiver=receiver)
    assert world.balance(plan_id, receiver) == CREDITS


def test_order_plan__for_a_receiver_of_all_other_plans__sends_no_approval(world: World) -> None:
    plan_id = world.register()
    receiver = deploy(world, read_double("ChoosyReceiver"), plan_id, False).address
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    sent = world.chain.count_sent(world.subscriber.address, "latest")
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        order_plan(world.chain, world.subscriber, plan_id, receiver=receiver)
    assert caught.value.problem.endswith(SAID)
    assert world.chain.count_sent(world.subscriber.address, "latest") == sent


def test_send_credits__to_a_receiver_of_all_other_plans__quotes_its_text(world: World) -> None:
    plan_id = world.register()
    world.fund(world.subscriber)
    receiver = deploy(world, read_double("ChoosyReceiver"), plan_id, False).address
    signed = sign_plan_order(world.chain, world.subscriber, plan_id, receiver=receiver)
    with pytest.raises(ERC1155InvalidReceiver, match=SAID):
        mint_credits(world.chain, world.builder, plan_id, receiver, 1)
    with pytest.raises(ERC1155InvalidReceiver, match=SAID):
        check_signed_order(world.chain, signed)
    with pytest.raises(ERC1155InvalidReceiver, match=SAID):
        relay_order(world.chain, world.relayer, signed)


# ---------------------------------------------------------------------- errors that Credits has too

OTHER = "0x" + "11" * 20
FOREIGN: dict[str, tuple[list[str], list[Any]]] = {
    "UnknownPlan": (["uint256"], [7]),
    "InsufficientCredits": (["uint256", "address", "uint256", "uint256"], [7, OTHER, 1, 2]),
    "PaymentFailed": (["address", "address", "address", "uint256"], [OTHER, OTHER, OTHER, 5]),
    "AuthorizationFailed": (["address", "address", "uint256"], [OTHER, OTHER, 5]),
    "CostAboveMax": (["uint256", "uint256"], [7, 5]),
    "ERC1155InvalidReceiver": (["address"], [OTHER]),
}
"""Errors of Credits that a receiver passes on, for example from an order or a transfer of its own."""


def deploy_with_error(world: World, name: str) -> str:
    """Deploy a receiver that refuses credits with an error of Credits."""
    types, values = FOREIGN[name]
    error = keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, values)
    return str(deploy(world, read_double("ErrorReceiver"), error).address)


@pytest.mark.parametrize("name", FOREIGN)
def test_send_credits__to_a_receiver_that_refuses_with_an_error_of_credits__names_the_receiver(
    world: World, name: str
) -> None:
    """Otherwise the advice would be about a plan, a price or a payment that nobody here asked for."""
    plan_id, receiver = world.register(), deploy_with_error(world, name)
    world.fund(world.subscriber)
    signed = sign_plan_order(world.chain, world.subscriber, plan_id, receiver=receiver)
    for send in (
        lambda: mint_credits(world.chain, world.builder, plan_id, receiver, 1),
        lambda: order_plan(world.chain, world.subscriber, plan_id, receiver=receiver),
        lambda: check_signed_order(world.chain, signed),
    ):
        with pytest.raises(ERC1155InvalidReceiver) as caught:
            send()
        assert caught.value.receiver == receiver
        assert caught.value.problem.endswith(f"It is a contract, and its code refuses with the error {name}.")


def test_mint_credits_batch__to_such_a_receiver__does_not_say_that_the_plan_is_unknown(world: World) -> None:
    plan_id, receiver = world.register(), deploy_with_error(world, "UnknownPlan")
    [skipped] = mint_credits_batch(world.chain, world.builder, plan_id, {receiver: 1}).skipped
    assert skipped.reason == "an error of the receiver's own (UnknownPlan)"
    assert skipped.explanation == "it is a contract, and its code refuses with the error UnknownPlan"


# ---------------------------------------------------------------------- before an approval

ACCEPTS = "63f23a6e6160e01b025f5260205ff3"
"""The end of code that accepts credits if the top of the stack is 1: PUSH4, PUSH1 224, SHL, MUL, and RETURN of a word."""
CHOICES = {
    "the price": bytes.fromhex("3a1515" + ACCEPTS),  # GASPRICE, ISZERO, ISZERO
    "the sender of the transaction": bytes.fromhex("32331415" + ACCEPTS),  # ORIGIN, CALLER, EQ, ISZERO
    "nothing": bytes.fromhex("6001" + ACCEPTS),  # PUSH1 1
}
"""Code that accepts credits by what it sees. It accepts no signature."""


def pay_by_code(world: World, code: bytes) -> int:
    """Give the subscriber USDC, have it delegate to the code, and return a plan."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    delegate(world, world.subscriber, deploy_code(world, code))
    return world.register()


@pytest.mark.parametrize("code", CHOICES.values(), ids=CHOICES)
def test_order_plan__by_code_that_decides_by_the_transaction__is_paid_after_an_approval(
    world: World, code: bytes
) -> None:
    """Before the approval, the code is asked with the price and the sender of the order."""
    plan_id = pay_by_code(world, code)
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert (receipt.approval is not None, world.balance(plan_id, world.subscriber.address)) == (True, CREDITS)


def refuse_replaced_code(method: str, params: list[Any], forward: Any) -> Any:
    """Be a node that replaces no code for a call."""
    replaces = method == "eth_call" and any("code" in each for override in params[2:] for each in override.values())
    return refuse("no code") if replaces else None


def test_order_plan__on_a_node_that_replaces_no_code__is_paid(world: World) -> None:
    plan_id = pay_by_code(world, CHOICES["the sender of the transaction"])
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_replaced_code
        order_plan(chain, world.subscriber, plan_id)
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_order_plan__on_such_a_node_by_code_that_takes_no_credits__takes_the_approval_back(world: World) -> None:
    plan_id = pay_by_code(world, b"\0")
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_replaced_code
        with pytest.raises(ERC1155InvalidReceiver):
            order_plan(chain, world.subscriber, plan_id)
    assert read_allowance(world.chain, world.usdc.address, world.subscriber.address) == 0
