"""Idempotency keys in the store: a request that comes again gets the same answer, and is not served twice."""

import time
from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.errors import AnswerNotKept, AuthorityUsedUp, CreditsUsedUp, KeyReused, RequestRunning
from nvm_chain.meter.idempotency import ANSWER_SECONDS, MAX_ANSWER
from nvm_chain.meter.store.admissions import AdmitVoucher
from nvm_chain.meter.store.answers import KeepAnswer
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold, SweepHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.works import KeptAnswer, KeyUse
from nvm_chain.signing.vouchers import SignedVoucher
from tests.support.meter_books import read_rows
from tests.support.meter_stores import (
    KEY,
    admitted,
    fill,
    open_books,
    open_session,
    present,
    read_holds,
    run,
    see_head,
    sign,
    use,
)

SCOPE = KeyUse(b"\1" * 32, b"\2" * 32)
ANSWER = b"encrypted"


def ask(credits: int = 5, key: KeyUse = SCOPE, signed: SignedVoucher | None = None) -> AdmitVoucher:
    """Return a request with a key, and a voucher of its own."""
    change = present(signed or sign(), credits)
    return replace(change, work=replace(change.work, key=key))


def keep(answer: bytes | None = ANSWER, size: int = len(ANSWER)) -> KeepAnswer:
    return KeepAnswer(KEY, SCOPE, size, answer)


def test_run__request_with_a_key_that_comes_again__waits_and_then_has_the_answer(store: Store, books_url: str) -> None:
    fill(store, 100)
    first, second = store.run([ask(), ask()])
    hold = admitted(first)
    assert isinstance(second, RequestRunning)
    assert isinstance(run(store, ask()), RequestRunning)
    run(store, ChargeHold(hold, 5))
    run(store, keep())
    expected = KeptAnswer(ANSWER, hold.hold_id)
    assert run(store, ask()) == expected
    store.close()
    store = open_books(books_url)
    signed = sign()
    assert run(store, ask(signed=signed)) == expected
    assert read_holds(store) == (5, 0)
    admitted(run(store, present(signed, 5)))  # the voucher that came again was not spent
    store.close()


def test_run__another_request_with_the_same_key__is_refused(store: Store) -> None:
    fill(store, 100)
    other = KeyUse(SCOPE.scope, b"\3" * 32)
    hold = admitted(run(store, ask()))
    assert isinstance(run(store, ask(key=other)), KeyReused)
    store.run([ChargeHold(hold, 5), keep()])
    assert isinstance(run(store, ask(key=other)), KeyReused)
    admitted(run(store, ask(key=KeyUse(b"\4" * 32, SCOPE.digest))))


@pytest.mark.parametrize("end", ["returned", "released", "swept"])
def test_run__request_that_was_not_served__may_come_again_with_its_key(store: Store, end: str) -> None:
    fill(store, 100)
    hold = admitted(run(store, ask()))
    ends: dict[str, Any] = {
        "returned": ReleaseHold(hold, was_sent=False),
        "released": ReleaseHold(hold, was_sent=True),
        "swept": SweepHold(hold, owner_is_gone=True),
    }
    _, again, third = store.run([ends[end], ask(), ask()])
    assert isinstance(again, StoredHold)
    assert isinstance(third, RequestRunning)
    store.run([ends[end], keep(), ChargeHold(again, 5)])  # the end of the first one comes again
    assert isinstance(run(store, ask()), KeptAnswer)


def test_run__request_that_was_refused__leaves_its_key_free(store: Store) -> None:
    fill(store, 4)
    assert isinstance(run(store, ask()), CreditsUsedUp)
    assert read_rows(store, "SELECT * FROM requests") == []
    admitted(run(store, ask(4)))


@pytest.mark.parametrize(("answer", "size"), [(None, 10), (ANSWER, MAX_ANSWER + 1)])
def test_run__answer_that_is_not_kept__is_told_and_the_request_not_served_again(
    store: Store, answer: bytes | None, size: int
) -> None:
    fill(store, 100)
    hold = admitted(run(store, ask()))
    store.run([ChargeHold(hold, 5), keep(answer, size)])
    refused = run(store, ask())
    assert isinstance(refused, AnswerNotKept)
    assert hold.hold_id.hex() in str(refused)


@pytest.mark.parametrize(("second", "is_kept"), [(-1, True), (0, False)])
def test_run__answer_after_ten_minutes__is_not_kept(store: Store, second: int, is_kept: bool) -> None:
    fill(store, 100)
    now = int(time.time()) + 10_000
    signed = sign(deadline=now + 100_000)
    see_head(store, head_time=now)
    hold = admitted(run(store, ask(signed=signed)))
    store.run([ChargeHold(hold, 5), keep()])
    see_head(store, head_time=now + ANSWER_SECONDS + second)
    assert isinstance(run(store, ask(signed=sign(deadline=now + 100_000))), KeptAnswer if is_kept else AnswerNotKept)


def test_run__request_that_was_charged_and_has_no_answer__is_not_running_any_more(store: Store) -> None:
    """A process may end between the charge and the answer. Whoever asks again is told so, and does not wait for ever."""
    fill(store, 100)
    hold = admitted(run(store, ask()))
    run(store, ChargeHold(hold, 5))
    assert isinstance(run(store, ask()), AnswerNotKept)
    run(store, keep())
    assert isinstance(run(store, ask()), KeptAnswer)


def test_run__same_voucher_and_key_again__has_the_answer_and_not_a_refusal(store: Store) -> None:
    fill(store, 100)
    signed = sign()
    hold = admitted(run(store, ask(signed=signed)))
    assert isinstance(run(store, ask(signed=signed)), RequestRunning)
    store.run([ChargeHold(hold, 5), keep()])
    assert isinstance(run(store, ask(signed=signed)), KeptAnswer)
    assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)


def test_run__request_of_a_session_with_a_key__is_served_once(store: Store) -> None:
    session = open_session(store)
    fill(store, 100)
    asked = [use(session, 5) for _ in range(2)]
    keyed = [replace(change, work=replace(change.work, key=SCOPE)) for change in asked]
    first, second = store.run(keyed)
    assert isinstance(second, RequestRunning)
    store.run([ChargeHold(admitted(first), 5), keep()])
    assert run(store, keyed[1]) == KeptAnswer(ANSWER, first.hold_id)


def test_run__answer_of_an_unknown_request__is_not_kept(store: Store) -> None:
    fill(store, 100)
    assert run(store, keep()) is None
    admitted(run(store, ask(key=KeyUse(SCOPE.scope, b"\3" * 32))))
    assert run(store, keep()) is None
    assert isinstance(run(store, ask()), KeyReused)
