"""What an outlook says: what is due next and when, and why the rest cannot be taken."""

from typing import Any

import pytest

from nvm_chain.meter.books import Account
from nvm_chain.meter.settling.batches import build_item
from nvm_chain.meter.settling.outlooks import Hindrance, NextDue, Sums, find_next_due
from nvm_chain.meter.settling.rules import Due, Owing, SettleRules
from nvm_chain.meter.view_changes import replace_view
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, build_account, build_view, serve

RULES = SettleRules(credits=50, age_seconds=1_000, exposure_percent=50, margin_seconds=100)


def sign(ceiling: int, deadline: int = NOW + 10_000) -> SignedVoucher:
    """Return a voucher with an empty signature, which nothing here looks at."""
    return SignedVoucher(Voucher(PLAN, HOLDER, REDEEMER, ceiling, bytes(32), deadline), b"")


def owe(account: Account | None = None, **changes: Any) -> Owing:
    """Return an account that owes 40 credits, with a voucher for them all."""
    parts: dict[str, Any] = {
        "front": VoucherFront((sign(1_000),)),
        "exposure": 10_000,
        "by_vouchers": True,
        "oldest": NOW,
        **changes,
    }
    return Owing(account or serve(build_account(1_000), 40), **parts)


def with_balance(balance: int, **more: Any) -> Account:
    """Return an account that owes 40 credits, and has so many left."""
    return replace_view(serve(build_account(1_000), 40), build_view(2, balance, time=NOW, **more), depth=0, now=NOW)


@pytest.mark.parametrize(
    ("owing", "reason", "seconds"),
    [
        (owe(), Due.AGE, 1_000),
        (owe(oldest=NOW - 900), Due.AGE, 100),
        (owe(front=VoucherFront((sign(1_000, NOW + 1_099),))), Due.DEADLINE, 999),
        (owe(front=VoucherFront((sign(1_000, NOW + 1_099),)), by_vouchers=False), Due.AGE, 1_000),
        (owe(with_balance(1_000, lots=((NOW + 500, 60),))), Due.EXPIRY, 400),
    ],
)
def test_find_next_due__of_what_is_not_due__is_the_first_reason(owing: Owing, reason: Due, seconds: int) -> None:
    assert find_next_due(owing, RULES, NOW) == NextDue(reason, NOW + seconds)


@pytest.mark.parametrize(
    ("owing", "hindered"),
    [
        (owe(), {}),
        (owe(front=VoucherFront()), {Hindrance.NO_VOUCHER: 40}),
        (owe(front=VoucherFront((sign(1_000, NOW - 1),))), {Hindrance.NO_VOUCHER: 40}),
        (owe(front=VoucherFront((sign(30),))), {Hindrance.LOW_VOUCHER: 10}),
        (owe(with_balance(5)), {Hindrance.NO_CREDITS: 35}),
        (owe(with_balance(5), front=VoucherFront((sign(30),))), {Hindrance.NO_CREDITS: 35}),
        (owe(with_balance(0), by_vouchers=False), {Hindrance.NO_CREDITS: 40}),
    ],
)
def test_sums__of_what_cannot_be_taken__say_why(owing: Owing, hindered: dict[Hindrance, int]) -> None:
    item = build_item(owing, None, NOW)
    sums = Sums(RULES, NOW)
    sums.add(owing, 0 if item is None else item.credits)
    assert sums.hindered == hindered
    sums.add_other_key(7)
    assert sums.hindered == {**hindered, Hindrance.OTHER_KEY: 7}


def test_sums__of_several_accounts__have_the_first_that_becomes_due() -> None:
    sums = Sums(RULES, NOW)
    for oldest in (NOW - 100, NOW - 300, NOW - 200, NOW - 1_000):
        sums.add(owe(oldest=oldest), 40)
    assert sums.next_due == NextDue(Due.AGE, NOW + 700)
