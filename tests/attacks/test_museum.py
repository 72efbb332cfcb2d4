"""The weird-token museum against `order`, with and without a protocol fee: what becomes of payer, receivers, credits.

Books watch the contract too, so each comparison also says that Credits holds nothing afterwards (I1, I6). `order` and
the fee it sends are all that touches a token; registerPlan only looks for its code.
"""

from collections.abc import Callable

import pytest
from web3.contract.contract import Contract

from nvm_chain.errors import PaymentFailed
from nvm_chain.types.prices import Split
from tests.support.books import Books
from tests.support.events import fee_forgone, granted, ordered
from tests.support.gas import send_with_least_gas
from tests.support.museum import COST, FAITHFUL, FEES_BPS, FIRST, LYING, REFUSING, WEALTH, Exhibit, Hall
from tests.support.reverts import reverts
from tests.support.world import CREDITS, NO_CONTEXT, PRICE, World

fees = pytest.mark.parametrize("fee_bps", FEES_BPS)


# ---------------------------------------------------------------- those that move what they are told


@fees
@pytest.mark.parametrize("exhibit", FAITHFUL, ids=str)
def test_order__in_a_token_that_pays__pays_everybody_exactly(world: World, exhibit: Exhibit, fee_bps: int) -> None:
    """C2 among others; I6: the payer pays exactly the sum, receivers get exactly the share, the protocol the fee."""
    hall = Hall(world, exhibit, fee_bps)
    books = hall.open_books()
    receipt = world.order(hall.plan_id)
    payer = world.subscriber.address
    assert books.changes() == hall.exact_changes()
    assert hall.credits == CREDITS
    assert world.events(receipt) == [
        granted(payer, payer, hall.plan_id, CREDITS),
        ordered(hall.plan_id, payer, payer, 1, COST),
    ]


@fees
@pytest.mark.parametrize("exhibit", LYING, ids=str)
def test_order__in_a_token_that_lies_about_balances__pays_all_the_same(
    world: World, exhibit: Exhibit, fee_bps: int
) -> None:
    """Credits never asks for a balance. Who got what is read from the token's own transfers."""
    hall = Hall(world, exhibit, fee_bps)
    receipt = world.order(hall.plan_id)
    payer = world.subscriber.address
    transfers = world.chain.read_events(hall.token, "Transfer", receipt)
    paid = [(entry["args"]["from"], entry["args"]["to"], entry["args"]["amount"]) for entry in transfers]
    expected = [
        (payer, world.partner.address, hall.shares[1]),
        (payer, world.builder.address, hall.shares[0]),
        (payer, world.fee_receiver.address, hall.fee),
    ]
    assert paid == [entry for entry in expected if entry[2]]
    assert hall.credits == CREDITS


# ---------------------------------------------------------------- those that do not pay


@fees
@pytest.mark.parametrize("exhibit", REFUSING, ids=str)
def test_order__in_a_token_that_does_not_pay__changes_nothing(world: World, exhibit: Exhibit, fee_bps: int) -> None:
    """C1, C3, C8, C9: nobody pays, nobody is paid, no credits come to be; the error names who could not be paid."""
    hall = Hall(world, exhibit, fee_bps)
    books = hall.open_books()
    failed = hall.splits[exhibit.fails_at].receiver
    error = PaymentFailed(hall.token.address, world.subscriber.address, failed, hall.shares[exhibit.fails_at])
    with reverts(error):
        world.order(hall.plan_id)
    assert books.changes() == {}
    assert hall.credits == 0


def test_order__in_a_token_that_does_not_pay__leaves_other_plans_alone(funded: World) -> None:
    """I6, I10: a broken token breaks its own plans and no other."""
    hall = Hall(funded, Exhibit("ReturnsFalse"))
    healthy = funded.register()
    with reverts(PaymentFailed(hall.token.address, funded.subscriber.address, funded.partner.address, hall.shares[1])):
        funded.order(hall.plan_id)
    funded.order(healthy)
    assert funded.balance(healthy, funded.subscriber.address) == CREDITS


def test_order__of_a_free_plan_in_a_token_that_does_not_pay__succeeds(world: World) -> None:
    """C36: where nobody is paid the token is never called, not even with zero."""
    token = world.deploy("BurnsGas")
    plan_id = world.register(token=token.address, splits=())
    world.order(plan_id)
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_order__once_a_token_goes_on__succeeds(world: World) -> None:
    """C9: a pause is a pause for the plan too, and nothing is lost by it."""
    hall = Hall(world, Exhibit("Pauses"))
    world.send(world.fee_owner, hall.token.functions.setPaused(True))
    with reverts(PaymentFailed(hall.token.address, world.subscriber.address, world.partner.address, hall.shares[1])):
        world.order(hall.plan_id)
    world.send(world.fee_owner, hall.token.functions.setPaused(False))
    books = hall.open_books()
    world.order(hall.plan_id)
    assert books.changes() == hall.exact_changes()


def test_order__with_a_paused_token__does_not_stop_redemptions(world: World) -> None:
    """C9, I10: credits that were paid for are used without asking the token."""
    hall = Hall(world, Exhibit("Pauses"))
    world.order(hall.plan_id)
    world.send(world.fee_owner, hall.token.functions.setPaused(True))
    holder = world.subscriber.address
    world.send(world.subscriber, world.credits.functions.redeem(hall.plan_id, holder, 5, NO_CONTEXT))
    assert hall.credits == CREDITS - 5


def test_order__with_one_of_three_receivers_blocked__fails_whole(world: World) -> None:
    """C8: DESIGN 3.2 pays straight from payer to receivers, so one that cannot be paid stops the order, and no money
    gets stuck half-way. The owner registers the plan anew with another receiver.
    """
    token = world.deploy("BlocksAddress")
    roles = (world.builder, world.partner, world.other)
    splits = tuple(Split(role.address, 100) for role in roles)
    plan_id = world.register(token=token.address, splits=splits)
    world.fund(world.subscriber, token, 1000)
    world.send(world.fee_owner, token.functions.setBlocked(world.partner.address, True))
    with reverts(PaymentFailed(token.address, world.subscriber.address, world.partner.address, 100)):
        world.order(plan_id)
    assert [world.tokens(role.address, token) for role in roles] == [0, 0, 0]


# ---------------------------------------------------------------- the protocol fee cannot be delivered


def _blocks_fee_receiver(world: World) -> Hall:
    hall = Hall(world, Exhibit("BlocksAddress"), 250)
    world.send(world.fee_owner, hall.token.functions.setBlocked(world.fee_receiver.address, True))
    return hall


def _blacklists_fee_receiver(world: World) -> Hall:
    hall = Hall(world, Exhibit("TestUSDC"), 250)
    world.send(world.fee_owner, hall.token.functions.blacklist(world.fee_receiver.address))
    return hall


def _burns_gas_to_fee_receiver(world: World) -> Hall:
    return Hall(world, Exhibit("BurnsGas", sin=_burn_for_fee_receiver), 250)


def _burn_for_fee_receiver(world: World, token: Contract) -> None:
    world.send(world.fee_owner, token.functions.setOnlyTo(world.fee_receiver.address))


@pytest.mark.parametrize("build", [_blocks_fee_receiver, _blacklists_fee_receiver, _burns_gas_to_fee_receiver])
def test_order__with_a_fee_that_cannot_be_delivered__gives_it_to_the_first_receiver(
    world: World, build: Callable[[World], Hall]
) -> None:
    """C8, I6, I10: who receives the fees cannot stop a plan, whatever a token has against them."""
    hall = build(world)
    books = hall.open_books()
    receipt = world.order(hall.plan_id)
    payer = world.subscriber.address
    assert books.changes() == {"payer": -COST, "first": hall.shares[0] + hall.fee, "second": hall.shares[1]}
    assert hall.credits == CREDITS
    assert world.events(receipt) == [
        granted(payer, payer, hall.plan_id, CREDITS),
        ordered(hall.plan_id, payer, payer, 1, COST),
        fee_forgone(hall.plan_id, world.fee_receiver.address, hall.fee),
    ]


def test_order__with_a_fee_that_burns_gas__costs_a_bounded_amount_more(world: World) -> None:
    """C12: what a fee receiver can burn is ISOLATED_GAS."""
    hall = _burns_gas_to_fee_receiver(world)
    receipt = world.order(hall.plan_id)
    assert 200_000 < receipt["gasUsed"] < 200_000 + 250_000


def test_order__with_the_fee_receiver_gone__gives_it_to_the_first_receiver(world: World) -> None:
    """Plans keep their fee when the contract's owner names nobody any more."""
    hall = Hall(world, Exhibit("HonestToken"), 250)
    world.set_fee(0, "0x" + "00" * 20)
    books = hall.open_books()
    receipt = world.order(hall.plan_id)
    assert books.changes() == {"payer": -COST, "first": hall.shares[0] + hall.fee, "second": hall.shares[1]}
    assert world.events(receipt)[-1] == fee_forgone(hall.plan_id, "0x" + "00" * 20, hall.fee)


def test_order__with_a_fee_rounded_to_nothing__sends_none(world: World) -> None:
    """RevertsOnZero: a share is never zero, and a fee of zero is not sent."""
    token = world.deploy("RevertsOnZero")
    world.set_fee(1000)
    plan_id = world.register(token=token.address, splits=(Split(world.builder.address, 9),))
    world.fund(world.subscriber, token, 9)
    receipt = world.order(plan_id)
    assert world.tokens(world.builder.address, token) == 9
    assert [name for name, _ in world.events(receipt)] == ["TransferSingle", "Ordered"]


# ---------------------------------------------------------------- those that move something else than they are told


@fees
def test_order__in_a_token_that_takes_a_fee__shorts_the_receivers(world: World, fee_bps: int) -> None:
    """C4, I6: the plan's receivers bear it, for they chose the token; the payer pays exactly the price."""
    hall = Hall(world, Exhibit("TakesFee"), fee_bps)
    books = hall.open_books()
    world.order(hall.plan_id)
    expected = {"payer": -COST}
    for name, due in zip(("first", "second", "protocol"), (*hall.shares, hall.fee), strict=True):
        expected[name] = due - due // 100
    assert books.changes() == {name: change for name, change in expected.items() if change}
    assert hall.credits == CREDITS


@fees
def test_order__in_a_token_that_takes_a_fee_on_top__charges_the_payer_more(funded: World, fee_bps: int) -> None:
    """C4, the documented exception to I6: such a token takes more from the payer than Credits asks of it, as it does
    in any transfer of the payer's. Receivers, Credits and other plans are as they should be.
    """
    healthy = funded.register(uri="another plan")
    hall = Hall(funded, Exhibit("TakesFeeOnTop"), fee_bps)
    books = hall.open_books()
    funded.order(hall.plan_id)
    on_top = sum(due // 100 for due in (*hall.shares, hall.fee))
    assert books.changes() == {**hall.exact_changes(), "payer": -COST - on_top}
    assert hall.credits == CREDITS
    usdc = Books(funded, funded.usdc, payer=funded.subscriber.address, first=funded.builder.address)
    funded.order(healthy)
    assert usdc.changes() == {"payer": -PRICE, "first": PRICE}


def test_order__in_a_token_that_takes_a_fee_on_top__takes_it_from_no_allowance(world: World) -> None:
    """What Credits may spend goes down by the price and not by the token's own fee."""
    hall = Hall(world, Exhibit("TakesFeeOnTop"))
    pair = (world.subscriber.address, world.credits.address)
    world.order(hall.plan_id)
    assert world.read(hall.token.functions.allowance(*pair)) == WEALTH - COST


@fees
def test_order__in_a_token_that_moves_nothing__sells_for_nothing(funded: World, fee_bps: int) -> None:
    """C6, I6: the plan's owner chose a token that lies, so the plan's receivers bear it, and nobody else."""
    healthy = funded.register(uri="another plan")
    hall = Hall(funded, Exhibit("MovesNothing"), fee_bps)
    books = hall.open_books()
    usdc = Books(funded, funded.usdc, payer=funded.subscriber.address, first=funded.builder.address)
    funded.order(hall.plan_id)
    assert (books.changes(), usdc.changes()) == ({}, {})
    assert (hall.credits, funded.balance(healthy, funded.subscriber.address)) == (CREDITS, 0)


def test_order__in_a_token_where_max_moves_the_balance__sells_for_what_there_is(world: World) -> None:
    """C5, I6: the receivers bear it, as with any token that moves less than it is told."""
    token, payer = world.deploy("MaxMovesBalance"), world.subscriber
    plan_id = world.register(token=token.address, splits=(Split(world.builder.address, FIRST),))
    world.fund(payer, token, 5)
    world.send(payer, token.functions.approve(world.credits.address, FIRST))
    world.send(world.fee_owner, token.functions.setMax(FIRST))
    books = Books(world, token, payer=payer.address, first=world.builder.address)
    world.order(plan_id)
    assert books.changes() == {"payer": -5, "first": 5}
    assert world.balance(plan_id, payer.address) == CREDITS


def test_order__in_a_token_where_max_moves_the_balance__never_asks_for_that_much(world: World) -> None:
    """C5: the dearest order there can be is below 2^256 - 1, which is what such tokens take for everything."""
    token, payer = world.deploy("MaxMovesBalance"), world.subscriber
    plan_id = world.register(token=token.address, splits=(Split(world.builder.address, 2**96 - 1),) * 16)
    world.fund(payer, token, 5)
    cost = world.read(world.credits.functions.quote(plan_id, payer.address, 2**32 - 1))
    assert cost == 16 * (2**96 - 1) * (2**32 - 1)
    due = cost // 16
    with reverts(PaymentFailed(token.address, payer.address, world.builder.address, due)):
        world.order(plan_id, quantity=2**32 - 1)


def test_order__short_of_a_fee_that_goes_nowhere_else__reverts(world: World) -> None:
    """A fee that cannot be delivered is still to be paid: if the first receiver cannot get it either, nobody is."""
    hall = Hall(world, Exhibit("HonestToken"), 250)
    payer = world.subscriber
    world.send(payer, hall.token.functions.transfer(world.other.address, WEALTH - COST + 1))
    books = hall.open_books()
    with reverts(PaymentFailed(hall.token.address, payer.address, world.builder.address, hall.fee)):
        world.order(hall.plan_id)
    assert (books.changes(), hall.credits) == ({}, 0)


@pytest.mark.parametrize("index", [11 * 10**17, 9 * 10**17, 10**18 // 3, 3 * 10**18])
@fees
def test_order__in_a_token_that_rebases__is_off_by_its_own_rounding(world: World, fee_bps: int, index: int) -> None:
    """C7: Credits holds nothing that could rebase; balances are off by the token's rounding, a few units a transfer."""
    hall = Hall(world, Exhibit("Rebases"), fee_bps)
    world.send(world.fee_owner, hall.token.functions.setIndex(index))
    books = hall.open_books()
    world.order(hall.plan_id)
    changes, exact = books.changes(), hall.exact_changes()
    transfers, unit = 3, 2 + index // 10**18
    assert changes.keys() == exact.keys()
    assert all(abs(changes[name] - exact[name]) <= transfers * unit for name in exact)
    assert hall.credits == CREDITS


def test_order__in_a_token_with_an_approval_race__needs_no_second_approval(world: World) -> None:
    """ApprovalRace: Credits approves nobody, so only the payer's own approvals meet it."""
    hall = Hall(world, Exhibit("ApprovalRace"))
    world.order(hall.plan_id)
    world.order(hall.plan_id)
    left = WEALTH - 2 * COST
    assert world.read(hall.token.functions.allowance(world.subscriber.address, world.credits.address)) == left


# ---------------------------------------------------------------- with little gas


@pytest.mark.parametrize("name", ["HonestToken", "TestUSDC"])
def test_order__with_the_least_gas_that_succeeds__still_delivers_the_fee(world: World, name: str) -> None:
    """C12: a payer, or a gas estimate, cannot starve the fee's own call and have the order succeed without it."""
    hall = Hall(world, Exhibit(name), 250)
    books = hall.open_books()
    function = world.credits.functions.order(hall.plan_id, world.subscriber.address, 1, COST)
    receipt = send_with_least_gas(world, world.subscriber, function, start=120_000, step=1500)
    assert books.changes() == hall.exact_changes()
    assert receipt["gasUsed"] > 120_000
