"""Usage plans grant nothing: they are paid, see test_pay, and all that is about credits is refused."""

import pytest

from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    InsufficientCredits,
    NotMinter,
    NotRedeemable,
    NotTransferable,
    RedeemNotAllowed,
    SettlementsNotAccepted,
    WrongKind,
)
from tests.support.events import selector
from tests.support.plans import usage
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, NO_CONTEXT, World


@pytest.fixture
def plan_id(funded: World) -> int:
    """A usage plan, with a minter and a redeemer who have nothing to do."""
    plan_id, functions = funded.register(**usage()), funded.credits.functions
    funded.send(funded.builder, functions.setMinter(plan_id, funded.minter.address, True))
    funded.send(funded.builder, functions.setRedeemer(plan_id, funded.redeemer.address, True))
    return plan_id


@pytest.mark.parametrize("quantity", [0, 1, 2**32])
def test_usage__ordered__reverts(funded: World, plan_id: int, quantity: int) -> None:
    """The kind is the first thing that is wrong, whatever else is."""
    with reverts(WrongKind(plan_id, PlanKind.USAGE)):
        funded.order(plan_id, quantity=quantity)
    permit = (0, 0, NO_CONTEXT, NO_CONTEXT)
    function = funded.credits.functions.orderWithPermit(plan_id, funded.subscriber.address, quantity, MAX_UINT, permit)
    with reverts(WrongKind(plan_id, PlanKind.USAGE)):
        funded.send(funded.subscriber, function)


@pytest.mark.parametrize("role", ["builder", "minter"])
def test_usage__granted__reverts(funded: World, plan_id: int, role: str) -> None:
    caller, holder, functions = getattr(funded, role), funded.subscriber.address, funded.credits.functions
    grants = [
        functions.mint(plan_id, holder, 1),
        functions.mintBatch(plan_id, [holder], [1]),
        functions.mintBatch(plan_id, [], []),
        functions.grantExternal(plan_id, holder, 1, NO_CONTEXT),
    ]
    for function in grants:
        with reverts(WrongKind(plan_id, PlanKind.USAGE)):
            funded.send(caller, function)
        with reverts(NotMinter(plan_id, funded.stranger.address)):
            funded.send(funded.stranger, function)
    assert funded.balance(plan_id, holder) == 0
    assert funded.read(functions.isReferenceUsed(plan_id, NO_CONTEXT)) is False


@pytest.mark.parametrize("amount", [0, 1])
def test_usage__redeemed__reverts(funded: World, plan_id: int, amount: int) -> None:
    holder, functions = funded.subscriber.address, funded.credits.functions
    function = functions.redeem(plan_id, holder, amount, NO_CONTEXT)
    with reverts(NotRedeemable(plan_id)):
        funded.send(funded.subscriber, function)
    for caller in (funded.redeemer, funded.builder):
        with reverts(RedeemNotAllowed(plan_id, holder, caller.address)):
            funded.send(caller, function)
    assert funded.read(functions.canRedeem(plan_id, holder, amount)) == [False, selector("NotRedeemable(uint256)")]


@pytest.mark.parametrize("amount", [1, 2**64, MAX_UINT])
def test_usage__burned__reverts(funded: World, plan_id: int, amount: int) -> None:
    holder = funded.subscriber.address
    with reverts(InsufficientCredits(plan_id, holder, 0, amount)):
        funded.send(funded.subscriber, funded.credits.functions.burn(plan_id, holder, amount))


def test_usage__settled_or_transferred__reverts(funded: World, plan_id: int) -> None:
    holder, functions = funded.subscriber.address, funded.credits.functions
    for caller in (funded.builder, funded.redeemer, funded.stranger):
        with reverts(SettlementsNotAccepted(plan_id)):
            funded.send(caller, functions.settle(plan_id, []))
    for amount in (0, 1):
        with reverts(NotTransferable(plan_id)):
            function = functions.safeTransferFrom(holder, funded.other.address, plan_id, amount, b"")
            funded.send(funded.subscriber, function)


def test_usage__paid__grants_nothing(funded: World, plan_id: int) -> None:
    """I2."""
    holder, functions = funded.subscriber.address, funded.credits.functions
    funded.send(funded.subscriber, functions.payUsage(plan_id, 3, MAX_UINT, NO_CONTEXT))
    assert list(funded.read(functions.accountOf(plan_id, holder))) == [0, 0, 0, False]
    assert funded.read(functions.lotsOf(plan_id, holder, 0, 10)) == []
