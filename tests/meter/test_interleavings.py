"""The interleavings for which the rule of admission was written, each by name (S2, S4, S9, S11)."""

from msgspec.structs import replace

from nvm_chain.errors import CeilingTooLow, CreditsUsedUp, HolderCannotPay
from nvm_chain.meter.admission import Admitted, Policy
from nvm_chain.meter.authorities import AuthorityKind, charge_use
from nvm_chain.meter.books import Account
from nvm_chain.meter.view_changes import replace_view, roll_back
from nvm_chain.meter.voucher_fronts import VoucherFront, put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher
from tests.meter.model import Block, replay
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER, SESSION, ask, build_account, build_view, serve


def sign(ceiling: int, deadline: int) -> SignedVoucher:
    voucher = build_voucher(PLAN, holder=HOLDER, redeemer=REDEEMER, ceiling=ceiling, deadline=deadline)
    return SignedVoucher(voucher, b"")


def serve_all(account: Account) -> int:
    """Return how many more credits a holder is served, one by one."""
    served = 0
    while isinstance(ask(account, 1), Admitted):
        account, served = serve(account, 1), served + 1
    return served


def test_served_150_of_100_with_another_redeemer__is_100() -> None:
    """Others took 50 while we served 50. What is settled is not what we took, so nothing is left."""
    account = serve(build_account(100), 50)
    account = replace_view(account, build_view(2, 50, settled=50), depth=0, now=NOW)
    assert serve_all(account) == 0
    settled = replace_view(account, build_view(3, 0, settled=100, taken=50), depth=0, now=NOW)
    assert serve_all(settled) == 0
    assert (settled.owed, settled.committed) == (0, 50)


def test_redemptions_under_a_rule_counted_twice__count_once() -> None:
    """Our key redeems by the plan's rule: the balance falls by what we charged, and what we charged is taken."""
    account = serve(build_account(100), 40)
    redeemed = replace_view(account, build_view(2, 60, settled=0, taken=40), depth=0, now=NOW)
    assert (redeemed.owed, redeemed.find_available(NOW)) == (0, 60)
    assert serve_all(redeemed) == 60


def test_a_lot_that_lapses_between_service_and_settlement__is_shown_as_lost() -> None:
    end = NOW + 60
    before, view = (build_view(number, 10, time=NOW, lots=((end, 10),)) for number in (0, 1))
    account = serve(replace_view(replace(build_account(0), view=before), view, depth=0, now=NOW), 8)
    assert account.find_total_to_reach(end) == 0  # too late to settle
    lapsed = build_view(2, 0, time=end, lapsed=10, ended=((end, 10),))
    account = replace_view(account, lapsed, depth=0, now=end)
    assert (account.committed, account.view.taken, account.written_off, account.owed) == (8, 0, 8, 0)
    bought = replace_view(account, build_view(3, 10, time=end + 1, lapsed=10), depth=0, now=end + 1)
    assert serve_all(bought) == 10  # the next credits do not pay for the lost ones


def test_a_batch_sent_twice_around_a_reorganization__takes_what_was_charged() -> None:
    account = serve(build_account(100), 10)
    total = account.find_total_to_reach(NOW)
    first = Block(NOW, [("grant", 100, None)])
    mined = [first, Block(NOW + 1, [("ours", total, None)])]
    account = replace_view(account, build_view(2, 90, settled=10, taken=10), depth=2, now=NOW)
    assert (replay(mined).ours, account.owed) == (10, 0)
    account = roll_back(account, build_view(1, 100, time=NOW), depth=2, now=NOW)  # the block is replaced
    assert account.owed == 10  # due again
    again = account.find_total_to_reach(NOW)
    both = [first, Block(NOW + 1, [("ours", total, None), ("ours", again, None)])]
    assert replay(both).ours == 10


def test_two_vouchers_of_which_the_higher_dies_first__leave_the_lower_ceiling() -> None:
    front = VoucherFront().add(sign(100, NOW + 10)).add(sign(50, NOW + 1_000))
    account = put_ceiling(build_account(200), front, NOW)
    assert isinstance(ask(account, 100), Admitted)
    late = NOW + 11
    assert ask(account, 1, now=late).fields["ceiling"] == 0  # type: ignore[union-attr]
    account = put_ceiling(account, front, late)
    assert isinstance(ask(account, 50, now=late), Admitted)
    refusal = ask(account, 51, now=late)
    assert isinstance(refusal, CeilingTooLow)
    assert (refusal.ceiling, refusal.next_ceiling) == (50, 51)


def test_an_allowance_eaten_by_another_session__is_refused_and_told_nothing_of_the_account() -> None:
    """Two authorities of one holder share the ceiling. The allowance has its limit left, and no signature behind it."""
    session = replace(SESSION, limit=60)
    allowance = replace(session, authority_id=b"\2" * 32, kind=AuthorityKind.ALLOWANCE, user=REDEEMER)
    account = build_account(100, ceiling=60)
    outcome = ask(account, 60, authority=session)
    assert isinstance(outcome, Admitted)
    spent = charge_use(outcome.authority, outcome.hold, 60)
    assert (spent.spent, allowance.spent) == (60, 0)
    refusal = ask(outcome.account, 1, authority=allowance)
    assert isinstance(refusal, HolderCannotPay)
    assert refusal.next_ceiling == 0
    signed = put_ceiling(outcome.account, VoucherFront((sign(100, NOW + 10),)), NOW)
    assert isinstance(ask(signed, 40, authority=allowance), Admitted)
    assert isinstance(ask(signed, 41, authority=allowance), HolderCannotPay)


def test_two_requests_for_the_last_credits__are_one() -> None:
    """What the first request holds is not there for the second, before and after it is charged."""
    outcome = ask(build_account(10), 6)
    assert isinstance(outcome, Admitted)
    assert isinstance(ask(outcome.account, 6), CreditsUsedUp)
    assert isinstance(ask(outcome.account, 4, policy=Policy(exposure=10)), Admitted)
