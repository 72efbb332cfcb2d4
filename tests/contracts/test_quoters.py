"""Quoters: the honest example, and how a quoted price is shared.

Hostile ones are in tests/attacks/test_quoters. What `quote` says of the honest one is in test_quote.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import NvmChainError, QuoteFailed, WrongValue
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books
from tests.support.events import granted, ordered
from tests.support.fuzz import on_chain
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.quoted import MAX_COST, ask_quote, open_quoted_books, order_quoted, register_quoted
from tests.support.reverts import reverts
from tests.support.world import CREDITS, ZERO, World

TIERS = [(1, 100), (10, 90), (100, 55)]


# ---------------------------------------------------------------- the honest example


@pytest.mark.parametrize(
    ("quantity", "cost"), [(1, 100), (2, 200), (9, 900), (10, 900), (11, 990), (99, 8910), (100, 5500), (101, 5555)]
)
def test_order__with_a_volume_discount__pays_the_tiers_price(funded: World, quantity: int, cost: int) -> None:
    plan_id, payer = register_quoted(funded, funded.deploy("VolumeDiscount", TIERS)), funded.subscriber.address
    books = open_quoted_books(funded)
    receipt = funded.send(funded.subscriber, order_quoted(funded, plan_id, quantity, cost))
    second = cost * 300 // 1000
    assert books.changes() == {"payer": -cost, "first": cost - second, "second": second}
    assert funded.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS * quantity),
        ordered(plan_id, payer, payer, quantity, cost),
    ]


def test_order__with_a_volume_discount_below_its_lowest_tier__reverts(funded: World) -> None:
    quoter = funded.deploy("VolumeDiscount", [(5, 10)])
    plan_id = register_quoted(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id, 4))
    funded.send(funded.subscriber, order_quoted(funded, plan_id, 5))
    assert funded.tokens(funded.builder.address) == 35


def test_volume_discount__of_the_dearest_tier_and_the_largest_order__stays_a_price(world: World) -> None:
    """C30: the largest quantity times the highest unit price is below 2^128."""
    plan_id = register_quoted(world, world.deploy("VolumeDiscount", [(1, 2**96 - 1)]))
    assert ask_quote(world, plan_id, 2**32 - 1) == (2**32 - 1) * (2**96 - 1)


@pytest.mark.parametrize("tiers", [[], [(1, 5), (1, 4)], [(2, 5), (1, 4)], [(1, 9), (10, 8), (9, 7)]])
def test_volume_discount__with_tiers_that_do_not_rise__cannot_be_deployed(
    world: World, tiers: list[tuple[int, int]]
) -> None:
    with pytest.raises(NvmChainError):
        world.deploy("VolumeDiscount", tiers)


def test_volume_discount__says_its_tiers(world: World) -> None:
    assert [tuple(tier) for tier in world.read(world.deploy("VolumeDiscount", TIERS).functions.tiersOf())] == TIERS


# ---------------------------------------------------------------- the cost among the splits


@pytest.mark.parametrize(
    ("cost", "shares"),
    [
        (0, ()),
        (1, (1,)),
        (2, (2,)),
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (5, (3, 1, 1)),
        (6, (2, 2, 2)),
        (1000, (334, 333, 333)),
    ],
)
def test_order__of_a_quoted_cost__gives_the_dust_to_the_first(
    funded: World, cost: int, shares: tuple[int, ...]
) -> None:
    """C29: shares are rounded down and the first split takes what is left."""
    three = tuple(Split(role.address, 1) for role in (funded.builder, funded.partner, funded.other))
    plan_id = register_quoted(funded, funded.deploy("ChangesPrice", cost), splits=three)
    books = open_quoted_books(funded)
    funded.send(funded.subscriber, order_quoted(funded, plan_id))
    expected = {"payer": -cost, **dict(zip(("first", "second", "third"), shares, strict=False))}
    assert books.changes() == {name: change for name, change in expected.items() if change}


def test_order__with_one_split__gives_it_all_of_the_quoted_cost(funded: World) -> None:
    plan_id = register_quoted(
        funded, funded.deploy("ChangesPrice", 777), splits=(Split(funded.builder.address, 2**96 - 1),)
    )
    funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert funded.tokens(funded.builder.address) == 777


def test_order__with_a_quoted_cost_and_a_fee__takes_the_fee_out_of_each_share(funded: World) -> None:
    """I6: 1001 are shared as 701 and 300; 2.5 % of each, rounded down, are 17 and 7."""
    funded.set_fee(250)
    plan_id = register_quoted(funded, funded.deploy("ChangesPrice", 1001))
    books = open_quoted_books(funded)
    funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert books.changes() == {"payer": -1001, "first": 684, "second": 293, "protocol": 24}


@on_chain
@given(
    cost=st.integers(0, 10**15) | st.integers(0, 20),
    weights=st.lists(st.integers(1, 2**96 - 1) | st.integers(1, 3), min_size=1, max_size=16),
    fee_bps=st.sampled_from([0, 1, 250, 1000]),
)
def test_order__of_any_cost_and_weights__pays_exactly_the_sum(
    world: World, cost: int, weights: list[int], fee_bps: int
) -> None:
    """I6, C29: nobody gets a base unit more than their weight, but the first, and none is lost or made."""
    world.set_fee(fee_bps)
    receivers = [f"0x{0xBEEF0000 + index:040x}" for index in range(len(weights))]
    names = {f"split{index}": receiver for index, receiver in enumerate(receivers)}
    splits = tuple(
        Split(world.chain.web3.to_checksum_address(receiver), weight)
        for receiver, weight in zip(receivers, weights, strict=True)
    )
    plan_id = register_quoted(world, world.deploy("ChangesPrice", cost), splits=splits)
    world.fund(world.subscriber, amount=10**15)
    books = Books(
        world,
        world.usdc,
        payer=world.subscriber.address,
        protocol=world.fee_receiver.address,
        **{name: world.chain.web3.to_checksum_address(receiver) for name, receiver in names.items()},
    )
    world.send(world.subscriber, order_quoted(world, plan_id))
    due = [cost * weight // sum(weights) for weight in weights]
    due[0] = cost - sum(due[1:])
    fees = [part * fee_bps // 10_000 for part in due]
    expected = {f"split{index}": part - fee for index, (part, fee) in enumerate(zip(due, fees, strict=True))}
    expected |= {"payer": -cost, "protocol": sum(fees)}
    assert books.changes() == {name: change for name, change in expected.items() if change}


def test_order__of_the_dearest_quote_with_the_largest_weights__does_not_overflow(world: World) -> None:
    """C30: 2^128 - 1, shared by 16 weights of 2^96 - 1."""
    token = world.deploy("HonestToken")
    sixteen = (Split(world.builder.address, 2**96 - 1),) * 15 + (Split(world.partner.address, 2**96 - 1),)
    plan_id = register_quoted(world, world.deploy("ChangesPrice", MAX_COST), splits=sixteen, token=token.address)
    world.fund(world.subscriber, token, MAX_COST)
    world.send(world.subscriber, order_quoted(world, plan_id))
    assert world.tokens(world.partner.address, token) == MAX_COST // 16
    assert world.tokens(world.builder.address, token) == MAX_COST - MAX_COST // 16


def test_order__of_a_zero_quote__is_free_and_moves_nothing(world: World) -> None:
    world.set_fee(1000)
    plan_id, payer = register_quoted(world, world.deploy("ChangesPrice", 0)), world.subscriber.address
    receipt = world.send(world.subscriber, order_quoted(world, plan_id, 2, 0))
    assert world.events(receipt) == [
        granted(payer, payer, plan_id, 2 * CREDITS),
        ordered(plan_id, payer, payer, 2, 0),
    ]


def test_order__of_a_quote_in_coin__takes_exactly_that_value(world: World) -> None:
    plan_id = register_quoted(world, world.deploy("ChangesPrice", 1001), token=ZERO)
    for value in (0, 1000, 1002):
        with reverts(WrongValue(1001, value)):
            world.send(world.subscriber, order_quoted(world, plan_id), value)
    books = Books(world, COIN, first=world.builder.address, second=world.partner.address)
    world.send(world.subscriber, order_quoted(world, plan_id), 1001)
    assert books.changes() == {"first": 701, "second": 300}


def test_order__with_sixteen_weights_and_a_fee__fits_in_a_transaction(funded: World) -> None:
    """C33."""
    funded.set_fee(1000)
    sixteen = tuple(
        Split(funded.chain.web3.to_checksum_address(f"0x{0xABC00 + index:040x}"), index + 1) for index in range(16)
    )
    plan_id = register_quoted(funded, funded.deploy("ChangesPrice", 10**6), splits=sixteen)
    receipt = funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 10
