"""Prices, shares and fees on chain, for numbers up to the largest (C29, C30; I6)."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import example, given
from hypothesis import strategies as st
from web3.contract.contract import Contract

from nvm_chain.errors import CreditsOverflow
from nvm_chain.types.prices import Split
from tests.support.books import fee_of, share_of
from tests.support.fuzz import on_chain
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, World

MAX_AMOUNT = 2**96 - 1
MAX_QUANTITY = 2**32 - 1
MAX_FEE_BPS = 1000
SUPPLY = 2**250

amounts = st.one_of(st.integers(1, 20_000), st.integers(1, MAX_AMOUNT), st.just(MAX_AMOUNT))
quantities = st.one_of(st.integers(1, 100), st.integers(1, MAX_QUANTITY), st.just(MAX_QUANTITY))
fees = st.one_of(st.integers(0, MAX_FEE_BPS), st.just(MAX_FEE_BPS))


@pytest.fixture
def token(world: World) -> Contract:
    """A token of which the subscriber has more than all that is ordered here."""
    token = world.deploy("HonestToken")
    world.fund(world.subscriber, token, SUPPLY)
    return token


def _receivers(count: int) -> list[Any]:
    return [to_checksum_address((0x5000 + index).to_bytes(20, "big")) for index in range(count)]


def _order(world: World, token: Contract, splits: tuple[Split, ...], fee_bps: int, quantity: int) -> list[Any]:
    """Register a plan, order it, and return the token's transfers as (receiver, amount)."""
    world.set_fee(fee_bps)
    plan_id = world.register(token=token.address, splits=splits, credits=1)
    receipt = world.order(plan_id, quantity=quantity)
    transfers = world.chain.read_events(token, "Transfer", receipt)
    assert {entry["args"]["from"] for entry in transfers} == {world.subscriber.address}
    return [(entry["args"]["to"], entry["args"]["amount"]) for entry in transfers]


@on_chain
@given(parts=st.lists(amounts, min_size=1, max_size=16), fee_bps=fees, quantity=quantities)
@example(parts=[MAX_AMOUNT] * 16, fee_bps=MAX_FEE_BPS, quantity=MAX_QUANTITY)
@example(parts=[1] * 16, fee_bps=MAX_FEE_BPS, quantity=1)
@example(parts=[9, 10, 11], fee_bps=MAX_FEE_BPS, quantity=1)
def test_order__of_any_price__is_shared_exactly(
    world: World, token: Contract, parts: list[int], fee_bps: int, quantity: int
) -> None:
    """C29, I6: shares and fee sum to the cost; the fee is not above its rate, and less than a unit per split below."""
    splits = tuple(Split(receiver, part) for receiver, part in zip(_receivers(len(parts)), parts, strict=True))
    paid = _order(world, token, splits, fee_bps, quantity)
    fee = fee_of(splits, fee_bps, quantity)
    expected = [(split.receiver, share_of(split, fee_bps, quantity)) for split in reversed(splits)]
    expected += [(world.fee_receiver.address, fee)] if fee else []
    assert paid == expected
    cost = sum(parts) * quantity
    assert sum(amount for _, amount in paid) == cost
    assert 0 <= cost * fee_bps - fee * 10_000 < 10_000 * len(parts)


@on_chain
@given(part=st.integers(1, 5000), fee_bps=fees, pieces=st.integers(2, 5))
@example(part=9, fee_bps=MAX_FEE_BPS, pieces=5)
def test_order__in_pieces__costs_what_it_costs_at_once(
    world: World, token: Contract, part: int, fee_bps: int, pieces: int
) -> None:
    """C29: who splits one order in many pays the same; of the fee each order saves less than one unit per split."""
    splits = (Split(world.builder.address, part),)
    at_once = _order(world, token, splits, fee_bps, pieces)
    plan_id = world.register(token=token.address, splits=splits, credits=1)
    singly: list[int] = []
    for _ in range(pieces):
        transfers = world.chain.read_events(token, "Transfer", world.order(plan_id))
        singly += [entry["args"]["amount"] for entry in transfers]
    assert sum(singly) == sum(amount for _, amount in at_once) == part * pieces
    fee_at_once = fee_of(splits, fee_bps, pieces)
    assert 0 <= fee_at_once - pieces * fee_of(splits, fee_bps) < pieces


@pytest.mark.parametrize(("amount", "fee"), [(9, 0), (10, 1), (11, 1), (19, 1), (20, 2)])
def test_order__around_one_unit_of_fee__rounds_the_fee_down(
    world: World, token: Contract, amount: int, fee: int
) -> None:
    """C29: at ten per cent the fee begins with an amount of ten."""
    paid = _order(world, token, (Split(world.builder.address, amount),), MAX_FEE_BPS, 1)
    expected = [(world.builder.address, amount - fee)] + ([(world.fee_receiver.address, fee)] if fee else [])
    assert paid == expected


@pytest.mark.parametrize(
    ("credits", "quantity", "fits"),
    [
        (1, 1, True),
        (2**22 - 1, MAX_QUANTITY, True),
        (2**32 - 1, 2**22, True),
        (20_394_401, 2 * 441_650_591, True),
        (2**27 - 1, 2**27 + 1, True),
        (2**27, 2**27, False),
        (2**22 + 1, MAX_QUANTITY, False),
        (2**32 - 1, MAX_QUANTITY, False),
    ],
    ids=["one", "most purchases", "most credits", "2^54-2", "2^54-1", "2^54", "more", "most of both"],
)
def test_order__of_any_quantity__grants_credits_times_quantity_if_an_account_holds_it(
    world: World, credits: int, quantity: int, fits: bool
) -> None:
    """C30, C31: exactly as many, up to 2^54 - 1; the most of both is below 2^64. Nothing is cut to size."""
    _order_of_many(world, credits, quantity, fits, duration=0)


@pytest.mark.parametrize(
    ("credits", "quantity", "fits"),
    [
        (2**27 - 2, 2**26 + 1, True),
        (20_394_401, 441_650_591, True),
        (2**26, 2**27, False),
        (2**27 - 1, 2**27 + 1, False),
        (2**32 - 1, MAX_QUANTITY, False),
    ],
    ids=["2^53-2", "2^53-1", "2^53", "2^54-1", "most of both"],
)
def test_order__of_any_quantity_that_expires__grants_if_an_account_holds_it(
    world: World, credits: int, quantity: int, fits: bool
) -> None:
    """C30, C31: half as many."""
    _order_of_many(world, credits, quantity, fits, duration=86_400)


def _order_of_many(world: World, credits: int, quantity: int, fits: bool, duration: int) -> None:
    plan_id, holder = world.register(splits=(), credits=credits, duration=duration), world.other.address
    function = world.credits.functions.order(plan_id, holder, quantity, MAX_UINT)
    if fits:
        world.send(world.subscriber, function)
    else:
        with reverts(CreditsOverflow(plan_id, holder, credits * quantity)):
            world.send(world.subscriber, function)
    assert world.balance(plan_id, holder) == (credits * quantity if fits else 0)
