"""Until when a hold may be prolonged: up to the last second from which its charge can still be taken on the chain (S2, S4)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import LARGEST, Account
from nvm_chain.meter.prolonging import (
    SETTLING_SECONDS,
    find_end_of_access,
    find_end_of_authority,
    find_last_second,
)
from nvm_chain.meter.view_changes import replace_view
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.meter.windows import WindowAccount
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, SESSION, build_view

MOST = 2_000
Lots = tuple[tuple[int, int], ...]


def build(balance: int, lots: Lots = (), **changes: Any) -> Account:
    """Return an account with credits that end some seconds after `NOW`, each with their seconds and number."""
    given_lots = tuple((NOW + seconds, credits) for seconds, credits in lots)
    view = build_view(1, balance, time=NOW, lots=given_lots, settled=changes.pop("settled", 0))
    return replace(replace_view(Account(PLAN, HOLDER), view, depth=0, now=NOW), **changes)


def sign_all(vouchers: Lots) -> VoucherFront:
    """Return the front of vouchers, each with the seconds until its deadline and its ceiling."""
    front = VoucherFront()
    for seconds, ceiling in vouchers:
        voucher = Voucher(PLAN, HOLDER, REDEEMER, ceiling, seconds.to_bytes(32), NOW + seconds)
        front = front.add(SignedVoucher(voucher, b""))
    return front


def find(account: Account, front: VoucherFront | None = None, *, by_vouchers: bool = False) -> int | None:
    """Return after how many seconds from `NOW` the last second is. None if there is no end."""
    last = find_last_second(account, front or VoucherFront(), NOW, by_vouchers=by_vouchers)
    return None if last == LARGEST else last - NOW


def test_find_last_second__of_credits_without_an_end__has_none() -> None:
    assert find(build(10, held=10)) is None


@pytest.mark.parametrize(("held", "end"), [(5, None), (6, 999 - SETTLING_SECONDS), (10, 999 - SETTLING_SECONDS)])
def test_find_last_second__of_credits_that_end__is_so_early_that_they_can_be_settled(
    held: int, end: int | None
) -> None:
    assert find(build(10, ((1_000, 5),), held=held)) == end


@pytest.mark.parametrize("changes", [{"held": 11}, {"held": 5, "blocked": 6}, {"held": 5, "committed": 6}])
def test_find_last_second__of_credits_that_are_gone__is_over(changes: dict[str, Any]) -> None:
    assert find_last_second(build(10, **changes), VoucherFront(), NOW, by_vouchers=False) == 0


@pytest.mark.parametrize(
    ("ceiling", "seconds"), [(12, 1_500 - SETTLING_SECONDS), (13, 900 - SETTLING_SECONDS), (20, 900 - SETTLING_SECONDS)]
)
def test_find_last_second__with_vouchers__is_that_of_the_one_that_covers_all_and_lives_longest(
    ceiling: int, seconds: int
) -> None:
    front = sign_all(((1_500, 12), (900, 20)))
    account = build(100, settled=ceiling - 10, committed=6, held=4)
    assert find(account, front, by_vouchers=True) == seconds
    assert find(account, front) is None


@pytest.mark.parametrize("vouchers", [(), ((900, 9),)])
def test_find_last_second__without_a_voucher_that_covers_all__is_over(vouchers: Lots) -> None:
    assert find_last_second(build(100, held=10), sign_all(vouchers), NOW, by_vouchers=True) == 0


numbers = st.integers(0, 12)
several = st.lists(st.tuples(st.integers(1, MOST), st.integers(1, 9)), max_size=4).map(tuple)


@given(st.integers(0, 30), several, several, numbers, numbers, numbers)
def test_find_last_second__of_any_account__is_the_last_one_that_the_rule_of_admission_allows(
    spare: int, lots: Lots, vouchers: Lots, committed: int, held: int, blocked: int
) -> None:
    """Each second up to it, and `SETTLING_SECONDS` more, the credits are there and a voucher covers them. Later they are not."""
    account = build(spare + sum(credits for _, credits in lots), lots, committed=committed, held=held, blocked=blocked)
    front = sign_all(vouchers)

    def is_good(seconds: int) -> bool:
        now = NOW + seconds
        highest = front.find_highest(now)
        return (
            account.find_available(now) >= 0
            and highest is not None
            and account.view.settled + account.outstanding <= highest.voucher.ceiling
        )

    good = next(seconds - 1 for seconds in range(MOST + 2) if not is_good(seconds))
    last = find_last_second(account, front, NOW, by_vouchers=True)
    assert last == (NOW + good - SETTLING_SECONDS if good >= 0 else 0)


def test_find_end_of_access__is_the_last_second_with_access() -> None:
    assert find_end_of_access(WindowAccount(PLAN, HOLDER, least_until=NOW + 7)) == NOW + 6


@pytest.mark.parametrize(
    ("authority", "end"),
    [
        (SESSION, SESSION.end),
        (replace(SESSION, kind=AuthorityKind.ALLOWANCE), SESSION.end),
        (replace(SESSION, kind=AuthorityKind.SIGN_IN), LARGEST),
        (replace(SESSION, revoked=True), 0),
        (replace(SESSION, kind=AuthorityKind.SIGN_IN, revoked=True), 0),
        (replace(SESSION, unsigned=True), 0),
    ],
)
def test_find_end_of_authority__is_that_of_what_was_signed(authority: Authority, end: int) -> None:
    assert find_end_of_authority(authority) == end
