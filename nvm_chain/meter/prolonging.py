"""Until when a request may go on while its answer is on its way: as long as what it costs could still be taken afterwards."""

from typing import Final

from nvm_chain.errors.fields import Time
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import LARGEST, Account
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.meter.windows import WindowAccount

SETTLING_SECONDS: Final = 10 * 60
"""How long before the end of a voucher or of credits a prolonged hold ends, so that a settlement can still take the charge."""


def find_last_second(account: Account, front: VoucherFront, now: Time, *, by_vouchers: bool) -> Time:
    """Return the last second in which a hold of an account may be open, so that its credits are backed and can be settled.

    Args:
        account: The account, with the hold among its held credits.
        front: The vouchers of the account.
        now: The second of the question.
        by_vouchers: Whether vouchers pay. If not, the seller's key takes the credits without one.
    """
    last = _find_end_of_credits(account, now)
    return min(last, _find_end_of_vouchers(account, front)) if by_vouchers else last


def find_end_of_access(window: WindowAccount) -> Time:
    """Return the last second with access, after which no request of a time plan goes on."""
    return window.least_until - 1


def find_end_of_authority(authority: Authority) -> Time:
    """Return the last second in which an authority lets a request go on that it began. 0 if it was revoked.

    A sign-in was good when the request began, and needs not be good for longer.
    """
    if authority.revoked or authority.unsigned:
        return 0
    return LARGEST if authority.kind is AuthorityKind.SIGN_IN else authority.end


def _find_end_of_credits(account: Account, now: Time) -> Time:
    """Return the second until which all that is charged and held is backed. Credits that end soon do not count."""
    if account.find_available(now) < 0:
        return 0
    ends = sorted(lot.end for lot in account.view.lots if lot.end > now)
    return next((end - 1 - SETTLING_SECONDS for end in ends if account.find_available(end) < 0), LARGEST)


def _find_end_of_vouchers(account: Account, front: VoucherFront) -> Time:
    """Return the second until which one voucher covers all that is owed and held. 0 without such a voucher."""
    total = account.view.settled + account.outstanding
    ends = [kept.voucher.deadline for kept in front.vouchers if kept.voucher.ceiling >= total]
    return max(ends, default=SETTLING_SECONDS) - SETTLING_SECONDS
