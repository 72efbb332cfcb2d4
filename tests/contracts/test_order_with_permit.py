"""orderWithPermit: allowance and order in one transaction, by the payer's own signature (EIP-2612)."""

from typing import Any

import pytest
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    CostAboveMax,
    ERC1155InvalidReceiver,
    InvalidQuantity,
    PaymentFailed,
    PlanNotActive,
    TrialAlreadyTaken,
    UnknownPlan,
    WrongKind,
    WrongValue,
)
from nvm_chain.signing.permits import PermitSignature
from tests.support.books import Books
from tests.support.events import granted, ordered
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reentry import arm, outcome_of, through
from tests.support.reverts import reverts
from tests.support.signed import (
    FOREVER,
    TRANSACTION_GAS,
    permit_of,
    plan_of_two,
    send_at,
    sign_the_permit,
    usage,
)
from tests.support.world import CREDITS, MAX_UINT, PRICE, ZERO, World

NO_SIGNATURE = PermitSignature(27, bytes(32), bytes(32))


@pytest.fixture
def rich(world: World) -> World:
    """A world where the subscriber has 1,000 USDC and has approved nobody for it."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, 1_000_000_000))
    return world


def _order(
    world: World,
    plan_id: int,
    signature: PermitSignature,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int = PRICE,
    deadline: int = FOREVER,
) -> ContractFunction:
    to = receiver or world.subscriber.address
    return world.credits.functions.orderWithPermit(plan_id, to, quantity, max_cost, (deadline, *signature))


def _books(world: World, token: Contract | None = None) -> Books:
    return Books(
        world,
        token or world.usdc,
        payer=world.subscriber.address,
        builder=world.builder.address,
        partner=world.partner.address,
        stranger=world.stranger.address,
    )


def _allowance(world: World) -> int:
    return int(world.read(world.usdc.functions.allowance(world.subscriber.address, world.credits.address)))


def _nobody_pays(world: World) -> PaymentFailed:
    """Return the error of an order without allowance."""
    return PaymentFailed(world.usdc.address, world.subscriber.address, world.builder.address, PRICE)


# ---------------------------------------------------------------- success


def test_order_with_permit__by_its_signer__pays_grants_and_emits(rich: World) -> None:
    plan_id, payer = rich.register(), rich.subscriber.address
    books = _books(rich)
    receipt = rich.send(rich.subscriber, _order(rich, plan_id, sign_the_permit(rich, permit_of(rich, PRICE))))
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}
    assert rich.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, PRICE),
    ]
    assert _allowance(rich) == 0


def test_order_with_permit__for_someone_else__grants_to_them(rich: World) -> None:
    plan_id, receiver = rich.register(), rich.other.address
    signature = sign_the_permit(rich, permit_of(rich, PRICE))
    receipt = rich.send(rich.subscriber, _order(rich, plan_id, signature, receiver=receiver))
    payer = rich.subscriber.address
    assert rich.events(receipt) == [
        granted(payer, receiver, plan_id, CREDITS),
        ordered(plan_id, payer, receiver, 1, PRICE),
    ]


def test_order_with_permit__of_more_than_the_cost__leaves_the_rest_as_allowance(rich: World) -> None:
    """The permit is of `maxCost`: what the order does not take, no other order than the payer's own can."""
    plan_id = rich.register()
    signature = sign_the_permit(rich, permit_of(rich, PRICE + 5))
    rich.send(rich.subscriber, _order(rich, plan_id, signature, max_cost=PRICE + 5))
    assert (_allowance(rich), rich.tokens(rich.builder.address)) == (5, PRICE)


def test_order_with_permit__as_a_call__returns_the_cost(rich: World) -> None:
    plan_id = rich.register(**plan_of_two(rich))
    signature = sign_the_permit(rich, permit_of(rich, 3000))
    function = _order(rich, plan_id, signature, quantity=3, max_cost=3000)
    assert rich.read(function, rich.subscriber.address) == 3000


def test_order_with_permit__at_a_quoted_price__takes_the_quote(rich: World) -> None:
    plan_id = rich.register(**plan_of_two(rich), quoter=rich.deploy("ChangesPrice", 500).address)
    signature = sign_the_permit(rich, permit_of(rich, 1000))
    books = _books(rich)
    rich.send(rich.subscriber, _order(rich, plan_id, signature, max_cost=1000))
    assert books.changes() == {"payer": -500, "builder": 350, "partner": 150}


@pytest.mark.parametrize("seconds", [-1, 0])
def test_order_with_permit__up_to_and_in_the_second_of_its_deadline__counts(rich: World, seconds: int) -> None:
    """C32."""
    plan_id, deadline = rich.register(), rich.now + 1000
    signature = sign_the_permit(rich, permit_of(rich, PRICE, deadline=deadline))
    function = _order(rich, plan_id, signature, deadline=deadline)
    assert send_at(rich, deadline + seconds, rich.subscriber, function)["status"] == 1


# ---------------------------------------------------------------- brought before


def test_order_with_permit__whose_permit_somebody_brought_before__passes_all_the_same(rich: World) -> None:
    """C23: a stranger sees the permit in the mempool and brings it to the token first."""
    plan_id, permit = rich.register(), permit_of(rich, PRICE)
    signature = sign_the_permit(rich, permit)
    rich.send(
        rich.stranger,
        rich.usdc.functions.permit(permit.owner, permit.spender, permit.value, permit.deadline, *signature),
    )
    books = _books(rich)
    rich.send(rich.subscriber, _order(rich, plan_id, signature))
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}


def test_order_with_permit__twice__finds_the_permit_used(rich: World) -> None:
    """C16: the same transaction's content again, without an allowance of another source."""
    plan_id, signature = rich.register(), sign_the_permit(rich, permit_of(rich, PRICE))
    rich.send(rich.subscriber, _order(rich, plan_id, signature))
    with reverts(_nobody_pays(rich)):
        rich.send(rich.subscriber, _order(rich, plan_id, signature))


def test_order_with_permit__with_an_allowance_in_place__needs_no_permit(funded: World) -> None:
    plan_id = funded.register()
    before = _allowance(funded)
    funded.send(funded.subscriber, _order(funded, plan_id, NO_SIGNATURE))
    assert (funded.tokens(funded.builder.address), _allowance(funded)) == (PRICE, before - PRICE)


# ---------------------------------------------------------------- permits that do not count


def test_order_with_permit__expired__reverts(rich: World) -> None:
    plan_id, deadline = rich.register(), rich.now - 1
    signature = sign_the_permit(rich, permit_of(rich, PRICE, deadline=deadline))
    with reverts(_nobody_pays(rich)):
        rich.send(rich.subscriber, _order(rich, plan_id, signature, deadline=deadline))


def test_order_with_permit__a_second_after_its_deadline__reverts(rich: World) -> None:
    plan_id, deadline = rich.register(), rich.now + 1000
    signature = sign_the_permit(rich, permit_of(rich, PRICE, deadline=deadline))
    function = _order(rich, plan_id, signature, deadline=deadline)
    assert send_at(rich, deadline + 1, rich.subscriber, function)["status"] == 0


@pytest.mark.parametrize("change", [{"value": PRICE - 1}, {"value": PRICE + 1}, {"nonce": 1}, {"deadline": 5}])
def test_order_with_permit__over_other_values__reverts(rich: World, change: dict[str, Any]) -> None:
    plan_id = rich.register()
    permit = permit_of(rich, **{"value": PRICE, **change})
    with reverts(_nobody_pays(rich)):
        rich.send(rich.subscriber, _order(rich, plan_id, sign_the_permit(rich, permit)))


def test_order_with_permit__for_another_spender__reverts(rich: World) -> None:
    plan_id = rich.register()
    permit = permit_of(rich, PRICE, spender=rich.stranger.address)
    with reverts(_nobody_pays(rich)):
        rich.send(rich.subscriber, _order(rich, plan_id, sign_the_permit(rich, permit)))


def test_order_with_permit__of_another_signer__reverts(rich: World) -> None:
    plan_id = rich.register()
    permit = permit_of(rich, PRICE, owner=rich.stranger)
    with reverts(_nobody_pays(rich)):
        rich.send(rich.subscriber, _order(rich, plan_id, sign_the_permit(rich, permit, rich.stranger)))


def test_order_with_permit__by_a_stranger__cannot_spend_the_signers_money(rich: World) -> None:
    """I3, I6: a permit for Credits is no order. Whoever brings it pays themselves, and has nothing."""
    plan_id, permit = rich.register(), permit_of(rich, PRICE)
    signature = sign_the_permit(rich, permit)
    steal = _order(rich, plan_id, signature, receiver=rich.stranger.address)
    refused = PaymentFailed(rich.usdc.address, rich.stranger.address, rich.builder.address, PRICE)
    with reverts(refused):
        rich.send(rich.stranger, steal)
    bring = rich.usdc.functions.permit(permit.owner, permit.spender, permit.value, permit.deadline, *signature)
    rich.send(rich.stranger, bring)
    with reverts(refused):
        rich.send(rich.stranger, steal)
    assert (_allowance(rich), rich.balance(plan_id, rich.stranger.address)) == (PRICE, 0)


# ---------------------------------------------------------------- other tokens


@pytest.mark.parametrize("name", ["PhantomPermit", "HonestToken", "ReturnsNothing"])
def test_order_with_permit__of_a_token_without_permit__needs_the_allowance(world: World, name: str) -> None:
    """A fallback that says yes to a permit, and no function at all, are both no allowance."""
    token, payer = world.deploy(name), world.subscriber
    plan_id = world.register(token=token.address)
    world.send(payer, token.functions.mint(payer.address, 2 * PRICE))
    refused = PaymentFailed(token.address, payer.address, world.builder.address, PRICE)
    with reverts(refused):
        world.send(payer, _order(world, plan_id, NO_SIGNATURE))
    world.send(payer, token.functions.approve(world.credits.address, PRICE))
    books = _books(world, token)
    world.send(payer, _order(world, plan_id, NO_SIGNATURE))
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}
    with reverts(refused):
        world.send(payer, _order(world, plan_id, NO_SIGNATURE))


def test_order_with_permit__of_a_plan_in_coin__has_no_way_to_pay(world: World) -> None:
    plan_id = world.register(token=ZERO)
    with reverts(WrongValue(PRICE, 0)):
        world.send(world.subscriber, _order(world, plan_id, NO_SIGNATURE))


def test_order_with_permit__with_coin__is_refused(world: World) -> None:
    """It is not payable: coin cannot get stuck on this way."""
    free = _order(world, world.register(splits=(), token=ZERO), NO_SIGNATURE, max_cost=0)
    assert world.send_with_gas(world.subscriber, free, TRANSACTION_GAS, value=1)["status"] == 0
    assert world.coins(world.credits.address) == 0


def test_order_with_permit__of_a_free_plan__needs_nothing(world: World) -> None:
    plan_id = world.register(splits=())
    world.send(world.subscriber, _order(world, plan_id, NO_SIGNATURE, max_cost=0))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_order_with_permit__of_a_free_plan_whose_token_has_no_code__needs_nothing(world: World) -> None:
    plan_id = world.register(splits=(), token=world.other.address)
    world.send(world.subscriber, _order(world, plan_id, NO_SIGNATURE, max_cost=0))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_order_with_permit__re_entered_by_the_token__is_paid_for_each(world: World) -> None:
    """C10."""
    token, actor = world.deploy("CallsBack"), world.deploy("Actor")
    plan_id = world.register(**plan_of_two(world), token=token.address)
    world.fund(world.subscriber, token, 10_000)
    world.send(world.subscriber, token.functions.mint(actor.address, 10_000))
    world.send(world.subscriber, through(actor, token.functions.approve(world.credits.address, 10_000)))
    again = _order(world, plan_id, NO_SIGNATURE, receiver=actor.address, max_cost=1000)
    arm(world, token, through(actor, again))
    books = Books(world, token, payer=world.subscriber.address, actor=actor.address, first=world.builder.address)
    receipt = world.send_with_gas(
        world.subscriber, _order(world, plan_id, NO_SIGNATURE, max_cost=1000), TRANSACTION_GAS
    )
    assert (receipt["status"], outcome_of(world, token).count) == (1, 2)
    assert books.changes() == {"payer": -1000, "actor": -2000, "first": 2100}
    assert world.balance(plan_id, actor.address) == 2 * CREDITS


def test_order_with_permit__of_a_token_that_bombs_its_permit__is_not_bombed(rich: World) -> None:
    """C12: whatever the token answers to the permit is not copied."""
    token, payer = rich.deploy("AnswersBytes", 100_000, bytes(32), False), rich.subscriber
    plan_id = rich.register(splits=(), token=token.address)
    receipt = rich.send(payer, _order(rich, plan_id, NO_SIGNATURE, max_cost=0))
    assert receipt["gasUsed"] < 250_000 < TRANSACTION_GAS_CAP


# ---------------------------------------------------------------- refusals of every order


@pytest.mark.parametrize("plan_id", [0, 7, MAX_UINT])
def test_order_with_permit__of_unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.send(world.subscriber, _order(world, plan_id, NO_SIGNATURE))


def test_order_with_permit__that_reverts__does_not_use_the_permit_up(rich: World) -> None:
    """The permit goes back with the order, so a second try needs no second signature."""
    plan_id = rich.register()
    signature = sign_the_permit(rich, permit_of(rich, PRICE - 1))
    refusals: list[tuple[Any, Any]] = [
        (CostAboveMax(PRICE, PRICE - 1), {"max_cost": PRICE - 1}),
        (InvalidQuantity(plan_id, 0), {"quantity": 0}),
        (ERC1155InvalidReceiver(ZERO), {"receiver": ZERO}),
    ]
    for refusal, change in refusals:
        with reverts(refusal):
            rich.send(rich.subscriber, _order(rich, plan_id, signature, **change))
    rich.send(rich.builder, rich.credits.functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        rich.send(rich.subscriber, _order(rich, plan_id, signature))
    assert int(rich.read(rich.usdc.functions.nonces(rich.subscriber.address))) == 0


def test_order_with_permit__of_a_usage_plan__reverts(rich: World) -> None:
    plan_id = rich.register(**usage(rich))
    with reverts(WrongKind(plan_id, PlanKind.USAGE)):
        rich.send(rich.subscriber, _order(rich, plan_id, NO_SIGNATURE))


def test_order_with_permit__of_a_trial_twice__reverts(rich: World) -> None:
    """I7."""
    plan_id = rich.register(trial=True)
    rich.send(rich.subscriber, _order(rich, plan_id, sign_the_permit(rich, permit_of(rich, PRICE))))
    signature = sign_the_permit(rich, permit_of(rich, PRICE))
    with reverts(TrialAlreadyTaken(plan_id, rich.subscriber.address)):
        rich.send(rich.subscriber, _order(rich, plan_id, signature))
