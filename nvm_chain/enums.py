"""The contracts' enums."""

from enum import IntEnum


class PlanKind(IntEnum):
    """What a purchase grants."""

    CREDITS = 0
    """Credits for requests, for ever or, with a duration, until they expire."""
    TIME = 1
    """Periods in which requests cost nothing."""
    USAGE = 2
    """Nothing: each request is paid on its own."""


class Activation(IntEnum):
    """When a period of a time plan starts."""

    ON_PURCHASE = 0
    """At once, or when the periods bought before are over."""
    ON_FIRST_USE = 1
    """When the holder redeems it."""


class RedemptionRule(IntEnum):
    """Who may redeem a holder's credits. It is part of the terms, so it never changes."""

    HOLDER = 0
    """The holder only."""
    REDEEMER = 1
    """The holder and the plan owner's redeemers."""
    OWNER = 2
    """The plan owner and their redeemers, and not the holder."""


class SettlementResult(IntEnum):
    """What became of one item of a settlement."""

    SETTLED = 0
    """Its total, or the ceiling below it, is reached."""
    SHORT = 1
    """The holder had less, which was taken."""
    EXPIRED = 2
    """The voucher's deadline is over."""
    ALREADY_SETTLED = 3
    """Its total or its ceiling had been reached before."""
    NOT_SIGNED = 4
    """The holder did not sign these terms for this redeemer, and the plan's rule does not let the redeemer redeem alone."""
