"""Payments in coin at the edges: what is sent is the cost, whatever the limit, and after the money has moved nothing is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import OutcomeUnknown
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.tokens import read_allowance
from nvm_chain.operations.usage import pay_usage
from nvm_chain.types.prices import Split
from tests.integration.raw import deploy_quoter
from tests.support.odd_node import RECEIPT, open_odd_chain
from tests.support.plans import usage
from tests.support.world import PRICE, ZERO, World

COST = 10**15
FEE_BPS = 250


def in_coin(world: World, *, quoted: bool, is_usage: bool) -> int:
    """Register a plan in coin that costs the same by its price and by a quote."""
    changes: dict[str, Any] = {"token": ZERO, "splits": (Split(world.builder.address, COST),)}
    if quoted:
        changes |= {"quoter": deploy_quoter(world, COST), "splits": (Split(world.builder.address, 1),)}
    return world.register(**(usage(**changes) if is_usage else changes))


def pay(world: World, plan_id: int, *, is_usage: bool, **options: Any) -> Any:
    """Order the plan, or pay for a request."""
    return (pay_usage if is_usage else order_plan)(world.chain, world.subscriber, plan_id, **options)


USAGE = pytest.mark.parametrize("is_usage", [False, True], ids=["order", "usage"])
QUOTED = pytest.mark.parametrize("quoted", [False, True], ids=["priced", "quoted"])


@USAGE
@QUOTED
@pytest.mark.parametrize("above", [0, 1, COST])
def test_payment__in_coin_with_a_limit__sends_the_cost(world: World, is_usage: bool, quoted: bool, above: int) -> None:
    plan_id = in_coin(world, quoted=quoted, is_usage=is_usage)
    receiver, payer = world.coins(world.builder.address), world.coins(world.subscriber.address)
    told = pay(world, plan_id, is_usage=is_usage, max_cost=COST + above)
    assert (told.paid, world.coins(world.builder.address) - receiver) == (COST, COST)
    assert payer - world.coins(world.subscriber.address) == COST + told.transaction.fee_wei
    assert world.coins(world.credits.address) == 0


@USAGE
@QUOTED
def test_payment__in_coin_of_a_plan_with_a_fee__asks_nothing_after_its_receipt(
    world: World, requests_made: list[str], is_usage: bool, quoted: bool
) -> None:
    """Who gets the fee is asked before: after the payment an error would hide it."""
    world.set_fee(FEE_BPS)
    plan_id = in_coin(world, quoted=quoted, is_usage=is_usage)
    requests_made.clear()
    told = pay(world, plan_id, is_usage=is_usage)
    assert requests_made[-1] == RECEIPT
    assert told.receivers[world.fee_receiver.address] == COST * FEE_BPS // 10_000


def by_relay(world: World, plan_id: int) -> Any:
    """Have somebody bring the subscriber's order."""
    return relay_order(world.chain, world.other, sign_plan_order(world.chain, world.subscriber, plan_id))


def by_method(method: Any) -> Callable[[World, int], Any]:
    """Return an order by a payment method."""
    return lambda world, plan_id: order_plan(world.chain, world.subscriber, plan_id, payment_method=method)


WAYS = {"relay": by_relay, **{method: by_method(method) for method in ("allowance", "permit", "authorization")}}


@pytest.mark.parametrize("pay_it", WAYS.values(), ids=WAYS)
def test_payment__in_a_token_of_a_plan_with_a_fee__asks_nothing_after_its_receipt(
    funded: World, requests_made: list[str], pay_it: Callable[[World, int], Any]
) -> None:
    funded.set_fee(FEE_BPS)
    plan_id = funded.register()
    requests_made.clear()
    told = pay_it(funded, plan_id)
    assert requests_made[-1] == RECEIPT
    assert told.receivers[funded.fee_receiver.address] == PRICE * FEE_BPS // 10_000


# ---------------------------------------------------------------------- between the cost and the limit


@pytest.mark.parametrize(
    ("approved", "signs"), [(0, True), (99, True), (100, True), (199, True), (200, False), (201, False)]
)
def test_order_plan__quoted__signs_unless_the_allowance_reaches_the_limit(
    world: World, approved: int, signs: bool
) -> None:
    """An allowance of the cost is too small for the price that it may have when it is mined."""
    plan_id = world.register(quoter=deploy_quoter(world, 100))
    world.fund(world.subscriber)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, approved))
    told = order_plan(world.chain, world.subscriber, plan_id, max_cost=200)
    assert (told.paid, told.approval) == (100, None)
    left = read_allowance(world.chain, world.usdc.address, world.subscriber.address)
    assert left == (200 if signs else approved) - 100


# ---------------------------------------------------------------------- not known to be mined


@pytest.mark.parametrize("before", [0, 7])
def test_order_plan__whose_approval_is_not_seen_to_be_mined__notes_what_to_approve_then(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: int
) -> None:
    """Nothing was paid, and the approval may come to be: the note says so, and what it was."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    world.fund(world.subscriber)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, before))
    plan_id = world.register()
    with open_odd_chain(world, timeout_seconds=1) as (node, chain):
        node.hook = lambda method, params, forward: {"result": None} if method == RECEIPT else None
        with pytest.raises(OutcomeUnknown) as caught:
            order_plan(chain, world.subscriber, plan_id, payment_method="approve")
    [note] = [each for each in caught.value.__notes__ if each.startswith("This transaction is the approval")]
    assert f"set the allowance back to {before} base units" in note
    assert world.spent(world.subscriber) == 0
