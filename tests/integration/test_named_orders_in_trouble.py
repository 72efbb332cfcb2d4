"""Named orders that somebody else makes, withdraws or hides meanwhile: paid once, found by all that makes them the same, told truly."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import open_embedded
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import InsufficientFunds, OrderAlreadyMade, OutcomeUnknown, RpcFailed
from nvm_chain.operations.named_orders import SMALL_QUANTITIES, order_once
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.odd_node import RECEIPT, Forward, OddNode, Reply, open_odd_chain, refuse
from tests.support.world import CREDITS, FUNDS, PRICE, World

USED = f"0x{keccak(text='authorizationState(address,bytes32)')[:4].hex()}"
"""How it is asked whether an order was made."""
NAME = "invoice-17"
Troubled = tuple[World, OddNode, Chain]


@pytest.fixture
def troubled(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Troubled]:
    """A funded world, and a chain that goes through an odd node and waits for a second."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path_factory.mktemp("state")))
    world.fund(world.subscriber)
    with open_odd_chain(world, timeout_seconds=1) as (node, chain):
        yield world, node, chain


def once(
    act: Callable[[], object], when: Callable[[str, list[Any]], bool]
) -> Callable[[str, list[Any], Forward], Reply]:
    """Have something happen once, before a request of a kind is answered."""
    done: list[object] = []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if not done and when(method, params):
            done.append(True)
            act()
        return None

    return hook


# ---------------------------------------------------------------------- what makes an order the same


@pytest.mark.parametrize("quantity", [1, 2, 7])
def test_order_once__of_several_at_once__repeated__is_the_same_order(
    funded: World, plan: RegisteredPlan, quantity: int
) -> None:
    made, again = (order_once(funded.chain, funded.subscriber, plan.plan_id, NAME, quantity=quantity) for _ in range(2))
    assert (made.repeated, again.repeated, again.receipt) == (False, True, made.receipt)
    assert (again.receipt.quantity, again.receipt.paid) == (quantity, quantity * PRICE)
    assert funded.tokens(funded.subscriber.address) == FUNDS - quantity * PRICE


def test_order_once__that_differs_in_anything__is_another_order(funded: World, plan: RegisteredPlan) -> None:
    """By receiver, payer, plan and name. Another quantity of a few is refused instead."""
    world, second = funded, funded.register()
    world.fund(world.other)
    orders: list[tuple[Any, int, str, dict[str, Any]]] = [
        (world.subscriber, plan.plan_id, NAME, {}),
        (world.subscriber, plan.plan_id, NAME, {"receiver": world.redeemer.address}),
        (world.other, plan.plan_id, NAME, {}),
        (world.subscriber, second, NAME, {}),
        (world.subscriber, plan.plan_id, "invoice-18", {}),
    ]
    for is_repeated in (False, True):
        found = [order_once(world.chain, who, which, name, **more) for who, which, name, more in orders]
        assert [order.repeated for order in found] == [is_repeated] * len(orders)
    assert world.tokens(world.subscriber.address) == FUNDS - 4 * PRICE
    assert world.balance(plan.plan_id, world.subscriber.address) == 2 * CREDITS


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (10, 1), (3, 11)])
def test_order_once__with_another_quantity_than_before__is_refused_and_pays_nothing(
    funded: World, plan: RegisteredPlan, first: int, second: int
) -> None:
    funded.fund(funded.subscriber, amount=20 * PRICE)
    order_once(funded.chain, funded.subscriber, plan.plan_id, NAME, quantity=first)
    before = funded.tokens(funded.subscriber.address)
    for _ in range(2):
        with pytest.raises(OrderAlreadyMade) as caught:
            order_once(funded.chain, funded.subscriber, plan.plan_id, NAME, quantity=second)
        assert (
            f"stands for a quantity of {first}, and this order has a quantity of {second}."
            in caught.value.describe()[0]
        )
        assert caught.value.describe()[1].startswith(f"Repeat the order with a quantity of {first}, or")
        funded.chain.facts.forget()
    assert funded.tokens(funded.subscriber.address) == before
    again = order_once(funded.chain, funded.subscriber, plan.plan_id, NAME, quantity=first)
    assert again.repeated


def test_order_once__with_another_quantity_on_a_node_without_batches__is_not_looked_for(
    funded: World, plan: RegisteredPlan, requests_made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(funded.chain), "takes_batches", False)
    order_once(funded.chain, funded.subscriber, plan.plan_id, NAME)
    assert not order_once(funded.chain, funded.subscriber, plan.plan_id, NAME, quantity=2).repeated


def test_order_once__with_another_quantity_on_the_embedded_chain__is_refused() -> None:
    """It takes no batches, and its requests cost nothing."""
    chain = open_embedded()
    builder, payer = chain.accounts[1:3]
    mint_test_usdc(chain, payer, payer.address, FUNDS)
    price = get_erc20_price_config(PRICE, str(chain.usdc), builder.address)
    plan_id = register_plan(chain, builder, price, get_fixed_credits_config(CREDITS)).plan_id
    order_once(chain, payer, plan_id, NAME)
    with pytest.raises(OrderAlreadyMade):
        order_once(chain, payer, plan_id, NAME, quantity=2)
    assert order_once(chain, payer, plan_id, NAME).repeated


# ---------------------------------------------------------------------- meanwhile


def test_order_once__made_by_another_process_meanwhile__is_that_order(troubled: Troubled) -> None:
    """When it was looked for it was not there; when it is tried, it is."""
    world, node, chain = troubled
    plan_id = world.register()

    def order_elsewhere() -> None:
        world.chain.facts.forget()
        signed = order_once(world.chain, world.subscriber, plan_id, NAME)
        assert not signed.repeated

    node.hook = once(order_elsewhere, lambda method, _: method == "eth_estimateGas")
    found = order_once(chain, world.subscriber, plan_id, NAME)
    assert (found.repeated, found.receipt.paid, found.receipt.credits_granted) == (True, PRICE, CREDITS)
    assert world.tokens(world.subscriber.address) == FUNDS - PRICE
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_order_once__whose_failure_cannot_be_looked_into__tells_the_failure(troubled: Troubled) -> None:
    """The node goes on to say nothing of orders after the first look: what failed is still told."""
    world, node, chain = troubled
    plan_id, looks, first_looks = world.register(), [], len(SMALL_QUANTITIES)
    world.send(world.subscriber, world.usdc.functions.transfer(world.other.address, FUNDS))

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_call" or not params[0]["data"].startswith(USED):
            return None
        looks.append(params)
        return refuse("no more of that") if len(looks) > first_looks else None

    node.hook = hook
    with pytest.raises(InsufficientFunds) as caught:
        order_once(chain, world.subscriber, plan_id, NAME)
    assert (caught.value.balance, caught.value.required) == (0, PRICE)
    assert len(looks) > first_looks


# ---------------------------------------------------------------------- hidden


def hide_receipts(method: str, params: list[Any], forward: Forward) -> Reply:
    """Have no transaction been mined, as far as the node says."""
    return {"result": None} if method == RECEIPT else None


def test_order_once__whose_receipt_is_hidden__says_which_transaction_is_not_seen(troubled: Troubled) -> None:
    """It may be mined: which one is told, and not that it was made before."""
    world, node, chain = troubled
    plan_id = world.register()
    node.hook = hide_receipts
    with pytest.raises(OutcomeUnknown) as caught:
        order_once(chain, world.subscriber, plan_id, NAME)
    [sent] = chain.read_journal(world.subscriber.address)
    assert caught.value.transaction_hash == sent.hash
    node.hook = None
    again = order_once(chain, world.subscriber, plan_id, NAME)
    assert (again.repeated, again.receipt.transaction.hash) == (True, sent.hash)
    assert world.tokens(world.subscriber.address) == FUNDS - PRICE


def test_order_once__repeated_while_its_receipt_is_hidden__says_that_it_was_made_and_why_no_more(
    troubled: Troubled,
) -> None:
    world, node, chain = troubled
    plan_id = world.register()
    order_once(chain, world.subscriber, plan_id, NAME)
    node.hook = hide_receipts
    with pytest.raises(OrderAlreadyMade) as caught:
        order_once(chain, world.subscriber, plan_id, NAME)
    assert caught.value.payer == world.subscriber.address
    assert isinstance(caught.value.__cause__, RpcFailed)
    assert "no receipt" in caught.value.problem
    assert world.tokens(world.subscriber.address) == FUNDS - PRICE
