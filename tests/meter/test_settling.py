"""What is due to be settled, why, and in which batches."""

from typing import Any

import pytest

from nvm_chain.meter.books import Account
from nvm_chain.meter.settling.batches import MOST_ITEMS, build_batches
from nvm_chain.meter.settling.rules import Due, Owing, SettleRules, find_due
from nvm_chain.meter.view_changes import replace_view
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, build_account, build_view, serve

RULES = SettleRules(credits=50, age_seconds=1_000, exposure_percent=50, margin_seconds=100)


def sign(ceiling: int, deadline: int = NOW + 10_000, holder: str = HOLDER) -> SignedVoucher:
    """Return a voucher with an empty signature, which nothing here looks at."""
    return SignedVoucher(Voucher(PLAN, parse_address(holder), REDEEMER, ceiling, bytes(32), deadline), b"")


def owe(charged: int, *, account: Account | None = None, **changes: Any) -> Owing:
    """Return an account that was charged some credits, with a voucher for them all."""
    account = serve(account or build_account(1_000), charged) if charged else build_account(1_000)
    parts: dict[str, Any] = {
        "front": VoucherFront((sign(1_000),)),
        "exposure": 10_000,
        "by_vouchers": True,
        "oldest": NOW,
    }
    return Owing(account, **{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "now", "due"),
    [
        ({}, NOW, None),
        ({}, NOW + 999, None),
        ({}, NOW + 1_000, Due.AGE),
        ({"exposure": 81}, NOW, None),
        ({"exposure": 80}, NOW, Due.EXPOSURE),
        ({"front": VoucherFront((sign(1_000, NOW + 101),))}, NOW, None),
        ({"front": VoucherFront((sign(1_000, NOW + 100),))}, NOW, Due.DEADLINE),
        ({"front": VoucherFront((sign(40, NOW + 5_000), sign(1_000, NOW + 100)))}, NOW, None),
        ({"front": VoucherFront((sign(39, NOW + 5_000), sign(1_000, NOW + 100)))}, NOW, Due.DEADLINE),
        ({"by_vouchers": False, "front": VoucherFront((sign(1_000, NOW + 100),))}, NOW, None),
    ],
)
def test_find_due__of_40_credits__says_why(changes: dict[str, Any], now: int, due: Due | None) -> None:
    """The voucher that counts is the one that lives longest of those that reach what is owed."""
    assert find_due(owe(40, **changes), RULES, now) == due


@pytest.mark.parametrize(("charged", "due"), [(49, None), (50, Due.SIZE)])
def test_find_due__of_many_credits__is_by_their_number(charged: int, due: Due | None) -> None:
    assert find_due(owe(charged), RULES, NOW) == due


@pytest.mark.parametrize(("end", "due"), [(NOW + 101, None), (NOW + 100, Due.EXPIRY)])
def test_find_due__of_credits_that_end__is_before_their_end(end: int, due: Due | None) -> None:
    account = replace_view(build_account(0), build_view(2, 100, time=NOW, lots=((end, 100),)), depth=0, now=NOW)
    assert find_due(owe(5, account=account), RULES, NOW) == due


def test_build_batches__of_what_can_wait__takes_it_along_if_something_is_due() -> None:
    small = [owe(1 + number % 5) for number in range(150)]
    assert build_batches(small, RULES, NOW) == []
    (batch,) = build_batches([owe(50), *small], RULES, NOW)
    assert len(batch.items) == MOST_ITEMS
    assert [item.credits for item in batch.items][:31] == [50, *([5] * 30)]
    assert batch.credits == sum(item.credits for item in batch.items)


def test_build_batches__of_more_than_one_transaction_takes__are_several() -> None:
    batches = build_batches([owe(50)] * (2 * MOST_ITEMS + 1), RULES, NOW)
    assert [len(batch.items) for batch in batches] == [MOST_ITEMS, MOST_ITEMS, 1]


def test_build_batches__of_a_lower_voucher__settle_up_to_its_ceiling() -> None:
    (batch,) = build_batches([owe(60, front=VoucherFront((sign(45),)))], RULES, NOW)
    ((item, total, credits),) = [(item.item, item.total, item.credits) for item in batch.items]
    assert (item, total, credits) == (sign(45), 45, 45)


def test_build_batches__without_a_live_voucher__leave_the_account_out() -> None:
    assert build_batches([owe(60, front=VoucherFront((sign(1_000, NOW - 1),)))], RULES, NOW) == []


def test_build_batches__by_the_plans_rule__need_no_voucher() -> None:
    (batch,) = build_batches([owe(60, by_vouchers=False, front=VoucherFront())], RULES, NOW)
    assert [item.item for item in batch.items] == [HolderTotal(HOLDER, 60)]


def test_build_batches__of_an_account_that_owes_nothing__are_none() -> None:
    assert build_batches([owe(0)], RULES, NOW + 10_000) == []
