"""Re-entrancy through a token that calls back in the middle of each transfer, as ERC-777 tokens do (C10).

An Actor with tokens of its own does the calling. Receivers' hooks are in test_receivers, coin is in test_coin.
"""

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import PaymentFailed
from nvm_chain.types.prices import Split
from tests.support.books import Books, open_books_of_sale
from tests.support.events import selector
from tests.support.gas import simulate
from tests.support.reentry import arm, encode, outcome_of, through, through_many
from tests.support.reverts import reverts
from tests.support.world import CREDITS, NO_CONTEXT, World

PRICES = (1000, 500)
COST = sum(PRICES)
PLENTY_OF_GAS = 3_000_000

moves = pytest.mark.parametrize("after_move", [False, True], ids=["before", "after"])


class Stage:
    """A plan with two receivers in a token that calls back, and an actor who is told what to do meanwhile."""

    def __init__(self, world: World, *, after_move: bool = False, fee_bps: int = 0, **changes: object) -> None:
        """Deploy, register, and give both the subscriber and the actor tokens and an allowance."""
        self.world = world
        self.token = world.deploy("CallsBack")
        self.actor: Contract = world.deploy("Actor")
        world.set_fee(fee_bps)
        splits = tuple(
            Split(role.address, price) for role, price in zip((world.builder, world.partner), PRICES, strict=True)
        )
        terms: dict[str, Any] = {
            "token": self.token.address,
            "splits": splits,
            "rule": RedemptionRule.REDEEMER,
            **changes,
        }
        self.plan_id = world.register(**terms)
        world.fund(world.subscriber, self.token, 10_000)
        world.send(world.subscriber, self.token.functions.mint(self.actor.address, 10_000))
        self.as_actor(self.token.functions.approve(world.credits.address, 10_000))
        world.send(world.fee_owner, self.token.functions.setAfterMove(after_move))

    def as_actor(self, function: ContractFunction) -> None:
        """Have the actor make a call now."""
        self.world.send(self.world.subscriber, through(self.actor, function))

    def during_each_transfer(self, *functions: ContractFunction) -> None:
        """Have the actor make these calls, all or none, in the middle of each transfer."""
        arm(self.world, self.token, through_many(self.actor, *functions))

    def order(self, receiver: str | None = None) -> TxReceipt:
        """Order for the subscriber, with gas for all that happens meanwhile."""
        world = self.world
        function = world.credits.functions.order(self.plan_id, receiver or world.subscriber.address, 1, COST)
        receipt = world.send_with_gas(world.subscriber, function, PLENTY_OF_GAS)
        assert receipt["status"] == 1
        return receipt

    def open_books(self) -> Books:
        """Start to watch everybody's tokens."""
        return open_books_of_sale(self.world, self.token, actor=self.actor.address, other=self.world.other.address)

    def balance(self, holder: str) -> int:
        """Return the credits of a holder."""
        return self.world.balance(self.plan_id, holder)


@moves
@pytest.mark.parametrize("fee_bps", [0, 250])
def test_order__re_entered_by_orders__is_paid_for_each(world: World, after_move: bool, fee_bps: int) -> None:
    """I1, I2, I6: one inner order in each transfer of the outer one, the fee's included, and every one is paid."""
    stage = Stage(world, after_move=after_move, fee_bps=fee_bps)
    stage.during_each_transfer(world.credits.functions.order(stage.plan_id, stage.actor.address, 1, COST))
    books = stage.open_books()
    stage.order()
    inner = 3 if fee_bps else 2
    shares = [price - price * fee_bps // 10_000 for price in PRICES]
    expected = {"payer": -COST, "actor": -COST * inner, "first": shares[0] * (inner + 1)}
    expected |= {"second": shares[1] * (inner + 1), "protocol": (COST - sum(shares)) * (inner + 1)}
    assert books.changes() == {name: change for name, change in expected.items() if change}
    assert stage.balance(world.subscriber.address) == CREDITS
    assert stage.balance(stage.actor.address) == CREDITS * inner


@moves
def test_order__re_entered_by_mints__counts_each(world: World, after_move: bool) -> None:
    """I2."""
    stage = Stage(world, after_move=after_move)
    functions = world.credits.functions
    world.send(world.builder, functions.setMinter(stage.plan_id, stage.actor.address, True))
    batch = functions.mintBatch(stage.plan_id, [world.subscriber.address, stage.actor.address], [1, 2])
    stage.during_each_transfer(functions.mint(stage.plan_id, world.subscriber.address, 7), batch)
    stage.order()
    assert outcome_of(world, stage.token).count == 2
    assert stage.balance(world.subscriber.address) == CREDITS + 2 * 8
    assert stage.balance(stage.actor.address) == 2 * 2


@moves
def test_order__re_entered_by_spending_what_it_grants__keeps_the_books(world: World, after_move: bool) -> None:
    """I2, I3: credits can be used while they are being paid for, and no more of them than there are."""
    stage = Stage(world, after_move=after_move)
    functions, holder = world.credits.functions, stage.actor.address
    redeem = functions.redeem(stage.plan_id, holder, 5, NO_CONTEXT)
    stage.during_each_transfer(redeem, functions.burn(stage.plan_id, holder, 3))
    stage.order(receiver=holder)
    assert stage.balance(holder) == CREDITS - 16


@moves
def test_order__re_entered_by_burning_too_much__refuses_that(world: World, after_move: bool) -> None:
    """I2: a balance cannot go below zero in the middle of anything."""
    stage = Stage(world, after_move=after_move)
    holder = stage.actor.address
    stage.during_each_transfer(world.credits.functions.burn(stage.plan_id, holder, 60))
    stage.order(receiver=holder)
    outcome = outcome_of(world, stage.token)
    assert (outcome.count, outcome.success) == (2, False)
    assert outcome.answer[:4] == selector("InsufficientCredits(uint256,address,uint256,uint256)")
    assert stage.balance(holder) == CREDITS - 60


@moves
def test_order__of_a_trial_re_entered_by_the_same__grants_once(world: World, after_move: bool) -> None:
    """I7."""
    stage = Stage(world, after_move=after_move, trial=True)
    order = world.credits.functions.order(stage.plan_id, stage.actor.address, 1, COST)
    stage.during_each_transfer(order)
    books = stage.open_books()
    receipt = world.send_with_gas(world.subscriber, through(stage.actor, order), PLENTY_OF_GAS)
    assert receipt["status"] == 1
    assert outcome_of(world, stage.token).answer[:4] == selector("TrialAlreadyTaken(uint256,address)")
    assert stage.balance(stage.actor.address) == CREDITS
    assert books.changes() == {"actor": -COST, "first": PRICES[0], "second": PRICES[1]}


@moves
def test_order__of_a_trial_re_entered_by_one_for_the_payer__grants_once(world: World, after_move: bool) -> None:
    """I7: nobody orders another's trial, in the middle of that order neither."""
    stage = Stage(world, after_move=after_move, trial=True)
    stage.during_each_transfer(world.credits.functions.order(stage.plan_id, world.subscriber.address, 1, COST))
    books = stage.open_books()
    stage.order()
    answer = outcome_of(world, stage.token).answer
    assert answer[:4] == selector("TrialOrderedForOther(uint256,address,address)")
    assert stage.balance(world.subscriber.address) == CREDITS
    assert books.changes() == {"payer": -COST, "first": PRICES[0], "second": PRICES[1]}


def test_order__whose_payment_fails_after_the_credits_were_sent_on__takes_them_back(world: World) -> None:
    """I2: the actor sends its new credits and its money away before it pays, and ends with neither sale nor gift."""
    stage = Stage(world, transferable=True)
    functions, actor, other = world.credits.functions, stage.actor.address, world.other.address
    stage.during_each_transfer(
        functions.safeTransferFrom(actor, other, stage.plan_id, CREDITS, b""),
        stage.token.functions.transfer(other, 10_000),
    )
    books = stage.open_books()
    with reverts(PaymentFailed(stage.token.address, actor, world.partner.address, PRICES[1])):
        stage.as_actor(functions.order(stage.plan_id, actor, 1, COST))
    assert books.changes() == {}
    assert (stage.balance(actor), stage.balance(other)) == (0, 0)


@moves
def test_order__re_entered_by_a_change_of_plan_owner__goes_on_as_it_began(world: World, after_move: bool) -> None:
    """I5: terms do not depend on who owns the plan."""
    stage = Stage(world, after_move=after_move)
    functions = world.credits.functions
    world.send(world.builder, functions.transferPlanOwnership(stage.plan_id, stage.actor.address))
    stage.during_each_transfer(
        functions.acceptPlanOwnership(stage.plan_id), functions.setPlanActive(stage.plan_id, False)
    )
    books = stage.open_books()
    stage.order()
    state = world.read(functions.stateOf(stage.plan_id))
    assert (state[0], state[2]) == (stage.actor.address, False)
    assert books.changes() == {"payer": -COST, "first": PRICES[0], "second": PRICES[1]}
    assert stage.balance(world.subscriber.address) == CREDITS


def test_order__re_entered_by_a_change_of_fee_receiver__pays_the_new_one(world: World) -> None:
    """DESIGN 3.7: the contract's owner moves the fee from one receiver to another, and nothing else by it."""
    stage = Stage(world, fee_bps=250)
    functions = world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(stage.actor.address))
    stage.as_actor(functions.acceptOwnership())
    stage.during_each_transfer(functions.setProtocolFee(1000, world.other.address))
    books = stage.open_books()
    stage.order()
    assert books.changes() == {"payer": -COST, "first": 975, "second": 488, "other": 37}


Read = Callable[[Stage], ContractFunction]
READS: dict[str, Read] = {
    "balanceOf": lambda stage: stage.world.credits.functions.balanceOf(stage.world.subscriber.address, stage.plan_id),
    "accountOf": lambda stage: stage.world.credits.functions.accountOf(stage.plan_id, stage.world.subscriber.address),
    "canRedeem": lambda stage: stage.world.credits.functions.canRedeem(
        stage.plan_id, stage.world.subscriber.address, 10
    ),
    "quote": lambda stage: stage.world.credits.functions.quote(stage.plan_id, stage.actor.address, 2),
    "stateOf": lambda stage: stage.world.credits.functions.stateOf(stage.plan_id),
    "termsOf": lambda stage: stage.world.credits.functions.termsOf(stage.plan_id),
}


@moves
@pytest.mark.parametrize("name", READS)
def test_order__in_the_middle_of_its_payment__reads_as_it_does_afterwards(
    world: World, name: str, after_move: bool
) -> None:
    """C11: nobody who reads in the middle of an order sees what will not be so at its end."""
    stage = Stage(world, after_move=after_move)
    function = READS[name](stage)
    arm(world, stage.token, function)
    stage.order()
    outcome = outcome_of(world, stage.token)
    afterwards = simulate(world.chain, world.other.address, encode(function), world.credits.address)
    assert (outcome.count, outcome.success, outcome.answer) == (2, True, afterwards)
