"""Tranches: what is set aside at once is never more than the rule of admission allows, and never for longer (S2, S10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nvm_chain.errors import CreditsUsedUp, HoldOver, LimitReached, RequestAboveLimit
from nvm_chain.meter.admission import Admitted, Case, Policy, admit
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ReleaseHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, sweep
from nvm_chain.meter.store.tranche_changes import AdmitTranche, ChargeParts, Part, StoredTranche
from nvm_chain.meter.tranches import SECONDS, SHARE, Tranche, admit_tranche
from tests.support.accounts import NOW, SERVICE, SESSION, build_account, build_view
from tests.support.meter_stores import KEY, build_work, fill, open_session, read_account, run

MANY = 1_000


def build_case(credits: int, balance: int = 10_000, *, policy: Policy | None = None, **changes: Any) -> Case:
    """Return a request of a session on an account with a balance."""
    account = build_account(balance, **{"ceiling": 10_000, "ceiling_end": NOW + 1_000} | changes.pop("account", {}))
    authority = replace(SESSION, **{"end": NOW + 1_000} | changes)
    return Case(account, authority, Ask(credits, SERVICE), policy or Policy(100_000), NOW)


def held(outcome: Any) -> int:
    """Return the credits of a tranche."""
    assert isinstance(outcome, Tranche), outcome
    hold = outcome.admitted.hold.credits
    assert outcome.admitted.account.held - hold >= 0
    return hold


# ---------------------------------------------------------------------- the size


@pytest.mark.parametrize("requests", [1, 2, 7])
def test_admit_tranche__with_room__is_for_as_many_requests_as_are_wanted(requests: int) -> None:
    assert held(admit_tranche(build_case(5), requests)) == 5 * requests


ROOMS: dict[str, tuple[Case, int]] = {
    "balance": (build_case(1, 41), 41),
    "blocked credits": (build_case(1, 81, account={"blocked": 40}), 41),
    "exposure": (build_case(1, policy=Policy(41)), 41),
    "ceiling": (build_case(1, account={"ceiling": 41}), 41),
    "limit": (build_case(1, limit=41), 41),
    "credits for each period": (build_case(1, per_period=PeriodLimit(41, 60)), 41),
}


@pytest.mark.parametrize("case", [case for case, _ in ROOMS.values()], ids=[*ROOMS])
def test_admit_tranche__with_little_room__takes_a_part_of_the_rest(case: Case) -> None:
    """One credit is for the request itself, and of the other 40 a quarter is set aside too."""
    assert held(admit_tranche(case, MANY)) == 1 + 40 // SHARE


def test_admit_tranche__without_vouchers__does_not_look_at_the_ceiling() -> None:
    case = build_case(1, policy=Policy(41, by_vouchers=False), account={"ceiling": 0, "ceiling_end": 0})
    assert held(admit_tranche(case, MANY)) == 1 + 40 // SHARE


def test_admit_tranche__of_an_authority_with_uses__is_for_one_request() -> None:
    assert held(admit_tranche(build_case(5, uses=100), MANY)) == 5


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (build_case(42, 41), CreditsUsedUp),
        (build_case(42, limit=41), LimitReached),
        (build_case(6, per_request=5), RequestAboveLimit),
    ],
    ids=["balance", "limit", "request"],
)
def test_admit_tranche__where_the_request_is_refused__is_refused_alike(case: Case, error: type[Exception]) -> None:
    assert isinstance(admit_tranche(case, MANY), error)
    assert isinstance(admit(case), error)


@given(st.integers(1, 60), st.integers(1, 300), st.integers(0, 400), st.integers(0, 90), st.integers(0, 90), st.data())
def test_admit_tranche__whatever_is_left__is_what_its_requests_would_get_one_by_one(
    credits: int, requests: int, balance: int, committed: int, before: int, data: st.DataObject
) -> None:
    limits = {
        "limit": data.draw(st.none() | st.integers(1, 400)),
        "per_period": data.draw(st.none() | st.builds(PeriodLimit, st.integers(1, 400), st.just(60))),
    }
    account = {"committed": committed, "held": before, "ceiling": data.draw(st.integers(0, 400))}
    case = build_case(credits, balance, policy=Policy(data.draw(st.integers(1, 400))), account=account, **limits)
    outcome = admit_tranche(case, requests)
    if not isinstance(outcome, Tranche):
        assert not isinstance(admit(case), Admitted)
        return
    total = held(outcome)
    assert total % credits == 0
    for _ in range(total // credits):
        alone = admit(case)
        assert isinstance(alone, Admitted)
        case = replace(case, account=alone.account, authority=alone.authority)
    assert case.account == outcome.admitted.account
    assert replace(case.authority, used=1) == outcome.admitted.authority


# ---------------------------------------------------------------------- the time


LIVES: dict[str, tuple[Case, int]] = {
    "nothing ends": (build_case(1), SECONDS),
    "session in its last second": (build_case(1, end=NOW), 0),
    "voucher in its last second": (build_case(1, account={"ceiling_end": NOW}), 0),
    "lot in its last second": (
        build_case(1, account={"view": build_view(1, 9_999, time=NOW, lots=((NOW + 1, 5),))}),
        0,
    ),
    "period in its last second": (build_case(1, start=NOW - 59, per_period=PeriodLimit(100, 60)), 0),
    "lot a second later": (build_case(1, account={"view": build_view(1, 9_999, time=NOW, lots=((NOW + 2, 5),))}), 1),
}


@pytest.mark.parametrize(("case", "seconds"), LIVES.values(), ids=[*LIVES])
def test_admit_tranche__where_something_ends__is_good_until_then(case: Case, seconds: int) -> None:
    outcome = admit_tranche(case, 4)
    assert isinstance(outcome, Tranche)
    assert outcome.seconds == seconds


# ---------------------------------------------------------------------- in the store


def open_tranche(store: Store, requests: int = 10, credits: int = 3) -> StoredHold:
    """Open a session on 1,000 credits, and a tranche of it."""
    fill(store, 1_000)
    session = open_session(store)
    outcome = run(store, AdmitTranche(KEY, session.authority_id, b"tranche", build_work(credits), requests))
    assert isinstance(outcome, StoredTranche)
    return outcome.hold


def part_of(tranche: StoredHold, number: int, cost: int, credits: int = 3) -> Part:
    """Return a request that used a tranche."""
    hold = replace(tranche, hold_id=b"part%d" % number, hold=replace(tranche.hold, credits=credits))
    return Part(hold, cost)


def test_charge_parts__of_some_requests__charges_each_with_its_total(store: Store) -> None:
    tranche = open_tranche(store)
    assert tranche.hold.credits == 30
    charged = run(
        store, ChargeParts(tranche, 0, (part_of(tranche, 1, 3), part_of(tranche, 2, 0), part_of(tranche, 3, 2)))
    )
    assert [(hold.state, hold.cost, hold.total) for hold in charged] == [
        (HoldState.CHARGED, 3, 3),
        (HoldState.CHARGED, 0, 3),
        (HoldState.CHARGED, 2, 5),
    ]
    account = read_account(store)
    assert (account.committed, account.held) == (5, 21)


def test_charge_parts__sent_again__changes_nothing_and_says_the_same(store: Store) -> None:
    tranche = open_tranche(store)
    first, second = (ChargeParts(tranche, number, (part_of(tranche, number, 2),)) for number in (0, 1))
    charged = run(store, first)
    assert [(hold.cost, hold.total) for hold in run(store, first)] == [(hold.cost, hold.total) for hold in charged]
    (again,) = run(store, second)
    assert (again.cost, again.total) == (2, 4)
    assert [hold.total for hold in run(store, second)] == [4]
    assert isinstance(run(store, first), HoldOver)
    account = read_account(store)
    assert (account.committed, account.held) == (4, 24)


def test_charge_parts__of_all_that_was_set_aside__ends_the_tranche(store: Store) -> None:
    tranche = open_tranche(store, requests=2)
    run(store, ChargeParts(tranche, 0, tuple(part_of(tranche, number, 3) for number in range(2))))
    account = read_account(store)
    assert (account.committed, account.held) == (6, 0)
    assert find_abandoned(store) == []


def test_charge_parts__after_the_end_of_the_tranche__charges_nothing(store: Store) -> None:
    tranche = open_tranche(store)
    run(store, ReleaseHold(tranche, was_sent=False))
    outcome = run(store, ChargeParts(tranche, 0, (part_of(tranche, 1, 3),)))
    assert isinstance(outcome, HoldOver)
    account = read_account(store)
    assert (account.committed, account.held) == (0, 0)


def test_sweep__of_a_tranche_whose_process_has_ended__gives_back_what_was_not_charged(store: Store) -> None:
    tranche = open_tranche(store)
    run(store, ChargeParts(tranche, 0, (part_of(tranche, 1, 3),)))
    (left,) = find_abandoned(store)
    assert left.hold.credits == 27
    assert sweep(store, [left], owner_is_gone=True)
    account = read_account(store)
    assert (account.committed, account.held) == (3, 0)
    assert isinstance(run(store, ChargeParts(left, 1, (part_of(left, 2, 3),))), HoldOver)


def test_tranche__of_another_process__is_not_charged(store: Store) -> None:
    tranche = open_tranche(store)
    other = replace(tranche, owner=b"another owner...")
    assert isinstance(run(store, ChargeParts(other, 0, (part_of(other, 1, 3),))), HoldOver)
