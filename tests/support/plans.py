"""Terms of each kind of plan, free by default: `world.register(**expiring(DAY))`."""

from typing import Any

from nvm_chain.enums import Activation, PlanKind
from tests.support.world import ZERO


def expiring(duration: int, **changes: Any) -> dict[str, Any]:
    """Return the terms of credits that expire some seconds after each purchase."""
    return {"splits": (), "duration": duration, **changes}


def from_purchase(duration: int, **changes: Any) -> dict[str, Any]:
    """Return the terms of one period of some seconds that begins at the purchase."""
    nothing_redeemed = {"min_redeem": 0, "max_redeem": 0}
    return {"splits": (), "kind": PlanKind.TIME, "duration": duration, "credits": 1, **nothing_redeemed, **changes}


def from_first_use(duration: int, **changes: Any) -> dict[str, Any]:
    """Return the terms of one period of some seconds that begins when the holder redeems it."""
    started = {"kind": PlanKind.TIME, "activation": Activation.ON_FIRST_USE}
    return {"splits": (), **started, "duration": duration, "credits": 1, **changes}


def usage(**changes: Any) -> dict[str, Any]:
    """Return the terms of a plan without credits: each request is paid, at the price of `World.terms`."""
    return {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0, **changes}


def outside(**changes: Any) -> dict[str, Any]:
    """Return the terms of credits that are paid outside the chain. They are granted, not ordered."""
    return {"token": ZERO, "splits": (), "paid_externally": True, **changes}
