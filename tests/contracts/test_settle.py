"""settle: a redeemer takes the credits that holders have signed vouchers for.

What signatures, wallets and thieves can do is in tests/attacks: test_forged_vouchers and test_wallets.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import NotRedeemer, SettlementsNotAccepted, UnknownPlan
from tests.support.events import taken
from tests.support.fuzz import on_chain
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reverts import reverts
from tests.support.signed import (
    ALREADY_SETTLED,
    EXPIRED,
    NOT_SIGNED,
    SETTLED,
    SHORT,
    Item,
    not_fully_settled,
    register_with_redeemer,
    send_at,
    settle,
    settled,
    sign_item,
    travel,
    usage,
)
from tests.support.world import MAX_UINT, ZERO, World

MAX_CEILING = 2**64 - 1
MAX_ACCOUNT = 2**54 - 1
BALANCE = 100


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan with the redeemer approved, of which subscriber and other hold 100 credits each."""
    plan_id = register_with_redeemer(world)
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, BALANCE)
    return plan_id


def _settle(world: World, plan_id: int, *items: Item) -> list[tuple[int, int]]:
    """Settle as the redeemer and return the outcomes, by which a call and the events of the transaction agree."""
    function, redeemer = settle(world, plan_id, *items), world.redeemer
    outcomes = [tuple(outcome) for outcome in world.read(function, redeemer.address)]
    receipt = world.send(redeemer, function)
    assert world.events(receipt) == _events(world, plan_id, redeemer.address, items, outcomes)
    return outcomes


def _events(
    world: World, plan_id: int, redeemer: str, items: tuple[Item, ...], outcomes: list[tuple[int, int]]
) -> list[tuple[str, dict[str, object]]]:
    expected = []
    for item, (amount, result) in zip(items, outcomes, strict=True):
        if amount:
            expected.append(taken(redeemer, item.holder, plan_id, amount))
        if result != SETTLED:
            expected.append(not_fully_settled(plan_id, item.holder, amount, result))
    amounts = [amount for amount, _ in outcomes if amount]
    return [*expected, settled(plan_id, redeemer, len(amounts), sum(amounts))]


def _account(world: World, plan_id: int, holder: str) -> tuple[int, int]:
    """Return a holder's balance and what vouchers have redeemed."""
    account = world.read(world.credits.functions.accountOf(plan_id, holder))
    return account[0], account[1]


# ---------------------------------------------------------------- settled


def test_settle__of_a_count_that_has_run_over__takes_what_was_signed(world: World) -> None:
    """C31: more is left than the count of what was granted says, which begins again at zero."""
    plan_id, holder, much = register_with_redeemer(world), world.subscriber, 2**53
    world.grant(plan_id, holder.address, much)
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, much))
    world.grant(plan_id, holder.address, much)
    assert _settle(world, plan_id, sign_item(world, plan_id, holder, 5)) == [(5, SETTLED)]
    assert world.balance(plan_id, holder.address) == much - 5


def test_settle__of_one_voucher__takes_its_ceiling_and_emits(world: World, plan_id: int) -> None:
    holder, redeemer = world.subscriber, world.redeemer
    receipt = world.send(redeemer, settle(world, plan_id, sign_item(world, plan_id, holder, 42)))
    assert world.events(receipt) == [
        taken(redeemer.address, holder.address, plan_id, 42),
        settled(plan_id, redeemer.address, 1, 42),
    ]
    assert _account(world, plan_id, holder.address) == (BALANCE - 42, 42)


def test_settle__of_many__takes_of_each_and_emits_in_order(world: World, plan_id: int) -> None:
    one, two = world.subscriber, world.other
    items = [sign_item(world, plan_id, one, 42), sign_item(world, plan_id, two, 7)]
    assert _settle(world, plan_id, *items) == [(42, SETTLED), (7, SETTLED)]
    assert _account(world, plan_id, one.address) == (BALANCE - 42, 42)
    assert _account(world, plan_id, two.address) == (BALANCE - 7, 7)


def test_settle__of_nothing__says_so(world: World, plan_id: int) -> None:
    receipt = world.send(world.redeemer, settle(world, plan_id))
    assert world.events(receipt) == [settled(plan_id, world.redeemer.address, 0, 0)]


@pytest.mark.parametrize(("total", "took"), [(0, 0), (1, 1), (41, 41), (42, 42), (43, 42), (MAX_CEILING, 42)])
def test_settle__of_some_of_a_voucher__takes_so_much_up_to_the_ceiling(
    world: World, plan_id: int, total: int, took: int
) -> None:
    item = sign_item(world, plan_id, world.subscriber, 42, total=total)
    assert _settle(world, plan_id, item) == [(took, SETTLED if took else ALREADY_SETTLED)]
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE - took, took)


def test_settle__in_steps__takes_the_ceiling_in_total(world: World, plan_id: int) -> None:
    """I4: a capped session: one signature, several settlements, and the last one gets what is left."""
    item = sign_item(world, plan_id, world.subscriber, 42)
    outcomes = [_settle(world, plan_id, item.but(total=total))[0] for total in (20, 40, 60, 80)]
    assert outcomes == [(20, SETTLED), (20, SETTLED), (2, SETTLED), (0, ALREADY_SETTLED)]


def test_settle__of_rising_ceilings__counts_them_together(world: World, plan_id: int) -> None:
    """A request of 3 credits each: ceilings 3, 6, 9, and the second voucher was lost."""
    three, nine = (sign_item(world, plan_id, world.subscriber, ceiling) for ceiling in (3, 9))
    assert _settle(world, plan_id, three) == [(3, SETTLED)]
    assert _settle(world, plan_id, nine) == [(6, SETTLED)]
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE - 9, 9)


def test_settle__out_of_order__makes_the_earlier_ones_harmless(world: World, plan_id: int) -> None:
    items = [sign_item(world, plan_id, world.subscriber, ceiling) for ceiling in (9, 3, 6, 9, 10)]
    expected = [(9, SETTLED), (0, ALREADY_SETTLED), (0, ALREADY_SETTLED), (0, ALREADY_SETTLED), (1, SETTLED)]
    assert _settle(world, plan_id, *items) == expected


@pytest.mark.parametrize(
    ("ceiling", "outcome"), [(8, (0, ALREADY_SETTLED)), (9, (0, ALREADY_SETTLED)), (10, (1, SETTLED))]
)
def test_settle__around_what_was_settled__takes_only_what_is_above(
    world: World, plan_id: int, ceiling: int, outcome: tuple[int, int]
) -> None:
    _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 9))
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, ceiling)) == [outcome]


def test_settle__of_one_holder_several_times_in_a_batch__sees_what_came_before(world: World, plan_id: int) -> None:
    item = sign_item(world, plan_id, world.subscriber, 150)
    outcomes = _settle(world, plan_id, *(item.but(total=total) for total in (60, 60, 120, 150)))
    assert outcomes == [(60, SETTLED), (0, ALREADY_SETTLED), (40, SHORT), (0, SHORT)]
    assert _account(world, plan_id, world.subscriber.address) == (0, 100)


def test_settle__with_any_context__is_the_same(world: World, plan_id: int) -> None:
    items = [sign_item(world, plan_id, world.subscriber, number + 1, context=bytes([number] * 32)) for number in (0, 9)]
    assert _settle(world, plan_id, *items) == [(1, SETTLED), (9, SETTLED)]


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__under_each_rule__is_the_holders_word(world: World, rule: RedemptionRule) -> None:
    """DESIGN 3.4: the rule says who redeems without a voucher."""
    plan_id = register_with_redeemer(world, rule=rule)
    world.grant(plan_id, world.subscriber.address, 5)
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 5)) == [(5, SETTLED)]


@pytest.mark.parametrize("amount", [1, 11, 100])
def test_settle__of_more_or_less_than_one_request_may_take__is_a_sum_of_requests(world: World, amount: int) -> None:
    plan_id = register_with_redeemer(world, min_redeem=10, max_redeem=10)
    world.grant(plan_id, world.subscriber.address, 100)
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, amount)) == [(amount, SETTLED)]


def test_settle__of_an_inactive_plan__goes_on(world: World, plan_id: int) -> None:
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 5)) == [(5, SETTLED)]


def test_settle__of_a_plan_paid_outside__goes_on(world: World) -> None:
    plan_id = register_with_redeemer(world, paid_externally=True, token=ZERO, splits=())
    world.grant(plan_id, world.subscriber.address, 5)
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 5)) == [(5, SETTLED)]


def test_settle__of_one_plan__leaves_the_others(world: World, plan_id: int) -> None:
    """The counter is one per plan and holder."""
    other = register_with_redeemer(world)
    world.grant(other, world.subscriber.address, 30)
    _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 40))
    assert _settle(world, other, sign_item(world, other, world.subscriber, 10)) == [(10, SETTLED)]
    assert _account(world, plan_id, world.subscriber.address) == (60, 40)
    assert _account(world, other, world.subscriber.address) == (20, 10)


def test_settle__beside_redemptions_and_burns__counts_vouchers_alone(world: World, plan_id: int) -> None:
    """What a holder redeems or burns does not use up a voucher, and a voucher does not use up a redemption."""
    functions, holder = world.credits.functions, world.subscriber
    world.send(holder, functions.redeem(plan_id, holder.address, 10, bytes(32)))
    world.send(holder, functions.burn(plan_id, holder.address, 10))
    assert _settle(world, plan_id, sign_item(world, plan_id, holder, 30)) == [(30, SETTLED)]
    assert _account(world, plan_id, holder.address) == (50, 30)


def test_settle__of_all_and_after_a_new_grant__counts_on(world: World, plan_id: int) -> None:
    """I4: the ledger starts from zero when nothing is left; the counter of vouchers never does."""
    holder = world.subscriber
    _settle(world, plan_id, sign_item(world, plan_id, holder, BALANCE))
    world.grant(plan_id, holder.address, 50)
    old, new = (sign_item(world, plan_id, holder, ceiling) for ceiling in (BALANCE, BALANCE + 1))
    assert _settle(world, plan_id, old, new) == [(0, ALREADY_SETTLED), (1, SETTLED)]
    assert _account(world, plan_id, holder.address) == (49, BALANCE + 1)


@on_chain
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 130), st.integers(0, 130), st.sampled_from(["settle", "settle", "grant", "burn"])),
        min_size=1,
        max_size=8,
    )
)
def test_settle__of_any_vouchers_in_any_order__never_goes_above_the_highest_ceiling(
    world: World, steps: list[tuple[int, int, str]]
) -> None:
    """I2, I4: against a model of three numbers."""
    plan_id, holder = register_with_redeemer(world), world.subscriber
    live = counter = highest = 0
    for ceiling, amount, action in steps:
        if action == "grant" and amount:
            world.grant(plan_id, holder.address, amount)
            live += amount
        elif action == "burn" and 0 < amount <= live:
            world.send(holder, world.credits.functions.burn(plan_id, holder.address, amount))
            live -= amount
        elif action == "settle":
            highest = max(highest, ceiling)
            expected = min(max(min(amount, ceiling) - counter, 0), live)
            item = sign_item(world, plan_id, holder, ceiling, total=amount)
            assert _settle(world, plan_id, item)[0][0] == expected
            live, counter = live - expected, counter + expected
        assert counter <= highest
        assert _account(world, plan_id, holder.address) == (live, counter)


def test_settle__of_the_largest_ceiling__takes_what_there_is(world: World, plan_id: int) -> None:
    """The counter itself at its largest is in tests/attacks/test_widths."""
    item = sign_item(world, plan_id, world.subscriber, MAX_CEILING)
    assert _settle(world, plan_id, item) == [(BALANCE, SHORT)]
    world.grant(plan_id, world.subscriber.address, MAX_ACCOUNT)
    assert _settle(world, plan_id, item) == [(MAX_ACCOUNT, SHORT)]
    assert _settle(world, plan_id, item) == [(0, SHORT)]
    assert _account(world, plan_id, world.subscriber.address) == (0, BALANCE + MAX_ACCOUNT)


# ---------------------------------------------------------------- short


@pytest.mark.parametrize(
    ("ceiling", "outcome"), [(99, (99, SETTLED)), (100, (100, SETTLED)), (101, (100, SHORT)), (500, (100, SHORT))]
)
def test_settle__around_the_balance__takes_what_is_there(
    world: World, plan_id: int, ceiling: int, outcome: tuple[int, int]
) -> None:
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, ceiling)) == [outcome]


def test_settle__of_a_holder_without_credits__is_short_of_all(world: World, plan_id: int) -> None:
    item = sign_item(world, plan_id, world.stranger, 5)
    assert _settle(world, plan_id, item) == [(0, SHORT)]
    world.grant(plan_id, world.stranger.address, 5)
    assert _settle(world, plan_id, item) == [(5, SETTLED)]


def test_settle__after_the_holder_has_burned__gets_what_is_left(world: World, plan_id: int) -> None:
    """DESIGN 3.4: the trust that remains. The holder harms themselves, as the builder was paid at the order."""
    holder = world.subscriber
    item = sign_item(world, plan_id, holder, 42)
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, 90))
    assert _settle(world, plan_id, item) == [(10, SHORT)]
    world.grant(plan_id, holder.address, 100)
    assert _settle(world, plan_id, item) == [(32, SETTLED)]


def test_settle__of_one_short_among_others__leaves_them(world: World, plan_id: int) -> None:
    """I8."""
    items = [
        sign_item(world, plan_id, world.stranger, 5),
        sign_item(world, plan_id, world.subscriber, 5),
        sign_item(world, plan_id, world.other, 101),
    ]
    assert _settle(world, plan_id, *items) == [(0, SHORT), (5, SETTLED), (100, SHORT)]


# ---------------------------------------------------------------- expired vouchers, expired credits


@pytest.mark.parametrize(("seconds", "took"), [(-1, 5), (0, 5), (1, 0)])
def test_settle__around_the_deadline__counts_up_to_and_in_its_second(
    world: World, plan_id: int, seconds: int, took: int
) -> None:
    """C32."""
    deadline, holder, redeemer = world.now + 1000, world.subscriber.address, world.redeemer
    item = sign_item(world, plan_id, world.subscriber, 5, deadline=deadline)
    receipt = send_at(world, deadline + seconds, redeemer, settle(world, plan_id, item))
    outcome = (took, SETTLED if took else EXPIRED)
    assert world.events(receipt) == _events(world, plan_id, redeemer.address, (item,), [outcome])
    assert _account(world, plan_id, holder) == (BALANCE - took, took)


@pytest.mark.parametrize("deadline", [0, 1])
def test_settle__of_a_voucher_that_never_counted__is_expired(world: World, plan_id: int, deadline: int) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5, deadline=deadline)
    assert _settle(world, plan_id, item) == [(0, EXPIRED)]


def test_settle__of_expiring_credits__takes_live_ones_only(world: World) -> None:
    """I9: the lots of 30 seconds and of later; a voucher whose deadline is later still finds what is alive."""
    plan_id = register_with_redeemer(world, duration=1000)
    holder, start = world.subscriber, world.now + 10
    mint = world.credits.functions.mint
    send_at(world, start, world.builder, mint(plan_id, holder.address, 30))
    send_at(world, start + 500, world.builder, mint(plan_id, holder.address, 70))
    item = sign_item(world, plan_id, holder, 20)
    receipt = send_at(world, start + 900, world.redeemer, settle(world, plan_id, item))
    assert ("Settled", {"planId": plan_id, "redeemer": world.redeemer.address, "count": 1, "credits": 20}) in (
        world.events(receipt)
    )
    all_of_it = sign_item(world, plan_id, holder, 200)
    travel(world, start + 1000)
    receipt = world.send_with_gas(world.redeemer, settle(world, plan_id, all_of_it), 1_000_000)
    assert world.events(receipt) == _events(world, plan_id, world.redeemer.address, (all_of_it,), [(70, SHORT)])
    assert _account(world, plan_id, holder.address) == (0, 90)


@pytest.mark.parametrize(("seconds", "outcome"), [(-1, (30, SETTLED)), (0, (0, SHORT)), (1, (0, SHORT))])
def test_settle__around_the_expiry_of_credits__takes_them_before_it(
    world: World, seconds: int, outcome: tuple[int, int]
) -> None:
    """I9, C32."""
    plan_id = register_with_redeemer(world, duration=1000)
    start = world.now + 10
    mint = world.credits.functions.mint(plan_id, world.subscriber.address, 30)
    send_at(world, start, world.builder, mint)
    item = sign_item(world, plan_id, world.subscriber, 30)
    receipt = send_at(world, start + 1000 + seconds, world.redeemer, settle(world, plan_id, item))
    assert world.events(receipt) == _events(world, plan_id, world.redeemer.address, (item,), [outcome])


def test_settle__then_expiry__does_not_count_a_credit_twice(world: World) -> None:
    """I2, I9: 20 of the first 30 are settled, 10 expire, and the second lot is whole."""
    plan_id = register_with_redeemer(world, duration=1000)
    holder, start = world.subscriber, world.now + 10
    mint = world.credits.functions.mint
    send_at(world, start, world.builder, mint(plan_id, holder.address, 30))
    send_at(world, start + 500, world.builder, mint(plan_id, holder.address, 70))
    send_at(world, start + 600, world.redeemer, settle(world, plan_id, sign_item(world, plan_id, holder, 20)))
    send_at(world, start + 1001, world.redeemer, settle(world, plan_id, sign_item(world, plan_id, holder, 25)))
    assert _account(world, plan_id, holder.address) == (65, 25)


# ---------------------------------------------------------------- the order of the checks


def test_settle__of_a_voucher_with_several_faults__names_the_first(world: World, plan_id: int) -> None:
    """Expired, settled already, not signed, short: in this order."""
    holder = world.subscriber
    _settle(world, plan_id, sign_item(world, plan_id, holder, BALANCE))
    unsigned = sign_item(world, plan_id, holder, 1).but(signature=b"")
    empty = sign_item(world, plan_id, holder, BALANCE + 1)
    items = [
        unsigned.but(deadline=0),
        unsigned,
        unsigned.but(ceiling=BALANCE),
        empty.but(signature=b""),
        empty,
    ]
    results = [result for _, result in _settle(world, plan_id, *items)]
    assert results == [EXPIRED, ALREADY_SETTLED, ALREADY_SETTLED, NOT_SIGNED, SHORT]


def test_settle__of_a_ceiling_of_zero__is_reached_from_the_start(world: World, plan_id: int) -> None:
    assert _settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 0)) == [(0, ALREADY_SETTLED)]


# ---------------------------------------------------------------- who may settle


def test_settle__by_a_stranger__reverts(world: World, plan_id: int) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5, redeemer=world.stranger.address)
    with reverts(NotRedeemer(plan_id, world.stranger.address)):
        world.send(world.stranger, settle(world, plan_id, item))


def test_settle__by_the_holder__reverts(world: World, plan_id: int) -> None:
    holder = world.subscriber
    with reverts(NotRedeemer(plan_id, holder.address)):
        world.send(holder, settle(world, plan_id, sign_item(world, plan_id, holder, 5, redeemer=holder.address)))


@pytest.mark.parametrize("role", ["fee_owner", "minter"])
def test_settle__by_another_role__reverts(world: World, plan_id: int, role: str) -> None:
    caller = getattr(world, role)
    world.send(world.builder, world.credits.functions.setMinter(plan_id, world.minter.address, True))
    with reverts(NotRedeemer(plan_id, caller.address)):
        world.send(caller, settle(world, plan_id))


def test_settle__by_the_owner__needs_vouchers_that_name_the_owner(world: World, plan_id: int) -> None:
    """The owner may act as redeemer, but not with what was signed for a redeemer."""
    builder, holder = world.builder, world.subscriber
    mine = sign_item(world, plan_id, holder, 5, redeemer=builder.address)
    theirs = sign_item(world, plan_id, holder, 9)
    receipt = world.send(builder, settle(world, plan_id, mine, theirs))
    expected = [(5, SETTLED), (0, NOT_SIGNED)]
    assert world.events(receipt) == _events(world, plan_id, builder.address, (mine, theirs), expected)


def test_settle__by_another_redeemer_of_the_plan__does_not_count(world: World, plan_id: int) -> None:
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.relayer.address, True))
    item = sign_item(world, plan_id, world.subscriber, 5)
    receipt = world.send(world.relayer, settle(world, plan_id, item))
    assert world.events(receipt) == _events(world, plan_id, world.relayer.address, (item,), [(0, NOT_SIGNED)])


def test_settle__by_a_redeemer_who_was_removed__reverts(world: World, plan_id: int) -> None:
    """What the holder signed for a redeemer ends with the redeemer's approval, and comes back with it."""
    item, functions = sign_item(world, plan_id, world.subscriber, 5), world.credits.functions
    world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, False))
    with reverts(NotRedeemer(plan_id, world.redeemer.address)):
        world.send(world.redeemer, settle(world, plan_id, item))
    world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, True))
    assert _settle(world, plan_id, item) == [(5, SETTLED)]


def test_settle__after_the_plan_was_given_away__is_for_the_new_owner(world: World, plan_id: int) -> None:
    """The new owner has no redeemers yet, and the old owner's are gone."""
    functions, successor = world.credits.functions, world.partner
    world.send(world.builder, functions.transferPlanOwnership(plan_id, successor.address))
    world.send(successor, functions.acceptPlanOwnership(plan_id))
    for gone in (world.redeemer, world.builder):
        with reverts(NotRedeemer(plan_id, gone.address)):
            world.send(gone, settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 5)))
    item = sign_item(world, plan_id, world.subscriber, 5, redeemer=successor.address)
    receipt = world.send(successor, settle(world, plan_id, item))
    assert world.events(receipt) == _events(world, plan_id, successor.address, (item,), [(5, SETTLED)])


def test_settle__by_an_owner_who_holds_credits__settles_their_own_too(world: World, plan_id: int) -> None:
    """C36: owner, redeemer and holder are one."""
    builder = world.builder
    world.grant(plan_id, builder.address, 10)
    item = sign_item(world, plan_id, builder, 5, redeemer=builder.address)
    world.send(builder, settle(world, plan_id, item))
    assert _account(world, plan_id, builder.address) == (5, 5)


# ---------------------------------------------------------------- plans that take no vouchers

NO_VOUCHERS: dict[str, dict[str, object]] = {
    "transferable": {"transferable": True},
    "time": {"kind": PlanKind.TIME, "duration": 60, "min_redeem": 0, "max_redeem": 0},
    "time-on-use": {"kind": PlanKind.TIME, "duration": 60, "activation": Activation.ON_FIRST_USE},
}


@pytest.mark.parametrize("name", NO_VOUCHERS)
def test_settle__of_a_plan_that_takes_no_vouchers__reverts(world: World, name: str) -> None:
    plan_id = register_with_redeemer(world, **NO_VOUCHERS[name])
    world.grant(plan_id, world.subscriber.address, 10)
    for items in ((), (sign_item(world, plan_id, world.subscriber, 5),)):
        with reverts(SettlementsNotAccepted(plan_id)):
            world.send(world.redeemer, settle(world, plan_id, *items))
    with reverts(SettlementsNotAccepted(plan_id)):
        world.send(world.stranger, settle(world, plan_id))


def test_settle__of_a_usage_plan__reverts(world: World) -> None:
    plan_id = register_with_redeemer(world, **usage(world))
    with reverts(SettlementsNotAccepted(plan_id)):
        world.send(world.redeemer, settle(world, plan_id))


@pytest.mark.parametrize("plan_id", [0, 7, MAX_UINT])
def test_settle__of_unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.send(world.redeemer, settle(world, plan_id))


# ---------------------------------------------------------------- hundreds


def test_settle__of_hundreds_of_vouchers__settles_and_counts_each(world: World) -> None:
    """C30: more than a byte counts; the last event has the number of all and the sum."""
    plan_id, holder, count = register_with_redeemer(world), world.subscriber, 300
    world.grant(plan_id, holder.address, count)
    items = [sign_item(world, plan_id, holder, ceiling) for ceiling in range(1, count + 1)]
    receipt = world.send_with_gas(world.redeemer, settle(world, plan_id, *items), TRANSACTION_GAS_CAP)
    redeemer = world.redeemer.address
    assert world.events(receipt) == _events(world, plan_id, redeemer, tuple(items), [(1, SETTLED)] * count)
    assert _account(world, plan_id, holder.address) == (0, count)


def test_settle__of_a_hundred_holders__fits_in_a_transaction(world: World) -> None:
    """C33: EIP-7825 has 16,777,216 gas for it. All accounts are new to this plan's vouchers."""
    plan_id = register_with_redeemer(world)
    holders = [world.chain.web3.eth.account.from_key(number.to_bytes(32, "big")) for number in range(1, 101)]
    mint = world.credits.functions.mintBatch
    for some in (holders[:50], holders[50:]):
        batch = mint(plan_id, [holder.address for holder in some], [10] * len(some))
        world.send_with_gas(world.builder, batch, 10_000_000)
    items = [sign_item(world, plan_id, holder, 7) for holder in holders]
    receipt = world.send_with_gas(world.redeemer, settle(world, plan_id, *items), TRANSACTION_GAS_CAP)
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 8
    outcomes = [(7, SETTLED)] * 100
    assert world.events(receipt) == _events(world, plan_id, world.redeemer.address, tuple(items), outcomes)
