"""Accounts of holders on plans, items of settlements, and results of checks."""

from dataclasses import dataclass

from nvm_chain.errors.fields import Credits, Time


@dataclass(frozen=True, slots=True)
class Account:
    """The present account of a holder on one plan.

    ``balance`` is the number of credits that have not expired, or of periods on a time plan. ``settled`` is the number
    of all credits that settlements ever took, with or without a voucher. A voucher's ceiling is a limit for this number.
    ``access_until`` is the Unix second at which access ends, or 0 if access never began.
    """

    balance: Credits
    settled: Credits
    access_until: Time
    trial_taken: bool


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one purchase or grant of an expiring plan. ``expires_at`` is the Unix second when it expires."""

    credits: Credits
    expires_at: Time


@dataclass(frozen=True, slots=True)
class HolderTotal:
    """An item of a settlement without a voucher. The plan's rule has to let the signer redeem the holder's credits.

    ``total`` is the number of the holder's settled credits on this plan after the settlement. It is a total, and not an
    increment. So an item that is sent twice takes credits once.
    """

    holder: str
    total: Credits


@dataclass(frozen=True, slots=True)
class VoucherCheck:
    """The result of checking a valid voucher. All numbers are credits."""

    balance: Credits
    settled: Credits
    ceiling: Credits

    @property
    def available(self) -> int:
        """The credits that a settlement would take now: ``ceiling - settled``, or ``balance`` if that is less."""
        return min(self.balance, self.ceiling - self.settled)


@dataclass(frozen=True, slots=True)
class RedeemCheck:
    """Whether a redemption would succeed. If it would not, ``reason`` is the name of the contract's error."""

    ok: bool
    reason: str | None
