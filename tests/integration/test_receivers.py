"""Receivers that take no credits or agents: whatever was to be sent, the error says what they are and what to do."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode

from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    ERC721InvalidReceiver,
    ERC1155InvalidReceiver,
    RevertedWithReason,
)
from nvm_chain.operations.agents import register_agent, transfer_agent
from nvm_chain.operations.credits import grant_external, mint_credits, mint_credits_batch, transfer_credits
from nvm_chain.operations.external_grants import grant_external_batch
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan_state, register_plan
from nvm_chain.operations.receivers import find_receiver_cause
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, send_signed_order, sign_plan_order
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_free_price_config
from tests.integration.raw import deploy_code, deploy_raw
from tests.support.delegated import delegate
from tests.support.odd_node import Hook, OddNode
from tests.support.world import FUNDS, World

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


REFUSALS = {
    "a text": (
        bytes.fromhex("08c379a0") + encode(["string"], ["We take only gold."]),
        "refuses with 'We take only gold.'",
    ),
    "a text of an attacker": (
        bytes.fromhex("08c379a0") + encode(["string"], ["`max_cost`\n\x1b[31m\u202e" + "x" * 500]),
        r"refuses with ''max_cost'\n\x1b[31m\u202e" + "x" * 73 + "'",
    ),
    "an error of its own": (bytes.fromhex("deadbeef") + bytes(3_000), f"refuses with the error 0xdeadbeef{'0' * 64}"),
    "a panic": (bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"), "fails with Solidity panic code 0x11"),
}
"""Data with which receivers refuse, and how an error tells it."""


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
@pytest.mark.parametrize(("data", "told"), REFUSALS.values(), ids=REFUSALS)
def test_send_credits__to_a_contract_that_says_why_not__quotes_it(
    world: World, plan_id: int, send: Send, data: bytes, told: str
) -> None:
    """Credits passes the receiver's data on, so they would pass for an error of Credits or of a token."""
    receiver = deploy_raw(world, data, reverting=True).address
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(world, plan_id, receiver)
    assert (caught.value.receiver, caught.value.mined) == (receiver, None)
    assert caught.value.problem == f"{receiver} cannot receive credits. It is a contract, and its code {told}."
    assert caught.value.next_step == "Ask the owner of that contract, or name another receiver."


ECHO = bytes.fromhex("365f5f37365ffd")
"""Code that reverts with the data of the call: CALLDATASIZE, PUSH0, PUSH0, CALLDATACOPY, CALLDATASIZE, PUSH0, REVERT."""


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
def test_send_credits__to_a_contract_whose_error_tells_the_transfer__quotes_it(
    world: World, plan_id: int, send: Send
) -> None:
    receiver = deploy_code(world, ECHO)
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(world, plan_id, receiver)
    operator = world.builder.address[2:].lower().rjust(64, "0")
    assert f"its code refuses with the error 0xf23a6e61{operator}." in caught.value.problem


BY_PRICE = bytes.fromhex("3a155f526004601cfd")
"""Code whose error tells whether there is a price: GASPRICE, ISZERO, PUSH0, MSTORE, PUSH1 4, PUSH1 28, REVERT."""


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
def test_send_credits__to_a_contract_whose_error_depends_on_the_price__quotes_it(
    world: World, plan_id: int, send: Send
) -> None:
    with pytest.raises(ERC1155InvalidReceiver, match="its code refuses with the error 0x00000000"):
        send(world, plan_id, deploy_code(world, BY_PRICE))


RELAYS: dict[str, Callable[[World, SignedOrder], Any]] = {
    "check": lambda world, signed: check_signed_order(world.chain, signed),
    "relay": lambda world, signed: relay_order(world.chain, world.relayer, signed),
    "send": lambda world, signed: send_signed_order(
        world.chain, world.relayer, read_plan_state(world.chain, signed.order.plan_id), signed
    ),
    "relay many": lambda world, signed: raise_first(relay_orders(world.chain, world.relayer, [signed])),
    "grant many": lambda world, signed: raise_first(
        grant_external_batch(world.chain, world.builder, signed.order.plan_id, [(signed.order.receiver, "payment-1")])
    ),
}
"""Everything else that brings credits of a plan in USDC."""


def raise_first(found: list[Any]) -> None:
    """Raise the only outcome of a batch."""
    (error,) = found
    raise error


@pytest.mark.parametrize("relay", RELAYS.values(), ids=list(RELAYS))
@pytest.mark.parametrize(("data", "told"), REFUSALS.values(), ids=REFUSALS)
def test_order_for_others__to_a_contract_that_says_why_not__quotes_it(
    world: World, relay: Callable[[World, SignedOrder], Any], data: bytes, told: str
) -> None:
    plan = world.register()
    world.fund(world.subscriber)
    receiver = deploy_raw(world, data, reverting=True).address
    signed = sign_plan_order(world.chain, world.subscriber, plan, receiver=receiver)
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        relay(world, signed)
    assert caught.value.problem == f"{receiver} cannot receive credits. It is a contract, and its code {told}."


def test_order_plan__whose_token_refuses_the_approval_with_a_text__does_not_blame_the_receiver(world: World) -> None:
    plan = world.register()
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    world.send(world.fee_owner, world.usdc.functions.pause())
    receiver = deploy_raw(world, REFUSALS["a text"][0], reverting=True).address
    with pytest.raises(RevertedWithReason) as caught:
        order_plan(world.chain, world.subscriber, plan, receiver=receiver, payment_method="approve")
    assert "is paused" in caught.value.problem


def test_mint_credits_batch__to_a_contract_that_says_why_not__quotes_it(world: World, plan_id: int) -> None:
    data, told = REFUSALS["a text"]
    receiver = deploy_raw(world, data, reverting=True).address
    receipt = mint_credits_batch(world.chain, world.builder, plan_id, [(receiver, 1), (world.other.address, 2)])
    (skipped,) = receipt.skipped
    assert (skipped.holder, skipped.explanation) == (receiver, f"it is a contract, and its code {told}")


def test_transfer_agent__to_a_contract_that_says_why_not__quotes_it(world: World) -> None:
    agent_id = register_agent(world.chain, world.builder, "https://example.com/agent.json").agent_id
    data, told = REFUSALS["a text"]
    receiver = deploy_raw(world, data, reverting=True).address
    with pytest.raises(ERC721InvalidReceiver) as caught:
        transfer_agent(world.chain, world.builder, agent_id, receiver)
    assert caught.value.problem == f"{receiver} cannot receive an agent. It is a contract, and its code {told}."


# ---------------------------------------------------------------------- a node that does not tell


@pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))
def test_send_credits__where_the_node_gives_no_code__claims_nothing_about_it(
    odd: tuple[World, OddNode, Chain], plan_id: int, send: Send
) -> None:
    world, node, chain = odd
    plain, refusing = world.deploy("NoHook").address, deploy_raw(world, REFUSALS["a text"][0], reverting=True).address
    chain.accounts = world.chain.accounts
    other = World(chain)
    node.hook = refuse("eth_getCode")
    with pytest.raises(ERC1155InvalidReceiver) as caught:
        send(other, plan_id, plain)
    assert caught.value.explanation is None
    with pytest.raises(RevertedWithReason):
        send(other, plan_id, refusing)


def refuse(asked: str) -> Hook:
    """Return a hook of a node that does not answer one method."""

    def answer(method: str, params: list[Any], forward: Any) -> Any:
        return {"error": {"code": -32603, "message": "not now"}} if method == asked else None

    return answer


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
