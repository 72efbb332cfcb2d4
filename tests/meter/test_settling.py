"""What is due to be settled, why, and in which batches."""

from pathlib import Path
from typing import Any

import pytest

from nvm_chain.meter.books import Account
from nvm_chain.meter.settling.batches import MOST_ITEMS, Choice, build_batches
from nvm_chain.meter.settling.gas import find_gas
from nvm_chain.meter.settling.rules import Due, Owing, SettleRules, find_due, find_nearness, may_be_near
from nvm_chain.meter.store.owing import Glance
from nvm_chain.meter.view_changes import replace_view
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, build_account, build_view, serve

TABLE = Path(__file__).parent.parent / "bench" / "gas" / "table.md"
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


def test_build_batches__of_what_can_wait__takes_along_what_is_due_soon_if_something_is_due() -> None:
    """What is settled too early is settled more often. So only what has come three quarters of its way goes along."""
    small = [owe(36 + number % 5) for number in range(250)]
    assert build_batches(small, RULES, NOW) == []
    (batch,) = build_batches([owe(50), *small], RULES, NOW)
    assert len(batch.items) == MOST_ITEMS
    assert [item.credits for item in batch.items] == [50, *([40] * 50), *([39] * 49)]
    assert [item.reason for item in batch.items] == [Due.SIZE, *([None] * 99)]
    assert batch.credits == sum(item.credits for item in batch.items)
    (batch,) = build_batches([owe(50), *small[:2]], RULES, NOW)
    assert [item.credits for item in batch.items] == [50]


@pytest.mark.parametrize(
    ("changes", "now", "percent"),
    [
        ({}, NOW, 74),
        ({}, NOW + 749, 74),
        ({}, NOW + 750, 75),
        ({"exposure": 99}, NOW, 74),
        ({"exposure": 98}, NOW, 75),
        ({"front": VoucherFront((sign(1_000, NOW + 101),))}, NOW, 74),
    ],
)
def test_find_nearness__of_37_credits__is_of_the_nearest_limit(changes: dict[str, Any], now: int, percent: int) -> None:
    assert find_nearness(owe(37, **changes), RULES, now) == percent


@pytest.mark.parametrize(
    ("glance", "is_near"),
    [
        ({}, False),
        ({"owed": 37}, False),
        ({"owed": 38}, True),
        ({"since": NOW - 749}, False),
        ({"since": NOW - 750}, True),
        ({"ceiling_end": NOW + 101}, False),
        ({"ceiling_end": NOW + 100}, True),
        ({"ceiling_end": 0}, True),
        ({"first_end": NOW + 101}, False),
        ({"first_end": NOW + 100}, True),
    ],
)
def test_may_be_near__at_a_glance__leaves_out_only_what_is_neither_due_nor_near(
    glance: dict[str, Any], is_near: bool
) -> None:
    seen = Glance(**{"plan_id": PLAN, "owed": 1, "since": NOW, "ceiling_end": NOW + 900, "first_end": None, **glance})
    assert may_be_near(seen, 10_000, RULES, NOW) is is_near


def test_build_batches__of_what_can_wait__keeps_the_nearest_of_many() -> None:
    small = [owe(38 + (number == 3) + (number > 290)) for number in range(300)]
    (batch,) = build_batches([*small, owe(50)], RULES, NOW)
    assert [item.credits for item in batch.items] == [50, *([39] * 10), *([38] * 89)]


def test_choice__of_vouchers_of_contract_wallets__puts_them_into_batches_of_their_own() -> None:
    wallets = {sign(1_001), sign(1_003)}
    choice = Choice(RULES, NOW, lambda signed: signed in wallets)
    for credits, ceiling in ((50, 1_000), (50, 1_001), (50, 1_002), (40, 1_003)):
        choice.add(owe(credits, front=VoucherFront((sign(ceiling),))))
    found = {batch.has_wallets: [item.item for item in batch.items] for batch in choice.list_batches()}
    assert found == {False: [sign(1_000), sign(1_002)], True: [sign(1_001), sign(1_003)]}


def test_build_batches__of_what_is_pressing__sends_it_first() -> None:
    ending: dict[str, Any] = {"front": VoucherFront((sign(1_000, NOW + 100),))}
    batches = build_batches([*([owe(50)] * MOST_ITEMS), owe(1, **ending)], RULES, NOW)
    assert [len(batch.items) for batch in batches] == [MOST_ITEMS, 1]
    assert batches[0].items[0].reason is Due.DEADLINE


@pytest.mark.parametrize(("balance", "credits"), [(0, []), (1, [1]), (59, [59]), (60, [60]), (61, [60])])
def test_build_batches__of_a_holder_with_few_credits_left__take_what_is_there(balance: int, credits: list[int]) -> None:
    """Others took them, or the holder burned them. A transaction that takes nothing would be for nothing."""
    account = serve(build_account(1_000), 60)
    poor = replace_view(account, build_view(2, balance, time=NOW), depth=0, now=NOW)
    batches = build_batches([Owing(poor, *REST)], RULES, NOW)
    assert [item.credits for batch in batches for item in batch.items] == credits


REST = (VoucherFront((sign(1_000),)), 10_000, True, NOW)
"""The parts of `Owing` after the account."""


ROWS = {
    "settle vouchers in a batch of 1, per voucher": (1, 0),
    "settle vouchers in a batch of 10, per voucher": (10, 0),
    "settle vouchers in a batch of 100, per voucher": (100, 0),
    "settle by rule, without signatures, in a batch of 100, per item": (0, 100),
}


@pytest.mark.parametrize("row", ROWS)
def test_find_gas__is_what_the_table_of_receipts_says(row: str) -> None:
    (line,) = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith(f"| {row} |")]
    measured = int(line.split("|")[2].replace(",", ""))
    vouchers, by_rule = ROWS[row]
    assert abs(find_gas(vouchers, by_rule) - measured * (vouchers + by_rule)) <= 0.002 * measured * (vouchers + by_rule)


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
