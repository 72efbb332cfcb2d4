"""Readers of many: what they return is what the readers of one return, on both chains."""

from collections.abc import Iterator
from itertools import count, islice
from random import Random
from typing import Any

import pytest

from nvm_chain.chain import multicalls
from nvm_chain.chain.multicalls import build_program
from nvm_chain.chain.raw_calls import call_raw
from nvm_chain.errors import InvalidAddress, InvalidPlanId, UnknownPlan
from nvm_chain.operations import bulk_parts
from nvm_chain.operations.bulk_parts import read_plan_states
from nvm_chain.operations.bulk_reads import (
    read_access_windows,
    read_accounts,
    read_all_lots,
    read_balances,
    read_plans,
    stream_access_windows,
    stream_accounts,
    stream_all_lots,
    stream_balances,
    stream_plans,
)
from nvm_chain.operations.credits import read_access_until, read_account, read_balance, read_lots
from nvm_chain.operations.plans import read_plan, read_plan_state
from nvm_chain.types.accounts import Lot
from nvm_chain.types.addresses import format_address
from tests.support.plans import expiring, from_first_use, from_purchase, outside, usage
from tests.support.world import World

EMBEDDED_TOO = True

DAY = 86_400
NO_LIMIT = 2**256 - 1
PAIR_READERS = [
    (read_balances, stream_balances, read_balance),
    (read_accounts, stream_accounts, read_account),
    (read_access_windows, stream_access_windows, read_access_until),
    (read_all_lots, stream_all_lots, lambda *account: read_lots(*account, limit=NO_LIMIT)),
]


@pytest.fixture
def plan_ids(world: World) -> list[int]:
    """Plans of each kind, and one that is not registered."""
    of_price = [world.register(), world.register(**usage(uri="https://example.com/usage.json"))]
    free = [expiring(DAY, uri="é" * 40), from_purchase(DAY), from_first_use(DAY), outside(uri="x" * 32)]
    return [*of_price, *(world.register(**terms) for terms in free), 2**256 - 1]


@pytest.fixture
def pairs(world: World, plan_ids: list[int]) -> list[tuple[int, str]]:
    """Holders who have something of some of the plans, or nothing."""
    chance = Random(7)
    holders = [format_address(chance.randbytes(20)) for _ in range(3)]
    for plan_id in (plan_ids[0], *plan_ids[2:5]):
        world.grant(plan_id, holders[chance.randrange(2)], 1 + chance.randrange(3))
    world.grant(plan_ids[2], holders[0], 1)
    world.grant(plan_ids[2], holders[1], 2)
    found: list[tuple[int, str]] = [(plan_id, holder) for plan_id in plan_ids for holder in holders]
    chance.shuffle(found)
    return found


def test_readers_of_many__in_parts_and_at_once__return_what_readers_of_one_do(
    world: World, pairs: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [[read_one(world.chain, *pair) for pair in pairs] for _, _, read_one in PAIR_READERS]
    for most in (1000, 5):
        monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", most)
        monkeypatch.setattr(bulk_parts, "LOTS_AT_ONCE", most)
        for (read, stream, _), results in zip(PAIR_READERS, expected, strict=True):
            assert read(world.chain, pairs) == results
            assert list(stream(world.chain, iter(pairs))) == results
            assert len({str(each) for each in results}) > 1  # else nothing was looked at


def test_read_plans__of_each_kind__are_what_read_plan_reads(
    world: World, plan_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [*plan_ids[:-1], plan_ids[0]]
    expected = [read_plan(world.chain, plan_id) for plan_id in known]
    for most in (1000, 2):
        monkeypatch.setattr(bulk_parts, "PLANS_AT_ONCE", most)
        assert read_plans(world.chain, map(str, known)) == list(stream_plans(world.chain, known)) == expected
    assert read_plan_states(world.chain, known) == [read_plan_state(world.chain, plan_id) for plan_id in known]


def test_read_plans__with_one_that_is_not_registered__says_which(world: World, plan_ids: list[int]) -> None:
    with pytest.raises(UnknownPlan) as caught:
        read_plans(world.chain, plan_ids)
    assert caught.value.args == (plan_ids[-1],)


def test_readers_of_many__of_nothing__ask_nothing(world: World, requests_made: list[str]) -> None:
    for read, stream, _ in PAIR_READERS:
        assert read(world.chain, []) == list(stream(world.chain, [])) == []
    assert read_plans(world.chain, []) == list(stream_plans(world.chain, [])) == []
    assert requests_made == []


@pytest.mark.parametrize(("read", "stream", "_"), PAIR_READERS)
def test_readers_of_many__with_one_that_cannot_be__ask_nothing(
    world: World, requests_made: list[str], read: Any, stream: Any, _: Any
) -> None:
    good = (1, world.other.address)
    for pair, error in (((1, "0x12"), InvalidAddress), ((True, world.other.address), InvalidPlanId)):
        with pytest.raises(error):
            read(world.chain, [good, pair])
        with pytest.raises(error):
            next(stream(world.chain, [good, pair]))
    with pytest.raises(InvalidPlanId):
        read_plans(world.chain, [1, "plan"])
    assert requests_made == []


def test_stream_accounts__of_an_endless_source__takes_what_is_needed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", 4)
    monkeypatch.setattr(bulk_parts, "PARSED_AT_ONCE", 2)
    plan_id, taken = world.register(), []

    def accounts() -> Iterator[tuple[int, str]]:
        for number in count(1):
            taken.append(number)
            yield plan_id, f"0x{number:040x}"

    found = stream_accounts(world.chain, accounts())
    assert taken == []
    assert [account.balance for account in islice(found, 6)] == [0] * 6
    assert len(taken) <= 10


def test_read_accounts__in_parts__tells_how_many_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_parts, "ACCOUNTS_AT_ONCE", 2)
    told: list[int] = []
    read_accounts(world.chain, [(1, world.other.address)] * 5, on_read=told.append)
    assert told == [2, 4, 5]


def test_read_all_lots__of_an_expiring_plan__has_each_purchase(world: World) -> None:
    plan_id = world.register(**expiring(DAY))
    for amount in (3, 4):
        world.grant(plan_id, world.other.address, amount)
    ((first, second),) = read_all_lots(world.chain, [(plan_id, world.other.address)])
    assert isinstance(first, Lot)
    assert (first.credits, second.credits) == (3, 4)
    assert first.expires_at <= second.expires_at


# ---------------------------------------------------------------------- the program


@pytest.mark.parametrize("size", [1, 4, 32, 33, 300])
def test_build_program__of_calls_of_any_size__makes_each_with_its_data(world: World, size: int) -> None:
    """At address 4 is a contract of each chain that returns what it is given."""
    echo = format_address((4).to_bytes(20))
    calls = [bytes((number,)) * size for number in range(1, 6)]
    answer = call_raw(world.chain, {"data": f"0x{build_program(echo, calls).hex()}"}, "latest")
    assert list(multicalls._split(answer)) == [(True, data) for data in calls]


def test_build_program__with_a_call_that_fails__makes_the_others(world: World, plan_ids: list[int]) -> None:
    terms_of = bytes.fromhex(world.credits.encode_abi("termsOf", [0])[2:10])
    calls = [terms_of + plan_id.to_bytes(32) for plan_id in (plan_ids[0], plan_ids[-1], plan_ids[1])]
    answer = call_raw(world.chain, {"data": f"0x{build_program(world.credits.address, calls).hex()}"}, "latest")
    (first, ok), (second, data), (third, _) = multicalls._split(answer)
    assert (first, second, third, len(ok) % 32) == (True, False, True, 0)
    assert data[4:] == plan_ids[-1].to_bytes(32)
