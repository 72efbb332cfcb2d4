"""Receivers that take no credits or agents: whatever was to be sent, the error says what they are and what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.errors import ERC721InvalidReceiver, ERC1155InvalidReceiver
from nvm_chain.operations.agents import register_agent, transfer_agent
from nvm_chain.operations.credits import grant_external, mint_credits, mint_credits_batch, transfer_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.receivers import find_receiver_cause
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_free_price_config
from tests.integration.raw import deploy_code
from tests.support.delegated import delegate
from tests.support.world import World

Send = Callable[[World, int, str], Any]

SENDS: dict[str, Send] = {
    "mint": lambda world, plan, to: mint_credits(world.chain, world.builder, plan, to, 1),
    "grant": lambda world, plan, to: grant_external(world.chain, world.builder, plan, to, reference="payment-1"),
    "transfer": lambda world, plan, to: transfer_credits(world.chain, world.builder, plan, to, 1),
    "order": lambda world, plan, to: order_plan(world.chain, world.builder, plan, receiver=to),
}
"""Everything that sends credits to somebody, and fails if they take none."""
CODES = {
    "nothing": b"\0",
    "no bytes": bytes.fromhex("5f5ff3"),
    "four bytes": bytes.fromhex("60045ff3"),
    "more than four set": bytes.fromhex("63f23a6e6160e01b6001175f5260205ff3"),
}
"""Codes of receivers whose answers cannot be read. The last answers with the right four bytes and a 1 at the end."""
DELEGATED = "It is an account with EIP-7702 code, and that code does not accept {} tokens."
CONTRACT = "It is a contract, and its code does not accept {} tokens."


@pytest.fixture
def plan_id(world: World) -> int:
    """A free plan whose credits can be transferred, of which the builder has some."""
    credits = get_fixed_credits_config(100, transferable=True)
    plan = register_plan(world.chain, world.builder, get_free_price_config(), credits)
    mint_credits(world.chain, world.builder, plan.plan_id, world.builder.address, 10)
    return plan.plan_id


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
def test_send_credits__to_an_account_with_eip_7702_code__says_to_end_the_delegation(
    world: World, plan_id: int, send: Send
) -> None:
    delegate(world, world.subscriber, world.credits.address)
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(world, plan_id, world.subscriber.address)
    assert caught.value.receiver == world.subscriber.address
    assert caught.value.problem.endswith(DELEGATED.format("ERC-1155"))
    assert caught.value.next_step == "End the delegation, or name another receiver."


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
def test_send_credits__to_a_contract_that_takes_none__says_what_takes_them(
    world: World, plan_id: int, send: Send
) -> None:
    receiver = world.deploy("NoHook").address
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(world, plan_id, receiver)
    assert caught.value.receiver == receiver
    assert caught.value.problem.endswith(CONTRACT.format("ERC-1155"))
    assert caught.value.next_step == (
        "Name an account without code, or a contract whose function onERC1155Received accepts them."
    )


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_send_credits__to_a_contract_that_answers_with_too_little__says_what_takes_them(
    world: World, plan_id: int, send: Send, code: bytes
) -> None:
    """As a Safe without fallback handler does: Credits itself reverts without a reason then."""
    receiver = deploy_code(world, code)
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(world, plan_id, receiver)
    assert (caught.value.receiver, caught.value.mined) == (receiver, None)
    assert caught.value.problem.endswith(CONTRACT.format("ERC-1155"))


def test_mint_credits_batch__to_a_contract_that_answers_with_too_little__says_what_it_is(
    world: World, plan_id: int
) -> None:
    receiver = deploy_code(world, b"\0")
    receipt = mint_credits_batch(world.chain, world.builder, plan_id, {receiver: 1, world.other.address: 2})
    (skipped,) = receipt.skipped
    assert (skipped.holder, skipped.reason) == (receiver, "ERC1155InvalidReceiver")
    assert skipped.explanation == CONTRACT.format("ERC-1155").rstrip(".").replace("It", "it")


def test_transfer_agent__to_a_contract_that_answers_with_too_little__says_what_takes_them(world: World) -> None:
    agent_id = register_agent(world.chain, world.builder, "https://example.com/agent.json").agent_id
    receiver = deploy_code(world, b"\0")
    with pytest.raises(ERC721InvalidReceiver) as caught:
        transfer_agent(world.chain, world.builder, agent_id, receiver)
    assert caught.value.receiver == receiver
    assert caught.value.problem.endswith(CONTRACT.format("ERC-721"))


def test_mint_credits_batch__to_an_account_with_eip_7702_code__says_of_that_item_what_it_is(
    world: World, plan_id: int
) -> None:
    delegate(world, world.subscriber, world.credits.address)
    items = {world.subscriber.address: 1, world.other.address: 2}
    receipt = mint_credits_batch(world.chain, world.builder, plan_id, items)
    (skipped,) = receipt.skipped
    assert (skipped.holder, skipped.reason) == (world.subscriber.address, "ERC1155InvalidReceiver")
    assert f"{skipped.explanation.capitalize()}." == DELEGATED.format("ERC-1155").capitalize()
    assert receipt.minted == ((world.other.address, 2),)


def test_transfer_agent__to_an_account_with_eip_7702_code__says_to_end_the_delegation(world: World) -> None:
    agent_id = register_agent(world.chain, world.builder, "https://example.com/agent.json").agent_id
    delegate(world, world.subscriber, world.credits.address)
    with pytest.raises(ERC721InvalidReceiver) as caught:
        transfer_agent(world.chain, world.builder, agent_id, world.subscriber.address)
    assert caught.value.problem.endswith(DELEGATED.format("ERC-721"))


def test_find_receiver_cause__of_an_account_without_code__is_none(world: World) -> None:
    assert find_receiver_cause(world.chain, world.other.address) is None
