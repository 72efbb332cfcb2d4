"""Quoters: what a contract that names the price can do to an order, and what it cannot.

Each hostile one is named by its sin, see contracts/test/quoters/. What `quote` says of the honest one is in test_quote.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.contract_errors import CostAboveMax, PaymentFailed, QuoteFailed, UnknownPlan, WrongValue
from nvm_chain.errors import NvmChainError
from nvm_chain.types import Split
from tests.support.books import COIN, Books
from tests.support.events import granted, ordered
from tests.support.fuzz import on_chain
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reentry import encode
from tests.support.reverts import reverts
from tests.support.signed import plan_of_two, usage
from tests.support.world import CREDITS, MAX_UINT, NO_CONTEXT, ZERO, World

MAX_COST = 2**128 - 1
REFUSED = 4242
PRICE_WORD = (1000).to_bytes(32, "big")
TIERS = [(1, 100), (10, 90), (100, 55)]


def _plan(world: World, quoter: Contract, **changes: Any) -> int:
    return world.register(**{**plan_of_two(world), **changes}, quoter=quoter.address)


def _order(world: World, plan_id: int, quantity: int = 1, max_cost: int = MAX_UINT) -> ContractFunction:
    return world.credits.functions.order(plan_id, world.subscriber.address, quantity, max_cost)


def _quote(world: World, plan_id: int, quantity: int = 1, payer: str | None = None) -> int:
    return int(world.read(world.credits.functions.quote(plan_id, payer or world.subscriber.address, quantity)))


def _books(world: World) -> Books:
    return Books(
        world,
        world.usdc,
        payer=world.subscriber.address,
        first=world.builder.address,
        second=world.partner.address,
        third=world.other.address,
        protocol=world.fee_receiver.address,
    )


# ---------------------------------------------------------------- the honest example


@pytest.mark.parametrize(
    ("quantity", "cost"), [(1, 100), (2, 200), (9, 900), (10, 900), (11, 990), (99, 8910), (100, 5500), (101, 5555)]
)
def test_order__with_a_volume_discount__pays_the_tiers_price(funded: World, quantity: int, cost: int) -> None:
    plan_id, payer = _plan(funded, funded.deploy("VolumeDiscount", TIERS)), funded.subscriber.address
    books = _books(funded)
    receipt = funded.send(funded.subscriber, _order(funded, plan_id, quantity, cost))
    second = cost * 300 // 1000
    assert books.changes() == {"payer": -cost, "first": cost - second, "second": second}
    assert funded.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS * quantity),
        ordered(plan_id, payer, payer, quantity, cost),
    ]


def test_order__with_a_volume_discount_below_its_lowest_tier__reverts(funded: World) -> None:
    quoter = funded.deploy("VolumeDiscount", [(5, 10)])
    plan_id = _plan(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, _order(funded, plan_id, 4))
    funded.send(funded.subscriber, _order(funded, plan_id, 5))
    assert funded.tokens(funded.builder.address) == 35


def test_volume_discount__of_the_dearest_tier_and_the_largest_order__stays_a_price(world: World) -> None:
    """C30: the largest quantity times the highest unit price is below 2^128."""
    plan_id = _plan(world, world.deploy("VolumeDiscount", [(1, 2**96 - 1)]))
    assert _quote(world, plan_id, 2**32 - 1) == (2**32 - 1) * (2**96 - 1)


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
    plan_id = _plan(funded, funded.deploy("ChangesPrice", cost), splits=three)
    books = _books(funded)
    funded.send(funded.subscriber, _order(funded, plan_id))
    expected = {"payer": -cost, **dict(zip(("first", "second", "third"), shares, strict=False))}
    assert books.changes() == {name: change for name, change in expected.items() if change}


def test_order__with_one_split__gives_it_all_of_the_quoted_cost(funded: World) -> None:
    plan_id = _plan(funded, funded.deploy("ChangesPrice", 777), splits=(Split(funded.builder.address, 2**96 - 1),))
    funded.send(funded.subscriber, _order(funded, plan_id))
    assert funded.tokens(funded.builder.address) == 777


def test_order__with_a_quoted_cost_and_a_fee__takes_the_fee_out_of_each_share(funded: World) -> None:
    """I6: 1001 are shared as 701 and 300; 2.5 % of each, rounded down, are 17 and 7."""
    funded.set_fee(250)
    plan_id = _plan(funded, funded.deploy("ChangesPrice", 1001))
    books = _books(funded)
    funded.send(funded.subscriber, _order(funded, plan_id))
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
    plan_id = _plan(world, world.deploy("ChangesPrice", cost), splits=splits)
    world.fund(world.subscriber, amount=10**15)
    books = Books(
        world,
        world.usdc,
        payer=world.subscriber.address,
        protocol=world.fee_receiver.address,
        **{name: world.chain.web3.to_checksum_address(receiver) for name, receiver in names.items()},
    )
    world.send(world.subscriber, _order(world, plan_id))
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
    plan_id = _plan(world, world.deploy("ChangesPrice", MAX_COST), splits=sixteen, token=token.address)
    world.fund(world.subscriber, token, MAX_COST)
    world.send(world.subscriber, _order(world, plan_id))
    assert world.tokens(world.partner.address, token) == MAX_COST // 16
    assert world.tokens(world.builder.address, token) == MAX_COST - MAX_COST // 16


def test_order__of_a_zero_quote__is_free_and_moves_nothing(world: World) -> None:
    world.set_fee(1000)
    plan_id, payer = _plan(world, world.deploy("ChangesPrice", 0)), world.subscriber.address
    receipt = world.send(world.subscriber, _order(world, plan_id, 2, 0))
    assert world.events(receipt) == [
        granted(payer, payer, plan_id, 2 * CREDITS),
        ordered(plan_id, payer, payer, 2, 0),
    ]


def test_order__of_a_quote_in_coin__takes_exactly_that_value(world: World) -> None:
    plan_id = _plan(world, world.deploy("ChangesPrice", 1001), token=ZERO)
    for value in (0, 1000, 1002):
        with reverts(WrongValue(1001, value)):
            world.send(world.subscriber, _order(world, plan_id), value)
    books = Books(world, COIN, first=world.builder.address, second=world.partner.address)
    world.send(world.subscriber, _order(world, plan_id), 1001)
    assert books.changes() == {"first": 701, "second": 300}


# ---------------------------------------------------------------- a price that moves


def test_order__whose_price_rose_since_the_quote__reverts_above_the_payers_limit(funded: World) -> None:
    """C28: the quoter sees the order in the mempool and asks for more."""
    quoter = funded.deploy("ChangesPrice", 1000)
    plan_id = _plan(funded, quoter)
    seen = _quote(funded, plan_id)
    funded.send(funded.builder, quoter.functions.setPrice(1001))
    books = _books(funded)
    with reverts(CostAboveMax(1001, 1000)):
        funded.send(funded.subscriber, _order(funded, plan_id, max_cost=seen))
    assert (books.changes(), funded.balance(plan_id, funded.subscriber.address)) == ({}, 0)


@pytest.mark.parametrize("price", [999, 1000])
def test_order__whose_price_fell_since_the_quote__pays_the_lower_one(funded: World, price: int) -> None:
    quoter = funded.deploy("ChangesPrice", 1000)
    plan_id = _plan(funded, quoter)
    funded.send(funded.builder, quoter.functions.setPrice(price))
    books = _books(funded)
    funded.send(funded.subscriber, _order(funded, plan_id, max_cost=1000))
    assert books.changes()["payer"] == -price


def test_order__with_a_quoter_that_dislikes_the_payer__asks_for_the_payer_not_the_receiver(funded: World) -> None:
    quoter = funded.deploy("DependsOnPayer")
    plan_id = _plan(funded, quoter)
    funded.send(funded.builder, quoter.functions.dislike(funded.stranger.address))
    funded.fund(funded.stranger)
    assert (_quote(funded, plan_id), _quote(funded, plan_id, payer=funded.stranger.address)) == (1000, 9000)
    books = _books(funded)
    gift = funded.credits.functions.order(plan_id, funded.stranger.address, 1, 1000)
    funded.send(funded.subscriber, gift)
    assert books.changes()["payer"] == -1000
    with reverts(CostAboveMax(9000, 1000)):
        funded.send(funded.stranger, _order(funded, plan_id, max_cost=1000))


# ---------------------------------------------------------------- no price


@pytest.mark.parametrize("answer", [MAX_COST + 1, 2**255, MAX_UINT])
def test_order__of_a_huge_quote__reverts(funded: World, answer: int) -> None:
    """C30: it is not cut to size, and it cannot make the shares wrap around."""
    quoter = funded.deploy("ChangesPrice", answer)
    plan_id = _plan(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, _order(funded, plan_id))
    with reverts(QuoteFailed(plan_id, quoter.address)):
        _quote(funded, plan_id)


def test_order__of_the_largest_quote__is_a_price_that_nobody_can_pay(funded: World) -> None:
    """The bound's other side: 2^128 - 1 is a price."""
    plan_id, payer = _plan(funded, funded.deploy("ChangesPrice", MAX_COST)), funded.subscriber.address
    assert _quote(funded, plan_id) == MAX_COST
    share = MAX_COST * 300 // 1000
    with reverts(PaymentFailed(funded.usdc.address, payer, funded.partner.address, share)):
        funded.send(funded.subscriber, _order(funded, plan_id))


@pytest.mark.parametrize("size", [0, 4, 31])
def test_order__with_a_quoter_that_answers_too_little__reverts(funded: World, size: int) -> None:
    quoter = funded.deploy("AnswersBytes", size, PRICE_WORD, False)
    plan_id = _plan(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, _order(funded, plan_id))


@pytest.mark.parametrize("size", [32, 33, 64, 100_000])
def test_order__with_a_quoter_that_answers_more__reads_one_word_and_is_not_bombed(funded: World, size: int) -> None:
    """C12: 100 kB of answer are not copied; the quoter pays for them with gas, and the order with little more."""
    plan_id = _plan(funded, funded.deploy("AnswersBytes", size, PRICE_WORD, False))
    receipt = funded.send(funded.subscriber, _order(funded, plan_id))
    assert funded.tokens(funded.builder.address) == 700
    assert receipt["gasUsed"] < 350_000


def test_order__with_a_quoter_that_reverts_with_a_price__reverts(funded: World) -> None:
    quoter = funded.deploy("AnswersBytes", 32, PRICE_WORD, True)
    plan_id = _plan(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, _order(funded, plan_id))


@pytest.mark.parametrize("name", ["RevertsOnQuote", "BurnsGasOnQuote"])
def test_order__with_a_quoter_that_fails__reverts(funded: World, name: str) -> None:
    quoter = funded.deploy(name)
    plan_id = _plan(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, _order(funded, plan_id))
    with reverts(QuoteFailed(plan_id, quoter.address)):
        _quote(funded, plan_id)


def test_order__with_credits_itself_as_quoter__reverts(funded: World) -> None:
    """Credits has a function of a quoter's very name and asks itself in a circle, until the gas is over."""
    plan_id = _plan(funded, funded.credits)
    with reverts(QuoteFailed(plan_id, funded.credits.address)):
        funded.send(funded.subscriber, _order(funded, plan_id))


def test_order__of_another_plan__does_not_mind_a_broken_quoter(funded: World) -> None:
    """I8, I10."""
    _plan(funded, funded.deploy("BurnsGasOnQuote"))
    plan_id = _plan(funded, funded.deploy("ChangesPrice", 10))
    funded.send(funded.subscriber, _order(funded, plan_id))
    assert funded.balance(plan_id, funded.subscriber.address) == CREDITS


def test_redeem__with_a_quoter_that_turned_bad__needs_no_price(funded: World) -> None:
    """I10: holders keep and use what they have."""
    quoter = funded.deploy("ChangesPrice", 10)
    plan_id, holder = _plan(funded, quoter), funded.subscriber
    funded.send(holder, _order(funded, plan_id))
    funded.send(funded.builder, quoter.functions.setPrice(MAX_UINT))
    funded.send(holder, funded.credits.functions.redeem(plan_id, holder.address, 5, NO_CONTEXT))
    funded.grant(plan_id, holder.address, 1)
    assert funded.balance(plan_id, holder.address) == CREDITS - 4


# ---------------------------------------------------------------- a quoter that re-enters

Call = Callable[[World, int], ContractFunction]
WRITES: dict[str, Call] = {
    "order": lambda world, plan_id: world.credits.functions.order(plan_id, world.other.address, 1, 0),
    "pay": lambda world, plan_id: world.credits.functions.pay(plan_id, 1, 0, NO_CONTEXT),
    "mint": lambda world, plan_id: world.credits.functions.mint(plan_id, world.other.address, 1),
    "setPlanActive": lambda world, plan_id: world.credits.functions.setPlanActive(plan_id, False),
    "settle": lambda world, plan_id: world.credits.functions.settle(plan_id, []),
}


@pytest.mark.parametrize("name", WRITES)
def test_order__with_a_quoter_that_re_enters__lets_it_change_nothing(funded: World, name: str) -> None:
    """C10: it owns a free plan, so that each call would succeed were it not asked by a static call."""
    quoter = funded.deploy("ReentersOnQuote")
    free = usage(funded, splits=()) if name == "pay" else {"splits": ()}
    own = funded.register(**free)
    functions = funded.credits.functions
    funded.send(funded.builder, functions.setMinter(own, quoter.address, True))
    funded.send(funded.builder, functions.setRedeemer(own, quoter.address, True))
    call = WRITES[name](funded, own)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    plan_id = _plan(funded, quoter)
    books = _books(funded)
    funded.send(funded.subscriber, _order(funded, plan_id))
    assert books.changes()["payer"] == -REFUSED
    assert funded.balance(own, funded.other.address) == 0
    assert funded.read(functions.stateOf(own))[2] is True


def test_order__with_a_quoter_that_reads_back__shows_it_the_balance_before_the_order(funded: World) -> None:
    """C11: the price is asked for before anything is granted, in `quote` as in `order`."""
    quoter = funded.deploy("ReentersOnQuote")
    plan_id, holder = _plan(funded, quoter), funded.subscriber
    funded.grant(plan_id, holder.address, 17)
    call = funded.credits.functions.balanceOf(holder.address, plan_id)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    assert _quote(funded, plan_id) == 17
    books = _books(funded)
    funded.send(holder, _order(funded, plan_id))
    assert books.changes()["payer"] == -17
    assert _quote(funded, plan_id) == 17 + CREDITS


def test_order__with_a_quoter_that_asks_about_an_unknown_plan__is_refused_like_anyone(funded: World) -> None:
    quoter = funded.deploy("ReentersOnQuote")
    call = funded.credits.functions.termsOf(7)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    with reverts(UnknownPlan(7)):
        funded.read(call)
    assert _quote(funded, _plan(funded, quoter)) == REFUSED


def test_order__with_sixteen_weights_and_a_fee__fits_in_a_transaction(funded: World) -> None:
    """C33."""
    funded.set_fee(1000)
    sixteen = tuple(
        Split(funded.chain.web3.to_checksum_address(f"0x{0xABC00 + index:040x}"), index + 1) for index in range(16)
    )
    plan_id = _plan(funded, funded.deploy("ChangesPrice", 10**6), splits=sixteen)
    receipt = funded.send(funded.subscriber, _order(funded, plan_id))
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 10
