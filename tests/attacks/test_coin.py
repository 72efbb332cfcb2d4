"""The native coin: hostile split receivers and fee receivers, and coin that nobody should have sent (C34; I1, I6)."""

from collections.abc import Callable

import pytest
from eth_typing import ChecksumAddress
from web3.contract.contract import Contract
from web3.types import TxReceipt

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.errors import PaymentFailed, RevertedWithoutReason, WrongValue
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books
from tests.support.events import fee_forgone, granted, ordered, selector
from tests.support.gas import send_with_least_gas
from tests.support.reentry import arm, outcome_of, send_coin
from tests.support.reverts import reverts
from tests.support.world import CREDITS, MAX_FEE_BPS, MAX_UINT, NO_CONTEXT, ZERO, World

PRICES = (10_000, 6_000)
COST = sum(PRICES)
FEE_BPS = 250
FEES = tuple(price * FEE_BPS // 10_000 for price in PRICES)
SHARES = tuple(price - fee for price, fee in zip(PRICES, FEES, strict=True))
FORCED = 10**18
PLENTY_OF_GAS = 3_000_000

REFUSING = ["RejectsCoin", "BurnsGasOnCoin", "BombsOnCoin"]

# py-evm warns of the opcode by which coin is forced on a contract.
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


def _register(world: World, first: ChecksumAddress, second: ChecksumAddress) -> int:
    splits = (Split(first, PRICES[0]), Split(second, PRICES[1]))
    return world.register(token=ZERO, splits=splits)


def _order(world: World, plan_id: int) -> TxReceipt:
    """Order for the subscriber with gas for whatever receivers do."""
    function = world.credits.functions.order(plan_id, world.subscriber.address, 1, COST)
    receipt = world.send_with_gas(world.subscriber, function, PLENTY_OF_GAS, COST)
    assert receipt["status"] == 1
    return receipt


# ---------------------------------------------------------------- split receivers


@pytest.mark.parametrize("name", REFUSING)
@pytest.mark.parametrize("position", [0, 1])
def test_order__with_a_split_receiver_that_takes_no_coin__reverts(world: World, name: str, position: int) -> None:
    """C8, C12: nobody is paid. Whoever the plan's owner named can stop the plan's orders, and those alone."""
    bad = world.deploy(name).address
    receivers = [world.builder.address, world.builder.address]
    receivers[position] = bad
    plan_id = _register(world, *receivers)
    books = Books(world, COIN, payer=world.subscriber.address, builder=world.builder.address, bad=bad)
    with reverts(PaymentFailed(ZERO, world.subscriber.address, bad, PRICES[position])):
        world.order(plan_id, value=COST)
    assert books.changes() == {}
    assert world.balance(plan_id, world.subscriber.address) == 0


def test_order__with_a_split_receiver_that_takes_no_coin_any_more__leaves_credits_usable(world: World) -> None:
    """I10: a plan that can take no order still redeems what it sold."""
    plan_id, holder = _register(world, world.deploy("RejectsCoin").address, world.builder.address), world.subscriber
    world.grant(plan_id, holder.address, 5)
    world.send(holder, world.credits.functions.redeem(plan_id, holder.address, 5, NO_CONTEXT))
    assert world.balance(plan_id, holder.address) == 0


@pytest.mark.parametrize("fee_bps", [0, FEE_BPS])
def test_order__re_entered_by_a_split_receiver__is_paid_for_twice(world: World, fee_bps: int) -> None:
    """C10, I1: the receiver orders with coin of its own while Credits holds the rest of the first order's."""
    world.set_fee(fee_bps)
    receiver = world.deploy("ReentersOnCoin")
    plan_id = _register(world, receiver.address, world.partner.address)
    send_coin(world, receiver, COST)
    arm(world, receiver, world.credits.functions.order(plan_id, receiver.address, 1, COST), COST)
    books = Books(
        world,
        COIN,
        payer=world.subscriber.address,
        receiver=receiver.address,
        partner=world.partner.address,
        protocol=world.fee_receiver.address,
    )
    receipt = _order(world, plan_id)
    shares, fee = (SHARES, sum(FEES)) if fee_bps else (PRICES, 0)
    expected = {"payer": -COST, "receiver": 2 * shares[0] - COST, "partner": 2 * shares[1], "protocol": 2 * fee}
    assert books.changes(receipt) == {name: change for name, change in expected.items() if change}
    assert outcome_of(world, receiver).success
    assert world.balance(plan_id, receiver.address) == CREDITS


def test_order__with_a_split_receiver_that_needs_much_gas__pays_it(world: World) -> None:
    """C12, I6: a split has no cap of gas but the payer's. What is sent to a contract may cost millions there."""
    receiver = world.deploy("ReentersOnCoin")
    plan_id = _register(world, world.builder.address, receiver.address)
    terms = world.terms(splits=(Split(world.builder.address, 1),) * 16)
    costly = world.credits.functions.registerPlan(terms.as_tuple(), bytes(32), "x" * 4000, MAX_FEE_BPS)
    arm(world, receiver, costly)
    books = Books(world, COIN, payer=world.subscriber.address, builder=world.builder.address, receiver=receiver.address)
    function = world.credits.functions.order(plan_id, world.subscriber.address, 1, COST)
    receipt = world.send_with_gas(world.subscriber, function, 8_000_000, COST)
    assert (receipt["status"], outcome_of(world, receiver).success) == (1, True)
    assert receipt["gasUsed"] > 3_000_000
    assert books.changes(receipt) == {"payer": -COST, "builder": PRICES[0], "receiver": PRICES[1]}


def test_order__re_entered_by_one_who_wants_the_rest__is_refused(world: World) -> None:
    """I1, C34: while the first receiver runs, Credits holds what the second is due; nobody can have it."""
    receiver = world.deploy("ReentersOnCoin")
    plan_id = _register(world, receiver.address, world.partner.address)
    steal = world.credits.functions.sendFee(ZERO, receiver.address, receiver.address, PRICES[1])
    arm(world, receiver, steal)
    books = Books(world, COIN, receiver=receiver.address, partner=world.partner.address)
    _order(world, plan_id)
    assert outcome_of(world, receiver).answer[:4] == selector("NotSelf(address)")
    assert books.changes() == {"receiver": PRICES[0], "partner": PRICES[1]}


def test_order__re_entered_by_one_who_would_pay_with_the_rest__is_refused(world: World) -> None:
    """I1, C34: an order is paid with what comes with it, not with what Credits happens to hold."""
    receiver = world.deploy("ReentersOnCoin")
    plan_id = _register(world, receiver.address, world.partner.address)
    arm(world, receiver, world.credits.functions.order(plan_id, receiver.address, 1, COST), 0)
    _order(world, plan_id)
    assert outcome_of(world, receiver).answer[:4] == selector("WrongValue(uint256,uint256)")
    assert world.balance(plan_id, receiver.address) == 0


# ---------------------------------------------------------------- fee receivers


@pytest.mark.parametrize("name", REFUSING)
def test_order__with_a_fee_receiver_that_takes_no_coin__gives_it_to_the_first_receiver(world: World, name: str) -> None:
    """C8, C12, I10: the protocol's receiver cannot stop anybody's order, and can burn ISOLATED_GAS at most."""
    bad, payer = world.deploy(name).address, world.subscriber.address
    world.set_fee(FEE_BPS, bad)
    plan_id = _register(world, world.builder.address, world.partner.address)
    books = Books(world, COIN, payer=payer, builder=world.builder.address, partner=world.partner.address, bad=bad)
    receipt = _order(world, plan_id)
    assert books.changes(receipt) == {"payer": -COST, "builder": SHARES[0] + sum(FEES), "partner": SHARES[1]}
    assert world.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, COST),
        fee_forgone(plan_id, bad, sum(FEES)),
    ]
    assert receipt["gasUsed"] < 200_000 + 200_000


def test_order__when_nobody_receives_fees_any_more__burns_no_coin(world: World) -> None:
    """C8: coin can be sent to the zero address, where most tokens refuse to go."""
    world.set_fee(FEE_BPS)
    plan_id, payer = _register(world, world.builder.address, world.partner.address), world.subscriber.address
    world.set_fee(0, ZERO)
    books = Books(world, COIN, payer=payer, builder=world.builder.address, partner=world.partner.address)
    receipt = _order(world, plan_id)
    assert books.changes(receipt) == {"payer": -COST, "builder": SHARES[0] + sum(FEES), "partner": SHARES[1]}
    assert world.events(receipt)[-1] == fee_forgone(plan_id, ZERO, sum(FEES))


def test_order__re_entered_by_a_fee_receiver__is_paid_for_twice(world: World) -> None:
    """C10, I1: it has gas enough for an order, and pays it like anybody."""
    receiver = world.deploy("ReentersOnCoin")
    world.set_fee(FEE_BPS, receiver.address)
    plan_id = _register(world, world.builder.address, world.partner.address)
    send_coin(world, receiver, COST)
    arm(world, receiver, world.credits.functions.order(plan_id, receiver.address, 1, COST), COST)
    books = Books(
        world,
        COIN,
        payer=world.subscriber.address,
        receiver=receiver.address,
        builder=world.builder.address,
        partner=world.partner.address,
    )
    receipt = _order(world, plan_id)
    assert outcome_of(world, receiver).success
    assert books.changes(receipt) == {
        "payer": -COST,
        "receiver": 2 * sum(FEES) - COST,
        "builder": 2 * SHARES[0],
        "partner": 2 * SHARES[1],
    }


def _fee_to_account(world: World) -> ChecksumAddress:
    return world.fee_receiver.address


def _fee_to_contract(world: World) -> ChecksumAddress:
    return world.deploy("Actor").address


@pytest.mark.parametrize("choose", [_fee_to_account, _fee_to_contract])
def test_order__with_the_least_gas_that_succeeds__still_delivers_the_fee(
    world: World, choose: Callable[[World], ChecksumAddress]
) -> None:
    """C12: a payer, or a gas estimate, cannot starve the fee's own call and have the order succeed without it."""
    receiver = choose(world)
    world.set_fee(FEE_BPS, receiver)
    plan_id = _register(world, world.builder.address, world.partner.address)
    books = Books(world, COIN, protocol=receiver)
    function = world.credits.functions.order(plan_id, world.subscriber.address, 1, COST)
    send_with_least_gas(world, world.subscriber, function, start=90_000, step=1000, value=COST)
    assert books.changes() == {"protocol": sum(FEES)}


# ---------------------------------------------------------------- coin that nobody should have sent


@pytest.fixture
def forced(world: World) -> World:
    """A world where somebody has forced a whole coin, and 500 USDC, on Credits."""
    world.deploy("ForcesCoin", world.credits.address, value=FORCED)
    world.send(world.stranger, world.usdc.functions.mint(world.credits.address, 500))
    return world


def test_forced_coin__through_orders__stays_where_it_is(forced: World) -> None:
    """C34, I1: Credits sends on what came with the order and nothing else, whoever takes the fee or not."""
    for receiver in (forced.fee_receiver.address, forced.deploy("RejectsCoin").address):
        forced.set_fee(FEE_BPS, receiver)
        _order(forced, _register(forced, forced.builder.address, forced.partner.address))
    assert forced.coins(forced.credits.address) == FORCED


@pytest.mark.parametrize("value", [0, 1, COST - 1])
def test_forced_coin__cannot__pay_for_an_order(forced: World, value: int) -> None:
    plan_id = _register(forced, forced.builder.address, forced.partner.address)
    with reverts(WrongValue(COST, value)):
        forced.order(plan_id, value=value)
    assert forced.coins(forced.credits.address) == FORCED


def test_forced_coin__in_a_re_entered_order__stays_where_it_is(forced: World) -> None:
    receiver: Contract = forced.deploy("ReentersOnCoin")
    plan_id = _register(forced, receiver.address, receiver.address)
    send_coin(forced, receiver, COST)
    arm(forced, receiver, forced.credits.functions.order(plan_id, receiver.address, 1, COST), COST)
    _order(forced, plan_id)
    assert outcome_of(forced, receiver).success
    assert forced.coins(forced.credits.address) == FORCED


def test_forced_tokens__through_orders__stay_where_they_are(forced: World) -> None:
    """I1: after any transaction the contract holds what it held before, and it can spend nobody's but the payer's."""
    forced.fund(forced.subscriber)
    forced.order(forced.register())
    assert forced.tokens(forced.credits.address) == 500


@pytest.mark.parametrize("data", ["0x", "0xdeadbeef", "0x00"])
def test_coin__sent_to_the_contract__is_refused(world: World, data: str) -> None:
    """C34: neither receive nor fallback."""
    with reverts(RevertedWithoutReason("0x")):
        world.chain.send_data(world.stranger, data, to=world.credits.address, value=1)


def test_coin__is_accepted__where_something_is_paid_alone() -> None:
    """C34: no payable without need. A permit and an authorization are about tokens, so coin with them would be lost."""
    abi = read_artifact("Credits").abi
    payable = [entry.get("name", entry["type"]) for entry in abi if entry.get("stateMutability") == "payable"]
    assert payable == ["order", "payUsage"]


def test_coin__with_a_call_that_takes_none__is_refused(world: World) -> None:
    plan_id = world.register()
    with reverts(RevertedWithoutReason("0x")):
        world.send(world.builder, world.credits.functions.mint(plan_id, world.other.address, 1), 1)


def test_order__dearer_than_all_the_coin_there_is__cannot_be_paid(world: World) -> None:
    """C30: a price of 16 times 2^96 - 1, 2^32 - 1 times, is a number like any other."""
    splits = (Split(world.builder.address, 2**96 - 1),) * 16
    plan_id = world.register(token=ZERO, splits=splits)
    cost = 16 * (2**96 - 1) * (2**32 - 1)
    function = world.credits.functions.order(plan_id, world.subscriber.address, 2**32 - 1, MAX_UINT)
    with reverts(WrongValue(cost, 1)):
        world.send(world.subscriber, function, 1)
