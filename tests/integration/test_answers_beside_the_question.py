"""Nodes that answer more than was asked, and connections that remember what was wrong: neither is believed for long."""

from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.errors import CostAboveMax, NvmChainError, PlanNotActive, RpcFailed
from nvm_chain.operations.credits import mint_credits
from nvm_chain.operations.named_orders import order_once
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.operations.usage import pay_usage
from nvm_chain.types.events import EventFilter
from tests.support.odd_node import RECEIPT, SEND, Forward, OddNode, Reply
from tests.support.plans import usage
from tests.support.world import World

Odd = tuple[World, OddNode, Chain]
EVERYTHING = {"fromBlock": "0x0", "toBlock": "latest"}
"""What of a log request leaves it as wide as it may be."""


@pytest.mark.parametrize("kept", [(), ("address",), ("topics",), ("address", "topics")], ids=str)
def test_read_logs__of_a_node_that_gives_more__has_what_was_asked_for(odd: Odd, kept: tuple[str, ...]) -> None:
    """More blocks, more kinds, more plans, more contracts: what was not asked for is left out."""
    world, node, chain = odd
    mine, other = world.register(), world.register()
    blocks = []
    for plan_id in (mine, other, mine, other, mine):
        mint_credits(world.chain, world.builder, plan_id, world.subscriber.address, 3)
        world.order(plan_id)
        blocks.append(chain.read_block().number)
    wanted = EventFilter(("Ordered",), ((mine,),))
    places = [(blocks[0], blocks[-1]), (blocks[1], blocks[3]), (blocks[2], blocks[2]), (blocks[1], blocks[1])]
    true = [chain.read_logs(chain.credits, wanted, *place) for place in places]

    def widen(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_getLogs":
            return None
        wide = {**{name: params[0][name] for name in kept}, **EVERYTHING}
        return {"result": node.ask("eth_getLogs", wide)}

    node.hook = widen
    assert [chain.read_logs(chain.credits, wanted, *place) for place in places] == true
    assert [len(events) for events in true] == [3, 1, 1, 0]


# ---------------------------------------------------------------------- what a connection remembers


def _order(world: World, plan_id: int) -> object:
    return order_plan(world.chain, world.subscriber, plan_id, max_cost=1)


def _order_named(world: World, plan_id: int) -> object:
    return order_once(world.chain, world.subscriber, plan_id, "invoice-17", max_cost=1)


def _sign(world: World, plan_id: int) -> object:
    return sign_plan_order(world.chain, world.subscriber, plan_id, max_cost=1)


PAYING = {"order_plan": _order, "order_once": _order_named, "sign_plan_order": _sign}


def remember(world: World) -> None:
    """Have the connection know something."""
    world.chain.facts.keep("what may be wrong", "something")
    assert world.chain.facts.find("something") == "what may be wrong"


@pytest.mark.parametrize("pay", PAYING.values(), ids=PAYING)
def test_payment__that_fails__forgets_what_was_known(funded: World, pay: Callable[[World, int], object]) -> None:
    """A wrong answer of a moment may be why, and would be why each further one fails."""
    plan_id = funded.register()
    remember(funded)
    with pytest.raises(CostAboveMax):
        pay(funded, plan_id)
    assert funded.chain.facts.find("something") is None


def test_usage_and_signed_orders__that_fail__forget_what_was_known(funded: World) -> None:
    world, chain = funded, funded.chain
    plan_id, counted = world.register(), world.register(**usage())
    signed = sign_plan_order(chain, world.subscriber, plan_id)
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    world.send(world.builder, world.credits.functions.setPlanActive(counted, False))
    calls: list[Callable[[], object]] = [
        lambda: pay_usage(chain, world.subscriber, counted),
        lambda: check_signed_order(chain, signed),
        lambda: relay_order(chain, world.other, signed),
    ]
    for call in calls:
        remember(world)
        with pytest.raises(PlanNotActive):
            call()
        assert chain.facts.find("something") is None


def test_payment__that_succeeds__keeps_what_was_known(funded: World) -> None:
    plan_id = funded.register()
    remember(funded)
    order_plan(funded.chain, funded.subscriber, plan_id)
    assert funded.chain.facts.find("something") is not None
    with pytest.raises(NvmChainError):
        mint_credits(funded.chain, funded.stranger, plan_id, funded.stranger.address, 1)
    assert funded.chain.facts.find("something") is not None


# ---------------------------------------------------------------------- one block later


def test_read_block__answered_with_another_block__is_not_believed(odd: Odd) -> None:
    _, node, chain = odd
    number = chain.read_block().number
    node.hook = lambda method, params, forward: (
        {"result": node.ask(method, "latest", False)} if method == "eth_getBlockByNumber" else None
    )
    assert chain.read_block(number).number == number
    with pytest.raises(RpcFailed):
        chain.read_block(number - 1)


def test_order_plan__that_failed_for_what_has_passed__says_why_it_failed(odd: Odd) -> None:
    """The plan was closed before the order was mined, and is open again when the reason is asked for."""
    world, node, chain = odd
    plan_id = world.register()
    set_active = world.credits.functions.setPlanActive
    closed: list[bool] = []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND and not closed:
            world.send(world.builder, set_active(plan_id, False))
            closed.append(True)
        if method != RECEIPT:
            return None
        answer = forward()
        if answer["result"] and closed == [True]:
            world.send(world.builder, set_active(plan_id, True))
            closed.append(False)
        return answer

    node.hook = hook
    with pytest.raises(PlanNotActive) as caught:
        order_plan(chain, world.subscriber, plan_id, payment_method="allowance")
    assert (caught.value.plan_id, closed) == (plan_id, [True, False])
    assert world.spent(world.subscriber) == 0
