"""Trials of others: nobody orders one for anybody but the payer, by no way of ordering; who may mint gives them (I7)."""

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import InvalidQuantity, PlanNotActive, TrialAlreadyTaken, TrialOrderedForOther
from tests.support.plans import expiring, from_first_use, from_purchase
from tests.support.reverts import reverts
from tests.support.signed import bring, order_of, permit_of, sign, sign_the_permit
from tests.support.world import CREDITS, PRICE, World

DAY = 86_400

KINDS: dict[str, dict[str, Any]] = {
    "credits": {},
    "expiring": expiring(DAY),
    "from purchase": from_purchase(DAY),
    "from first use": from_first_use(DAY),
    "transferable": {"transferable": True},
}
kinds = pytest.mark.parametrize("kind", KINDS)

Way = Callable[[World, int, str, int], ContractFunction]


def _order(world: World, plan_id: int, receiver: str, quantity: int) -> ContractFunction:
    return world.credits.functions.order(plan_id, receiver, quantity, PRICE)


def _with_permit(world: World, plan_id: int, receiver: str, quantity: int) -> ContractFunction:
    permit = permit_of(world, PRICE)
    signature = sign_the_permit(world, permit)
    signed = (permit.deadline, signature.v, signature.r, signature.s)
    return world.credits.functions.orderWithPermit(plan_id, receiver, quantity, PRICE, signed)


def _with_authorization(world: World, plan_id: int, receiver: str, quantity: int) -> ContractFunction:
    order = order_of(world, plan_id, max_cost=PRICE, receiver=receiver, quantity=quantity)
    return bring(world, order, sign(world, order))


WAYS: list[Way] = [_order, _with_permit, _with_authorization]
ways = pytest.mark.parametrize("way", WAYS)


def _register(world: World, kind: str) -> int:
    return world.register(**{**KINDS[kind], "trial": True, "splits": world.terms().splits})


def _bringers(world: World, way: Way) -> list[Any]:
    """Return who may send the subscriber's order: with an authorization anybody, and the receiver too."""
    return [world.relayer, world.other, world.subscriber] if way is _with_authorization else [world.subscriber]


@kinds
@ways
def test_trial__ordered_for_another__is_refused_by_every_way(funded: World, kind: str, way: Way) -> None:
    plan_id, payer, other = _register(funded, kind), funded.subscriber.address, funded.other.address
    before = funded.tokens(payer)
    for bringer in _bringers(funded, way):
        with reverts(TrialOrderedForOther(plan_id, payer, other)):
            funded.send(bringer, way(funded, plan_id, other, 1))
    assert (funded.balance(plan_id, other), funded.tokens(payer)) == (0, before)
    assert not funded.read(funded.credits.functions.accountOf(plan_id, other))[3]


@kinds
@ways
def test_trial__ordered_for_oneself__is_granted_by_every_way(funded: World, kind: str, way: Way) -> None:
    """Whoever brings it: the payer is who counts, and the receiver."""
    plan_id, payer = _register(funded, kind), funded.subscriber.address
    for bringer in _bringers(funded, way):
        snapshot = funded.take_snapshot()
        before = funded.tokens(payer)
        funded.send(bringer, way(funded, plan_id, payer, 1))
        assert funded.balance(plan_id, payer) == (1 if "from" in kind else CREDITS)
        assert funded.read(funded.credits.functions.accountOf(plan_id, payer))[3]
        assert funded.tokens(payer) == before - PRICE
        funded.revert_to(snapshot)


@kinds
def test_trial__of_another__is_minted_by_every_way_of_minting(world: World, kind: str) -> None:
    plan_id, holder, functions = _register(world, kind), world.other.address, world.credits.functions
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    for grant in (
        functions.mint(plan_id, holder, 3),
        functions.mintBatch(plan_id, [holder], [3]),
        functions.grantExternal(plan_id, holder, 1, b"\1" * 32),
    ):
        for minter in (world.builder, world.minter):
            snapshot = world.take_snapshot()
            world.send(minter, grant)
            assert world.balance(plan_id, holder) > 0
            assert world.read(functions.accountOf(plan_id, holder))[3]
            world.revert_to(snapshot)


@ways
def test_plan_that_is_no_trial__ordered_for_another__is_granted(funded: World, way: Way) -> None:
    """Only a trial can be used up for its receiver."""
    plan_id, other = funded.register(), funded.other.address
    funded.send(funded.subscriber, way(funded, plan_id, other, 1))
    assert funded.balance(plan_id, other) == CREDITS


@ways
def test_trial__ordered_for_another_with_more_wrong__names_the_first(funded: World, way: Way) -> None:
    """The plan's state, the quantity and the cost come before; whether the trial was taken comes after."""
    plan_id, payer, other = _register(funded, "credits"), funded.subscriber.address, funded.other.address
    funded.grant(plan_id, other, 1)
    with reverts(TrialOrderedForOther(plan_id, payer, other)):
        funded.send(funded.subscriber, way(funded, plan_id, other, 1))
    with reverts(InvalidQuantity(plan_id, 2)):
        funded.send(funded.subscriber, way(funded, plan_id, other, 2))
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        funded.send(funded.subscriber, way(funded, plan_id, other, 1))
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, True))
    funded.grant(plan_id, payer, 1)
    with reverts(TrialAlreadyTaken(plan_id, payer)):
        funded.send(funded.subscriber, way(funded, plan_id, payer, 1))
