"""Redemption rules under the names of the hosted system."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from nvm_chain.enums import RedemptionRule


class PlanRedemptionType(Enum):
    """Redemption types of the hosted system, with its names and numbers. Each stands for a `RedemptionRule`."""

    ONLY_GLOBAL_ROLE = 0
    """The vendor's global role, which has no counterpart in this package."""
    ONLY_OWNER = 1
    """The plan owner and their redeemers: RedemptionRule.OWNER."""
    ONLY_PLAN_ROLE = 2
    """The plan owner's redeemers, and the holder: RedemptionRule.REDEEMER."""
    ONLY_SUBSCRIBER = 4
    """The holder: RedemptionRule.HOLDER."""


REDEMPTION_TYPES: Final[Mapping[RedemptionRule, PlanRedemptionType]] = {
    RedemptionRule.OWNER: PlanRedemptionType.ONLY_OWNER,
    RedemptionRule.REDEEMER: PlanRedemptionType.ONLY_PLAN_ROLE,
    RedemptionRule.HOLDER: PlanRedemptionType.ONLY_SUBSCRIBER,
}
"""Redemption type of each rule."""
