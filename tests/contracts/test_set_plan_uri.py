"""setPlanUri: the plan's owner says where its metadata is."""

import pytest

from nvm_chain.errors import NotPlanOwner, UnknownPlan
from tests.support.events import uri_set
from tests.support.reverts import reverts
from tests.support.world import World


@pytest.mark.parametrize("uri", ["", "ipfs://second", "y" * 31, "y" * 32, "y" * 500], ids=len)
@pytest.mark.parametrize("first", ["", "x" * 31, "x" * 100], ids=len)
def test_set_plan_uri__by_owner__replaces_and_emits(world: World, first: str, uri: str) -> None:
    plan_id = world.register(uri=first)
    receipt = world.send(world.builder, world.credits.functions.setPlanUri(plan_id, uri))
    assert world.read(world.credits.functions.uri(plan_id)) == uri
    assert world.events(receipt) == [uri_set(plan_id, uri)]


def test_set_plan_uri__of_one_plan__leaves_another(world: World) -> None:
    first, second = world.register(uri="one"), world.register(uri="two")
    world.send(world.builder, world.credits.functions.setPlanUri(first, "three"))
    assert world.read(world.credits.functions.uri(second)) == "two"


@pytest.mark.parametrize("role", ["stranger", "redeemer", "minter", "subscriber", "fee_owner"])
def test_set_plan_uri__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.setPlanUri(staffed_plan, "evil"))


def test_set_plan_uri__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        world.send(world.builder, world.credits.functions.setPlanUri(7, ""))
