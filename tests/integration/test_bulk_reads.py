"""Balances of many at one block: in parts that a node takes, equal to single reads, and right when the node lies."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.chain import bulk_reads
from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import read_events
from nvm_chain.chain.repeating import BUSY
from nvm_chain.errors import AnswerUnreadable, InvalidAddress, InvalidPlanId, NoContract, NodeBusy, RpcFailed
from nvm_chain.operations.credits import read_balance, read_balances
from nvm_chain.types.events import EventFilter
from tests.support.odd_node import Forward, OddNode, Reply, open_odd_chain, refuse
from tests.support.world import World

READ = "eth_call"


@pytest.fixture
def odd(world: World) -> Iterator[tuple[World, OddNode, Chain]]:
    """A world on anvil, the odd node before it, and a chain that talks through it."""
    with open_odd_chain(world, timeout_seconds=1) as (node, chain):
        yield world, node, chain


def holders(count: int) -> list[str]:
    return [f"0x{(0x51 << 152) + number:040x}" for number in range(count)]


def count_pairs(params: list[Any]) -> int:
    """Return how many pairs a call of balanceOfBatch asks for."""
    return int(params[0]["data"][10 + 2 * 64 : 10 + 3 * 64], 16)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_read_balances__in_parts__is_what_single_reads_are(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    world, node, chain = odd
    monkeypatch.setattr(bulk_reads, "BALANCES_AT_ONCE", size)
    plans = [world.register(), world.register(duration=3000), world.register()]
    people = holders(2)
    for number, plan_id in enumerate(plans[:2]):
        world.grant(plan_id, people[number], 3 + number)
    pairs = [(plan_id, holder) for plan_id in plans for holder in people][:5]
    read: list[int] = []
    found = read_balances(chain, pairs, on_read=read.append)
    assert found == [read_balance(world.chain, *pair) for pair in pairs] == [3, 0, 0, 4, 0]
    assert (read[-1], len(read)) == (5, -(-5 // size))
    assert node.asked.count(READ) == -(-5 // size)


def test_read_balances__in_parts__is_of_one_block(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer between two parts would be counted twice, or not at all."""
    world, node, chain = odd
    monkeypatch.setattr(bulk_reads, "BALANCES_AT_ONCE", 1)
    plan_id, people = world.register(transferable=True), [world.subscriber.address, world.other.address]
    world.grant(plan_id, people[0], 5)

    def move(method: str, params: list[Any], forward: Forward) -> Reply:
        answer = forward()
        if method == READ and node.asked.count(READ) == 1:
            world.send(
                world.subscriber, world.credits.functions.safeTransferFrom(people[0], people[1], plan_id, 5, b"")
            )
        return answer

    node.hook = move
    assert read_balances(chain, [(plan_id, person) for person in people]) == [5, 0]


@pytest.mark.parametrize(
    "refusal", [refuse("EVM error OutOfGas", -32603), refuse("execution timed out"), refuse("body too large")]
)
def test_read_balances__of_a_node_that_takes_few_at_once__asks_for_fewer(
    odd: tuple[World, OddNode, Chain], refusal: Reply
) -> None:
    world, node, chain = odd
    plan_id, people = world.register(), holders(1000)
    world.grant(plan_id, people[-1], 9)

    def at_most(method: str, params: list[Any], forward: Forward) -> Reply:
        return refusal if method == READ and count_pairs(params) > 130 else None

    node.hook = at_most
    assert read_balances(chain, [(plan_id, person) for person in people]) == [0] * 999 + [9]


def test_read_balances__of_a_node_that_refuses_few_too__raises_what_it_says(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: refuse("header not found") if method == READ else None
    with pytest.raises(RpcFailed, match="header not found"):
        read_balances(chain, [(plan_id, person) for person in holders(300)])
    assert node.asked.count(READ) == 4  # 300, 150, 75, 37


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-64], lambda text: text + "00" * 32, lambda text: "0x" + "00" * 64]
)
def test_read_balances__answered_with_other_than_was_asked__is_not_believed(
    odd: tuple[World, OddNode, Chain], spoil: Any
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    def lie(method: str, params: list[Any], forward: Forward) -> Reply:
        return {"result": spoil(forward()["result"])} if method == READ else None

    node.hook = lie
    with pytest.raises(AnswerUnreadable, match="balanceOfBatch of 3"):
        read_balances(chain, [(plan_id, person) for person in holders(3)])


def test_read_balances__of_a_contract_that_is_gone__says_so(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: {"result": "0x"} if method in (READ, "eth_getCode") else None
    with pytest.raises(NoContract):
        read_balances(chain, [(plan_id, holders(1)[0])])


@pytest.mark.parametrize(
    ("pair", "error"),
    [
        ((True, holders(1)[0]), InvalidPlanId),
        ((1.0, holders(1)[0]), InvalidPlanId),
        ((1, "0x" + "00" * 20), InvalidAddress),
        ((1, "0x036CbD53842c5426634e7929541eC2318f3dCF7E"), InvalidAddress),
        ((1, "0x12"), InvalidAddress),
    ],
)
def test_read_balances__of_what_is_not_a_plan_or_a_holder__says_which(
    odd: tuple[World, OddNode, Chain], pair: Any, error: type[Exception]
) -> None:
    _, node, chain = odd
    with pytest.raises(error):
        read_balances(chain, [(1, holders(2)[1]), pair])
    assert node.asked == []


@pytest.mark.parametrize("reply", [(502, {}), (503, {}), (429, {}), refuse("rate limit exceeded", -32005)], ids=str)
def test_read_events__of_a_long_range_by_a_gateway_that_is_down__is_waited_for_once(
    odd: tuple[World, OddNode, Chain], reply: Reply
) -> None:
    """Not once for each size that the range is divided into: 26 sizes lie between 20,000,000 blocks and one."""
    _, node, chain = odd
    node.hook = lambda method, params, forward: reply if method == "eth_getLogs" else None
    with pytest.raises(NodeBusy):
        read_events(chain, [EventFilter(("TransferSingle",))], 0, 20_000_000)
    assert node.asked.count("eth_getLogs") < 2 * 26


@pytest.mark.parametrize("status", sorted(BUSY | {413}))
def test_read_events__of_a_range_that_a_gateway_refuses_once__is_read(
    odd: tuple[World, OddNode, Chain], status: int
) -> None:
    """Each status is either waited for, or about the size, so that less is asked for. None ends the read."""
    _, node, chain = odd
    refused: list[str] = []

    def refuse_once(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_getLogs" or refused:
            return None
        refused.append(method)
        return status, {}

    node.hook = refuse_once
    last = chain.read_block().number
    read_events(chain, [EventFilter(("TransferSingle",))], 0, last)
    assert refused
    assert node.asked.count("eth_getLogs") > 1
