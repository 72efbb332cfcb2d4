"""Blocks that are replaced: what was undone is made again, and nothing twice."""

import pytest

from nvm_chain.meter.store.payment_rows import PaymentState
from nvm_chain.meter.store.payment_serving import TurnState, begin_serving, end_serving
from nvm_chain.operations.credits import grant_external
from tests.x402.buying.market import CREDITS, PRICE, Desk, Market


def test_payment__whose_block_is_replaced_before_its_grant__is_made_again_and_granted_once(
    market: Market, desk: Desk
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    desk.take(signed, new)
    market.undo(1)
    assert market.read_paid(buyer) == 0
    desk.work()
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_payment__whose_grant_alone_is_replaced__is_granted_again_and_paid_once(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    desk.take(signed, new)
    market.mine(2)
    desk.work()
    assert desk.read(new).state is PaymentState.GRANTED
    market.undo(1)
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (0, PRICE)
    desk.work()
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_payment__that_is_replaced_with_its_grant__is_made_and_granted_again_once(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    desk.take(signed, new)
    market.mine(2)
    desk.work()
    market.undo(4)
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (0, 0)
    for _ in range(3):
        desk.work()
        market.mine()
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_payment__replaced_and_then_sent_by_somebody_else__counts_once(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    desk.take(signed, new)
    market.undo(1)
    market.world.send(market.world.stranger, market.transfer(signed))
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_payment__undone_before_its_grant_when_it_cannot_be_made_again__is_refused(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer, valid_before=market.chain.read_time() + 60)
    new = market.order(signed)
    desk.take(signed, new)
    market.undo(1)
    market.ask("evm_increaseTime", 200)
    market.mine()
    desk.work()
    market.mine(64)
    desk.work()
    assert desk.read(new).state is PaymentState.REFUSED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (0, 0)


def test_payment__undone_while_its_grant_stays__is_listed_for_a_person(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer, valid_before=market.chain.read_time() + 60)
    new = market.order(signed)
    desk.take(signed, new)
    market.mine(2)
    desk.work()
    market.undo(4)
    grant_external(
        market.chain, market.world.builder, market.plan_id, buyer.address, reference=new.payment_id
    )  # as if the grant alone were mined again
    market.ask("evm_increaseTime", 200)
    market.mine()
    desk.work()
    market.mine(64)
    desk.work()
    found = desk.read(new)
    assert (found.state, "expired" in found.reason) == (PaymentState.BY_HAND, True)
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, 0)
    desk.work()
    assert desk.read(new).state is PaymentState.BY_HAND


@pytest.mark.parametrize("is_served", [True, False])
def test_request__whose_payment_is_replaced__is_paid_again_and_served_once(
    market: Market, desk: Desk, is_served: bool
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.request(signed)
    taken = desk.take(signed, new)
    turn = desk.writer.run(lambda store: begin_serving(store, new.payment_id, 60, turn=taken.turn))
    desk.writer.run(lambda store: end_serving(store, new.payment_id, turn, is_served=is_served))
    market.undo(1)
    desk.work()
    assert market.read_paid(buyer) == PRICE
    assert desk.read(new).is_paid
    again = desk.writer.run(lambda store: begin_serving(store, new.payment_id, 60))
    assert again.state is (TurnState.SERVED if is_served else TurnState.BEGUN)
