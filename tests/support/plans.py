"""Terms of the kinds of plan there are, free unless a test says otherwise: `world.register(**expiring(DAY))`."""

from typing import Any

from nvm_chain.enums import Activation, PlanKind
from tests.support.world import ZERO


def expiring(duration: int, **changes: Any) -> dict[str, Any]:
    """Credits of which each purchase expires after so many seconds."""
    return {"splits": (), "duration": duration, **changes}


def from_purchase(duration: int, **changes: Any) -> dict[str, Any]:
    """One period of so many seconds, which begins at the purchase."""
    nothing_redeemed = {"min_redeem": 0, "max_redeem": 0}
    return {"splits": (), "kind": PlanKind.TIME, "duration": duration, "credits": 1, **nothing_redeemed, **changes}


def from_first_use(duration: int, **changes: Any) -> dict[str, Any]:
    """One period of so many seconds, which begins when the holder redeems it."""
    started = {"kind": PlanKind.TIME, "activation": Activation.ON_FIRST_USE}
    return {"splits": (), **started, "duration": duration, "credits": 1, **changes}


def usage(**changes: Any) -> dict[str, Any]:
    """Nothing granted; each request is paid, at the price of `World.terms`."""
    return {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0, **changes}


def outside(**changes: Any) -> dict[str, Any]:
    """Credits that are paid outside the chain, and so granted and not ordered."""
    return {"token": ZERO, "splits": (), "paid_externally": True, **changes}
