"""Payments in the books: each is claimed once, its states go forwards, and one request is served for it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eth_account import Account
from msgspec.structs import replace

from nvm_chain.meter.store.payment_ends import forget_payments
from nvm_chain.meter.store.payment_rows import NewPayment, Payment, PaymentPurpose, PaymentState, Place, SentTransfer
from nvm_chain.meter.store.payment_serving import TurnState, begin_serving, end_serving
from nvm_chain.meter.store.payments import (
    Claimed,
    Known,
    LimitReached,
    PaymentLimit,
    PaymentLimits,
    claim_payment,
    free_payments,
    give_payment_back,
    leave_payment,
    list_unfinished,
    list_waiting,
    note_by_hand,
    note_final,
    note_granted,
    note_paid,
    note_refused,
    note_sent,
    note_ungranted,
    note_unpaid,
    read_payment,
    take_payment,
)
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.writer import Writer
from tests.support.meter_books import read_rows

TOKEN, PAYER, PAYEE, SENDER = (Account.create().address for _ in range(4))
SENT = SentTransfer(b"\7" * 32, b"raw", SENDER, 5)
PLACE = Place(b"\7" * 32, 12, b"\x0c" * 32)
GRANT = Place(b"\x08" * 32, 14)


def new(number: int = 1, **changes: Any) -> NewPayment:
    """Return a payment by its number here."""
    usual: dict[str, Any] = {
        "chain_id": 31337,
        "token": TOKEN,
        "payer": PAYER,
        "nonce": bytes([number]) * 32,
        "purpose": PaymentPurpose.ORDER,
        "payee": PAYEE,
        "value": 2**200 + number,
        "valid_before": 2**255,
        "call_to": TOKEN,
        "call_data": b"call",
        "plan_id": 2**255 + 1,
    }
    return NewPayment(**{**usual, **changes})


def claim(store: Store, number: int = 1, **changes: Any) -> Payment:
    """Claim a payment that nobody has claimed."""
    found = claim_payment(store, new(number, **changes))
    assert isinstance(found, Claimed)
    return found.payment


def test_claim_payment__of_a_new_one__has_all_that_was_given(store: Store) -> None:
    given = new(submitter=b"s" * 32, resource=b"r" * 32, service="did:nv:1", quantity=3)
    found = claim_payment(store, given)
    assert isinstance(found, Claimed)
    for name in set(NewPayment.__struct_fields__) - {"chain_id", "valid_before"}:
        assert getattr(found.payment, name) == getattr(given, name), name
    assert found.payment.valid_before == 2**63 - 1
    assert found.payment.state is PaymentState.CLAIMED
    assert found.payment.is_for(given)
    assert read_payment(store, given.payment_id) == found.payment


def test_claim_payment__of_a_known_one__gives_it_as_it_is(store: Store) -> None:
    first = claim(store)
    note_sent(store, first.payment_id, SENT)
    found = claim_payment(store, new(plan_id=7))
    assert isinstance(found, Known)
    assert found.payment.state is PaymentState.SENT
    assert not found.payment.is_for(new(plan_id=7))


@pytest.mark.parametrize("name", ["token", "payer", "nonce", "chain_id"])
def test_payment_id__of_another_key__is_another(name: str) -> None:
    other: dict[str, Any] = {"token": SENDER, "payer": SENDER, "nonce": b"\2" * 32, "chain_id": 1}
    assert new(**{name: other[name]}).payment_id != new().payment_id


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": PaymentPurpose.REQUEST},
        {"plan_id": 2},
        {"quantity": 2},
        {"payee": SENDER},
        {"value": 1},
        {"submitter": b"x"},
        {"resource": b"x"},
        {"service": "x"},
        {"call_data": b"another signature"},
    ],
)
def test_is_for__something_else__is_false(store: Store, changes: dict[str, Any]) -> None:
    assert not claim(store).is_for(new(**changes))


def test_claim_payment__by_many_threads_at_once__is_claimed_by_one(store: Store) -> None:
    writer = Writer(store)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: writer.run(lambda held: claim_payment(held, new())), range(64)))
    assert sum(isinstance(each, Claimed) for each in found) == 1


def test_claim_payment__beyond_a_limit__is_not_in_the_books(store: Store) -> None:
    limits = PaymentLimits(per_account=1, per_day=2)
    assert isinstance(claim_payment(store, new(1), limits), Claimed)
    assert claim_payment(store, new(2), limits) == LimitReached(PaymentLimit.ACCOUNT)
    assert isinstance(claim_payment(store, new(1), limits), Known)
    assert isinstance(claim_payment(store, new(3, payer=PAYEE), limits), Claimed)
    assert claim_payment(store, new(4, payer=SENDER), limits) == LimitReached(PaymentLimit.DAY)
    assert isinstance(claim_payment(store, new(5, purpose=PaymentPurpose.REQUEST), limits), Claimed)
    assert len(list_unfinished(store)) == 3


def test_give_payment_back__before_it_was_signed__lets_it_be_claimed_again(store: Store) -> None:
    first = claim(store)
    assert give_payment_back(store, first.payment_id)
    note_sent(store, claim(store).payment_id, SENT)
    assert not give_payment_back(store, first.payment_id)
    assert isinstance(claim_payment(store, new()), Known)


def test_states__of_a_plan_that_is_bought__go_forwards(store: Store) -> None:
    key = claim(store).payment_id
    sent = note_sent(store, key, SENT)
    assert (sent.state, sent.transaction, sent.raw) == (PaymentState.SENT, "0x" + "07" * 32, b"raw")
    paid = note_paid(store, key, PLACE)
    assert (paid.state, paid.block_number, paid.block_hash) == (PaymentState.PAID, 12, b"\x0c" * 32)
    assert note_sent(store, key, SENT).state is PaymentState.PAID
    granted = note_granted(store, key, GRANT)
    assert (granted.state, granted.grant, granted.grant_block) == (PaymentState.GRANTED, "0x" + "08" * 32, 14)
    assert note_paid(store, key, PLACE).state is PaymentState.GRANTED
    assert note_refused(store, key, "no").state is PaymentState.GRANTED
    final = note_final(store, key)
    assert (final.is_final, final.raw, final.call_data) == (True, b"", b"call")
    assert list_unfinished(store) == []


def test_states__after_a_block_was_replaced__go_back_to_what_is_left(store: Store) -> None:
    key = claim(store).payment_id
    note_sent(store, key, SENT)
    note_paid(store, key, PLACE)
    unpaid = note_unpaid(store, key)
    assert (unpaid.state, unpaid.is_paid) == (PaymentState.SENT, False)
    note_paid(store, key, PLACE)
    note_granted(store, key, GRANT)
    assert note_unpaid(store, key).state is PaymentState.GRANTED
    assert note_paid(store, key, PLACE).state is PaymentState.GRANTED
    assert note_ungranted(store, key).state is PaymentState.PAID


def test_note_by_hand__is_listed_with_its_reason__until_it_is_granted(store: Store) -> None:
    key = claim(store).payment_id
    assert note_by_hand(store, key, "early").state is PaymentState.CLAIMED
    note_paid(store, key, PLACE)
    note_by_hand(store, key, "the minter may not mint")
    assert [(each.payment_id, each.reason) for each in list_waiting(store, PaymentPurpose.ORDER)] == [
        (key, "the minter may not mint")
    ]
    assert note_granted(store, key, GRANT).reason == ""
    assert list_waiting(store, PaymentPurpose.ORDER) == []


def test_note_paid__of_one_that_was_refused__is_paid_after_all(store: Store) -> None:
    key = claim(store).payment_id
    refused = note_refused(store, key, "it has expired")
    assert (refused.state, refused.is_final) == (PaymentState.REFUSED, True)
    paid = note_paid(store, key, PLACE)
    assert (paid.state, paid.reason, paid.is_final) == (PaymentState.PAID, "", False)


def test_take_payment__while_another_one_works__is_refused(store: Store) -> None:
    key = claim(store).payment_id
    assert take_payment(store, key) is None
    leave_payment(store, key)
    assert take_payment(store, key, 100) is not None
    assert take_payment(store, key) is None
    free_payments(store)
    assert take_payment(store, key) is not None
    assert take_payment(store, b"\0" * 32) is None


def begin(store: Store, key: bytes, turn: int = 0) -> TurnState:
    """Begin to serve a request."""
    return begin_serving(store, key, 60, turn=turn).state


def paid_request(store: Store) -> bytes:
    """Return the name of a paid payment for a request, whose claimer has gone."""
    claimed = claim(store, purpose=PaymentPurpose.REQUEST)
    leave_payment(store, claimed.payment_id, turn=claimed.serving_until)
    note_paid(store, claimed.payment_id, PLACE)
    return claimed.payment_id


def test_begin_serving__by_many_threads_at_once__begins_one(store: Store) -> None:
    key, writer = paid_request(store), Writer(store)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: writer.run(lambda held: begin(held, key)), range(64)))
    assert found.count(TurnState.BEGUN) == 1
    assert set(found) == {TurnState.BEGUN, TurnState.RUNNING}


def test_begin_serving__before_the_claimer_was_served__is_only_for_the_claimer(store: Store) -> None:
    claimed = claim(store, purpose=PaymentPurpose.REQUEST)
    key, turn = claimed.payment_id, claimed.serving_until
    note_paid(store, key, PLACE)
    assert begin(store, key) is TurnState.RUNNING
    assert begin(store, key, turn + 1) is TurnState.RUNNING
    assert begin(store, key, turn) is TurnState.BEGUN


def test_begin_serving__by_the_claimer_after_somebody_else_began__is_not_begun(store: Store) -> None:
    claimed = claim(store, purpose=PaymentPurpose.REQUEST)
    note_paid(store, claimed.payment_id, PLACE)
    leave_payment(store, claimed.payment_id, turn=claimed.serving_until)
    assert begin_serving(store, claimed.payment_id, 500).state is TurnState.BEGUN
    assert begin(store, claimed.payment_id, claimed.serving_until) is TurnState.RUNNING


def test_begin_serving__after_the_upstream_failed__begins_again_until_one_is_served(store: Store) -> None:
    key = paid_request(store)
    for _ in range(3):
        turn = begin_serving(store, key, 60)
        assert turn.state is TurnState.BEGUN
        end_serving(store, key, turn, is_served=False)
    turn = begin_serving(store, key, 60)
    end_serving(store, key, turn, is_served=True)
    assert begin(store, key) is TurnState.SERVED
    assert [row[0] for row in read_rows(store, "SELECT state FROM payments")] == [int(PaymentState.SERVED)]


def test_end_serving__of_a_turn_that_is_over__leaves_the_next_one(store: Store) -> None:
    key = paid_request(store)
    late = begin_serving(store, key, 0)
    now = begin_serving(store, key, 60)
    assert (late.state, now.state) == (TurnState.BEGUN, TurnState.BEGUN)
    end_serving(store, key, late, is_served=False)
    assert begin(store, key) is TurnState.RUNNING
    end_serving(store, key, late, is_served=True)
    assert begin(store, key) is TurnState.SERVED


def test_begin_serving__of_what_is_not_paid_or_a_plan__is_not_begun(store: Store) -> None:
    unpaid = claim(store, 1, purpose=PaymentPurpose.REQUEST)
    assert begin(store, unpaid.payment_id, unpaid.serving_until) is TurnState.UNPAID
    order = claim(store, 2).payment_id
    note_paid(store, order, PLACE)
    assert begin(store, order) is TurnState.UNPAID
    replaced = claim(store, 3, purpose=PaymentPurpose.REQUEST)
    note_paid(store, replaced.payment_id, PLACE)
    note_unpaid(store, replaced.payment_id)
    assert begin(store, replaced.payment_id, replaced.serving_until) is TurnState.UNPAID


def test_end_serving__after_the_block_was_replaced__is_served_all_the_same(store: Store) -> None:
    key = paid_request(store)
    turn = begin_serving(store, key, 60)
    note_unpaid(store, key)
    end_serving(store, key, turn, is_served=True)
    note_paid(store, key, PLACE)
    assert begin(store, key) is TurnState.SERVED


def test_begin_serving__after_a_process_ended_without_a_word__begins_again(store: Store) -> None:
    key = paid_request(store)
    assert begin(store, key) is TurnState.BEGUN
    free_payments(store)
    assert begin(store, key) is TurnState.BEGUN


def test_new_payment__that_differs_in_its_nonce_alone__is_another_row(store: Store) -> None:
    claim(store)
    assert isinstance(claim_payment(store, replace(new(), nonce=b"\x09" * 32)), Claimed)


def test_forget_payments__of_what_ended_long_ago__keeps_what_is_owed_or_open(store: Store) -> None:
    ended, owed, running = claim(store, 2).payment_id, paid_request(store), claim(store, 3).payment_id
    note_paid(store, ended, PLACE)
    note_granted(store, ended, GRANT)
    for key in (ended, owed):
        note_final(store, key)
    assert forget_payments(store, 1_000) == 0
    assert forget_payments(store, -10) == 1
    assert [read_payment(store, key) is None for key in (ended, owed, running)] == [True, False, False]


def test_verify_books__of_payments__finds_what_is_not_what_it_says(store: Store) -> None:
    key = claim(store).payment_id
    note_paid(store, key, PLACE)
    note_granted(store, key, GRANT)
    assert verify_books(store) == []
    with store.asking() as pen:
        pen.change("UPDATE payments SET grant_block = 0")
    assert [(each.what, each.source) for each in verify_books(store)] == [
        ("granted payment without its grant", "payments")
    ]
    with store.asking() as pen:
        pen.change("UPDATE payments SET grant_block = 9, nonce = ?", (b"\5" * 32,))
    assert [each.what for each in verify_books(store)] == ["payment under another name"]
