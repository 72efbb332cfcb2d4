"""What earlier transactions mean for the next one: who waits, and who gets into a smaller transaction."""

from typing import Any

import pytest

from nvm_chain.enums import SettlementResult
from nvm_chain.meter.settling.batches import MOST_ITEMS, Choice
from nvm_chain.meter.settling.rules import Owing, SettleRules
from nvm_chain.meter.settling.waiting import Waits, find_waits
from nvm_chain.meter.store.settlements import SettledItem, Settlement, SettlementState
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.addresses import format_address
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, build_account, serve

OPEN, MINED, LOST, DONE, GONE = SettlementState
SETTLED, SHORT, EXPIRED, ALREADY_SETTLED, NOT_SIGNED = SettlementResult
OTHERS = [format_address(number.to_bytes(20)) for number in range(1, MOST_ITEMS)]
VOUCHER = SignedVoucher(Voucher(PLAN, HOLDER, REDEEMER, 1_000, bytes(32), NOW + 10_000), b"\1" * 65)


def find_digest(signed: SignedVoucher) -> bytes:
    """Return something that tells vouchers apart."""
    return signed.signature


def settlement(
    result: SettlementResult | None = None, *, holders: int = 1, voucher: bytes = b"", **changes: Any
) -> Settlement:
    """Return a transaction of a holder and some others."""
    items = [SettledItem(holder, 5, 0, result, voucher) for holder in [HOLDER, *OTHERS][:holders]]
    fields: dict[str, Any] = {"state": MINED, "block_number": 7, "signed_at": NOW, **changes}
    number = changes.get("signed_at", NOW)
    return Settlement(f"0x{number:064x}", PLAN, REDEEMER, 1, tuple(items), **fields)


def owe(block_number: int = 1) -> Owing:
    """Return the holder's account, with a view of a block."""
    account = serve(build_account(1_000), 50)
    view = type(account.view)(block_number, bytes(32), NOW, 950, 0, 0)
    return Owing(type(account)(PLAN, HOLDER, committed=50, view=view), VoucherFront((VOUCHER,)), 1_000, True, NOW)


def find(*settlements: Settlement, now: int = NOW) -> Waits:
    """Return what transactions mean at a second."""
    return find_waits(settlements, now, now - 3_600, find_digest)


@pytest.mark.parametrize(
    ("before", "block_number", "waits"),
    [
        (settlement(state=OPEN, block_number=0), 10**9, True),
        (settlement(SETTLED), 6, True),
        (settlement(SETTLED), 7, False),
        (settlement(SHORT), 6, True),
        (settlement(SHORT), 7, False),
        (settlement(state=LOST), 6, False),
        (settlement(state=GONE), 6, False),
        (settlement(NOT_SIGNED), 6, True),
        (settlement(NOT_SIGNED, voucher=VOUCHER.signature), 6, True),
        (settlement(NOT_SIGNED, voucher=b"given up"), 6, False),
        (settlement(), 6, False),
    ],
)
def test_find_waits__of_one_transaction__is_until_the_view_has_its_block(
    before: Settlement, block_number: int, waits: bool
) -> None:
    assert find(before).hold(owe(block_number)) is waits


@pytest.mark.parametrize(("count", "pause"), [(1, 0), (2, 60), (3, 120), (4, 240), (6, 960)])
def test_find_waits__of_transactions_that_reverted__waits_longer_each_time(count: int, pause: int) -> None:
    """Each one has cost gas. Without pauses that would go on for ever, every 15 seconds."""
    reverts = [settlement(signed_at=NOW - number) for number in range(count)]
    assert find(*reverts, now=NOW + pause).hold(owe()) is False
    if pause:
        assert find(*reverts, now=NOW + pause - 1).hold(owe()) is True
    assert find(*reverts, *reverts, now=NOW + pause).hold(owe()) is False  # each one counts once
    old = [settlement(signed_at=NOW - 3_601 - number) for number in range(count)]
    assert find(*old).hold(owe()) is False


@pytest.mark.parametrize(("holders", "most"), [([], 100), ([100], 10), ([100, 10], 1), ([7], 1), ([1], 1)])
def test_find_most__after_transactions_that_reverted__is_a_tenth_of_the_smallest(holders: list[int], most: int) -> None:
    reverts = [settlement(holders=each, signed_at=NOW - number) for number, each in enumerate(holders)]
    assert find(*reverts).find_most(owe()) == most


def test_choice__of_accounts_of_a_transaction_that_reverted__divides_them() -> None:
    """One item may be the reason. The others are settled without it, and those of other transactions as always."""
    choice = Choice(SettleRules(credits=1), NOW)
    for number in range(25):
        choice.add(owe(), 10 if number < 12 else MOST_ITEMS)
    assert sorted(len(batch.items) for batch in choice.list_batches()) == [2, 10, 13]
