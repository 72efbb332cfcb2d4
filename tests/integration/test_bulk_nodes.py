"""Readers of many before odd nodes: divided as a node takes it, of one block, and nothing believed that cannot be."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.multicalls import PLACE
from nvm_chain.errors import AnswerUnreadable, BlockReplaced, NoContract, RpcFailed
from nvm_chain.operations import bulk_parts
from nvm_chain.operations.bulk_reads import read_access_windows, read_accounts, read_all_lots, read_plans
from tests.support.odd_node import Forward, OddNode, Reply, refuse
from tests.support.world import World

READ = "eth_call"
ANSWER_BYTES = 4 + 4 * 32
"""What the program gives for one account."""


def holders(count: int) -> list[str]:
    return [f"0x{(0x51 << 152) + number:040x}" for number in range(1, count + 1)]


def is_override(params: list[Any]) -> bool:
    return len(params) > 2


def is_creation(params: list[Any]) -> bool:
    return "to" not in params[0]


def count_accounts(params: list[Any]) -> int:
    """Return for how many accounts a program asks."""
    code = params[2][PLACE]["code"] if is_override(params) else params[0].get("data", "")
    return len(code) // (2 * 68)  # the program itself is shorter than two


def read_balances_of(chain: Chain, plan_id: int, people: list[str]) -> list[int]:
    return [account.balance for account in read_accounts(chain, [(plan_id, person) for person in people])]


def test_read_accounts__of_many__is_one_request(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, chain = odd
    plan_id, people = world.register(), holders(1000)
    world.grant(plan_id, people[-1], 9)
    assert read_balances_of(chain, plan_id, people) == [0] * 999 + [9]
    assert node.asked == [READ]


def test_read_accounts__in_parts__is_of_one_block(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer between two parts would be counted twice, or not at all."""
    world, node, chain = odd
    monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", 2)
    plan_id, people = world.register(transferable=True), [world.subscriber.address, *holders(2), world.other.address]
    world.grant(plan_id, people[0], 5)

    def move(method: str, params: list[Any], forward: Forward) -> Reply:
        answer = forward()
        if method == READ and node.asked.count(READ) == 1:
            world.send(
                world.subscriber, world.credits.functions.safeTransferFrom(people[0], people[-1], plan_id, 5, b"")
            )
        return answer

    node.hook = move
    assert read_balances_of(chain, plan_id, people) == [5, 0, 0, 0]


def test_read_accounts__of_a_block_that_was_replaced__says_so(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, node, chain = odd
    monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", 2)
    plan_id, asked = world.register(), "eth_getBlockByNumber"

    def replace(method: str, params: list[Any], forward: Forward) -> Reply:
        answer = forward()
        if method == asked and node.asked.count(asked) == 2:
            answer["result"]["hash"] = "0x" + "12" * 32
        return answer

    node.hook = replace
    with pytest.raises(BlockReplaced) as caught:
        read_balances_of(chain, plan_id, holders(3))
    assert caught.value.args == (world.chain.read_block().number,)


@pytest.mark.parametrize(
    "refusal",
    [refuse("EVM error OutOfGas", -32603), refuse("execution timed out"), refuse("out of gas"), (413, {})],
    ids=str,
)
def test_read_accounts__of_a_node_that_takes_few_at_once__asks_for_fewer(
    odd: tuple[World, OddNode, Chain], refusal: Reply
) -> None:
    world, node, chain = odd
    plan_id, people = world.register(), holders(300)
    world.grant(plan_id, people[-1], 9)

    def at_most(method: str, params: list[Any], forward: Forward) -> Reply:
        return refusal if method == READ and count_accounts(params) > 100 else None

    node.hook = at_most
    assert read_balances_of(chain, plan_id, people) == [0] * 299 + [9]


@pytest.mark.parametrize(
    "refusal",
    [
        refuse("too many arguments, want at most 2", -32602),
        {"result": "0x"},
        refuse("execution reverted", 3),
        (400, {}),
    ],
    ids=str,
)
def test_read_accounts__of_a_node_without_state_overrides__has_a_contract_created(
    odd: tuple[World, OddNode, Chain], refusal: Reply
) -> None:
    world, node, chain = odd
    plan_id, people = world.register(), holders(300)
    world.grant(plan_id, people[-1], 9)
    node.hook = lambda method, params, forward: refusal if method == READ and is_override(params) else None
    assert read_balances_of(chain, plan_id, people) == [0] * 299 + [9]
    assert node.asked.count(READ) < 12  # and no call for each


def test_readers_of_many__of_a_node_that_runs_no_programs__ask_one_by_one(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, chain = odd
    plan_id, people = world.register(uri="https://example.com/plan.json"), holders(5)
    pairs = [(plan_id, person) for person in people]
    world.grant(plan_id, people[-1], 9)

    def refuse_programs(method: str, params: list[Any], forward: Forward) -> Reply:
        return refuse("not supported") if method == READ and (is_override(params) or is_creation(params)) else None

    node.hook = refuse_programs
    assert read_plans(chain, [plan_id] * 3) == read_plans(world.chain, [plan_id] * 3)
    assert read_accounts(chain, pairs) == read_accounts(world.chain, pairs)
    assert read_access_windows(chain, pairs) == read_access_windows(world.chain, pairs)
    assert read_all_lots(chain, pairs) == read_all_lots(world.chain, pairs)


def test_readers_of_many__of_a_node_that_answers_no_call__raise_what_it_says(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: refuse("header not found") if method == READ else None
    for read in (lambda: read_plans(chain, [plan_id] * 5), lambda: read_balances_of(chain, plan_id, holders(5))):
        with pytest.raises(RpcFailed, match="header not found"):
            read()


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "without the last byte": lambda answer: answer[:-1],
    "without the last answer": lambda answer: answer[:-ANSWER_BYTES],
    "one answer more": lambda answer: answer + answer[:ANSWER_BYTES],
    "one byte more": lambda answer: answer + b"\0",
    "three bytes more": lambda answer: answer + b"\x80\0\0",
    "a longer answer told": lambda answer: b"\x80\0\0\x81" + answer[4:],
    "a shorter answer told": lambda answer: b"\x80\0\0\x7f" + answer[4:],
    "a flag of 2": lambda answer: answer[:-1] + b"\2",
    "an answer of nothing": lambda answer: b"\x80\0\0\0" + answer[ANSWER_BYTES:],
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_read_accounts__answered_with_other_than_was_asked__is_not_believed(
    odd: tuple[World, OddNode, Chain], spoil: Callable[[bytes], bytes]
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    def lie(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != READ:
            return None
        return {"result": f"0x{spoil(bytes.fromhex(forward()['result'][2:])).hex()}"}

    node.hook = lie
    with pytest.raises(AnswerUnreadable):
        read_balances_of(chain, plan_id, holders(3))


@pytest.mark.parametrize("result", ["0x1", "0xzz", "12 34", None, 7, ["0x"]], ids=json.dumps)
def test_read_accounts__answered_with_what_is_not_hex__is_not_believed(
    odd: tuple[World, OddNode, Chain], result: object
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: {"result": result} if method == READ else None
    with pytest.raises(AnswerUnreadable):
        read_balances_of(chain, plan_id, holders(3))


def test_read_accounts__of_a_contract_that_is_gone__says_so(odd: tuple[World, OddNode, Chain]) -> None:
    world, _, chain = odd
    plan_id = world.register()
    world.chain.web3.provider.make_request("anvil_setCode", [world.credits.address, "0x"])  # type: ignore[arg-type]
    for people in (holders(1), holders(3)):
        with pytest.raises(NoContract):
            read_balances_of(chain, plan_id, people)
