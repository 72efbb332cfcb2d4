"""What a holder has of a plan, and what they may do with it."""

from dataclasses import dataclass

from nvm_chain.errors.fields import Credits, Time


@dataclass(frozen=True, slots=True)
class Account:
    """A holder's account on one plan, now.

    ``balance`` is live credits, or periods on a time plan. ``settled`` counts the credits that settlements ever took,
    with or without a voucher: totals and ceilings count from zero, not from here. ``access_until`` is the Unix second
    at which access ends, 0 if it never began.
    """

    balance: Credits
    settled: Credits
    access_until: Time
    trial_taken: bool


@dataclass(frozen=True, slots=True)
class Lot:
    """What remains of one purchase of an expiring plan. ``expires_at`` is the Unix second when these credits expire."""

    credits: Credits
    expires_at: Time


@dataclass(frozen=True, slots=True)
class HolderTotal:
    """An item of a settlement without a voucher, where the plan's rule lets the signer redeem the holder's credits.

    ``total`` is the number of credits that settlements shall have taken from this holder on this plan. So an item that
    is sent twice takes once.
    """

    holder: str
    total: Credits


@dataclass(frozen=True, slots=True)
class VoucherCheck:
    """What a good voucher would bring now, in credits: ``balance``, or ``ceiling - settled`` where that is less."""

    balance: Credits
    settled: Credits
    ceiling: Credits

    @property
    def available(self) -> int:
        """Credits that settling it now would bring."""
        return min(self.balance, self.ceiling - self.settled)


@dataclass(frozen=True, slots=True)
class RedeemCheck:
    """Whether a redemption would succeed; if not, ``reason`` is the name of the contract error."""

    ok: bool
    reason: str | None
