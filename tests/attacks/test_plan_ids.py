"""Squatting: the attacker wants a plan under an id that buyers believe to be another's.

They copy a registration from the mempool, try small or chosen ids, register with empty hands, and act on ids that are nobody's. An id is a
hash over chain, contract, creator, terms and salt, so a copy is another plan, of the copycat's own (C19, C27; I5).
"""

from collections.abc import Callable

import pytest
from eth_abi.abi import encode as encode_abi
from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction

from nvm_chain.errors import (
    ContractError,
    InvalidSplit,
    NotPlanOwner,
    PlanAlreadyRegistered,
    PlanNotActive,
    UnknownPlan,
)
from nvm_chain.types.prices import Split
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, MAX_UINT, NO_CONTEXT, PRICE, ZERO, World

SALT = b"the builder's own".ljust(32, b"\0")
URI = "ipfs://the-builders-plan"
TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"


def test_register_plan__copied_from_the_mempool__is_another_plan(funded: World) -> None:
    """C27: the copycat is first with the very same call; the builder's plan has its id all the same."""
    functions = funded.credits.functions
    call = functions.registerPlan(funded.terms().as_tuple(), SALT, URI, MAX_FEE_BPS)
    expected = funded.read(functions.planIdOf(funded.builder.address, funded.terms().as_tuple(), SALT))
    copied = funded.read(call, funded.stranger.address)
    funded.send(funded.stranger, call)
    with reverts(UnknownPlan(expected)):
        funded.read(functions.stateOf(expected))
    assert (funded.read(call, funded.builder.address), copied != expected) == (expected, True)
    funded.send(funded.builder, call)
    owners = [funded.read(functions.stateOf(plan_id))[0] for plan_id in (copied, expected)]
    assert owners == [funded.stranger.address, funded.builder.address]
    with reverts(NotPlanOwner(expected, funded.stranger.address)):
        funded.send(funded.stranger, functions.setPlanActive(expected, False))
    # Who buys the copy pays the builder, as the copied terms say: the copycat owns a plan, and none of its money.
    funded.order(copied)
    assert (funded.tokens(funded.builder.address), funded.tokens(funded.stranger.address)) == (PRICE, 0)


def test_register_plan__by_the_builder_twice__cannot_reset_the_plan(world: World) -> None:
    """C27: nor under another fee, which is no part of the id: the first registration stands."""
    call = world.credits.functions.registerPlan(world.terms().as_tuple(), SALT, URI, MAX_FEE_BPS)
    plan_id = world.read(call, world.builder.address)
    world.send(world.builder, call)
    world.set_fee(1000)
    with reverts(PlanAlreadyRegistered(plan_id)):
        world.send(world.builder, call)
    assert world.read(world.credits.functions.stateOf(plan_id))[3] == 0


def test_plan_id__is_the_hash_of_an_encoding_that_names_everything(world: World) -> None:
    """C27: recomputed here from the ABI alone; `abi.encode` of it all, so no two inputs share an encoding."""
    terms = world.terms(splits=(Split(world.builder.address, 1), Split(world.partner.address, 2)))
    types = ["uint256", "address", "address", TERMS, "bytes32"]
    values = [world.chain.chain_id, world.credits.address, world.builder.address, terms.as_tuple(), SALT]
    found = world.read(world.credits.functions.planIdOf(world.builder.address, terms.as_tuple(), SALT))
    assert found == int.from_bytes(keccak(encode_abi(types, values)), "big")


def test_register_plan__with_the_boundary_between_two_splits_moved__is_another_plan(world: World) -> None:
    """C27: the classic of packed encodings: the same bytes, cut elsewhere."""
    functions, builder = world.credits.functions, world.builder.address
    one = world.terms(splits=(Split(builder, 1), Split(world.partner.address, 2)))
    two = world.terms(splits=(Split(builder, 1),), quoter=world.partner.address, credits=2)
    three = world.terms(splits=(Split(builder, 1), Split(world.partner.address, 2), Split(builder, 1)))
    ids = {world.read(functions.planIdOf(builder, terms.as_tuple(), SALT)) for terms in (one, two, three)}
    assert len(ids) == 3


Act = Callable[[World, int], ContractFunction]
ACTS: dict[str, Act] = {
    "order": lambda world, plan_id: world.credits.functions.order(plan_id, world.stranger.address, 1, MAX_UINT),
    "payUsage": lambda world, plan_id: world.credits.functions.payUsage(plan_id, 1, MAX_UINT, NO_CONTEXT),
    "mint": lambda world, plan_id: world.credits.functions.mint(plan_id, world.stranger.address, 1),
    "grantExternal": lambda world, plan_id: world.credits.functions.grantExternal(
        plan_id, world.stranger.address, 1, NO_CONTEXT
    ),
    "redeem": lambda world, plan_id: world.credits.functions.redeem(plan_id, world.stranger.address, 1, NO_CONTEXT),
    "settle": lambda world, plan_id: world.credits.functions.settle(plan_id, []),
    "setMinter": lambda world, plan_id: world.credits.functions.setMinter(plan_id, world.stranger.address, True),
    "setRedeemer": lambda world, plan_id: world.credits.functions.setRedeemer(plan_id, world.stranger.address, True),
    "setPlanActive": lambda world, plan_id: world.credits.functions.setPlanActive(plan_id, True),
    "setPlanUri": lambda world, plan_id: world.credits.functions.setPlanUri(plan_id, URI),
    "transferPlanOwnership": lambda world, plan_id: world.credits.functions.transferPlanOwnership(
        plan_id, world.stranger.address
    ),
    "acceptPlanOwnership": lambda world, plan_id: world.credits.functions.acceptPlanOwnership(plan_id),
}


@pytest.mark.parametrize("name", ACTS)
def test_anything__done_to_an_id_that_is_nobodys__prepares_nothing(world: World, name: str) -> None:
    """C27, C19: the id that the builder's next plan will have, and ids that a careless client may send."""
    terms = world.terms().as_tuple()
    coming = world.read(world.credits.functions.planIdOf(world.builder.address, terms, SALT))
    for plan_id in (coming, 0, 1, MAX_UINT):
        with pytest.raises(ContractError):
            world.read(ACTS[name](world, plan_id), world.stranger.address)
        with pytest.raises(ContractError):
            world.chain.read(ACTS[name](world, plan_id), ZERO, gas=500_000)  # type: ignore[arg-type]


def test_plan__whose_owner_gives_it_to_nobody__stays_theirs(world: World) -> None:
    """C19: ownership is accepted, so no plan can become the zero address's."""
    plan_id, functions = world.register(), world.credits.functions
    world.send(world.builder, functions.transferPlanOwnership(plan_id, ZERO))
    with pytest.raises(ContractError):
        world.read(functions.acceptPlanOwnership(plan_id), world.stranger.address)
    assert world.read(functions.stateOf(plan_id))[0] == world.builder.address


def test_register_plan__that_would_pay_the_contract_itself__is_refused_under_any_guess(world: World) -> None:
    """C34: money sent to Credits is lost, so no plan may name it, first or last."""
    for position in range(3):
        splits = [Split(world.builder.address, 1)] * 3
        splits[position] = Split(world.credits.address, 5)
        with reverts(InvalidSplit(position, world.credits.address, 5)):
            world.register(splits=tuple(splits))


def test_order__of_a_copy_that_was_stopped__does_not_reach_the_original(funded: World) -> None:
    """Two plans with one set of terms are two plans."""
    plan_id, copy = funded.register(), funded.register(signer=funded.stranger)
    funded.send(funded.stranger, funded.credits.functions.setPlanActive(copy, False))
    with reverts(PlanNotActive(copy)):
        funded.order(copy)
    funded.order(plan_id)
    assert (funded.balance(plan_id, funded.subscriber.address), funded.balance(copy, funded.subscriber.address)) == (
        100,
        0,
    )
