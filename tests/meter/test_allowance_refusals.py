"""What the user of an allowance is told of a refusal: the limits of the allowance, and nothing of the holder's account (S7)."""

from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    BooksBehind,
    CeilingTooLow,
    CreditsUsedUp,
    ExposureReached,
    HolderCannotPay,
    HolderNotSettled,
    LimitReached,
    QuotaReached,
    RequestRefused,
    TooManyVouchers,
)
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.authorities import AuthorityKind
from nvm_chain.meter.books import Account
from nvm_chain.meter.limits import Limited, Limits
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import OpenAuthority, RevokeAuthority
from nvm_chain.meter.store.admissions import MAX_VOUCHERS
from nvm_chain.meter.store.sessions import CheckAuthority, KeepSession
from nvm_chain.meter.store.store import Store
from tests.support.accounts import NOW, SERVICE, SESSION, ask, build_account, build_view
from tests.support.meter_stores import KEY, build_session, fill, open_session, run, sign, use

CREDITS = 3
COMMITTED, HELD, SETTLED, CEILING = 7_001, 103, 5_003, 8_009
"""Numbers of the account that nothing else has."""
ALLOWANCE = replace(SESSION, kind=AuthorityKind.ALLOWANCE)


def build(balance: int = 1_000, **changes: Any) -> Account:
    """Return an account of which every number can be told from others."""
    parts = {"committed": COMMITTED, "held": HELD, "ceiling": CEILING, **changes}
    view = build_view(1, balance, time=NOW, settled=SETTLED, taken=SETTLED)
    return build_account(balance, view=view, least_backing=balance + SETTLED, **parts)


CASES: dict[str, tuple[Account, Policy, type[RequestRefused], type[RequestRefused]]] = {
    "too few credits": (build(2_100), Policy(10_000), CreditsUsedUp, HolderCannotPay),
    "exposure": (build(9_000), Policy(2_100), ExposureReached, HolderNotSettled),
    "ceiling": (build(9_000, ceiling=7_105), Policy(10_000), CeilingTooLow, HolderCannotPay),
    "books behind": (build(9_000, committed=5_001), Policy(10_000), BooksBehind, HolderCannotPay),
}


@pytest.mark.parametrize("what", CASES)
def test_admit__of_an_allowance__does_not_tell_its_user_how_the_account_stands(what: str) -> None:
    account, policy, for_holder, for_user = CASES[what]
    told = ask(account, CREDITS, policy=policy)
    assert type(told) is for_holder
    assert told.next_ceiling == account.find_next_ceiling(CREDITS)
    hidden = ask(account, CREDITS, policy=policy, authority=ALLOWANCE)
    assert type(hidden) is for_user
    assert hidden.fields == {
        "next_ceiling": 0,
        "plan_id": account.plan_id,
        "holder": account.holder,
        "required": CREDITS,
    }
    assert "ceiling" not in hidden.message()


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"end": NOW - 1}, AuthorityOver), ({"revoked": True}, AuthorityRevoked), ({"limit": 2}, LimitReached)],
)
def test_admit__of_an_allowance_that_has_ended__says_no_ceiling(
    changes: dict[str, Any], error: type[RequestRefused]
) -> None:
    for_holder, for_user = (
        ask(build(9_000), CREDITS, authority=replace(authority, **changes)) for authority in (SESSION, ALLOWANCE)
    )
    assert isinstance(for_holder, error)
    assert isinstance(for_user, error)
    assert for_holder.message().endswith(f"The next ceiling to sign is {for_holder.next_ceiling}.")
    assert (for_user.next_ceiling, "ceiling" in for_user.message()) == (0, False)
    assert for_user.message().endswith(".")


# ---------------------------------------------------------------------- the store


def open_allowance(store: Store, **changes: Any) -> Any:
    """Open an allowance."""
    return open_session(store, kind=AuthorityKind.ALLOWANCE, **changes)


@pytest.mark.parametrize("kind", [AuthorityKind.SESSION, AuthorityKind.ALLOWANCE])
def test_run__refusals_of_the_store__have_a_ceiling_for_the_holder_only(store: Store, kind: AuthorityKind) -> None:
    fill(store, 1_000)
    session = open_session(store, kind=kind)
    run(store, use(session, 400))
    limited = Limited(SERVICE, Limits(quota=PeriodLimit(100, 86_400)))
    refused = [
        run(store, use(session, 101, limited=limited)),
        run(store, RevokeAuthority(KEY, session.authority_id))
        and run(store, CheckAuthority(KEY, session.authority_id)),
        run(store, KeepSession(session, sign(), b"\1" * 32)),
        run(store, use(session, 1)),
    ]
    assert [type(error) for error in refused] == [QuotaReached, AuthorityRevoked, AuthorityRevoked, AuthorityRevoked]
    assert all(bool(error.next_ceiling) is (kind is AuthorityKind.SESSION) for error in refused)


@pytest.mark.parametrize("kind", [AuthorityKind.SESSION, AuthorityKind.ALLOWANCE])
def test_run__opening_with_one_voucher_too_many__has_a_ceiling_for_the_holder_only(
    store: Store, kind: AuthorityKind
) -> None:
    fill(store, 1_000)
    run(store, use(open_session(store, 50_000), 400))
    end = build_session().end
    refusal: Any = None
    for number in range(MAX_VOUCHERS + 1):
        session = build_session(authority_id=(100 + number).to_bytes(32), kind=kind)
        refusal = run(store, OpenAuthority(session, sign(60_000 + number, deadline=end - number)))
    assert isinstance(refusal, TooManyVouchers)
    assert bool(refusal.next_ceiling) is (kind is AuthorityKind.SESSION)
