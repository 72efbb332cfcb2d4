"""admission: each term at its limit, one below and one above; every refusal says the next ceiling to sign (S2, G6)."""

from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUsedUp,
    BooksBehind,
    BoundToOtherRequest,
    CeilingTooLow,
    ChargeAboveHold,
    CreditsUsedUp,
    ExposureReached,
    InvalidAmount,
    LimitReached,
    PeriodLimitReached,
    RequestAboveLimit,
    RequestRefused,
    ServiceNotCovered,
    WalletChangedItsMind,
)
from nvm_chain.meter.admission import Admitted, Case, Policy, admit, charge_request, release_request
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, Hold
from nvm_chain.meter.books import Account
from nvm_chain.meter.session_terms import PeriodLimit
from tests.support.accounts import HOLDER, NOW, PLAN, SERVICE, SESSION, ask, build_account, build_view
from tests.support.reverts import reverts


def refuses(outcome: Admitted | RequestRefused, expected: RequestRefused) -> bool:
    """Return whether a request was refused with this error, and the same fields."""
    assert isinstance(outcome, RequestRefused), outcome
    return type(outcome) is type(expected) and outcome.fields == expected.fields


# ---------------------------------------------------------------------- term 1: the books


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 100),
        ({"committed": 30}, 70),
        ({"held": 30}, 70),
        ({"blocked": 30}, 70),
        ({"committed": 30, "written_off": 10}, 80),
        ({"committed": 20, "held": 30, "blocked": 40, "written_off": 5}, 15),
        ({"least_backing": 60}, 60),
    ],
)
def test_admit__of_what_the_books_have__is_admitted_up_to_the_last_credit(changes: dict[str, int], left: int) -> None:
    account = build_account(100, **changes)
    assert account.find_available(NOW) == left
    for credits in (left - 1, left):
        assert isinstance(ask(account, credits), Admitted)
    owed = changes.get("committed", 0) - changes.get("written_off", 0) + changes.get("held", 0)
    assert refuses(ask(account, left + 1), CreditsUsedUp(owed + left + 1, PLAN, HOLDER, left, left + 1))


def test_admit__after_a_loss__says_that_nothing_is_left() -> None:
    account = build_account(10, committed=30)
    assert account.find_available(NOW) == -20
    assert refuses(ask(account, 1), CreditsUsedUp(31, PLAN, HOLDER, 0, 1))


def test_admit__of_an_account_that_was_not_read__is_refused() -> None:
    assert refuses(ask(Account(PLAN, HOLDER), 1), CreditsUsedUp(1, PLAN, HOLDER, 0, 1))


@pytest.mark.parametrize(("second", "available"), [(-1, 100), (0, 40), (1, 40)])
def test_admit__around_the_end_of_a_lot__counts_its_credits_until_that_second(second: int, available: int) -> None:
    view = build_view(1, 100, time=NOW, lots=((NOW + 60, 60),))
    account = replace(build_account(0), view=view, least_backing=100, ceiling_end=NOW + 100)
    now = NOW + 60 + second
    assert isinstance(ask(account, available, now=now), Admitted)
    assert isinstance(ask(account, available + 1, now=now), CreditsUsedUp)


def test_admit__where_the_chain_took_more_than_was_charged__is_refused() -> None:
    view = build_view(1, 100, time=NOW, settled=7, taken=7)
    account = replace(build_account(0), view=view, least_backing=107, committed=6)
    assert refuses(ask(account, 1), BooksBehind(8, PLAN, HOLDER, 6, 7))
    assert isinstance(ask(replace(account, committed=7), 1), Admitted)


# ---------------------------------------------------------------------- term 2: the exposure


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 20),
        ({"committed": 15}, 5),
        ({"held": 15}, 5),
        ({"committed": 25, "written_off": 10}, 5),
        ({"committed": 8, "held": 8}, 4),
    ],
)
def test_admit__up_to_the_exposure__is_admitted(changes: dict[str, int], left: int) -> None:
    account, policy = build_account(100, **changes), Policy(exposure=20)
    assert isinstance(ask(account, left, policy=policy), Admitted)
    refusal = ExposureReached(20 + 1, PLAN, HOLDER, 20, 20 - left, left + 1)
    assert refuses(ask(account, left + 1, policy=policy), refusal)


def test_admit__after_a_settlement__has_the_exposure_again() -> None:
    view = build_view(1, 85, time=NOW, settled=15, taken=15)
    account = build_account(100, committed=15, view=view)
    assert isinstance(ask(account, 20, policy=Policy(exposure=20)), Admitted)


# ---------------------------------------------------------------------- term 3: the ceiling


@pytest.mark.parametrize("changes", [{}, {"committed": 3}, {"held": 3}, {"committed": 5, "written_off": 2}])
@pytest.mark.parametrize("settled", [0, 40])
def test_admit__up_to_the_highest_live_ceiling__is_admitted(changes: dict[str, int], settled: int) -> None:
    used = changes.get("committed", 0) + changes.get("held", 0) - changes.get("written_off", 0)
    view = build_view(1, 100, time=NOW, settled=settled)
    account = build_account(100, view=view, ceiling=settled + 10, **changes)
    assert isinstance(ask(account, 10 - used), Admitted)
    assert refuses(ask(account, 11 - used), CeilingTooLow(settled + 11, PLAN, HOLDER, settled + 10))
    free = Policy(exposure=100, by_vouchers=False)
    assert isinstance(ask(account, 11 - used, policy=free), Admitted)


@pytest.mark.parametrize(("second", "is_live"), [(-1, True), (0, True), (1, False)])
def test_admit__around_the_deadline_of_the_voucher__counts_it_until_that_second(second: int, is_live: bool) -> None:
    account = build_account(100, ceiling=10, ceiling_end=NOW + 60)
    outcome = ask(account, 1, now=NOW + 60 + second)
    if is_live:
        assert isinstance(outcome, Admitted)
    else:
        assert refuses(outcome, CeilingTooLow(1, PLAN, HOLDER, 0))


def test_ceiling_too_low__message__says_what_to_sign() -> None:
    outcome = ask(build_account(100, committed=8, ceiling=10), 5)
    assert isinstance(outcome, CeilingTooLow)
    assert outcome.problem.endswith("is 10. This request needs 13, which is 3 credits more.")
    assert outcome.next_step == "Sign a voucher with the ceiling 13."


# ---------------------------------------------------------------------- term 4: the authority


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"end": NOW}, None),
        ({"end": NOW - 1}, AuthorityOver(5, "session", NOW - 1, NOW)),
        ({"revoked": True}, AuthorityRevoked(5, "session")),
        ({"unsigned": True}, WalletChangedItsMind(5, "session", HOLDER)),
        ({"uses": 2, "used": 1}, None),
        ({"uses": 2, "used": 2}, AuthorityUsedUp(5, "session", 2)),
        ({"per_request": 5}, None),
        ({"per_request": 4}, RequestAboveLimit(5, "session", 4, 5)),
        ({"limit": 25, "spent": 12, "held": 8}, None),
        ({"limit": 25, "spent": 13, "held": 8}, LimitReached(5, "session", 25, 4, 5)),
        ({"limit": 25, "spent": 12, "held": 9}, LimitReached(5, "session", 25, 4, 5)),
        ({"services": (SERVICE,)}, None),
        ({"services": ("did:nv:8",)}, ServiceNotCovered(5, "session", SERVICE, ("did:nv:8",))),
        ({"context": b"\2" * 32}, None),
        ({"context": b"\3" * 32}, BoundToOtherRequest(5, b"\3" * 32, b"\2" * 32)),
        ({"per_period": PeriodLimit(9, 60), "period_used": 4}, None),
        ({"per_period": PeriodLimit(9, 60), "period_used": 5}, PeriodLimitReached(5, "session", 9, 4, 5, NOW + 60)),
        ({"per_period": PeriodLimit(9, 60), "period": -1, "period_used": 9}, None),
    ],
)
def test_admit__by_an_authority__is_refused_where_it_does_not_agree(
    changes: dict[str, Any], refusal: RequestRefused | None
) -> None:
    outcome = ask(build_account(100), 5, authority=replace(SESSION, **changes), context=b"\2" * 32)
    if refusal is None:
        assert isinstance(outcome, Admitted)
    else:
        assert refuses(outcome, refusal)


# ---------------------------------------------------------------------- what is stored


def test_admit__of_a_request__holds_its_credits_in_both_rows() -> None:
    account, authority = build_account(100, held=1), replace(SESSION, used=3, held=1)
    outcome = ask(account, 5, authority=authority)
    assert isinstance(outcome, Admitted)
    assert outcome.account == replace(account, held=6)
    assert outcome.authority == replace(authority, used=4, held=6, period_used=5)
    assert outcome.hold == Hold(SESSION.authority_id, 5, 0)


def admitted(credits: int = 5) -> tuple[Account, Authority, Hold]:
    outcome = ask(build_account(100), credits)
    assert isinstance(outcome, Admitted)
    return outcome.account, outcome.authority, outcome.hold


@pytest.mark.parametrize("cost", [0, 4, 5])
def test_charge_request__of_at_most_the_hold__frees_the_rest(cost: int) -> None:
    account, authority = charge_request(*admitted(), cost, NOW)
    assert (account.held, account.committed, account.owed) == (0, cost, cost)
    assert (authority.held, authority.spent, authority.period_used, authority.used) == (0, cost, cost, 1)


@pytest.mark.parametrize("cost", [6, -1])
def test_charge_request__of_more_than_the_hold__is_refused(cost: int) -> None:
    with pytest.raises((ChargeAboveHold, InvalidAmount)):
        charge_request(*admitted(), cost, NOW)


@pytest.mark.parametrize("was_sent", [True, False])
def test_release_request__before_or_after_the_upstream__keeps_or_frees_the_use(was_sent: bool) -> None:
    account, authority = release_request(*admitted(), was_sent=was_sent)
    assert (account.held, account.committed) == (0, 0)
    assert (authority.held, authority.spent, authority.period_used, authority.used) == (0, 0, 0, int(was_sent))


def test_charge_request__twice__is_refused_by_both_rows() -> None:
    account, authority, hold = admitted()
    charged, used = charge_request(account, authority, hold, 5, NOW)
    with reverts(ChargeAboveHold(5, 0)):
        charge_request(charged, authority, hold, 5, NOW)
    with reverts(ChargeAboveHold(5, 0)):
        release_request(account, used, hold, was_sent=True)


@pytest.mark.parametrize("credits", [0, -1, 2**64])
def test_admit__of_no_credits_or_too_many__is_refused(credits: int) -> None:
    with pytest.raises(InvalidAmount):
        admit(Case(build_account(100), SESSION, Ask(credits, SERVICE), Policy(100), NOW))
