"""A trial is granted once per holder, whichever way it is granted and whatever happens to the credits (I7)."""

from collections.abc import Callable

import pytest

from nvm_chain.errors import TrialAlreadyTaken
from tests.support.events import selector, skipped
from tests.support.plans import expiring
from tests.support.reentry import through
from tests.support.reverts import reverts
from tests.support.world import World

NO_PERMIT = (0, 27, bytes(32), bytes(32))
TRIAL_TAKEN = selector("TrialAlreadyTaken(uint256,address)")


@pytest.fixture
def trial(world: World) -> int:
    """A free trial whose credits may be transferred, which is where it could be taken twice."""
    return world.register(trial=True, transferable=True, splits=())


def _by_own_order(world: World, plan_id: int) -> None:
    world.order(plan_id)


def _by_own_order_with_permit(world: World, plan_id: int) -> None:
    function = world.credits.functions.orderWithPermit(plan_id, world.subscriber.address, 1, 0, NO_PERMIT)
    world.send(world.subscriber, function)


def _by_mint(world: World, plan_id: int) -> None:
    world.grant(plan_id, world.subscriber.address, 5)


def _by_batch(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    world.send(world.builder, world.credits.functions.mintBatch(plan_id, [holder], [5]))


def _by_external_grant(world: World, plan_id: int) -> None:
    reference = world.chain.web3.eth.block_number.to_bytes(32, "big")
    world.send(world.builder, world.credits.functions.grantExternal(plan_id, world.subscriber.address, 1, reference))


GRANTS = [_by_own_order, _by_own_order_with_permit, _by_mint, _by_external_grant, _by_batch]
Grant = Callable[[World, int], None]


@pytest.mark.parametrize("first", GRANTS)
@pytest.mark.parametrize("second", GRANTS[:4])
def test_trial__granted_in_any_two_ways__reverts_the_second(
    world: World, trial: int, first: Grant, second: Grant
) -> None:
    first(world, trial)
    with reverts(TrialAlreadyTaken(trial, world.subscriber.address)):
        second(world, trial)


@pytest.mark.parametrize("first", GRANTS)
def test_trial__granted_then_in_a_batch__is_left_out(world: World, trial: int, first: Grant) -> None:
    first(world, trial)
    before, holder = world.balance(trial, world.subscriber.address), world.subscriber.address
    receipt = world.send(world.builder, world.credits.functions.mintBatch(trial, [holder], [5]))
    assert world.events(receipt) == [skipped(trial, holder, 5, TRIAL_TAKEN)]
    assert world.balance(trial, holder) == before


def test_trial__with_all_credits_sent_away__cannot_be_taken_again(world: World, trial: int) -> None:
    holder = world.subscriber.address
    world.order(trial)
    function = world.credits.functions.safeTransferFrom(holder, world.other.address, trial, 100, b"")
    world.send(world.subscriber, function)
    with reverts(TrialAlreadyTaken(trial, holder)):
        world.order(trial)


def test_trial__with_all_credits_burned__cannot_be_taken_again(world: World, trial: int) -> None:
    holder = world.subscriber.address
    world.order(trial)
    world.send(world.subscriber, world.credits.functions.burn(trial, holder, 100))
    with reverts(TrialAlreadyTaken(trial, holder)):
        world.order(trial)


def test_trial__received_by_transfer__does_not_use_up_the_own_trial(world: World, trial: int) -> None:
    """I8: nobody can take another's trial from them by sending them credits."""
    world.order(trial, world.stranger)
    gift = world.credits.functions.safeTransferFrom(world.stranger.address, world.subscriber.address, trial, 1, b"")
    world.send(world.stranger, gift)
    world.order(trial)
    assert world.balance(trial, world.subscriber.address) == 101


def test_trial__sent_away_and_back__is_still_taken(world: World, trial: int) -> None:
    holder, other, functions = world.subscriber, world.other, world.credits.functions
    world.order(trial)
    world.send(holder, functions.safeTransferFrom(holder.address, other.address, trial, 100, b""))
    world.send(other, functions.safeTransferFrom(other.address, holder.address, trial, 100, b""))
    with reverts(TrialAlreadyTaken(trial, holder.address)):
        world.order(trial)
    world.order(trial, other)
    assert world.balance(trial, other.address) == 100


def test_trial__that_expired__cannot_be_taken_again(world: World) -> None:
    plan_id, holder = world.register(**expiring(60, trial=True)), world.subscriber.address
    world.order(plan_id)
    world.mine_at(world.now + 60)
    assert world.balance(plan_id, holder) == 0
    with reverts(TrialAlreadyTaken(plan_id, holder)):
        world.order(plan_id)


def test_trial__granted_for_a_reference_after_an_order__leaves_the_reference_unused(world: World, trial: int) -> None:
    """I7: a refused grant does not use up the payment."""
    world.order(trial)
    holder, functions = world.subscriber.address, world.credits.functions
    with reverts(TrialAlreadyTaken(trial, holder)):
        world.send(world.builder, functions.grantExternal(trial, holder, 1, bytes(32)))
    world.send(world.builder, functions.grantExternal(trial, world.other.address, 1, bytes(32)))
    assert world.balance(trial, world.other.address) == 100


def test_trial__that_failed__can_be_taken_later(world: World) -> None:
    """An order that reverts leaves nothing behind, not even the mark."""
    plan_id, payer = world.register(trial=True), world.subscriber
    world.send(payer, world.usdc.functions.approve(world.credits.address, 20_000_000))
    receipt = world.send_with_gas(payer, world.credits.functions.order(plan_id, payer.address, 1, 20_000_000), 300_000)
    assert receipt["status"] == 0
    world.send(payer, world.usdc.functions.mint(payer.address, 20_000_000))
    world.order(plan_id)
    assert world.balance(plan_id, payer.address) == 100


def test_trial__of_one_plan__leaves_other_trials(world: World, trial: int) -> None:
    another = world.register(trial=True, splits=())
    world.order(trial)
    world.order(another)
    assert world.balance(another, world.subscriber.address) == 100


def test_trial__after_a_change_of_owner__is_still_taken(world: World, trial: int) -> None:
    world.order(trial)
    world.send(world.builder, world.credits.functions.transferPlanOwnership(trial, world.other.address))
    world.send(world.other, world.credits.functions.acceptPlanOwnership(trial))
    with reverts(TrialAlreadyTaken(trial, world.subscriber.address)):
        world.send(world.other, world.credits.functions.mint(trial, world.subscriber.address, 1))


def test_trial__in_a_hook_of_its_own__is_granted_once(world: World, trial: int) -> None:
    """C11: a receiver that orders again while it receives gets nothing more."""
    greedy = world.deploy("ReentersInHook")
    again = world.credits.functions.order(trial, greedy.address, 1, 0)
    world.send(world.stranger, greedy.functions.arm(world.credits.address, 0, again._encode_transaction_data()))
    world.send(world.stranger, through(greedy, again))
    assert world.balance(trial, greedy.address) == 100
    assert (world.read(greedy.functions.count()), world.read(greedy.functions.success())) == (1, False)
    assert bytes(world.read(greedy.functions.returnData()))[:4] == TRIAL_TAKEN
