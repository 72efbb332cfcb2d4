"""Life before the event: settlements, orders and registrations have happened, and then something changes for good.

The chain's id, the plan's owner, the contract's owner and fee, a plan that is stopped, a deadline that passes. Whatever a contract
remembers of the time before (a domain, a right, a fee, a signature that was good once) shows only where it had time to remember it. So
each event here comes after each kind of life, none among them, and what is checked does not depend on which.
"""

from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    AuthorizationFailed,
    NotMinter,
    NotPlanOwner,
    NotRedeemer,
    OwnableUnauthorizedAccount,
    PaymentFailed,
    PlanNotActive,
    RedeemNotAllowed,
)
from nvm_chain.signing.vouchers import Voucher
from nvm_chain.types.ids import compute_plan_id
from tests.support.batches import settle_batch
from tests.support.forked import forked
from tests.support.plans import usage
from tests.support.reverts import reverts
from tests.support.signed import (
    ALREADY_SETTLED,
    EXPIRED,
    FOREVER,
    NOT_SIGNED,
    SETTLED,
    Item,
    bring,
    digest_on_chain,
    domain_of,
    nonce_on_chain,
    order_of,
    permit_of,
    register_with_redeemer,
    send_at,
    settle,
    sign,
    sign_item,
    sign_the_permit,
    unsigned_item,
)
from tests.support.world import CREDITS, MAX_FEE_BPS, NO_CONTEXT, PRICE, World

SALT = b"\5" * 32


class Life:
    """A plan, a usage plan, and what has happened to them."""

    def __init__(self, world: World, rule: RedemptionRule) -> None:
        """Register, with redeemer and minter; subscriber and other hold 100 credits each."""
        self.world, self.functions = world, world.credits.functions
        self.plan_id = register_with_redeemer(world, rule=rule)
        self.per_use = world.register(**usage())
        world.send(world.builder, self.functions.setMinter(self.plan_id, world.minter.address, True))
        for holder in (world.subscriber, world.other):
            world.grant(self.plan_id, holder.address, CREDITS)
        self.settled = self.orders = 0

    def settle(self) -> None:
        """A voucher of the subscriber's is settled, and one that is not good refused."""
        self.settled += 5
        good = sign_item(self.world, self.plan_id, self.world.subscriber, self.settled)
        bad = sign_item(self.world, self.plan_id, self.world.other, 5).but(signature=b"\1" * 65)
        assert settle_batch(self.world, self.plan_id, good, bad) == [(5, SETTLED), (0, NOT_SIGNED)]

    def order(self) -> None:
        """Each way of ordering is used, and a usage plan paid."""
        world = self.world
        world.order(self.plan_id)
        world.send(world.subscriber, self.with_permit())
        self.orders += 1
        signed = self.authorization(salt=self.orders.to_bytes(32, "little"))
        world.send(world.relayer, bring(world, signed, sign(world, signed)))
        world.fund(world.subscriber)
        world.send(world.subscriber, self.functions.payUsage(self.per_use, 1, PRICE, NO_CONTEXT))

    def register(self) -> None:
        """Plans come, and one of the same terms from another creator."""
        for creator in (self.world.builder, self.world.stranger):
            self.world.send(creator, self.registration())

    def spend(self) -> None:
        """Credits are redeemed, burned and minted."""
        world, holder = self.world, self.world.other
        world.send(self.redeeming[0], self.functions.redeem(self.plan_id, holder.address, 2, NO_CONTEXT))
        world.send(holder, self.functions.burn(self.plan_id, holder.address, 1))
        world.send(world.minter, self.functions.mint(self.plan_id, holder.address, 3))

    def all(self) -> None:
        """All of it, twice."""
        for _ in range(2):
            self.settle()
            self.order()
            self.spend()
        self.register()

    def none(self) -> None:
        """Nothing."""

    @property
    def redeeming(self) -> list[Any]:
        """Who redeems the other's credits."""
        rule = self.world.read(self.functions.termsOf(self.plan_id))[10]
        return [self.world.other if rule == RedemptionRule.HOLDER else self.world.redeemer]

    def registration(self) -> Any:
        """The call that registers always the same plan."""
        return self.functions.registerPlan(self.world.terms().as_tuple(), SALT, "", MAX_FEE_BPS)

    def authorization(self, **changes: Any) -> Any:
        """The subscriber's signed order of the plan."""
        return order_of(self.world, self.plan_id, max_cost=PRICE, **changes)

    def with_permit(self, deadline: int = FOREVER) -> Any:
        """The subscriber's order with a permit."""
        permit = permit_of(self.world, PRICE, deadline=deadline)
        signature = sign_the_permit(self.world, permit)
        signed = (permit.deadline, signature.v, signature.r, signature.s)
        return self.functions.orderWithPermit(self.plan_id, self.world.subscriber.address, 1, PRICE, signed)

    def voucher(self, **changes: Any) -> Item:
        """A voucher of the subscriber's for 5 credits more than were settled."""
        return sign_item(self.world, self.plan_id, self.world.subscriber, self.settled + 5, **changes)


LIVES: dict[str, Callable[[Life], None]] = {
    "none": Life.none,
    "settled": Life.settle,
    "ordered": Life.order,
    "registered": Life.register,
    "spent": Life.spend,
    "all": Life.all,
}
lives = pytest.mark.parametrize("lived", LIVES)


def live(world: World, lived: str, rule: RedemptionRule = RedemptionRule.REDEEMER) -> Life:
    """Return a life of this kind."""
    world.fund(world.subscriber)
    life = Life(world, rule)
    LIVES[lived](life)
    return life


# ---------------------------------------------------------------- the chain forks


@lives
def test_fork__after_a_life__takes_vouchers_of_the_new_chain_alone(world: World, lived: str) -> None:
    """C17: nothing of the domain was kept from before, and the counter was."""
    life = live(world, lived)
    old, settled_before = life.voucher(), life.voucher().but(ceiling=life.settled, total=life.settled)
    with forked(world):
        new = life.voucher()
        assert old.signature != new.signature
        expected = [(0, ALREADY_SETTLED), (0, NOT_SIGNED), (5, SETTLED), (0, ALREADY_SETTLED)]
        assert settle_batch(world, life.plan_id, settled_before, old, new, old) == expected
    life.settled += 5
    back = life.voucher()
    assert settle_batch(world, life.plan_id, back) == [(5, SETTLED)]


@lives
def test_fork__after_a_life__says_the_new_chain_in_all_that_is_hashed(world: World, lived: str) -> None:
    life = live(world, lived)
    voucher = Voucher(life.plan_id, world.subscriber.address, world.redeemer.address, 9, NO_CONTEXT, FOREVER)
    creator, terms = world.builder.address, world.terms()

    def hashed() -> tuple[Any, ...]:
        return (
            digest_on_chain(world, voucher),
            nonce_on_chain(world, life.authorization()),
            world.read(life.functions.planIdOf(creator, terms.as_tuple(), SALT)),
            world.read(life.functions.eip712Domain())[3],
        )

    before = hashed()
    with forked(world) as chain_id:
        after = hashed()
        assert after[2:] == (compute_plan_id(chain_id, world.credits.address, creator, terms, SALT), chain_id)
        assert all(one != other for one, other in zip(before, after, strict=True))
        assert domain_of(world).chain_id == chain_id
    assert hashed() == before


@lives
def test_fork__after_a_life__takes_signed_orders_of_the_new_chain_alone(world: World, lived: str) -> None:
    life = live(world, lived)
    order = life.authorization()
    old = bring(world, order, sign(world, order))
    permit = life.with_permit()
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    held = world.balance(life.plan_id, world.subscriber.address)
    with forked(world):
        with reverts(AuthorizationFailed(world.usdc.address, world.subscriber.address, PRICE)):
            world.send(world.relayer, old)
        failed = PaymentFailed(world.usdc.address, world.subscriber.address, world.builder.address, PRICE)
        with reverts(failed):
            world.send(world.subscriber, permit)
        world.send(world.relayer, bring(world, order, sign(world, order)))
        world.send(world.subscriber, life.with_permit())
    assert world.balance(life.plan_id, world.subscriber.address) == held + 2 * CREDITS


@lives
def test_fork__after_a_life__keeps_the_plans_and_registers_new_ones(world: World, lived: str) -> None:
    """Plans of before are known by their ids, which name the old chain; the same terms are another plan now."""
    life = live(world, lived)
    terms = world.read(life.functions.termsOf(life.plan_id))
    held = world.balance(life.plan_id, world.subscriber.address)
    with forked(world) as chain_id:
        world.order(life.plan_id)
        assert world.read(life.functions.termsOf(life.plan_id)) == terms
        assert world.balance(life.plan_id, world.subscriber.address) == held + CREDITS
        receipt = world.send(world.builder, life.registration())
        plan_id = world.events(receipt)[0][1]["planId"]
        creator = world.builder.address
        assert plan_id == compute_plan_id(chain_id, world.credits.address, creator, world.terms(), SALT)
        world.order(plan_id)


# ---------------------------------------------------------------- the plan has another owner


def _pass(world: World, plan_id: int) -> None:
    functions = world.credits.functions
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))


@lives
@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_new_owner__after_a_life__has_every_right_and_those_before_none(
    world: World, lived: str, rule: RedemptionRule
) -> None:
    life = live(world, lived, rule)
    plan_id, functions, holder = life.plan_id, life.functions, world.other.address
    voucher, own = life.voucher(), unsigned_item(holder, 1)
    _pass(world, plan_id)
    for former in (world.builder, world.redeemer):
        with reverts(NotRedeemer(plan_id, former.address)):
            world.send(former, settle(world, plan_id, voucher, own))
        with reverts(RedeemNotAllowed(plan_id, holder, former.address)):
            world.send(former, functions.redeem(plan_id, holder, 1, NO_CONTEXT))
    for former in (world.builder, world.minter):
        with reverts(NotMinter(plan_id, former.address)):
            world.send(former, functions.mint(plan_id, holder, 1))
    with reverts(NotPlanOwner(plan_id, world.builder.address)):
        world.send(world.builder, functions.setPlanActive(plan_id, False))
    mine = life.voucher(redeemer=world.partner.address)
    world.send(world.partner, settle(world, plan_id, voucher, mine))
    assert world.read(functions.accountOf(plan_id, world.subscriber.address))[1] == life.settled + 5
    world.send(world.partner, functions.mint(plan_id, holder, 1))
    world.send(world.partner, functions.setRedeemer(plan_id, world.redeemer.address, True))
    assert settle_batch(world, plan_id, life.voucher(), voucher) == [(0, ALREADY_SETTLED)] * 2


@lives
def test_new_owner__after_a_life__is_not_paid_and_orders_go_on(world: World, lived: str) -> None:
    """Who is paid is a term: a change of owner changes nothing for a buyer."""
    life = live(world, lived)
    _pass(world, life.plan_id)
    builder, partner = world.tokens(world.builder.address), world.tokens(world.partner.address)
    world.order(life.plan_id)
    order = life.authorization()
    world.send(world.relayer, bring(world, order, sign(world, order)))
    assert world.tokens(world.builder.address) == builder + 2 * PRICE
    assert world.tokens(world.partner.address) == partner


# ---------------------------------------------------------------- the contract has another owner, and another fee


@lives
def test_new_owner_of_the_contract__after_a_life__sets_the_fee_of_new_plans_alone(world: World, lived: str) -> None:
    life = live(world, lived)
    world.send(world.fee_owner, life.functions.transferOwnership(world.partner.address))
    world.send(world.partner, life.functions.acceptOwnership())
    with reverts(OwnableUnauthorizedAccount(world.fee_owner.address)):
        world.set_fee(7)
    world.send(world.partner, life.functions.setProtocolFee(1000, world.fee_receiver.address))
    before = world.tokens(world.fee_receiver.address)
    world.order(life.plan_id)
    order = life.authorization()
    world.send(world.relayer, bring(world, order, sign(world, order)))
    world.send(world.subscriber, life.functions.payUsage(life.per_use, 1, PRICE, NO_CONTEXT))
    assert world.tokens(world.fee_receiver.address) == before
    world.order(world.register())
    assert world.tokens(world.fee_receiver.address) == before + PRICE // 10


# ---------------------------------------------------------------- the plan is stopped


@lives
def test_stop__after_a_life__ends_every_order_and_nothing_else(world: World, lived: str) -> None:
    life = live(world, lived)
    order, permit = life.authorization(), life.with_permit()
    signed, voucher = bring(world, order, sign(world, order)), life.voucher()
    for plan_id in (life.plan_id, life.per_use):
        world.send(world.builder, life.functions.setPlanActive(plan_id, False))
    orders = {
        "order": (world.subscriber, life.functions.order(life.plan_id, world.subscriber.address, 1, PRICE)),
        "permit": (world.subscriber, permit),
        "signed": (world.relayer, signed),
    }
    for sender, call in orders.values():
        with reverts(PlanNotActive(life.plan_id)):
            world.send(sender, call)
    with reverts(PlanNotActive(life.per_use)):
        world.send(world.subscriber, life.functions.payUsage(life.per_use, 1, PRICE, NO_CONTEXT))
    assert settle_batch(world, life.plan_id, voucher) == [(5, SETTLED)]
    life.spend()
    world.send(world.builder, life.functions.setPlanActive(life.plan_id, True))
    held = world.balance(life.plan_id, world.subscriber.address)
    for sender, call in orders.values():
        world.send(sender, call)
    assert world.balance(life.plan_id, world.subscriber.address) == held + 3 * CREDITS


# ---------------------------------------------------------------- a deadline passes


@lives
@pytest.mark.parametrize("second", [-1, 0, 1])
def test_deadline__after_a_life__ends_what_was_good_before(world: World, lived: str, second: int) -> None:
    """A signature that settled some of its ceiling before its deadline settles nothing after it."""
    life, deadline = live(world, lived), world.now + 1000
    voucher = life.voucher(deadline=deadline)
    assert settle_batch(world, life.plan_id, voucher.but(total=life.settled + 2)) == [(2, SETTLED)]
    send_at(world, deadline + second, world.redeemer, settle(world, life.plan_id, voucher))
    settled = world.read(life.functions.accountOf(life.plan_id, world.subscriber.address))[1]
    assert settled == life.settled + (5 if second <= 0 else 2)
    world.mine_at(deadline + 10)
    assert settle_batch(world, life.plan_id, voucher, voucher.but(ceiling=0)) == [(0, EXPIRED)] * 2
    life.settled = settled
    assert settle_batch(world, life.plan_id, life.voucher()) == [(5, SETTLED)]


@lives
@pytest.mark.parametrize("second", [-1, 0, 1])
def test_deadline__of_orders_after_a_life__ends_them(world: World, lived: str, second: int) -> None:
    """An authorization counts before its second, a permit up to and in it."""
    life, deadline = live(world, lived), world.now + 1000
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    order, permit = life.authorization(valid_before=deadline), life.with_permit(deadline)
    signed = bring(world, order, sign(world, order))
    for sender, call, is_good in ((world.relayer, signed, second < 0), (world.subscriber, permit, second <= 0)):
        snapshot = world.take_snapshot()
        assert send_at(world, deadline + second, sender, call)["status"] == is_good
        world.revert_to(snapshot)
