"""Hostile quoters: the attacker names the price of a plan, and wants more than the payer agreed to, or to break the books.

It raises the price in the same block, answers too much or too little, fails, burns gas, re-enters. It decides about the price up to
the payer's limit and about nothing else (C10, C11, C12, C28, C30; I8, I10). Each is named by its sin, see contracts/test/quoters/.
"""

from collections.abc import Callable

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import CostAboveMax, PaymentFailed, QuoteFailed, UnknownPlan
from tests.support.quoted import MAX_COST, ask_quote, open_quoted_books, order_quoted, register_quoted
from tests.support.reentry import encode
from tests.support.reverts import reverts
from tests.support.signed import usage
from tests.support.world import CREDITS, MAX_UINT, NO_CONTEXT, World

REFUSED = 4242
PRICE_WORD = (1000).to_bytes(32, "big")


# ---------------------------------------------------------------- a price that moves


def test_order__whose_price_rose_since_the_quote__reverts_above_the_payers_limit(funded: World) -> None:
    """C28: the quoter sees the order in the mempool and asks for more."""
    quoter = funded.deploy("ChangesPrice", 1000)
    plan_id = register_quoted(funded, quoter)
    seen = ask_quote(funded, plan_id)
    funded.send(funded.builder, quoter.functions.setPrice(1001))
    books = open_quoted_books(funded)
    with reverts(CostAboveMax(1001, 1000)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id, max_cost=seen))
    assert (books.changes(), funded.balance(plan_id, funded.subscriber.address)) == ({}, 0)


@pytest.mark.parametrize("price", [999, 1000])
def test_order__whose_price_fell_since_the_quote__pays_the_lower_one(funded: World, price: int) -> None:
    quoter = funded.deploy("ChangesPrice", 1000)
    plan_id = register_quoted(funded, quoter)
    funded.send(funded.builder, quoter.functions.setPrice(price))
    books = open_quoted_books(funded)
    funded.send(funded.subscriber, order_quoted(funded, plan_id, max_cost=1000))
    assert books.changes()["payer"] == -price


def test_order__with_a_quoter_that_dislikes_the_payer__asks_for_the_payer_not_the_receiver(funded: World) -> None:
    quoter = funded.deploy("DependsOnPayer")
    plan_id = register_quoted(funded, quoter)
    funded.send(funded.builder, quoter.functions.dislike(funded.stranger.address))
    funded.fund(funded.stranger)
    assert (ask_quote(funded, plan_id), ask_quote(funded, plan_id, payer=funded.stranger.address)) == (1000, 9000)
    books = open_quoted_books(funded)
    gift = funded.credits.functions.order(plan_id, funded.stranger.address, 1, 1000)
    funded.send(funded.subscriber, gift)
    assert books.changes()["payer"] == -1000
    with reverts(CostAboveMax(9000, 1000)):
        funded.send(funded.stranger, order_quoted(funded, plan_id, max_cost=1000))


# ---------------------------------------------------------------- no price


@pytest.mark.parametrize("answer", [MAX_COST + 1, 2**255, MAX_UINT])
def test_order__of_a_huge_quote__reverts(funded: World, answer: int) -> None:
    """C30: it is not cut to size, and it cannot make the shares wrap around."""
    quoter = funded.deploy("ChangesPrice", answer)
    plan_id = register_quoted(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))
    with reverts(QuoteFailed(plan_id, quoter.address)):
        ask_quote(funded, plan_id)


def test_order__of_the_largest_quote__is_a_price_that_nobody_can_pay(funded: World) -> None:
    """The bound's other side: 2^128 - 1 is a price."""
    plan_id, payer = register_quoted(funded, funded.deploy("ChangesPrice", MAX_COST)), funded.subscriber.address
    assert ask_quote(funded, plan_id) == MAX_COST
    share = MAX_COST * 300 // 1000
    with reverts(PaymentFailed(funded.usdc.address, payer, funded.partner.address, share)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))


@pytest.mark.parametrize("size", [0, 4, 31])
def test_order__with_a_quoter_that_answers_too_little__reverts(funded: World, size: int) -> None:
    quoter = funded.deploy("AnswersBytes", size, PRICE_WORD, False)
    plan_id = register_quoted(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))


@pytest.mark.parametrize("size", [32, 33, 64, 100_000])
def test_order__with_a_quoter_that_answers_more__reads_one_word_and_is_not_bombed(funded: World, size: int) -> None:
    """C12: 100 kB of answer are not copied; the quoter pays for them with gas, and the order with little more."""
    plan_id = register_quoted(funded, funded.deploy("AnswersBytes", size, PRICE_WORD, False))
    receipt = funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert funded.tokens(funded.builder.address) == 700
    assert receipt["gasUsed"] < 350_000


def test_order__with_a_quoter_that_reverts_with_a_price__reverts(funded: World) -> None:
    quoter = funded.deploy("AnswersBytes", 32, PRICE_WORD, True)
    plan_id = register_quoted(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))


@pytest.mark.parametrize("name", ["RevertsOnQuote", "BurnsGasOnQuote"])
def test_order__with_a_quoter_that_fails__reverts(funded: World, name: str) -> None:
    quoter = funded.deploy(name)
    plan_id = register_quoted(funded, quoter)
    with reverts(QuoteFailed(plan_id, quoter.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))
    with reverts(QuoteFailed(plan_id, quoter.address)):
        ask_quote(funded, plan_id)


def test_order__with_credits_itself_as_quoter__reverts(funded: World) -> None:
    """Credits has a function of a quoter's very name and asks itself in a circle, until the gas is over."""
    plan_id = register_quoted(funded, funded.credits)
    with reverts(QuoteFailed(plan_id, funded.credits.address)):
        funded.send(funded.subscriber, order_quoted(funded, plan_id))


def test_order__of_another_plan__does_not_mind_a_broken_quoter(funded: World) -> None:
    """I8, I10."""
    register_quoted(funded, funded.deploy("BurnsGasOnQuote"))
    plan_id = register_quoted(funded, funded.deploy("ChangesPrice", 10))
    funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert funded.balance(plan_id, funded.subscriber.address) == CREDITS


def test_redeem__with_a_quoter_that_turned_bad__needs_no_price(funded: World) -> None:
    """I10: holders keep and use what they have."""
    quoter = funded.deploy("ChangesPrice", 10)
    plan_id, holder = register_quoted(funded, quoter), funded.subscriber
    funded.send(holder, order_quoted(funded, plan_id))
    funded.send(funded.builder, quoter.functions.setPrice(MAX_UINT))
    funded.send(holder, funded.credits.functions.redeem(plan_id, holder.address, 5, NO_CONTEXT))
    funded.grant(plan_id, holder.address, 1)
    assert funded.balance(plan_id, holder.address) == CREDITS - 4


# ---------------------------------------------------------------- a quoter that re-enters

Call = Callable[[World, int], ContractFunction]
WRITES: dict[str, Call] = {
    "order": lambda world, plan_id: world.credits.functions.order(plan_id, world.other.address, 1, 0),
    "payUsage": lambda world, plan_id: world.credits.functions.payUsage(plan_id, 1, 0, NO_CONTEXT),
    "mint": lambda world, plan_id: world.credits.functions.mint(plan_id, world.other.address, 1),
    "setPlanActive": lambda world, plan_id: world.credits.functions.setPlanActive(plan_id, False),
    "settle": lambda world, plan_id: world.credits.functions.settle(plan_id, []),
}


@pytest.mark.parametrize("name", WRITES)
def test_order__with_a_quoter_that_re_enters__lets_it_change_nothing(funded: World, name: str) -> None:
    """C10: it owns a free plan, so that each call would succeed were it not asked by a static call."""
    quoter = funded.deploy("ReentersOnQuote")
    free = usage(funded, splits=()) if name == "payUsage" else {"splits": ()}
    own = funded.register(**free)
    functions = funded.credits.functions
    funded.send(funded.builder, functions.setMinter(own, quoter.address, True))
    funded.send(funded.builder, functions.setRedeemer(own, quoter.address, True))
    call = WRITES[name](funded, own)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    plan_id = register_quoted(funded, quoter)
    books = open_quoted_books(funded)
    funded.send(funded.subscriber, order_quoted(funded, plan_id))
    assert books.changes()["payer"] == -REFUSED
    assert funded.balance(own, funded.other.address) == 0
    assert funded.read(functions.stateOf(own))[2] is True


def test_order__with_a_quoter_that_reads_back__shows_it_the_balance_before_the_order(funded: World) -> None:
    """C11: the price is asked for before anything is granted, in `quote` as in `order`."""
    quoter = funded.deploy("ReentersOnQuote")
    plan_id, holder = register_quoted(funded, quoter), funded.subscriber
    funded.grant(plan_id, holder.address, 17)
    call = funded.credits.functions.balanceOf(holder.address, plan_id)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    assert ask_quote(funded, plan_id) == 17
    books = open_quoted_books(funded)
    funded.send(holder, order_quoted(funded, plan_id))
    assert books.changes()["payer"] == -17
    assert ask_quote(funded, plan_id) == 17 + CREDITS


def test_order__with_a_quoter_that_asks_about_an_unknown_plan__is_refused_like_anyone(funded: World) -> None:
    quoter = funded.deploy("ReentersOnQuote")
    call = funded.credits.functions.termsOf(7)
    funded.send(funded.other, quoter.functions.arm(call.address, encode(call)))
    with reverts(UnknownPlan(7)):
        funded.read(call)
    assert ask_quote(funded, register_quoted(funded, quoter)) == REFUSED
