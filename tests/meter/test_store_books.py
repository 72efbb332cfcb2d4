"""The checker of the books and the product's own: each number that somebody changes by hand is found (S10)."""

import time

import pytest

from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.window_changes import AdmitToWindow, SeeWindow
from nvm_chain.meter.windows import WindowPolicy, WindowView
from tests.support.accounts import SERVICE
from tests.support.meter_books import WrongBooks, check_books
from tests.support.meter_stores import KEY, OWNER, admitted, fill, open_books, open_session, present, run, sign, use

TAMPERED = {
    "committed": "UPDATE accounts SET committed = committed + 1",
    "held": "UPDATE accounts SET held = held - 1",
    "an account": "DELETE FROM accounts",
    "spent of a session": "UPDATE authorities SET spent = spent - 1",
    "held of a session": "UPDATE authorities SET held = held + 1",
    "cost": "UPDATE holds SET cost = cost - 1 WHERE state = 1",
    "state": "UPDATE holds SET state = 2 WHERE state = 0",
    "a charge": "DELETE FROM holds WHERE state = 1",
    "uses of a session": "UPDATE authorities SET used = used + 1",
    "use of a period": "UPDATE authorities SET period_used = period_used + 1",
    "a running total": "UPDATE holds SET total = total + 1 WHERE state = 1",
    "an authority": "DELETE FROM authorities",
    "requests in a window": "UPDATE windows SET open_requests = open_requests + 1",
}


def make_books(url: str) -> Store:
    store = open_books(url)
    session = open_session(store)
    fill(store, 100)
    entering = AdmitToWindow(KEY, session.authority_id, b"\7" * 16, SERVICE, WindowPolicy(2), OWNER, 600)
    store.run([SeeWindow(KEY, (WindowView(1, int(time.time()) + 1_000),), 0), entering])
    for change in (present(sign(), 9), use(session, 9)):
        run(store, ChargeHold(admitted(run(store, change)), 4))
        admitted(run(store, use(session, 3)))
    admitted(run(store, present(sign(), 2)))
    return store


@pytest.mark.parametrize("what", TAMPERED)
def test_books__with_a_number_that_was_changed__are_wrong(books_url: str, what: str) -> None:
    store = make_books(books_url)
    check_books(store)
    assert verify_books(store) == []
    with store.asking() as pen:
        pen.change(TAMPERED[what])
    with pytest.raises(WrongBooks):
        check_books(store)
    assert verify_books(store)
    store.close()
