"""Claims on signed orders in the books: each order is sent by one process, and no account has more sent than it may."""

import time

from eth_account import Account

from nvm_chain.meter.store.relays import KEPT_SECONDS, Claim, claim_relay, find_relay_limit, give_relay_back
from nvm_chain.meter.store.store import Store
from tests.support.meter_books import read_rows
from tests.support.meter_stores import see_head

LIMITS = {"per_account": 2, "per_day": 3}
FIRST, SECOND = Account.create().address, Account.create().address


def claim(store: Store, number: int, payer: str = FIRST) -> Claim:
    """Claim an order by its number here."""
    return claim_relay(store, bytes([number]) * 32, payer, **LIMITS)  # type: ignore[arg-type]


def test_claim_relay__of_the_same_order__is_taken_once(store: Store) -> None:
    assert [claim(store, 1) for _ in range(3)] == [Claim.TAKEN, Claim.KNOWN, Claim.KNOWN]


def test_claim_relay__at_the_limit_of_an_account__is_refused_and_others_are_not(store: Store) -> None:
    assert [claim(store, number) for number in (1, 2, 3)] == [Claim.TAKEN, Claim.TAKEN, Claim.ACCOUNT_LIMIT]
    assert claim(store, 2) is Claim.KNOWN
    assert claim(store, 4, SECOND) is Claim.TAKEN
    assert find_relay_limit(store, FIRST, per_account=2, per_day=9) is Claim.ACCOUNT_LIMIT
    assert find_relay_limit(store, SECOND, per_account=2, per_day=9) is None


def test_claim_relay__at_the_limit_of_a_day__is_refused_for_everybody(store: Store) -> None:
    for number, payer in ((1, FIRST), (2, FIRST), (3, SECOND)):
        assert claim(store, number, payer) is Claim.TAKEN
    assert claim(store, 4, SECOND) is Claim.DAY_LIMIT
    assert find_relay_limit(store, Account.create().address, **LIMITS) is Claim.DAY_LIMIT


def test_give_relay_back__of_an_order_that_was_not_sent__lets_it_be_claimed_again(store: Store) -> None:
    claim(store, 1)
    claim(store, 2)
    give_relay_back(store, b"\1" * 32)
    assert [claim(store, number) for number in (1, 3)] == [Claim.TAKEN, Claim.ACCOUNT_LIMIT]


def test_claim_relay__two_days_later__has_forgotten_the_first_ones(store: Store) -> None:
    claim(store, 1)
    see_head(store, head_time=int(time.time()) + KEPT_SECONDS + 60)
    assert claim(store, 2) is Claim.TAKEN
    assert read_rows(store, "SELECT authorization_nonce FROM relays") == [(b"\2" * 32,)]
