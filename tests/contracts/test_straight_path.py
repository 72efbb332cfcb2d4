"""The straight path of an order and the general one: the same order does the same on both.

A plain plan (active, credits, a fixed price to one receiver, no protocol fee, no trial) is ordered on a path of its own. Each plan here
has a twin that differs by one thing which leads to the general path and means nothing for this order: the price in two halves to one
receiver, a quoter that names the price, or, where nobody orders for another, a trial. Events, balances, money, errors and what an error
says are the same, in whatever state and for whatever arguments; so is which error comes first where several things are wrong.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.contract.contract import Contract

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import NvmChainError
from nvm_chain.types.prices import Split
from tests.support.fuzz import on_chain
from tests.support.plans import from_purchase
from tests.support.world import MAX_UINT, ZERO, World

DAY = 86_400
PRICE = 1000
MOST = 2**32 - 1
MAX_ACCOUNT = 2**54 - 1
GAS = 3_000_000

TERMS: dict[str, dict[str, Any]] = {
    "lasting": {},
    "expiring": {"duration": DAY},
    "transferable": {"transferable": True},
    "by owner": {"rule": RedemptionRule.OWNER},
    "many credits": {"credits": MOST},
    "coin": {"token": ZERO},
    "expiring coin": {"token": ZERO, "duration": DAY},
}

TWINS = ["halves", "quoter"]
RECEIVERS = ["payer", "other", "accepts", "rejects", "no hook", "wrong magic", "nobody", "credits"]


@dataclass(frozen=True)
class Order:
    """One order, and what the account and the payer have before it."""

    receiver: str = "payer"
    quantity: int = 1
    max_cost: int = PRICE
    value: int = 0
    held: int = 0
    allowance: int = 10**9
    fits_receiver: bool = True


class Pair:
    """A plain plan and its twin, of which the same is ordered by the same account in the same state."""

    def __init__(self, world: World, terms: str, twin: str) -> None:
        """Register both and deploy the receivers."""
        self.world, self.terms = world, TERMS[terms]
        half = Split(world.builder.address, PRICE // 2)
        self.in_coin = self.terms.get("token") == ZERO
        changes: dict[str, Any] = {"splits": (half, half)}
        if twin == "quoter":
            self.quoter: Contract = world.deploy("ChangesPrice", PRICE)
            changes = {"splits": (Split(world.builder.address, 1),), "quoter": self.quoter.address}
        self.quotes = twin == "quoter"
        self.plain = world.register(**{"splits": (Split(world.builder.address, PRICE),), **self.terms})
        self.twin = world.register(**{**self.terms, **changes})
        self.receivers = {
            "payer": world.subscriber.address,
            "other": world.other.address,
            "nobody": ZERO,
            "credits": world.credits.address,
            "accepts": world.deploy("AcceptsCredits").address,
            "rejects": world.deploy("RejectsCredits").address,
            "no hook": world.deploy("NoHook").address,
            "wrong magic": world.deploy("WrongMagic").address,
        }

    def outcome(self, plan_id: int, order: Order) -> Any:
        """Make an order and undo it; return all that is seen of it, with the plan's id left out."""
        world, functions = self.world, self.world.credits.functions
        receiver = self.receivers[order.receiver]
        snapshot = world.take_snapshot()
        try:
            if order.held:
                # Whoever can hold something holds it; an account that is a contract is filled by its own leave.
                world.send_with_gas(world.builder, functions.mint(plan_id, receiver, order.held), GAS)
            if not self.in_coin:
                world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, order.allowance))
            if self.quotes and plan_id == self.twin:
                world.send(world.stranger, self.quoter.functions.setPrice(PRICE * order.quantity % 2**128))
            call = functions.order(plan_id, receiver, order.quantity, order.max_cost)
            try:
                cost = world.read(call, world.subscriber.address, order.value)
            except NvmChainError as error:
                receipt = world.send_with_gas(world.subscriber, call, GAS, order.value)
                assert (receipt["status"], receipt["logs"]) == (0, [])
                return type(error).__name__, _without(error.args, plan_id)
            coins = world.coins(world.builder.address)
            receipt = world.send_with_gas(world.subscriber, call, GAS, order.value)
            assert receipt["status"] == 1
            lots = world.read(functions.lotsOf(plan_id, receiver, 0, 10))
            return (
                cost,
                [(name, _without(tuple(arguments.items()), plan_id)) for name, arguments in world.events(receipt)],
                world.read(functions.accountOf(plan_id, receiver)),
                [(lot[0], lot[1] - world.now) for lot in lots],
                world.tokens(world.builder.address),
                world.tokens(world.subscriber.address),
                world.tokens(world.credits.address),
                world.coins(world.builder.address) - coins,
                world.coins(world.credits.address),
            )
        finally:
            world.revert_to(snapshot)

    def check(self, order: Order) -> Any:
        """Compare both plans and return what became of the order."""
        plain, twin = self.outcome(self.plain, order), self.outcome(self.twin, order)
        assert plain == _same_payment(twin, plain)
        return plain


def _without(values: tuple[Any, ...], plan_id: int) -> tuple[Any, ...]:
    return tuple("plan" if value in (plan_id, ("planId", plan_id), ("id", plan_id)) else value for value in values)


def _same_payment(twin: Any, plain: Any) -> Any:
    """What could not be paid is half of the price where it is in two halves: the only difference there is."""
    if twin[0] == plain[0] == "PaymentFailed" and twin[1][-1] * 2 == plain[1][-1]:
        return ("PaymentFailed", (*twin[1][:-1], plain[1][-1]))
    return twin


pairs = pytest.mark.parametrize("terms", TERMS)
twins = pytest.mark.parametrize("twin", TWINS)


@twins
@pairs
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_order__for_each_receiver__is_the_same(funded: World, terms: str, twin: str, receiver: str) -> None:
    pair = Pair(funded, terms, twin)
    for quantity in (1, 3):
        cost = PRICE * quantity
        pair.check(Order(receiver, quantity, cost, cost if pair.in_coin else 0))


def faults(order: Order, in_coin: bool) -> dict[str, Order]:
    """Return an order with each thing wrong that can be, by itself."""
    return {
        "none": order,
        "quantity 0": replace(order, quantity=0),
        "quantity too large": replace(order, quantity=MOST + 1),
        "quantity far too large": replace(order, quantity=MAX_UINT),
        "cost": replace(order, max_cost=PRICE - 1),
        "no cost": replace(order, max_cost=0),
        "value": replace(order, value=order.value + 1),
        "no value": replace(order, value=0 if in_coin else PRICE),
        "allowance": replace(order, allowance=PRICE - 1),
        "nobody": replace(order, receiver="nobody"),
        "rejects": replace(order, receiver="rejects"),
        "full": replace(order, held=MAX_ACCOUNT),
        "full of lots": replace(order, held=MAX_ACCOUNT // 2),
    }


def both(order: Order, one: Order, other: Order) -> Order:
    """Return the order with the faults of two: of each field what differs from the good one."""
    changes = {name: value for each in (one, other) for name, value in vars(each).items() if value != vars(order)[name]}
    return replace(order, **changes)


@twins
@pytest.mark.parametrize("terms", ["lasting", "expiring", "coin"])
def test_order__with_any_two_things_wrong__names_the_same_first(funded: World, terms: str, twin: str) -> None:
    """The order of the checks, pair by pair: what the straight path checks early or late shows here."""
    pair = Pair(funded, terms, twin)
    good = Order(value=PRICE if pair.in_coin else 0)
    wrong = list(faults(good, pair.in_coin).items())
    seen = {pair.check(both(good, one, other))[0] for index, (_, one) in enumerate(wrong) for _, other in wrong[index:]}
    expected = {"InvalidQuantity", "CostAboveMax", "WrongValue", "ERC1155InvalidReceiver", "CreditsOverflow", PRICE}
    assert expected <= seen


@pytest.mark.parametrize("terms", TERMS)
def test_order__beside_a_trial__is_the_same_for_oneself(funded: World, terms: str) -> None:
    """A trial for its payer, once, leads to the general path too."""
    pair = Pair(funded, terms, "halves")
    pair.twin = funded.register(**{"splits": (Split(funded.builder.address, PRICE),), **pair.terms, "trial": True})
    order = Order(value=PRICE if pair.in_coin else 0)
    plain, twin = pair.outcome(pair.plain, order), pair.outcome(pair.twin, order)
    assert plain[:2] == twin[:2]
    assert (plain[2][:3], plain[3:]) == (twin[2][:3], twin[3:])


@pytest.mark.parametrize("fee_bps", [1, 250])
def test_order__beside_a_plan_with_a_fee__differs_in_who_is_paid_alone(funded: World, fee_bps: int) -> None:
    """A fee leads to the general path; events and credits are the same, and the payer pays the same."""
    plain = funded.register()
    funded.set_fee(fee_bps)
    with_fee = funded.register()
    pair = Pair(funded, "lasting", "halves")
    for receiver in ("payer", "other", "accepts", "rejects"):
        order = Order(receiver, max_cost=20_000_000)
        one, other = pair.outcome(plain, order), pair.outcome(with_fee, order)
        assert one[:4] == other[:4]
        assert one[5:] == other[5:]


quantities = st.one_of(st.integers(0, 5), st.integers(0, MOST + 2), st.sampled_from([MOST, MOST + 1, MAX_UINT]))
values = st.one_of(st.sampled_from([0, PRICE - 1, PRICE, PRICE + 1]), st.integers(0, 10**7))
orders = st.builds(
    Order,
    receiver=st.sampled_from(RECEIVERS),
    quantity=quantities,
    max_cost=st.one_of(values, st.just(MAX_UINT)),
    value=st.one_of(st.just(0), values),
    held=st.sampled_from([0, 0, 1, MAX_ACCOUNT // 2 - 100, MAX_ACCOUNT // 2, MAX_ACCOUNT - 100, MAX_ACCOUNT]),
    allowance=st.one_of(st.just(10**9), values),
)


@on_chain
@given(order=orders, terms=st.sampled_from(sorted(TERMS)), twin=st.sampled_from(TWINS))
def test_order__of_anything__is_the_same(funded: World, order: Order, terms: str, twin: str) -> None:
    """Random quantity, limit, receiver, value, account and allowance; the money is right as often as it is wrong."""
    pair = Pair(funded, terms, twin)
    pair.check(order)
    cost = PRICE * order.quantity
    if cost < 2**128:
        pair.check(replace(order, max_cost=cost, value=min(cost, 10**18) if pair.in_coin else 0))


@pytest.mark.parametrize("terms", ["lasting", "expiring", "coin"])
def test_order__stopped_and_started_again__is_the_same(funded: World, terms: str) -> None:
    """A plan that was stopped is plain no longer, and is again when it is started."""
    pair = Pair(funded, terms, "halves")
    order = Order(value=PRICE if pair.in_coin else 0)
    before = pair.check(order)
    for active in (False, True):
        for plan_id in (pair.plain, pair.twin):
            funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, active))
        found = pair.check(order)
        assert found[0] == (PRICE if active else "PlanNotActive")
    assert found[:4] == before[:4]


def test_order__of_plans_one_step_from_plain__is_the_general_one(world: World) -> None:
    """Each thing that is not plain has its effect: none is taken for a plain plan."""
    functions, payer = world.credits.functions, world.subscriber
    free: dict[str, Any] = {"splits": (Split(world.builder.address, 1),), "token": ZERO}
    time = world.register(**{**from_purchase(DAY, credits=100), **free})
    world.order(time, value=1)
    assert world.read(functions.accessUntil(time, payer.address)) == world.now + 100 * DAY
    trial = world.register(**free, trial=True)
    world.order(trial, value=1)
    assert world.read(functions.accountOf(trial, payer.address))[3]
    without_splits = world.register(token=ZERO, splits=())
    world.order(without_splits)
    assert world.balance(without_splits, payer.address) == 100
