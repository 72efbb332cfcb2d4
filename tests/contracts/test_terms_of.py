"""termsOf: a plan's terms as they were registered, for good."""

from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import UnknownPlan
from nvm_chain.types.prices import Split
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, World


def test_terms_of__a_plan_with_every_field_set__returns_each(world: World) -> None:
    changes: dict[str, Any] = {
        "splits": tuple(Split(role.address, 10 + i) for i, role in enumerate((world.builder, world.partner))),
        "credits": 11,
        "min_redeem": 12,
        "max_redeem": 13,
        "rule": RedemptionRule.OWNER,
        "trial": True,
        "transferable": True,
    }
    plan_id = world.register(**changes)
    assert world.read(world.credits.functions.termsOf(plan_id)) == world.terms(**changes).as_tuple()


def test_terms_of__a_time_plan_with_every_field_set__returns_each(world: World) -> None:
    changes: dict[str, Any] = {
        "kind": PlanKind.TIME,
        "activation": Activation.ON_FIRST_USE,
        "splits": (Split(world.builder.address, 10),),
        "quoter": world.credits.address,
        "credits": 11,
        "duration": 14,
        "min_redeem": 12,
        "max_redeem": 13,
        "rule": RedemptionRule.REDEEMER,
        "trial": True,
    }
    plan_id = world.register(**changes)
    assert world.read(world.credits.functions.termsOf(plan_id)) == world.terms(**changes).as_tuple()


def test_terms_of__after_all_that_can_happen_to_a_plan__are_the_same(funded: World) -> None:
    """I5: terms never change."""
    funded.set_fee(100)
    plan_id, functions = funded.register(), funded.credits.functions
    before = funded.read(functions.termsOf(plan_id))
    funded.order(plan_id)
    funded.grant(plan_id, funded.other.address, 5)
    funded.send(funded.other, functions.redeem(plan_id, funded.other.address, 1, NO_CONTEXT))
    funded.send(funded.builder, functions.setPlanUri(plan_id, "ipfs://elsewhere"))
    funded.send(funded.builder, functions.setPlanActive(plan_id, False))
    funded.send(funded.builder, functions.setRedeemer(plan_id, funded.redeemer.address, True))
    funded.set_fee(1000)
    funded.send(funded.builder, functions.transferPlanOwnership(plan_id, funded.other.address))
    funded.send(funded.other, functions.acceptPlanOwnership(plan_id))
    assert funded.read(functions.termsOf(plan_id)) == before


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_terms_of__unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.read(world.credits.functions.termsOf(plan_id))
