"""Requests in one round trip: what a node makes of a batch changes how often it is asked, and nothing else."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.rpc import CALLS
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import CostAboveMax, UnknownPlan
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.tokens import read_token_balance
from tests.support.odd_node import Forward, Json, OddNode, Reply, refuse, run_odd_node
from tests.support.world import PRICE, World

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class BatchNode(OddNode):
    """A node that answers each batch as a test says."""

    change: Callable[[list[Json], list[Json]], object] = lambda asked, answers: answers
    batches: list[int] = field(default_factory=list)

    def _answer_batch(self, batch: list[Json]) -> Answer:
        self.batches.append(len(batch))
        answers = json.loads(super()._answer_batch(batch)[2])
        changed = self.change(batch, answers)
        return changed if isinstance(changed, tuple) else (200, {}, json.dumps(changed).encode())


@contextmanager
def reach(world: World, node: OddNode) -> Iterator[Chain]:
    """Connect to a world's anvil through a node."""
    with run_odd_node(node):
        chain = open_rpc(node.url, timeout_seconds=5)
        chain.use_credits(world.credits.address)
        chain.usdc = world.chain.usdc
        node.asked.clear()
        yield chain


@pytest.fixture
def batched(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[World, BatchNode, Chain]]:
    """A funded world, the node before it, and a chain that talks through it."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    world.fund(world.subscriber)
    node = BatchNode(world.chain.label)
    with reach(world, node) as chain:
        yield world, node, chain


def rotate(asked: list[Json], answers: list[Json]) -> list[Json]:
    """Answer in another order, as JSON-RPC allows."""
    return [*answers[1:], answers[0]]


def swap_ids(asked: list[Json], answers: list[Json]) -> list[Json]:
    """Answer the second request twice, and the first not at all."""
    return [{**answers[1]}, *answers[1:]]


ODD_BATCHES: Final[dict[str, Any]] = {
    "in another order": rotate,
    "twice the same": swap_ids,
    "the last one is missing": lambda asked, answers: answers[:-1],
    "all are missing": lambda asked, answers: [],
    "one error for all": lambda asked, answers: refuse("batches are not supported", -32600),
    "bad request": lambda asked, answers: (400, {}, b""),
    "too large": lambda asked, answers: (413, {}, b""),
    "not JSON": lambda asked, answers: (200, {}, b"<html>"),
    "null": lambda asked, answers: None,
    "texts": lambda asked, answers: ["no"] * len(answers),
    "errors inside": lambda asked, answers: [
        {"id": each["id"], **refuse("internal error", -32603)} for each in answers
    ],
    "asked too often inside": lambda asked, answers: [
        {"id": each["id"], **refuse("rate limit exceeded", -32005)} for each in answers
    ],
    "foreign ids": lambda asked, answers: [{**each, "id": 10**9 + each["id"]} for each in answers],
}


def reverting() -> Json:
    """Return the answer of a node whose state is of before the approval: the token refuses, without data."""
    return {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}


@pytest.mark.parametrize("change", ODD_BATCHES.values(), ids=ODD_BATCHES)
def test_order_plan__whatever_the_node_makes_of_batches__is_paid_once(
    batched: tuple[World, BatchNode, Chain], change: Any
) -> None:
    world, node, chain = batched
    plan_id, node.change = world.register(), change
    receipt = order_plan(chain, world.subscriber, plan_id)
    assert node.batches
    assert receipt.paid == PRICE == world.spent(world.subscriber)


@pytest.mark.parametrize("change", ODD_BATCHES.values(), ids=ODD_BATCHES)
def test_order_plan__that_is_refused__has_the_same_error_whatever_the_node_makes_of_batches(
    batched: tuple[World, BatchNode, Chain], change: Any
) -> None:
    world, node, chain = batched
    plan_id, node.change = world.register(), change
    with pytest.raises(UnknownPlan) as unknown:
        order_plan(chain, world.subscriber, plan_id + 1)
    assert unknown.value.plan_id == plan_id + 1
    with pytest.raises(CostAboveMax) as above:
        order_plan(chain, world.subscriber, plan_id, max_cost=PRICE - 1)
    assert (above.value.cost, above.value.max_cost) == (PRICE, PRICE - 1)
    assert world.spent(world.subscriber) == 0


def test_order_plan__where_a_batch_has_answers_of_two_moments__is_not_refused(
    batched: tuple[World, BatchNode, Chain],
) -> None:
    """The allowance is asked for again and is there; the estimate beside it was made before, and says that it is not."""
    world, node, chain = batched
    plan_id = world.register()
    mixed: list[int] = []
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    order, allowance = world.credits.encode_abi("order", [plan_id, world.other.address, 1, PRICE])[:10], "0xdd62ed3e"

    def mix(asked: list[Json], answers: list[Json]) -> list[Json]:
        data = [each["params"][0].get("data", "") if each["method"] in CALLS else "" for each in asked]
        estimates = [place for place, each in enumerate(asked) if each["method"] == "eth_estimateGas"]
        late = [place for place, each in enumerate(data) if each.startswith(allowance)]
        if not mixed and late and any(data[place].startswith(order) for place in estimates):
            mixed.append(1)
            changes = {late[0]: refuse("rate limit exceeded", -32005), estimates[0]: reverting()}
            return [
                {"jsonrpc": "2.0", "id": each["id"], **changes[place]} if place in changes else each
                for place, each in enumerate(answers)
            ]
        return answers

    node.change = mix
    receipt = order_plan(chain, world.subscriber, plan_id, payment_method="approve")
    assert mixed
    assert (receipt.paid, world.spent(world.subscriber)) == (PRICE, PRICE)


def test_order_plan__of_a_node_that_is_busy_with_batches__asks_one_by_one(
    batched: tuple[World, BatchNode, Chain],
) -> None:
    world, node, chain = batched
    plan_id, node.change = world.register(), lambda asked, answers: (429, {"Retry-After": "60"}, b"")
    order_plan(chain, world.subscriber, plan_id)
    assert len(node.batches) == 1
    assert world.spent(world.subscriber) == PRICE


def test_read_ahead__answers__are_used_once(batched: tuple[World, BatchNode, Chain]) -> None:
    world, node, chain = batched
    payer = world.subscriber.address
    balance = partial(read_token_balance, chain, world.usdc.address, payer)
    with chain.reading_ahead(balance, partial(chain.read_coin_balance, payer)):
        assert node.asked == ["eth_call", "eth_getBalance"]
        assert balance() == world.tokens(payer)
        assert len(node.asked) == 2
        world.send(world.subscriber, world.usdc.functions.transfer(world.other.address, 1))
        assert balance() == world.tokens(payer)
        assert len(node.asked) == 3
    assert chain.read_coin_balance(payer) == world.coins(payer)  # not used in the block, and gone with it
    assert len(node.asked) == 4


def test_read_ahead__answers__are_not_used_after_something_was_sent(batched: tuple[World, BatchNode, Chain]) -> None:
    world, _, chain = batched
    payer = world.subscriber.address
    balance = partial(read_token_balance, chain, world.usdc.address, payer)
    with chain.reading_ahead(balance, partial(chain.read_coin_balance, payer)):
        chain.send(world.subscriber, world.usdc.functions.transfer(world.other.address, 1))
        assert balance() == world.tokens(payer)
        assert chain.read_coin_balance(payer) == world.coins(payer)


def test_read_ahead__answers__are_not_used_by_another_thread(batched: tuple[World, BatchNode, Chain]) -> None:
    world, node, chain = batched
    payer = world.subscriber.address
    coins = partial(chain.read_coin_balance, payer)
    with chain.reading_ahead(coins, chain.read_time):
        node.asked.clear()
        other = threading.Thread(target=coins)
        other.start()
        other.join()
        assert node.asked == ["eth_getBalance"]
        assert coins() == world.coins(payer)
        assert node.asked == ["eth_getBalance"]


def test_read_plan_state__of_a_plan_that_was_undone__is_unknown(world: World) -> None:
    """The terms are kept, and that the plan is there is asked each time."""
    snapshot = world.take_snapshot()
    plan_id = world.register()
    state = read_plan_state(world.chain, plan_id)
    world.revert_to(snapshot)
    with pytest.raises(UnknownPlan) as unknown:
        read_plan_state(world.chain, plan_id)
    assert unknown.value.plan_id == plan_id == state.plan_id


def test_order_plan__while_its_approval_is_not_seen__waits_and_is_paid_once(
    batched: tuple[World, BatchNode, Chain],
) -> None:
    """A node that is behind: the first answers after the approval are those of before."""
    world, node, chain = batched
    plan_id, payer = world.register(), world.subscriber
    stale: list[str] = []
    world.send(payer, world.usdc.functions.approve(world.credits.address, 0))
    selector = world.usdc.functions.allowance(payer.address, payer.address).selector

    def lag(method: str, params: list[Any], forward: Forward) -> Reply:
        is_allowance = method == "eth_call" and params[0]["data"].startswith(selector)
        if is_allowance and len(stale) < 4:
            stale.append(method)
            return {"result": f"0x{0:064x}"}
        return None

    node.hook = lag
    receipt = order_plan(chain, payer, plan_id, payment_method="approve")
    assert len(stale) == 4
    assert receipt.approval is not None
    assert world.spent(payer) == PRICE
