"""uri: where a plan's metadata is, as the latest URI event said."""

from tests.support.world import World


def test_uri__of_a_plan__is_what_it_was_registered_with(world: World) -> None:
    assert world.read(world.credits.functions.uri(world.register(uri="ipfs://a"))) == "ipfs://a"


def test_uri__after_a_change__is_the_latest(world: World) -> None:
    plan_id = world.register(uri="ipfs://a")
    world.send(world.builder, world.credits.functions.setPlanUri(plan_id, "ipfs://b"))
    assert world.read(world.credits.functions.uri(plan_id)) == "ipfs://b"


def test_uri__of_unknown_plan__is_empty(world: World) -> None:
    assert world.read(world.credits.functions.uri(7)) == ""
