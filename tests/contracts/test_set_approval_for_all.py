"""setApprovalForAll: a holder lets an operator move and burn their credits, of all plans at once."""

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import ERC1155InvalidOperator, ERC1155MissingApprovalForAll, RedeemNotAllowed
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, ZERO, World


def _approve(world: World, approved: bool) -> None:
    world.send(world.subscriber, world.credits.functions.setApprovalForAll(world.other.address, approved))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("approved", [True, False])
def test_set_approval_for_all__by_holder__sets_and_emits(world: World, before: bool, approved: bool) -> None:
    functions = world.credits.functions
    holder, operator = world.subscriber.address, world.other.address
    _approve(world, before)
    receipt = world.send(world.subscriber, functions.setApprovalForAll(operator, approved))
    assert world.read(functions.isApprovedForAll(holder, operator)) is approved
    arguments = {"account": holder, "operator": operator, "approved": approved}
    assert world.events(receipt) == [("ApprovalForAll", arguments)]


@pytest.mark.parametrize("approved", [True, False])
def test_set_approval_for_all__of_nobody__reverts(world: World, approved: bool) -> None:
    with reverts(ERC1155InvalidOperator(ZERO)):
        world.send(world.subscriber, world.credits.functions.setApprovalForAll(ZERO, approved))


def test_set_approval_for_all__then__operator_moves_and_burns_on_every_plan(world: World) -> None:
    """C15: there is no approval for one plan alone; documented at burn."""
    holder, operator, functions = world.subscriber.address, world.other, world.credits.functions
    plans = [world.register(transferable=True) for _ in range(2)]
    _approve(world, True)
    for plan_id in plans:
        world.grant(plan_id, holder, 10)
        world.send(operator, functions.burn(plan_id, holder, 1))
        world.send(operator, functions.safeTransferFrom(holder, operator.address, plan_id, 2, b""))
    assert [world.balance(plan_id, holder) for plan_id in plans] == [7, 7]


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_set_approval_for_all__then__operator_cannot_redeem(world: World, rule: RedemptionRule) -> None:
    """C15, I3: redemptions are for those the plan's rule names."""
    plan_id, holder = world.register(rule=rule), world.subscriber.address
    world.grant(plan_id, holder, 10)
    _approve(world, True)
    with reverts(RedeemNotAllowed(plan_id, holder, world.other.address)):
        world.send(world.other, world.credits.functions.redeem(plan_id, holder, 1, NO_CONTEXT))


def test_set_approval_for_all__taken_back__ends_it(world: World, transferable_plan: int) -> None:
    holder, operator, functions = world.subscriber.address, world.other, world.credits.functions
    _approve(world, True)
    _approve(world, False)
    with reverts(ERC1155MissingApprovalForAll(operator.address, holder)):
        world.send(operator, functions.burn(transferable_plan, holder, 1))
    with reverts(ERC1155MissingApprovalForAll(operator.address, holder)):
        world.send(operator, functions.safeTransferFrom(holder, operator.address, transferable_plan, 1, b""))


def test_set_approval_for_all__does_not__let_the_operator_approve_another(world: World) -> None:
    _approve(world, True)
    world.send(world.other, world.credits.functions.setApprovalForAll(world.stranger.address, True))
    function = world.credits.functions.isApprovedForAll(world.subscriber.address, world.stranger.address)
    assert world.read(function) is False
