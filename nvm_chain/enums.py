"""The contracts' enums."""

from enum import IntEnum


class PlanKind(IntEnum):
    """The kind of a plan. It decides what buyers get for their money."""

    CREDITS = 0
    """A purchase grants credits for requests. The credits expire if the plan has a duration."""
    TIME = 1
    """A purchase grants periods in which requests cost nothing."""
    USAGE = 2
    """There are no purchases. Each request has a payment of its own."""


class Activation(IntEnum):
    """When a period of a time plan starts."""

    ON_PURCHASE = 0
    """At the purchase, or at the end of the periods that were bought before."""
    ON_FIRST_USE = 1
    """At the redemption of the period."""


class RedemptionRule(IntEnum):
    """The rule that says who may redeem a holder's credits. It is part of a plan's terms, so it never changes."""

    HOLDER = 0
    """The holder only."""
    REDEEMER = 1
    """The holder and the plan owner's redeemers."""
    OWNER = 2
    """The plan owner and the plan owner's redeemers, but not the holder."""


class SettlementResult(IntEnum):
    """The result of one item of a settlement."""

    SETTLED = 0
    """The holder's settled credits reached the item's total, or the voucher's ceiling if that is lower."""
    SHORT = 1
    """The holder had too few credits, and all of them were taken."""
    EXPIRED = 2
    """The voucher's deadline has passed."""
    ALREADY_SETTLED = 3
    """The holder's settled credits had reached the item's total or ceiling before."""
    NOT_SIGNED = 4
    """The item's signature is not valid, or the signature is missing and the plan's rule asks for one."""
