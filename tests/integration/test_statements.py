"""Statements worked by hand: what each movement says, both ends of a period to the second, and nodes that do not tell the truth."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import BlockReplaced, RpcFailed, StatementMismatch, UnknownPlan
from nvm_chain.operations.credits import grant_external, read_lots, redeem_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import accept_plan_ownership, transfer_plan_ownership
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.usage import pay_usage
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.statements.types import MovementKind, Ownership, Statement
from nvm_chain.types.prices import Split
from nvm_chain.types.revenue import Revenue
from tests.support.events import selector
from tests.support.liar import Lie, lying
from tests.support.reverts import reverts
from tests.support.world import CREDITS, MAX_UINT, PRICE, ZERO, World

DAY = 86_400
TIME: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 2, "duration": DAY, "min_redeem": 0, "max_redeem": 0}
USAGE: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}


def told(statement: Statement) -> list[tuple[str, int, int]]:
    """Return kind, amount and balance of each movement."""
    return [(item.kind.value, item.amount, item.balance) for item in statement.movements]


def holder_statement(world: World, **period: Any) -> Statement:
    return read_holder_statement(world.chain, world.subscriber.address, **period)


def buy(world: World, plan_id: int, quantity: int = 1) -> int:
    """Order for the subscriber; return the second in which it was."""
    world.order(plan_id, quantity=quantity)
    return world.now


# ---------------------------------------------------------------- what a movement says


def test_holder_statement__of_every_way_to_get_and_lose_credits__tells_them_apart(funded: World) -> None:
    plan_id, holder, builder = funded.register(), funded.subscriber, funded.builder
    order_plan(funded.chain, holder, plan_id, quantity=2)
    funded.grant(plan_id, holder.address, 7)
    grant_external(funded.chain, builder, plan_id, holder.address, reference="invoice 1")
    redeem_credits(funded.chain, holder, plan_id, 3, context="request-1")
    signed = sign_next_voucher(funded.chain, holder, plan_id, redeemer=builder.address, cost=5)
    settle_vouchers(funded.chain, builder, plan_id, [signed])
    funded.send(holder, funded.credits.functions.burn(plan_id, holder.address, 4))
    statement = holder_statement(funded)
    assert told(statement) == [
        ("order", 200, 200),
        ("grant", 7, 207),
        ("paid_externally", 100, 307),
        ("redemption", -3, 304),
        ("settlement", -5, 299),
        ("burn", -4, 295),
    ]
    order, grant, external, redemption, settlement, burn = statement.movements
    assert (order.party, order.quantity, order.cost, order.token) == (holder.address, 2, 2 * PRICE, funded.usdc.address)
    assert [item.party for item in (grant, external, settlement)] == [builder.address] * 3
    assert [item.party for item in (redemption, burn)] == [holder.address] * 2
    assert external.context == b"invoice 1".ljust(32, b"\0")
    assert redemption.context == b"request-1".ljust(32, b"\0")
    assert [item.cost for item in statement.movements[1:]] == [0] * 5
    assert statement.plans[0].totals[MovementKind.SETTLEMENT] == -5
    assert statement.revenue == (Revenue(plan_id, funded.usdc.address, builder.address, 2 * PRICE, 0, 0, 1),)
    assert told(read_plan_statement(funded.chain, plan_id)) == told(statement)


def test_holder_statement__of_an_order_for_another__is_a_gift_of_one_and_an_order_of_the_other(funded: World) -> None:
    plan_id, other = funded.register(), funded.other.address
    funded.order(plan_id, receiver=other)
    (gift,) = holder_statement(funded).movements
    (order,) = read_holder_statement(funded.chain, other).movements
    assert (gift.kind, gift.amount, gift.cost, gift.party) == (MovementKind.GIFT, 0, PRICE, other)
    assert (order.kind, order.amount, order.cost, order.party) == (
        MovementKind.ORDER,
        CREDITS,
        PRICE,
        funded.subscriber.address,
    )
    assert sum(item.total for item in holder_statement(funded).revenue) == PRICE
    assert read_holder_statement(funded.chain, other).revenue == ()
    assert told(read_plan_statement(funded.chain, plan_id)) == [("order", CREDITS, CREDITS)]


def test_holder_statement__of_a_signed_order_with_change__costs_what_it_cost(funded: World) -> None:
    plan_id = funded.register()
    signed = sign_plan_order(funded.chain, funded.subscriber, plan_id, max_cost=PRICE + 5)
    relay_order(funded.chain, funded.relayer, signed)
    (order,) = holder_statement(funded).movements
    assert (order.cost, order.party) == (PRICE, funded.subscriber.address)
    assert [(item.receiver, item.total) for item in holder_statement(funded).revenue] == [
        (funded.builder.address, PRICE)
    ]


def test_holder_statement__of_transfers__has_both_sides(world: World, transferable_plan: int) -> None:
    functions, plan_id = world.credits.functions, transferable_plan
    holder, other = world.subscriber, world.other.address
    world.send(holder, functions.safeTransferFrom(holder.address, other, plan_id, 4, b""))
    world.send(holder, functions.safeBatchTransferFrom(holder.address, other, [plan_id, plan_id], [1, 2], b""))
    world.send(holder, functions.safeTransferFrom(holder.address, holder.address, plan_id, 3, b""))
    mine = [("grant", 10, 10), ("transfer_out", -4, 6), ("transfer_out", -1, 5), ("transfer_out", -2, 3)]
    assert told(holder_statement(world)) == [*mine, ("transfer_out", -3, 0), ("transfer_in", 3, 3)]
    theirs = read_holder_statement(world.chain, other)
    assert told(theirs) == [("transfer_in", 4, 4), ("transfer_in", 1, 5), ("transfer_in", 2, 7)]
    assert {item.party for item in theirs.movements} == {holder.address}
    assert read_plan_statement(world.chain, plan_id).plans[0].closing == 10


def test_holder_statement__of_a_usage_plan__has_payments_and_no_credits(funded: World) -> None:
    plan_id = funded.register(**USAGE)
    pay_usage(funded.chain, funded.subscriber, plan_id, quantity=3, context="request-9")
    statement = holder_statement(funded)
    assert told(statement) == [("payment", 0, 0)]
    assert (statement.movements[0].cost, statement.movements[0].quantity) == (3 * PRICE, 3)
    assert statement.movements[0].context == b"request-9".ljust(32, b"\0")
    assert read_plan_statement(funded.chain, plan_id).revenue == statement.revenue


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(("late", "closing"), [(-1, CREDITS), (0, 0), (1, 0)])
def test_statement__up_to_around_the_second_of_an_expiry__has_it_just_then(
    funded: World, late: int, closing: int
) -> None:
    """I9: gone from its second on; a period that ends with that second, which it does not have, still has the credits."""
    plan_id = funded.register(duration=DAY)
    expiry = buy(funded, plan_id) + DAY
    funded.mine_at(expiry + late)
    assert holder_statement(funded).plans[0].closing == closing == funded.balance(plan_id, funded.subscriber.address)
    funded.mine_at(expiry + DAY)
    ended = holder_statement(funded, end=expiry + late + 1)
    assert ended.plans[0].closing == closing
    begun = holder_statement(funded, start=expiry + late + 1)
    assert (begun.plans[0].opening, begun.plans[0].closing) == (closing, 0)
    assert [(item.kind, item.timestamp) for item in begun.movements] == [(MovementKind.EXPIRY, expiry)] * (late < 0)


@pytest.mark.parametrize(("start", "end", "kinds"), [(0, 1, ["order"]), (1, 2, []), (-1, 0, []), (-1, 1, ["order"])])
def test_statement__of_a_period_around_an_event__has_its_first_second_and_not_its_end(
    funded: World, start: int, end: int, kinds: list[str]
) -> None:
    plan_id = funded.register()
    second = funded.now + 10
    funded.send_at(
        second, funded.subscriber, funded.credits.functions.order(plan_id, funded.other.address, 1, MAX_UINT)
    )
    funded.mine_at(second + 10)
    statement = read_plan_statement(funded.chain, plan_id, start=second + start, end=second + end)
    assert [item.kind.value for item in statement.movements] == kinds
    assert (statement.period.first_second, statement.period.end_second) == (second + start, second + end)


def test_statement__of_lots__uses_the_earliest_and_expires_what_is_left(funded: World) -> None:
    plan_id, holder = funded.register(duration=DAY), funded.subscriber
    first = buy(funded, plan_id) + DAY
    funded.mine_at(first - DAY // 2)
    second = buy(funded, plan_id) + DAY
    funded.send(holder, funded.credits.functions.redeem(plan_id, holder.address, 10, bytes(32)))
    funded.mine_at(first)
    assert told(holder_statement(funded))[-2:] == [("redemption", -10, 190), ("expiry", -90, 100)]
    assert [lot.credits for lot in read_lots(funded.chain, plan_id, holder.address)] == [100]
    funded.mine_at(second + 1)
    statement = holder_statement(funded)
    assert [(item.amount, item.timestamp) for item in statement.movements[-2:]] == [(-90, first), (-100, second)]
    assert statement.movements[-1].block_number is None


def test_statement__of_time_from_purchase__counts_periods_and_says_until_when(funded: World) -> None:
    plan_id, holder = funded.register(**TIME), funded.subscriber
    until = buy(funded, plan_id) + 2 * DAY
    funded.mine_at(until - DAY)
    assert told(holder_statement(funded)) == [("order", 2, 2), ("expiry", -1, 1)]
    funded.send(holder, funded.credits.functions.burn(plan_id, holder.address, 1))
    ended = funded.now
    statement = holder_statement(funded)
    assert told(statement)[-1] == ("burn", -1, 0)
    assert [item.access_until for item in statement.movements] == [until, None, ended]
    assert statement.holders[0].access_until == ended
    assert holder_statement(funded, end=ended).holders[0].access_until == until


def test_statement__of_time_from_first_use__opens_when_redeemed(world: World) -> None:
    on_use = {**TIME, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 2}
    plan_id, holder = world.register(**on_use), world.subscriber
    world.grant(plan_id, holder.address, 5)
    ends = []
    for amount in (1, 2):
        world.send(holder, world.credits.functions.redeem(plan_id, holder.address, amount, bytes(32)))
        ends.append(world.chain.read(world.credits.functions.accessUntil(plan_id, holder.address)))
    statement = holder_statement(world)
    assert told(statement) == [("grant", 5, 5), ("redemption", -1, 4), ("redemption", -2, 2)]
    assert [item.access_until for item in statement.movements] == [None, *ends]


# ---------------------------------------------------------------- money


def test_plan_statement__of_splits_and_a_fee__pays_each_receiver_to_the_unit(funded: World) -> None:
    splits = (
        Split(funded.partner.address, 1_000_001),
        Split(funded.other.address, 333),
        Split(funded.other.address, 7),
    )
    funded.set_fee(999)
    plan_id = funded.register(splits=splits)
    funded.order(plan_id, quantity=3)
    fees = [3 * split.amount * 999 // 10_000 for split in splits]
    statement = read_plan_statement(funded.chain, plan_id)
    paid = {item.receiver: (item.shares, item.fees, item.total) for item in statement.revenue}
    first, rest = 3 * 1_000_001 - fees[0], 3 * 340 - fees[1] - fees[2]
    assert paid == {
        funded.partner.address: (first, 0, first),
        funded.other.address: (rest, 0, rest),
        funded.fee_receiver.address: (0, sum(fees), sum(fees)),
    }
    assert {who: funded.tokens(who) for who in paid} == {who: total for who, (_, _, total) in paid.items()}
    assert {item.sales for item in statement.revenue} == {1}


def test_plan_statement__of_a_fee_that_cannot_be_delivered__says_who_got_it(funded: World) -> None:
    funded.set_fee(500)
    plan_id = funded.register()
    funded.order(plan_id)
    funded.send(funded.fee_owner, funded.usdc.functions.blacklist(funded.fee_receiver.address))
    funded.order(plan_id)
    fee = PRICE * 500 // 10_000
    for statement in (read_plan_statement(funded.chain, plan_id), holder_statement(funded)):
        paid = {item.receiver: (item.shares, item.fees, item.forgone) for item in statement.revenue}
        assert paid == {
            funded.builder.address: (2 * (PRICE - fee), 0, fee),
            funded.fee_receiver.address: (0, fee, 0),
        }
    assert funded.tokens(funded.builder.address) == 2 * PRICE - fee


def test_plan_statement__of_another_fee_receiver__pays_who_it_was_at_the_time(funded: World) -> None:
    funded.set_fee(500)
    plan_id = funded.register(token=ZERO, splits=(Split(funded.partner.address, 10_000),))
    funded.order(plan_id, value=10_000)
    funded.set_fee(0, funded.other.address)
    funded.order(plan_id, value=10_000)
    paid = {item.receiver: item.total for item in read_plan_statement(funded.chain, plan_id).revenue}
    assert paid == {funded.partner.address: 19_000, funded.fee_receiver.address: 500, funded.other.address: 500}


# ---------------------------------------------------------------- builders


def test_builder_statement__of_a_plan_that_changed_hands__is_in_both_for_the_periods_they_had_it(funded: World) -> None:
    plan_id, kept = funded.register(), funded.register()
    registered = funded.now
    funded.mine_at(registered + 10)
    funded.order(plan_id)
    transfer_plan_ownership(funded.chain, funded.builder, plan_id, funded.partner.address)
    accept_plan_ownership(funded.chain, funded.partner, plan_id)
    sold = funded.now
    funded.mine_at(sold + 100)
    funded.order(plan_id)
    before = read_builder_statement(funded.chain, funded.builder.address)
    assert {spell.plan_id: spell.until for spell in before.owned} == {plan_id: sold, kept: None}
    assert before.plans[0].closing + before.plans[1].closing == 2 * CREDITS
    after = read_builder_statement(funded.chain, funded.builder.address, start=sold + 50)
    assert {spell.plan_id for spell in after.owned} == {kept}
    assert after.movements == ()
    theirs = read_builder_statement(funded.chain, funded.partner.address, start=sold + 50)
    assert theirs.owned == (Ownership(plan_id, sold, None),)
    assert (theirs.plans[0].opening, theirs.plans[0].closing) == (CREDITS, 2 * CREDITS)
    early = read_builder_statement(funded.chain, funded.partner.address, end=registered + 1)
    assert (early.owned, early.plans, early.revenue) == ((), (), ())


def test_statements__of_nobody_and_of_no_plan__are_empty_and_an_error(world: World) -> None:
    assert holder_statement(world).plans == ()
    assert read_builder_statement(world.chain, world.stranger.address).plans == ()
    with reverts(UnknownPlan(7)):
        read_plan_statement(world.chain, 7)


# ---------------------------------------------------------------- what a node may do


@pytest.fixture
def sold(funded: World) -> int:
    """A plan whose credits expire, which the subscriber has bought twice and redeemed once."""
    plan_id, holder = funded.register(duration=DAY), funded.subscriber
    for _ in range(2):
        funded.order(plan_id)
    funded.send(holder, funded.credits.functions.redeem(plan_id, holder.address, 1, bytes(32)))
    return plan_id


READS: list[Callable[[World, int], Statement]] = [
    lambda world, plan_id: read_holder_statement(world.chain, world.subscriber.address),
    lambda world, plan_id: read_plan_statement(world.chain, plan_id),
    lambda world, plan_id: read_builder_statement(world.chain, world.builder.address),
]


def add_foreign(params: Any, logs: Any) -> Any:
    """Add each log once more, as if another contract had emitted it."""
    return [*logs, *({**log, "address": "0x" + "99" * 20, "logIndex": 77 + number} for number, log in enumerate(logs))]


@pytest.mark.parametrize("read", READS)
def test_statement__of_a_node_that_adds_another_contracts_logs_or_gives_logs_twice__is_the_same(
    funded: World, sold: int, read: Callable[[World, int], Statement]
) -> None:
    expected = read(funded, sold)
    for lie in (add_foreign, lambda _, logs: [*reversed(logs), *logs]):
        with lying(funded.chain, {"eth_getLogs": lie}) as asked:
            assert read(funded, sold) == expected
        assert "eth_getLogs" in asked


@pytest.mark.parametrize("read", READS)
def test_statement__of_a_node_that_lost_a_log__is_refused(
    funded: World, sold: int, read: Callable[[World, int], Statement]
) -> None:
    lost = read(funded, sold).movements[0].transaction

    def lose(_: Any, logs: Any) -> Any:
        return [log for log in logs if _text(log.get("transactionHash", log.get("transaction_hash"))) != lost]

    with lying(funded.chain, {"eth_getLogs": lose}), pytest.raises(StatementMismatch) as caught:
        read(funded, sold)
    assert "Read again" in str(caught.value)


@pytest.mark.parametrize("read", READS)
def test_statement__of_a_chain_that_says_less_than_its_events__is_refused(
    funded: World, sold: int, read: Callable[[World, int], Statement]
) -> None:
    """As many bytes, but each number at the end of them is 0; offsets and lengths stay."""
    lie: Lie = lambda _, answer: _text(answer)[:-64] + "0" * 64  # noqa: E731
    with lying(funded.chain, {"eth_call": lie}), pytest.raises(StatementMismatch):
        read(funded, sold)


def test_holder_statement__of_other_lots_of_the_same_balance__is_refused(funded: World, sold: int) -> None:
    lots_of = "0x" + selector("lotsOf(uint256,address,uint256,uint256)").hex()

    def later(params: Any, answer: Any) -> Any:
        is_lots = _text(params[0]["data"]).startswith(lots_of)
        return _text(answer)[:-64] + f"{10**12:064x}" if is_lots else answer

    with lying(funded.chain, {"eth_call": later}), pytest.raises(StatementMismatch) as caught:
        holder_statement(funded)
    assert caught.value.what.startswith("lots of ")


def _text(data: Any) -> str:
    return data if isinstance(data, str) else "0x" + bytes(data).hex()


def test_holder_statement__of_a_trial_that_was_handed_on__is_taken_by_who_was_granted_it(world: World) -> None:
    plan_id, other = world.register(trial=True, transferable=True), world.other.address
    world.grant(plan_id, world.subscriber.address, 5)
    give = world.credits.functions.safeTransferFrom(world.subscriber.address, other, plan_id, 5, b"")
    world.send(world.subscriber, give)
    assert told(holder_statement(world)) == [("grant", 5, 5), ("transfer_out", -5, 0)]
    assert told(read_holder_statement(world.chain, other)) == [("transfer_in", 5, 5)]


@pytest.mark.parametrize("read", READS)
def test_statement__with_a_log_that_was_undone__is_refused(
    funded: World, sold: int, read: Callable[[World, int], Statement]
) -> None:
    undone: Lie = lambda _, logs: [{**log, "removed": True} for log in logs]  # noqa: E731
    with lying(funded.chain, {"eth_getLogs": undone}), pytest.raises(BlockReplaced):
        read(funded, sold)


@pytest.mark.parametrize("read", READS)
def test_statement__over_a_reorganization__says_so(
    funded: World, sold: int, read: Callable[[World, int], Statement]
) -> None:
    asked: list[Any] = []

    def reorganize(params: Any, block: Any) -> Any:
        asked.append(params)
        return {**block, "hash": "0x" + "77" * 32} if len(asked) > 1 else block

    with lying(funded.chain, {"eth_getBlockByNumber": reorganize}), pytest.raises(BlockReplaced):
        read(funded, sold)


@pytest.mark.parametrize("logs", [None, 5, {"a": 1}, [5], [{}], ["0x"]])
def test_statement__of_a_node_that_answers_nonsense__is_a_typed_error(funded: World, sold: int, logs: Any) -> None:
    with lying(funded.chain, {"eth_getLogs": lambda *_: logs}), pytest.raises(RpcFailed):
        read_plan_statement(funded.chain, sold)


def test_statement__that_begins_too_late_in_the_chain__is_refused(funded: World, sold: int) -> None:
    head, holder = funded.chain.read_block().number, funded.subscriber.address
    with pytest.raises(StatementMismatch):
        read_holder_statement(funded.chain, holder, first_block=head)
    with pytest.raises(StatementMismatch):
        read_plan_statement(funded.chain, sold, first_block=head)


def test_statement__while_new_blocks_come__is_of_the_block_it_began_with(funded: World, sold: int) -> None:
    head = funded.chain.read_block()

    def go_on(params: Any, answer: Any) -> Any:
        if not done:
            done.append(params)
            funded.grant(sold, funded.subscriber.address, 5)
        return answer

    done: list[Any] = []
    with lying(funded.chain, {"eth_getLogs": go_on}):
        statement = holder_statement(funded)
    assert len(done) == 1
    assert statement.head == head
    assert statement.plans[0].closing == 2 * CREDITS - 1
    assert holder_statement(funded).plans[0].closing == 2 * CREDITS + 4


# ---------------------------------------------------------------- requests


def test_statements__make_as_many_requests_as_they_say(funded: World, sold: int, requests_made: list[str]) -> None:
    """Blocks whose time a node does not tell with their events are left out."""
    made = []
    for read in READS:
        requests_made.clear()
        read(funded, sold)
        counts = Counter(requests_made)
        assert counts.pop("eth_getBlockByNumber") >= 2
        made.append(dict(counts))
    assert made == [
        {"eth_getLogs": 5, "eth_call": 2},
        {"eth_getLogs": 2, "eth_call": 1},
        {"eth_getLogs": 5, "eth_call": 1},
    ]


def test_holder_statement__with_vouchers__asks_for_each_block_that_has_some(
    funded: World, requests_made: list[str]
) -> None:
    plan_id, holder, builder = funded.register(), funded.subscriber, funded.builder
    funded.order(plan_id)
    for _ in range(2):
        signed = sign_next_voucher(funded.chain, holder, plan_id, redeemer=builder.address, cost=5)
        settle_vouchers(funded.chain, builder, plan_id, [signed])
    requests_made.clear()
    assert [item.kind.value for item in holder_statement(funded).movements] == ["order", "settlement", "settlement"]
    assert requests_made.count("eth_getLogs") == 5 + 1 + 2


def test_plan_statement__of_a_quoted_price__shares_it_by_weights(funded: World) -> None:
    quoter = funded.deploy("ChangesPrice", 101)
    weights = tuple(Split(person.address, 1) for person in (funded.partner, funded.other, funded.stranger))
    plan_id = funded.register(quoter=quoter.address, splits=weights)
    funded.order(plan_id)
    paid = {item.receiver: item.total for item in read_plan_statement(funded.chain, plan_id).revenue}
    assert paid == {weights[0].receiver: 35, weights[1].receiver: 33, weights[2].receiver: 33}
    assert {receiver: funded.tokens(receiver) for receiver in paid} == paid
