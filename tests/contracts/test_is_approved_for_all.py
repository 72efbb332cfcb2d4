"""isApprovedForAll: whether an operator may move and burn a holder's credits."""

from tests.support.world import ZERO, World


def test_is_approved_for_all__at_first__is_false(world: World) -> None:
    function = world.credits.functions.isApprovedForAll(world.subscriber.address, world.other.address)
    assert world.read(function) is False


def test_is_approved_for_all__once_approved__is_true_one_way_only(world: World) -> None:
    functions = world.credits.functions
    holder, operator = world.subscriber.address, world.other.address
    world.send(world.subscriber, functions.setApprovalForAll(operator, True))
    assert world.read(functions.isApprovedForAll(holder, operator)) is True
    assert world.read(functions.isApprovedForAll(operator, holder)) is False
    assert world.read(functions.isApprovedForAll(holder, world.stranger.address)) is False


def test_is_approved_for_all__of_oneself_or_nobody__is_false(world: World) -> None:
    functions, holder = world.credits.functions, world.subscriber.address
    assert world.read(functions.isApprovedForAll(holder, holder)) is False
    assert world.read(functions.isApprovedForAll(ZERO, holder)) is False
