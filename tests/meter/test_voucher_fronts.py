"""voucher_fronts: what is kept is exactly what may still be the best, whatever the order of arrival."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import DeadlineOutOfRange
from nvm_chain.meter.voucher_fronts import MAX_SESSION_SECONDS, VoucherFront, check_deadline, put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, build_account
from tests.support.reverts import reverts

small = st.integers(1, 12)
offers = st.lists(st.tuples(small, small), max_size=12)


def sign(ceiling: int, deadline: int) -> SignedVoucher:
    return SignedVoucher(Voucher(PLAN, HOLDER, REDEEMER, ceiling, bytes(32), NOW + deadline), b"")


def build(pairs: list[tuple[int, int]]) -> VoucherFront:
    front = VoucherFront()
    for pair in pairs:
        front = front.add(sign(*pair))
    return front


@given(offers, small)
def test_find_highest__at_any_time__is_that_of_all_vouchers_ever_seen(
    pairs: list[tuple[int, int]], second: int
) -> None:
    front, now = build(pairs), NOW + second
    live = [ceiling for ceiling, deadline in pairs if deadline >= second]
    highest = front.find_highest(now)
    assert (highest.voucher.ceiling if highest else None) == max(live, default=None)
    account = put_ceiling(build_account(1), front, now)
    assert account.find_live_ceiling(now) == max(live, default=0)
    ends = [deadline for ceiling, deadline in pairs if ceiling == max(live, default=0) and deadline >= second]
    assert account.ceiling_end == (NOW + max(ends) if ends else 0)


@given(offers, small, small)
def test_choose__for_a_total__is_the_live_voucher_that_reaches_it_and_lives_longest(
    pairs: list[tuple[int, int]], total: int, second: int
) -> None:
    chosen = build(pairs).choose(total, NOW + second)
    live = [(ceiling, deadline) for ceiling, deadline in pairs if deadline >= second]
    reaching = [deadline for ceiling, deadline in live if ceiling >= total]
    if reaching:
        assert chosen is not None
        assert chosen.voucher.ceiling >= total
        assert chosen.voucher.deadline == NOW + max(reaching)
    elif live:
        assert chosen is not None
        assert chosen.voucher.ceiling == max(ceiling for ceiling, _ in live)
    else:
        assert chosen is None


@given(offers, st.randoms(use_true_random=False))
def test_add__in_any_order__keeps_the_same_and_nothing_needless(pairs: list[tuple[int, int]], order: object) -> None:
    front = build(pairs)
    kept = [(signed.voucher.ceiling, signed.voucher.deadline) for signed in front.vouchers]
    assert kept == sorted(kept)
    assert [deadline for _, deadline in kept] == sorted((deadline for _, deadline in kept), reverse=True)
    assert len({ceiling for ceiling, _ in kept}) == len({deadline for _, deadline in kept}) == len(kept)
    shuffled = list(pairs)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert build(shuffled) == front


def test_drop_over__after_a_deadline__drops_that_voucher_only() -> None:
    front = build([(100, 5), (50, 9)])
    assert front.drop_over(NOW + 5) == front
    assert front.drop_over(NOW + 6).vouchers == (sign(50, 9),)
    assert front.drop_over(NOW + 10).vouchers == ()


@pytest.mark.parametrize(("seconds", "is_right"), [(899, False), (900, True), (86_400, True), (86_401, False)])
def test_check_deadline__of_a_request_voucher__is_a_quarter_of_an_hour_to_a_day_away(
    seconds: int, is_right: bool
) -> None:
    if is_right:
        check_deadline(NOW + seconds, NOW)
    else:
        with reverts(DeadlineOutOfRange(NOW + seconds, NOW + 900, NOW + 86_400)):
            check_deadline(NOW + seconds, NOW)


@pytest.mark.parametrize(("seconds", "is_right"), [(899, False), (86_401, True), (2_592_000, True), (2_592_001, False)])
def test_check_deadline__of_a_session__is_at_most_thirty_days_away(seconds: int, is_right: bool) -> None:
    if is_right:
        check_deadline(NOW + seconds, NOW, max_seconds=MAX_SESSION_SECONDS)
    else:
        with reverts(DeadlineOutOfRange(NOW + seconds, NOW + 900, NOW + 2_592_000)):
            check_deadline(NOW + seconds, NOW, max_seconds=MAX_SESSION_SECONDS)
