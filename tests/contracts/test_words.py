"""The words that plans and accounts are packed into: a field at its edges changes no other, and is changed by no other.

By calls alone, at the largest and smallest that each field can have and with its neighbours at the other end, so that a mask that is a
bit too wide or too narrow shows: SaleTerms and RedeemTerms in what a plan says of itself, Holding in what an account does.
"""

from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import CreditsOverflow, TrialAlreadyTaken
from nvm_chain.types.prices import Split
from tests.support.plans import expiring, from_first_use, from_purchase, outside, usage
from tests.support.reverts import reverts
from tests.support.signed import FOREVER, register_with_redeemer, settle, unsigned_item
from tests.support.world import NO_CONTEXT, ZERO, World

U32 = 2**32 - 1
U53, U54 = 2**53 - 1, 2**54 - 1
DAY = 86_400
LATEST = 2**35 - 1
"""The last second that fits in an expiry."""

# ---------------------------------------------------------------- a plan's words

EDGES = (1, 2, U32 - 1, U32)

PLANS: dict[str, dict[str, Any]] = {
    **{f"credits {edge}": {"credits": edge} for edge in EDGES},
    **{f"duration {edge}": {"duration": edge} for edge in (0, *EDGES)},
    **{
        f"redeem {low}..{high}": {"min_redeem": low, "max_redeem": high}
        for low in EDGES
        for high in EDGES
        if low <= high
    },
    **{f"rule {rule.name}": {"rule": rule} for rule in RedemptionRule},
    **{f"splits {count}": {"splits": count} for count in (0, 1, 2, 15, 16)},
    "trial": {"trial": True},
    "transferable": {"transferable": True},
    "outside": outside(),
    "usage": usage(),
    "from purchase": from_purchase(U32),
    "from first use": from_first_use(U32),
    "all small": {"credits": 1, "duration": 1, "min_redeem": 1, "max_redeem": 1},
    "all large": {
        "credits": U32,
        "duration": U32,
        "min_redeem": U32,
        "max_redeem": U32,
        "rule": RedemptionRule.OWNER,
        "trial": True,
        "splits": 16,
    },
}


@pytest.mark.parametrize("fee_bps", [0, 1, 1000])
@pytest.mark.parametrize("name", PLANS)
def test_plan__with_a_field_at_its_edge__says_what_was_registered(world: World, name: str, fee_bps: int) -> None:
    """Before and after all that changes in its words has changed: whether it is active, and who owns it."""
    changes = dict(PLANS[name])
    if isinstance(changes.get("splits"), int):
        changes["splits"] = tuple(Split(world.builder.address, 2**96 - 1 - n) for n in range(changes["splits"]))
    if fee_bps:
        world.set_fee(fee_bps)
    functions, terms = world.credits.functions, world.terms(**changes).as_tuple()
    plan_id, new_owner = world.register(**changes), "0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF"
    state = [world.builder.address, ZERO, True, fee_bps]
    assert world.read(functions.termsOf(plan_id)) == terms
    assert list(world.read(functions.stateOf(plan_id))) == state
    for active in (False, False, True, True, False):
        world.send(world.builder, functions.setPlanActive(plan_id, active))
        assert list(world.read(functions.stateOf(plan_id))) == [*state[:2], active, fee_bps]
        assert world.read(functions.termsOf(plan_id)) == terms
    world.send(world.builder, functions.transferPlanOwnership(plan_id, new_owner))
    assert list(world.read(functions.stateOf(plan_id))) == [state[0], new_owner, False, fee_bps]
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))
    assert list(world.read(functions.stateOf(plan_id))) == [world.partner.address, ZERO, False, fee_bps]
    assert world.read(functions.termsOf(plan_id)) == terms


@pytest.mark.parametrize(
    ("kind", "activation"), [(PlanKind.CREDITS, 0), (PlanKind.TIME, 0), (PlanKind.TIME, 1), (PlanKind.USAGE, 0)]
)
@pytest.mark.parametrize("active", [True, False])
def test_plan__of_each_kind__keeps_it_active_or_not(
    world: World, kind: PlanKind, activation: int, active: bool
) -> None:
    makers: dict[tuple[PlanKind, int], dict[str, Any]] = {
        (PlanKind.CREDITS, 0): {},
        (PlanKind.TIME, 0): from_purchase(1),
        (PlanKind.TIME, 1): from_first_use(1),
        (PlanKind.USAGE, 0): usage(),
    }
    plan_id = world.register(**makers[kind, activation])
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, active))
    found = world.read(world.credits.functions.termsOf(plan_id))
    assert (PlanKind(found[0]), Activation(found[1])) == (kind, Activation(activation))


# ---------------------------------------------------------------- an account's word


def _account(world: World, plan_id: int, holder: str) -> tuple[Any, ...]:
    return tuple(world.read(world.credits.functions.accountOf(plan_id, holder)))


@pytest.mark.parametrize("duration", [0, DAY], ids=["lasting", "expiring"])
@pytest.mark.parametrize("is_trial", [False, True])
def test_account__with_every_field_moved_in_turn__keeps_the_others(world: World, duration: int, is_trial: bool) -> None:
    """Granted, spent and settled at their largest, then at zero again, beside a trial that was taken or not."""
    most = U53 if duration else U54
    terms: dict[str, Any] = {"splits": (), "duration": duration, "trial": is_trial, "rule": RedemptionRule.REDEEMER}
    plan_id, holder, functions = register_with_redeemer(world, **terms), world.subscriber, world.credits.functions
    world.grant(plan_id, holder.address, most)
    until = world.now + duration
    assert _account(world, plan_id, holder.address) == (most, 0, 0, is_trial)
    world.send(holder, functions.redeem(plan_id, holder.address, 1, NO_CONTEXT))
    assert _account(world, plan_id, holder.address) == (most - 1, 0, 0, is_trial)
    world.send(world.redeemer, settle(world, plan_id, unsigned_item(holder.address, most - 2)))
    assert _account(world, plan_id, holder.address) == (1, most - 2, 0, is_trial)
    if duration:
        assert world.read(functions.lotsOf(plan_id, holder.address, 0, 3)) == [(1, until)]
    world.send(world.redeemer, settle(world, plan_id, unsigned_item(holder.address, FOREVER)))
    assert _account(world, plan_id, holder.address) == (0, most - 1, 0, is_trial)
    if is_trial:
        with reverts(TrialAlreadyTaken(plan_id, holder.address)):
            world.grant(plan_id, holder.address, 1)
        return
    world.grant(plan_id, holder.address, most)
    assert _account(world, plan_id, holder.address) == (most, most - 1, 0, False)
    with reverts(CreditsOverflow(plan_id, holder.address, 1)):
        world.grant(plan_id, holder.address, 1)
    world.send(holder, functions.burn(plan_id, holder.address, most))
    assert _account(world, plan_id, holder.address) == (0, most - 1, 0, False)


@pytest.mark.parametrize("duration", [0, DAY], ids=["lasting", "expiring"])
@pytest.mark.parametrize("start", [0, 1, 2**52, U53 - 1, U53])
def test_account__whose_counts_run_over__keeps_its_balance_and_the_rest(
    world: World, start: int, duration: int
) -> None:
    """Granted and spent begin again at zero at different moments; what is settled and the lots do not see it."""
    terms: dict[str, Any] = {"splits": (), "duration": duration, "rule": RedemptionRule.REDEEMER}
    plan_id, holder, functions = register_with_redeemer(world, **terms), world.subscriber, world.credits.functions
    balance = total = 0
    for wanted in (start, 1, 2**52, U53 - 2**52 - 1, 1, U53, 2, U53 - 1):
        if balance + wanted > U53:
            world.send(holder, functions.burn(plan_id, holder.address, balance - 5))
            balance = 5
        step = min(wanted, U53 - balance)
        if step:
            world.grant(plan_id, holder.address, step)
            balance += step
        if balance:
            total, balance = total + 1, balance - 1
            world.send(world.redeemer, settle(world, plan_id, unsigned_item(holder.address, total)))
        assert _account(world, plan_id, holder.address) == (balance, total, 0, False)
        if duration:
            lots = world.read(functions.lotsOf(plan_id, holder.address, 0, 50))
            assert sum(lot[0] for lot in lots) == balance


@pytest.mark.parametrize("second", [LATEST - U32 - 1, LATEST - U32])
def test_account__whose_credits_expire_in_the_last_second_that_fits__is_exact(world: World, second: int) -> None:
    """Until the year 2900: the expiry is the highest field of the word, and has no neighbour above it."""
    plan_id, holder, functions = world.register(**expiring(U32)), world.subscriber.address, world.credits.functions
    world.send_at(second, world.builder, functions.mint(plan_id, holder, U53))
    assert world.read(functions.lotsOf(plan_id, holder, 0, 2)) == [(U53, second + U32)]
    assert _account(world, plan_id, holder) == (U53, 0, 0, False)


def test_account__with_many_lots__numbers_them_beyond_a_byte(world: World) -> None:
    """Lots are counted in 24 bits each, between what was settled and the trial's mark: neither moves."""
    plan_id = register_with_redeemer(world, **expiring(DAY), rule=RedemptionRule.REDEEMER)
    holder, functions = world.subscriber.address, world.credits.functions
    for _ in range(6):
        batch = functions.mintBatch(plan_id, [holder] * 50, [2] * 50)
        world.send_with_gas(world.builder, batch, 12_000_000)
    assert len(world.read(functions.lotsOf(plan_id, holder, 0, 1000))) == 300
    world.send(world.redeemer, settle(world, plan_id, unsigned_item(holder, 2 * 280 + 1)))
    assert _account(world, plan_id, holder) == (39, 561, 0, False)
    lots = world.read(functions.lotsOf(plan_id, holder, 0, 1000))
    assert [lot[0] for lot in lots] == [1, *[2] * 19]
