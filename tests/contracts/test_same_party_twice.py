"""The same party on both sides, where it is refused: what a contract adds after it has subtracted shows in nobody's favour.

A transfer to oneself, an order of the payer's for themselves, a redemption where owner, redeemer and holder are one; above the balance, on
a plan that forbids it, on a plan that is not there; alone, in a batch with something good, and several that are too much only together.
"""

from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    AuthorizationFailed,
    ContractError,
    CostAboveMax,
    CreditsOverflow,
    InsufficientCredits,
    InvalidQuantity,
    NotTransferable,
    PaymentFailed,
    PlanNotActive,
    RedeemNotAllowed,
    RedeemOutOfRange,
    SettlementsNotAccepted,
    UnknownPlan,
    ZeroAmount,
)
from tests.support.reverts import reverts
from tests.support.signed import (
    ALREADY_SETTLED,
    SETTLED,
    SHORT,
    bring,
    order_of,
    register_with_redeemer,
    settle,
    sign,
    sign_item,
    unsigned_item,
)
from tests.support.world import CREDITS, FUNDS, MAX_UINT, NO_CONTEXT, PRICE, World

HELD = 10
MAX_ACCOUNT = 2**54 - 1
UNKNOWN = 7
AMOUNTS = [HELD + 1, 2 * HELD, 2**53, 2**54 - 1, 2**54, 2**54 + 1, 2**64, 2**64 + 1, 2**128, MAX_UINT - 1, MAX_UINT]


def _account(world: World, plan_id: int, holder: str) -> tuple[Any, ...]:
    return tuple(world.read(world.credits.functions.accountOf(plan_id, holder)))


# ---------------------------------------------------------------- from = to


def _single(world: World, holder: str, plan_ids: list[int], amounts: list[int]) -> ContractFunction:
    return world.credits.functions.safeTransferFrom(holder, holder, plan_ids[-1], amounts[-1], b"")


def _batch(world: World, holder: str, plan_ids: list[int], amounts: list[int]) -> ContractFunction:
    return world.credits.functions.safeBatchTransferFrom(holder, holder, plan_ids, amounts, b"")


transfers = pytest.mark.parametrize("transfer", [_single, _batch])
operators = pytest.mark.parametrize("operator", ["subscriber", "partner"])


def _refused(world: World, call: ContractFunction, operator: str, error: ContractError) -> None:
    """Check that a call is refused as a call and as a transaction, and that nothing comes of it."""
    account = getattr(world, operator)
    with reverts(error):
        world.read(call, account.address)
    receipt = world.send_with_gas(account, call, 1_000_000)
    assert (receipt["status"], receipt["logs"]) == (0, [])


@pytest.fixture
def approved(world: World) -> World:
    """The partner may transfer what the subscriber holds."""
    world.send(world.subscriber, world.credits.functions.setApprovalForAll(world.partner.address, True))
    return world


@transfers
@operators
@pytest.mark.parametrize("amount", AMOUNTS)
def test_transfer__to_oneself_above_the_balance__reverts(
    approved: World, transferable_plan: int, transfer: Any, operator: str, amount: int
) -> None:
    holder = approved.subscriber.address
    call = transfer(approved, holder, [transferable_plan], [amount])
    _refused(approved, call, operator, InsufficientCredits(transferable_plan, holder, HELD, amount))
    assert _account(approved, transferable_plan, holder) == (HELD, 0, 0, False)


@operators
@pytest.mark.parametrize("amounts", [[HELD, HELD + 1], [1, HELD + 1], [0, HELD + 1], [HELD + 1, 1]])
def test_transfer_batch__to_oneself_with_one_above_the_balance__reverts(
    approved: World, transferable_plan: int, operator: str, amounts: list[int]
) -> None:
    holder = approved.subscriber.address
    call = _batch(approved, holder, [transferable_plan] * 2, amounts)
    _refused(approved, call, operator, InsufficientCredits(transferable_plan, holder, HELD, HELD + 1))
    assert _account(approved, transferable_plan, holder) == (HELD, 0, 0, False)


@pytest.mark.parametrize("amounts", [[HELD], [HELD, HELD, HELD], [1] * 12, [0], [0, 0], []])
def test_transfer_batch__to_oneself_of_what_is_there__changes_nothing(
    world: World, transferable_plan: int, amounts: list[int]
) -> None:
    """The other side of the refused cases: what comes back can be sent again in the same batch."""
    holder = world.subscriber
    world.send(holder, _batch(world, holder.address, [transferable_plan] * len(amounts), amounts))
    assert _account(world, transferable_plan, holder.address) == (HELD, 0, 0, False)


@pytest.mark.parametrize("held", [MAX_ACCOUNT - 1, MAX_ACCOUNT])
def test_transfer__to_oneself_of_a_full_account__fits(world: World, held: int) -> None:
    """What is sent has left before it arrives."""
    plan_id, holder = world.register(transferable=True), world.subscriber
    world.grant(plan_id, holder.address, held)
    for amount in (1, held - 1, held):
        world.send(holder, _single(world, holder.address, [plan_id], [amount]))
        assert _account(world, plan_id, holder.address)[0] == held
    with reverts(InsufficientCredits(plan_id, holder.address, held, held + 1)):
        world.send(holder, _single(world, holder.address, [plan_id], [held + 1]))


@transfers
@operators
@pytest.mark.parametrize("amount", [0, 1, HELD, HELD + 1, MAX_UINT])
@pytest.mark.parametrize("is_first_good", [False, True])
def test_transfer__to_oneself_of_a_plan_that_forbids_it__reverts(
    approved: World, transferable_plan: int, transfer: Any, operator: str, amount: int, is_first_good: bool
) -> None:
    plan_id, holder = approved.register(), approved.subscriber.address
    approved.grant(plan_id, holder, HELD)
    ids, amounts = ([transferable_plan, plan_id], [1, amount]) if is_first_good else ([plan_id], [amount])
    _refused(approved, transfer(approved, holder, ids, amounts), operator, NotTransferable(plan_id))
    assert _account(approved, plan_id, holder) == (HELD, 0, 0, False)


@transfers
@operators
@pytest.mark.parametrize("amount", [0, 1, MAX_UINT])
@pytest.mark.parametrize("is_first_good", [False, True])
def test_transfer__to_oneself_of_an_unknown_plan__reverts(
    approved: World, transferable_plan: int, transfer: Any, operator: str, amount: int, is_first_good: bool
) -> None:
    holder = approved.subscriber.address
    ids, amounts = ([transferable_plan, UNKNOWN], [1, amount]) if is_first_good else ([UNKNOWN], [amount])
    _refused(approved, transfer(approved, holder, ids, amounts), operator, UnknownPlan(UNKNOWN))
    assert approved.balance(UNKNOWN, holder) == 0


# ---------------------------------------------------------------- payer = receiver = who is paid


def _order(world: World, plan_id: int, quantity: int, max_cost: int) -> ContractFunction:
    return world.credits.functions.order(plan_id, world.builder.address, quantity, max_cost)


def _signed(world: World, plan_id: int, quantity: int, max_cost: int) -> ContractFunction:
    builder = world.builder.address
    order = order_of(world, plan_id, max_cost=max_cost, payer=builder, receiver=builder, quantity=quantity)
    world.subscriber, mine = world.builder, world.subscriber
    try:
        return bring(world, order, sign(world, order))
    finally:
        world.subscriber = mine


ways = pytest.mark.parametrize("way", [_order, _signed])


@ways
def test_order__by_who_is_paid_for_themselves__moves_no_money_and_grants(world: World, way: Any) -> None:
    """Payer, receiver and the price's receiver are one."""
    plan_id = world.register()
    world.fund(world.builder)
    world.send(world.builder, way(world, plan_id, 2, 2 * PRICE))
    assert world.tokens(world.builder.address) == FUNDS
    assert world.balance(plan_id, world.builder.address) == 2 * CREDITS


@ways
def test_order__by_who_is_paid_with_too_little__is_refused_all_the_same(world: World, way: Any) -> None:
    """What they would get back does not pay for it."""
    plan_id, builder = world.register(), world.builder.address
    world.fund(world.builder, amount=PRICE - 1)
    error = (
        PaymentFailed(world.usdc.address, builder, builder, PRICE)
        if way is _order
        else AuthorizationFailed(world.usdc.address, builder, PRICE)
    )
    _refused(world, way(world, plan_id, 1, PRICE), "builder", error)
    assert (world.balance(plan_id, builder), world.tokens(builder)) == (0, PRICE - 1)


@ways
def test_order__by_who_is_paid_with_anything_wrong__is_refused(world: World, way: Any) -> None:
    plan_id, builder = world.register(), world.builder.address
    world.fund(world.builder)
    _refused(world, way(world, UNKNOWN, 1, PRICE), "builder", UnknownPlan(UNKNOWN))
    _refused(world, way(world, plan_id, 0, PRICE), "builder", InvalidQuantity(plan_id, 0))
    _refused(world, way(world, plan_id, 1, PRICE - 1), "builder", CostAboveMax(PRICE, PRICE - 1))
    world.grant(plan_id, builder, MAX_ACCOUNT - CREDITS + 1)
    _refused(world, way(world, plan_id, 1, PRICE), "builder", CreditsOverflow(plan_id, builder, CREDITS))
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    _refused(world, way(world, plan_id, 1, PRICE), "builder", PlanNotActive(plan_id))
    assert world.tokens(builder) == FUNDS


# ---------------------------------------------------------------- owner = redeemer = holder


@pytest.mark.parametrize("rule", list(RedemptionRule))
@pytest.mark.parametrize("is_redeemer", [False, True])
def test_redeem__by_an_owner_who_is_the_holder__is_as_the_rule_says(
    world: World, rule: RedemptionRule, is_redeemer: bool
) -> None:
    """Under every rule they may, and no more than they have, and nothing outside the range."""
    plan_id, functions, builder = world.register(rule=rule), world.credits.functions, world.builder
    world.send(builder, functions.setRedeemer(plan_id, builder.address, is_redeemer))
    world.grant(plan_id, builder.address, 3)
    holder = builder.address
    for amount in (4, 10):
        call = functions.redeem(plan_id, holder, amount, NO_CONTEXT)
        _refused(world, call, "builder", InsufficientCredits(plan_id, holder, 3, amount))
    for amount in (0, 11, 2**64 + 1, MAX_UINT):
        call = functions.redeem(plan_id, holder, amount, NO_CONTEXT)
        _refused(world, call, "builder", RedeemOutOfRange(plan_id, amount, 1, 10))
    world.send(builder, functions.redeem(plan_id, holder, 3, NO_CONTEXT))
    _refused(
        world, functions.redeem(plan_id, holder, 1, NO_CONTEXT), "builder", InsufficientCredits(plan_id, holder, 0, 1)
    )
    _refused(world, functions.redeem(UNKNOWN, holder, 1, NO_CONTEXT), "builder", UnknownPlan(UNKNOWN))


@pytest.mark.parametrize("rule", list(RedemptionRule))
@pytest.mark.parametrize("is_signed", [False, True])
def test_settle__by_an_owner_who_is_the_holder__takes_once_and_what_is_there(
    world: World, rule: RedemptionRule, is_signed: bool
) -> None:
    plan_id, builder = world.register(rule=rule), world.builder
    world.grant(plan_id, builder.address, 3)
    signed = sign_item(world, plan_id, builder, 5, redeemer=builder.address)
    item = signed if is_signed else unsigned_item(builder.address, 5)
    call = settle(world, plan_id, item.but(total=2), item.but(total=2), item, item)
    found = [tuple(each) for each in world.read(call, builder.address)]
    assert found == [(2, SETTLED), (0, ALREADY_SETTLED), (1, SHORT), (0, SHORT)]
    world.send(builder, call)
    assert _account(world, plan_id, builder.address) == (0, 3, 0, False)


def test_settle__by_an_owner_who_is_the_holder_where_it_is_forbidden__reverts(world: World) -> None:
    plan_id, builder = register_with_redeemer(world, transferable=True), world.builder
    world.grant(plan_id, builder.address, 3)
    item = unsigned_item(builder.address, 1)
    _refused(world, settle(world, plan_id, item), "builder", SettlementsNotAccepted(plan_id))
    _refused(world, settle(world, UNKNOWN, item), "builder", UnknownPlan(UNKNOWN))


def test_redeem__by_a_redeemer_who_is_the_holder__under_the_owners_rule_is_theirs(world: World) -> None:
    """OWNER excludes the holder as such; one who is a redeemer too may, and may no longer when that ends."""
    plan_id = register_with_redeemer(world, rule=RedemptionRule.OWNER)
    functions, redeemer = world.credits.functions, world.redeemer
    world.grant(plan_id, redeemer.address, 3)
    call = functions.redeem(plan_id, redeemer.address, 1, NO_CONTEXT)
    world.send(redeemer, call)
    world.send(world.builder, functions.setRedeemer(plan_id, redeemer.address, False))
    _refused(world, call, "redeemer", RedeemNotAllowed(plan_id, redeemer.address, redeemer.address))
    assert world.balance(plan_id, redeemer.address) == 2


# ---------------------------------------------------------------- minter = receiver, holder = operator


@pytest.mark.parametrize("amount", [1, 2, MAX_ACCOUNT, 2**54, MAX_UINT])
def test_mint__to_oneself_beyond_what_fits__reverts(world: World, amount: int) -> None:
    plan_id, builder = world.register(), world.builder.address
    world.grant(plan_id, builder, MAX_ACCOUNT)
    mint = world.credits.functions.mint(plan_id, builder, amount)
    _refused(world, mint, "builder", CreditsOverflow(plan_id, builder, amount))
    assert world.balance(plan_id, builder) == MAX_ACCOUNT


@pytest.mark.parametrize("amount", AMOUNTS)
def test_burn__of_ones_own_above_the_balance__reverts(world: World, transferable_plan: int, amount: int) -> None:
    """Also where the holder approved themselves as operator, which changes nothing."""
    holder, functions = world.subscriber, world.credits.functions
    world.send(holder, functions.setApprovalForAll(holder.address, True))
    burn = functions.burn(transferable_plan, holder.address, amount)
    _refused(world, burn, "subscriber", InsufficientCredits(transferable_plan, holder.address, HELD, amount))
    _refused(world, functions.burn(transferable_plan, holder.address, 0), "subscriber", ZeroAmount())
    _refused(
        world,
        functions.burn(UNKNOWN, holder.address, 1),
        "subscriber",
        InsufficientCredits(UNKNOWN, holder.address, 0, 1),
    )
