"""Voucher fronts: which vouchers of a holder to keep. A voucher with a lower ceiling may outlive the one with the highest."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import DeadlineOutOfRange
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.books import Account
from nvm_chain.signing.vouchers import SignedVoucher

MIN_SECONDS: Final = 15 * 60
MAX_SECONDS: Final = 24 * 3_600
MAX_SESSION_SECONDS: Final = 30 * 24 * 3_600
"""How far away the deadline of a voucher may be. A settlement needs time, and a redeemer is trusted until the deadline."""


class VoucherFront(Struct, frozen=True, gc=False):
    """The vouchers of one holder for the seller, as far as one of them may still be the best for its key.

    The ceilings rise, and for each key the deadlines fall. A voucher is not kept if another one for the same key has at
    least its ceiling and its deadline.
    """

    vouchers: tuple[SignedVoucher, ...] = ()

    def add(self, signed: SignedVoucher) -> "VoucherFront":
        """Return the front with one more voucher. Vouchers that it makes needless are dropped, and perhaps itself."""
        if any(_covers(kept, signed) for kept in self.vouchers):
            return self
        others = [kept for kept in self.vouchers if not _covers(signed, kept)]
        if not others:
            return VoucherFront((signed,))
        return VoucherFront(tuple(sorted([*others, signed], key=lambda kept: kept.voucher.ceiling)))

    def drop_over(self, now: int) -> "VoucherFront":
        """Return the front without vouchers whose deadline has passed. Call it with a final block's time."""
        return VoucherFront(tuple(kept for kept in self.vouchers if kept.voucher.deadline >= now))

    def drop(self, signed: SignedVoucher) -> "VoucherFront":
        """Return the front without one voucher."""
        return VoucherFront(tuple(kept for kept in self.vouchers if kept.voucher != signed.voucher))

    def keep_for(self, redeemer: str) -> "VoucherFront":
        """Return the front with the vouchers for one key only."""
        return VoucherFront(tuple(kept for kept in self.vouchers if kept.voucher.redeemer == redeemer))

    def find_highest(self, now: int) -> SignedVoucher | None:
        """Return the live voucher with the highest ceiling, or None."""
        return next((kept for kept in reversed(self.vouchers) if kept.voucher.deadline >= now), None)

    def choose(self, total: Credits, now: int) -> SignedVoucher | None:
        """Return the live voucher with which to settle up to a total: of those that reach it, the one that lives longest.

        If no voucher reaches it, return the one with the highest ceiling.
        """
        live = self.drop_over(now).vouchers
        return next((kept for kept in live if kept.voucher.ceiling >= total), live[-1] if live else None)


def _covers(one: SignedVoucher, other: SignedVoucher) -> bool:
    """Return whether a voucher is as good as another one for the same key of the seller, or better."""
    if one.voucher.redeemer != other.voucher.redeemer:
        return False
    return one.voucher.ceiling >= other.voucher.ceiling and one.voucher.deadline >= other.voucher.deadline


def put_ceiling(account: Account, front: VoucherFront, now: int) -> Account:
    """Return the account with the highest live ceiling of a front. Call it when a voucher comes, and when one dies."""
    highest = front.find_highest(now)
    if highest is None:
        return replace(account, ceiling=0, ceiling_end=0)
    return replace(account, ceiling=highest.voucher.ceiling, ceiling_end=highest.voucher.deadline)


def check_deadline(
    deadline: Time, now: Time, *, min_seconds: int = MIN_SECONDS, max_seconds: int = MAX_SECONDS
) -> None:
    """Check that a voucher's deadline leaves time for a settlement, and is not too far away.

    Args:
        deadline: The voucher's deadline, as a Unix second.
        now: The time of the check. See `find_now`.
        min_seconds: How far away the deadline has to be.
        max_seconds: One day for a request voucher. For a session, give `MAX_SESSION_SECONDS`.

    Raises:
        DeadlineOutOfRange: The deadline is less than ``min_seconds`` or more than ``max_seconds`` away.
    """
    if not now + min_seconds <= deadline <= now + max_seconds:
        raise DeadlineOutOfRange(deadline, now + min_seconds, now + max_seconds)
