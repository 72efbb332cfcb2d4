"""authorities: four credentials are one type; a request voucher is used once (S3), and periods follow one another."""

from dataclasses import replace as replace_message

import pytest
from msgspec.structs import replace

from nvm_chain.errors import AuthorityUsedUp, ChargeAboveHold, InvalidConfig, PeriodLimitReached
from nvm_chain.meter.admission import Admitted
from nvm_chain.meter.authorities import (
    Authority,
    AuthorityKind,
    Hold,
    charge_use,
    hold_use,
    open_request,
    open_session,
    open_sign_in,
    release_use,
)
from nvm_chain.meter.session_terms import PeriodLimit, build_session_terms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.signing.vouchers import build_voucher
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, SERVICE, SESSION, ask, build_account
from tests.support.reverts import reverts

DIGEST = b"\7" * 32
DAILY = replace(SESSION, per_period=PeriodLimit(10, 60))


def test_open_request__of_a_voucher__is_used_once_until_its_deadline_for_its_request() -> None:
    voucher = build_voucher(PLAN, holder=HOLDER, redeemer=REDEEMER, ceiling=9, deadline=NOW + 900, context=b"\2" * 32)
    authority = open_request(voucher, DIGEST, NOW)
    assert (authority.kind, authority.authority_id, authority.uses) == (AuthorityKind.REQUEST, DIGEST, 1)
    assert (authority.start, authority.end, authority.context) == (NOW, NOW + 900, b"\2" * 32)
    assert (authority.plan_id, authority.holder, authority.user, authority.limit) == (PLAN, HOLDER, HOLDER, None)


def test_request_voucher__presented_again__is_refused_once_the_upstream_was_called() -> None:
    voucher = build_voucher(PLAN, holder=HOLDER, redeemer=REDEEMER, ceiling=9, deadline=NOW + 900)
    account, authority = build_account(100), open_request(voucher, DIGEST, NOW)
    outcome = ask(account, 1, authority=authority)
    assert isinstance(outcome, Admitted)
    for after in (
        outcome.authority,
        charge_use(outcome.authority, outcome.hold, 1),
        release_use(outcome.authority, outcome.hold, was_sent=True),
    ):
        refusal = ask(account, 1, authority=after)
        assert isinstance(refusal, AuthorityUsedUp)
        assert refusal.authority == "request voucher"
    assert release_use(outcome.authority, outcome.hold, was_sent=False) == authority


@pytest.mark.parametrize(("user", "kind"), [(None, AuthorityKind.SESSION), (REDEEMER, AuthorityKind.ALLOWANCE)])
def test_open_session__of_terms__has_their_limits(user: str | None, kind: AuthorityKind) -> None:
    terms = build_session_terms(
        PLAN, holder=HOLDER, user=user, limit=9, end=NOW + 60, per_request=2, per_period=(3, 60), services=(7,)
    )
    authority = open_session(terms, DIGEST, NOW)
    assert authority == Authority(
        authority_id=DIGEST,
        kind=kind,
        plan_id=PLAN,
        holder=HOLDER,
        user=terms.user,
        start=NOW,
        end=NOW + 60,
        limit=9,
        per_request=2,
        per_period=PeriodLimit(3, 60),
        services=(SERVICE,),
    )


def test_open_sign_in__of_a_message__is_for_its_services_only() -> None:
    message = build_sign_in(
        HOLDER, origin="https://api.example.com", service=7, chain_id=1, nonce="0" * 8, now=NOW, valid_seconds=60
    )
    authority = open_sign_in(message, DIGEST, PLAN, now=NOW, end=NOW + 3_600)
    assert (authority.kind, authority.services, authority.user) == (AuthorityKind.SIGN_IN, (SERVICE,), HOLDER)
    assert (authority.uses, authority.limit, authority.end) == (None, None, NOW + 3_600)
    with reverts(
        InvalidConfig("the sign-in message names no service", "sign in with the DID of the service as a resource")
    ):
        open_sign_in(replace_message(message, resources=("https://example.com",)), DIGEST, PLAN, now=NOW, end=NOW)


# ---------------------------------------------------------------------- periods


@pytest.mark.parametrize(("second", "period"), [(0, 0), (59, 0), (60, 1), (119, 1), (120, 2)])
def test_find_period__of_each_second__counts_from_the_start(second: int, period: int) -> None:
    assert DAILY.find_period(NOW + second) == period
    assert DAILY.find_reset(NOW + second) == NOW + 60 * (period + 1)


def test_period_limit__in_the_next_period__is_whole_again() -> None:
    used, _ = hold_use(DAILY, 8, NOW)
    assert isinstance(ask(build_account(100), 3, authority=used, now=NOW + 59), PeriodLimitReached)
    assert isinstance(ask(build_account(100), 10, authority=used, now=NOW + 60), Admitted)


def test_period_limit__with_a_clock_that_goes_back__is_not_whole_again() -> None:
    used, _ = hold_use(DAILY, 8, NOW + 60)
    refusal = ask(build_account(100), 3, authority=used, now=NOW)
    assert isinstance(refusal, PeriodLimitReached)
    assert (refusal.available, refusal.reset) == (2, NOW + 120)


def test_charge_use__in_a_later_period__leaves_that_period_alone() -> None:
    held, hold = hold_use(DAILY, 8, NOW)
    later, _ = hold_use(held, 4, NOW + 60)
    assert (later.period, later.period_used, later.held) == (1, 4, 12)
    charged = charge_use(later, hold, 1)
    assert (charged.period_used, charged.held, charged.spent) == (4, 4, 1)


def test_charge_use__in_the_same_period__frees_what_was_not_used() -> None:
    held, hold = hold_use(DAILY, 8, NOW)
    assert charge_use(held, hold, 3).period_used == 3
    assert release_use(held, hold, was_sent=True).period_used == 0


def test_charge_use__of_more_than_is_held__is_refused() -> None:
    held, hold = hold_use(DAILY, 8, NOW)
    with reverts(ChargeAboveHold(9, 8)):
        charge_use(held, hold, 9)
    with reverts(ChargeAboveHold(9, 8)):
        charge_use(held, Hold(b"", 9, 0), 9)
    with reverts(ChargeAboveHold(9, 8)):
        release_use(held, Hold(b"", 9, 0), was_sent=True)
