"""isRedeemer: whether the plan's present owner allows an account to redeem."""

import pytest

from tests.support.world import ZERO, World


def test_is_redeemer__of_one_allowed__is_true(world: World, staffed_plan: int) -> None:
    assert world.read(world.credits.functions.isRedeemer(staffed_plan, world.redeemer.address)) is True


@pytest.mark.parametrize("role", ["builder", "stranger", "minter", "subscriber"])
def test_is_redeemer__of_anyone_else__is_false(world: World, staffed_plan: int, role: str) -> None:
    """The owner is not in their own list, whatever else they may do."""
    assert world.read(world.credits.functions.isRedeemer(staffed_plan, getattr(world, role).address)) is False


def test_is_redeemer__after_it_was_taken_back__is_false(world: World, staffed_plan: int) -> None:
    function = world.credits.functions.setRedeemer(staffed_plan, world.redeemer.address, False)
    world.send(world.builder, function)
    assert world.read(world.credits.functions.isRedeemer(staffed_plan, world.redeemer.address)) is False


@pytest.mark.parametrize("account", [ZERO, "0x" + "11" * 20])
def test_is_redeemer__of_unknown_plan__is_false(world: World, account: str) -> None:
    assert world.read(world.credits.functions.isRedeemer(7, account)) is False
