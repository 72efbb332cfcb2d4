"""Receivers that decide by the plan: they are asked about the credits that they would get, and not about others."""

import pytest

from nvm_chain.errors import ERC1155InvalidReceiver
from nvm_chain.operations.credits import mint_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.receivers import Delivery, check_receiver
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.types.addresses import ZERO_ADDRESS
from tests.support.delegated import delegate
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


def test_check_receiver__of_one_that_decides_by_the_plan__asks_about_that_plan(world: World) -> None:
    plan_id = world.register()
    receiver = deploy(world, read_double("ChoosyReceiver"), plan_id, True).address
    check_receiver(world.chain, receiver, Delivery(world.builder.address, ZERO_ADDRESS, plan_id))
    with pytest.raises(ERC1155InvalidReceiver, match=SAID):
        check_receiver(world.chain, receiver)
