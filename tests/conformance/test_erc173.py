"""ERC-173: owners of contracts. Credits has one, who sets the protocol fee; it does not claim the standard, and here is where it differs.

Ownership passes in two steps (OpenZeppelin's Ownable2Step), so that it cannot be given to an address that nobody has the key of.
"""

import pytest

from nvm_chain.errors import NvmChainError, OwnableUnauthorizedAccount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World

ERC173 = bytes.fromhex("7f5828d0")


def owners(world: World) -> tuple[str, str]:
    """Return the owner and the one who was offered ownership."""
    functions = world.credits.functions
    return world.read(functions.owner()), world.read(functions.pendingOwner())


def test_supports_interface__does_not_claim_it(world: World) -> None:
    """Specification: a compliant contract says so by ERC-165. Credits is none, and says so."""
    assert world.read(world.credits.functions.supportsInterface(ERC173)) is False


def test_owner__is_the_address_of_the_owner(world: World) -> None:
    """`owner()` MUST return the address of the owner: followed."""
    assert owners(world) == (world.fee_owner.address, ZERO)


def test_transfer_ownership__does_not_set_the_new_owner_at_once(world: World) -> None:
    """`transferOwnership` sets the new owner: not followed. It offers; `acceptOwnership` by the new owner sets."""
    functions = world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    assert owners(world) == (world.fee_owner.address, world.other.address)
    world.send(world.other, functions.acceptOwnership())
    assert owners(world) == (world.other.address, ZERO)


def test_ownership_transferred__is_emitted_when_ownership_changes_and_only_then(world: World) -> None:
    """`OwnershipTransferred(previousOwner, newOwner)`, both indexed, when ownership changes: followed."""
    functions = world.credits.functions
    offered = world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    assert [name for name, _ in world.events(offered)] == ["OwnershipTransferStarted"]
    accepted = world.send(world.other, functions.acceptOwnership())
    change = {"previousOwner": world.fee_owner.address, "newOwner": world.other.address}
    assert world.events(accepted) == [("OwnershipTransferred", change)]
    assert [len(log["topics"]) for log in accepted["logs"]] == [3]


@pytest.mark.parametrize("role", ["stranger", "other", "builder"])
def test_transfer_ownership__by_anyone_but_the_owner__reverts(world: World, role: str) -> None:
    """Only the owner passes ownership on; not even who was offered it."""
    functions, caller = world.credits.functions, getattr(world, role)
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    with reverts(OwnableUnauthorizedAccount(caller.address)):
        world.send(caller, functions.transferOwnership(caller.address))


def test_transfer_ownership__to_zero__renounces_nothing(world: World) -> None:
    """ "transferOwnership(address(0)) renounces": not followed, as it withdraws an offer; `renounceOwnership` renounces."""
    functions = world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    world.send(world.fee_owner, functions.transferOwnership(ZERO))
    assert owners(world) == (world.fee_owner.address, ZERO)
    with pytest.raises(NvmChainError):
        world.send(world.other, functions.acceptOwnership())
    world.send(world.fee_owner, functions.renounceOwnership())
    assert owners(world) == (ZERO, ZERO)


def test_plan_owner__is_another_matter(world: World) -> None:
    """Plans have owners of their own, under events and functions of their own, and take no part in this."""
    plan_id, functions = world.register(), world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    world.send(world.other, functions.acceptOwnership())
    assert world.read(functions.stateOf(plan_id))[0] == world.builder.address
