"""One sale of a transaction that has other sales before it, inside its payment and behind it: each receipt tells of its own sale only.

A contract that pays, a token or a receiver can sell and buy in the same transaction. The logs are those of real sales, each in a
transaction of its own, put together in every order.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest
from eth_account.signers.local import LocalAccount
from web3.datastructures import AttributeDict
from web3.types import TxReceipt

from nvm_chain.errors import OutcomeUnknown
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.receipts import build_order_receipt, build_usage_receipt, read_coin_fee_receiver
from nvm_chain.types.prices import Split
from nvm_chain.types.receipts import OrderReceipt, UsageReceipt
from tests.support.plans import usage
from tests.support.world import CREDITS, MAX_UINT, PRICE, ZERO, World

Read: TypeAlias = Callable[[TxReceipt], OrderReceipt | UsageReceipt]
SPLITS_IN_COIN = 10_000, 6_000
FEE_BPS = 250
CONTEXT = b"request".ljust(32, b"\0")


def compose(own: TxReceipt, others: Sequence[TxReceipt], place: int) -> TxReceipt:
    """Return a sale's receipt with the logs of others among its own: before so many of them."""
    foreign = [log for other in others for log in other["logs"]]
    own_logs: Any = own["logs"]
    logs = [*own_logs[:place], *foreign, *own_logs[place:]]
    same = {"transactionHash": own["transactionHash"], "blockHash": own["blockHash"], "blockNumber": own["blockNumber"]}
    changed = [AttributeDict({**log, **same, "logIndex": index}) for index, log in enumerate(logs)]
    return AttributeDict({**own, "logs": changed})  # type: ignore[return-value]


def check_own(read: Read, own: TxReceipt, others: Sequence[TxReceipt]) -> None:
    """Check that a sale is read as if it were alone, with others before it, in its payment and behind it.

    Between a grant and its order nothing of another contract runs.
    """
    alone = read(own)
    places = range(len(own["logs"]) + 1)
    for place in places if isinstance(alone, UsageReceipt) else [0, *places[2:]]:
        for chosen in (others, others[::-1], *([other] for other in others)):
            assert read(compose(own, chosen, place)) == alone


def order(
    world: World, plan_id: int, payer: LocalAccount, *, quantity: int = 1, receiver: str | None = None, value: int = 0
) -> TxReceipt:
    """Order, and return the receipt as the package reads it."""
    world.order(plan_id, payer, quantity=quantity, receiver=receiver, value=value)
    return newest(world)


def newest(world: World) -> TxReceipt:
    """Return the receipt of the only transaction of the newest block."""
    block = world.chain.web3.eth.get_block("latest")
    [sent] = block["transactions"]
    return world.chain.read_mined(f"0x{bytes(sent).hex()}")  # type: ignore[arg-type]


@pytest.fixture
def payers(world: World) -> World:
    """Two who can pay in USDC."""
    world.fund(world.subscriber)
    world.fund(world.other)
    return world


def test_order_receipt__among_others_in_a_token__is_of_the_own_payer_plan_and_grant(payers: World) -> None:
    world, mine, payer = payers, payers.register(), payers.subscriber
    splits = (Split(world.redeemer.address, 2 * PRICE),)
    second, free = world.register(splits=splits, credits=7), world.register(splits=(), credits=3)
    own = order(world, mine, payer, quantity=2, receiver=world.redeemer.address)
    others = [
        order(world, mine, world.other, quantity=3),
        order(world, second, world.other),
        order(world, free, payer, quantity=4),
    ]
    plan = read_plan_state(world.chain, mine)
    check_own(lambda receipt: build_order_receipt(world.chain, plan, payer.address, receipt), own, others)
    told = build_order_receipt(world.chain, plan, payer.address, compose(own, others, 2))
    assert (told.quantity, told.paid, told.credits_granted) == (2, 2 * PRICE, 2 * CREDITS)
    assert (told.receiver, dict(told.receivers)) == (world.redeemer.address, {world.builder.address: 2 * PRICE})


def test_order_receipt__among_payments_of_the_payer_in_another_token__has_those_of_its_own(payers: World) -> None:
    world, payer = payers, payers.subscriber
    token = world.deploy("TestUSDC")
    world.fund(payer, token)
    mine, second = world.register(), world.register(token=token.address, splits=(Split(world.other.address, 5),))
    own, other = order(world, mine, payer), order(world, second, payer)
    plan = read_plan_state(world.chain, mine)
    check_own(lambda receipt: build_order_receipt(world.chain, plan, payer.address, receipt), own, [other])


def test_order_receipt__in_coin_among_others_whose_fee_was_forgone__has_the_own_fee(world: World) -> None:
    """And the other way round: one whose own fee was forgone, to the first of its receivers."""
    world.set_fee(FEE_BPS)
    splits = tuple(
        Split(who.address, price) for who, price in zip((world.builder, world.other), SPLITS_IN_COIN, strict=True)
    )
    mine, second = (world.register(token=ZERO, splits=splits, credits=count) for count in (10, 20))
    payer, cost, fees = world.subscriber, sum(SPLITS_IN_COIN), sum(SPLITS_IN_COIN) * FEE_BPS // 10_000
    taken = [order(world, plan_id, payer, value=cost) for plan_id in (mine, second)]
    world.set_fee(FEE_BPS, world.deploy("RejectsCoin").address)
    forgone = [order(world, plan_id, payer, value=cost) for plan_id in (mine, second)]
    plan = read_plan_state(world.chain, mine)
    world.set_fee(FEE_BPS)
    fee_receiver = read_coin_fee_receiver(world.chain, plan)

    def read(receipt: TxReceipt) -> OrderReceipt:
        return build_order_receipt(world.chain, plan, payer.address, receipt, fee_receiver=fee_receiver)

    check_own(read, taken[0], [forgone[1], taken[1]])
    check_own(read, forgone[0], [taken[1]])
    shares = [price - price * FEE_BPS // 10_000 for price in SPLITS_IN_COIN]
    first, last = world.builder.address, world.other.address
    assert dict(read(taken[0]).receivers) == {first: shares[0], last: shares[1], world.fee_receiver.address: fees}
    assert dict(read(forgone[0]).receivers) == {first: shares[0] + fees, last: shares[1]}


def test_usage_receipt__among_others__is_of_the_own_payer_and_plan(payers: World) -> None:
    world, payer = payers, payers.subscriber
    mine, second = world.register(**usage()), world.register(**usage(splits=(), token=ZERO))

    def pay(plan_id: int, who: LocalAccount, quantity: int, context: bytes) -> TxReceipt:
        world.send(who, world.credits.functions.payUsage(plan_id, quantity, MAX_UINT, context))
        return newest(world)

    own = pay(mine, payer, 2, CONTEXT)
    others = [pay(mine, world.other, 3, bytes(32)), pay(second, payer, 4, bytes(32))]
    plan = read_plan_state(world.chain, mine)
    check_own(lambda receipt: build_usage_receipt(world.chain, plan, payer.address, receipt), own, others)
    told = build_usage_receipt(world.chain, plan, payer.address, compose(own, others, 0))
    assert (told.quantity, told.paid, told.context) == (2, 2 * PRICE, CONTEXT)


def test_receipts__with_sales_of_others_only__are_lost(payers: World) -> None:
    """Nothing of another's sale is told as one's own."""
    world, mine = payers, payers.register()
    other = order(world, mine, world.other)
    plan = read_plan_state(world.chain, mine)
    for build in (build_order_receipt, build_usage_receipt):
        with pytest.raises(OutcomeUnknown):
            build(world.chain, plan, world.subscriber.address, other)


# ---------------------------------------------------------------------- forged, and repeated


def forge(receipt: TxReceipt, address: str) -> TxReceipt:
    """Return a receipt whose events are of another contract."""
    logs: Any = [AttributeDict({**log, "address": address}) for log in receipt["logs"]]
    return AttributeDict({**receipt, "logs": logs})  # type: ignore[return-value]


def test_order_receipt__among_forged_events_of_its_own_sale__believes_credits_and_the_token(payers: World) -> None:
    """A token, a receiver or anybody may emit what Credits and the token emit: of the same plan and payer, for more."""
    world, mine, payer = payers, payers.register(), payers.subscriber
    own, dearer = order(world, mine, payer), order(world, mine, payer, quantity=5)
    plan = read_plan_state(world.chain, mine)
    forged = [forge(dearer, who) for who in (world.other.address, world.deploy("TestUSDC").address)]
    check_own(lambda receipt: build_order_receipt(world.chain, plan, payer.address, receipt), own, forged)


def test_usage_receipt__among_forged_events_of_its_own_payment__believes_credits(payers: World) -> None:
    world, mine, payer = payers, payers.register(**usage()), payers.subscriber

    def pay(quantity: int) -> TxReceipt:
        world.send(payer, world.credits.functions.payUsage(mine, quantity, MAX_UINT, CONTEXT))
        return newest(world)

    own, dearer = pay(1), pay(5)
    plan = read_plan_state(world.chain, mine)
    forged = [forge(dearer, world.other.address)]
    check_own(lambda receipt: build_usage_receipt(world.chain, plan, payer.address, receipt), own, forged)


def test_read_event__of_several_that_are_wanted__is_the_first(payers: World) -> None:
    """Whoever sends a call finds its own event before those that what it calls may add."""
    world, mine, payer = payers, payers.register(), payers.subscriber
    first, second = order(world, mine, payer, quantity=2), order(world, mine, payer, quantity=3)
    both = compose(first, [second], len(first["logs"]))
    event = world.chain.read_event(world.credits, "Ordered", both, planId=mine, payer=payer.address)
    assert event["args"]["quantity"] == 2
    assert [each["args"]["quantity"] for each in world.chain.read_events(world.credits, "Ordered", both)] == [2, 3]
