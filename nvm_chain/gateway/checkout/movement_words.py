"""Movements of a statement in words, for the holder: when, what happened, how many credits, what was paid, and what was left."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Quantity
from nvm_chain.errors.formatting import clean, format_utc
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.statements.formats import format_context
from nvm_chain.statements.types import Movement, MovementKind
from nvm_chain.terms.money import write_money

PAGE: Final = 50
"""How many movements are shown at once."""
_WHAT: Final[Mapping[MovementKind, str]] = {
    MovementKind.ORDER: "Order",
    MovementKind.GRANT: "Grant without payment",
    MovementKind.PAID_EXTERNALLY: "Grant for a payment outside the chain",
    MovementKind.TRANSFER_IN: "Received from another account",
    MovementKind.REDEMPTION: "Redeemed for a request",
    MovementKind.SETTLEMENT: "Settlement of requests",
    MovementKind.BURN: "Burned",
    MovementKind.TRANSFER_OUT: "Sent to another account",
    MovementKind.EXPIRY: "Expired",
    MovementKind.PAYMENT: "Payment for a request",
    MovementKind.GIFT: "Order for another account",
}


def tell_page(card: PlanCard, movements: Sequence[Movement], before: Quantity | None) -> dict[str, Any]:
    """Return the next movements of a plan, newest first.

    Args:
        card: The plan.
        movements: All movements of the account on the plan, oldest first.
        before: The number of the movement behind which the page begins, counted from the oldest. The newest if None.

    Returns:
        The movements, and in ``more`` the number for the next page. None at the end.
    """
    end = len(movements) if before is None else min(before, len(movements))
    start = max(0, end - PAGE)
    told = [_tell(card, movement) for movement in reversed(movements[start:end])]
    return {"movements": told, "more": str(start) if start else None}


def _tell(card: PlanCard, movement: Movement) -> dict[str, str]:
    return {
        "time": format_utc(movement.timestamp),
        "what": _WHAT[movement.kind],
        "about": _describe(movement),
        "credits": f"{movement.amount:+,}" if movement.amount else "",
        "price": _write_price(card, movement),
        "balance": f"{movement.balance:,}",
    }


def _write_price(card: PlanCard, movement: Movement) -> str:
    if movement.token is not None:
        return write_money(movement.cost, movement.token, card.label)
    return "free" if movement.kind is MovementKind.ORDER else ""


def _describe(movement: Movement) -> str:
    """Return who else took part, what the request was called, and until when access is open then."""
    context = format_context(movement.context)
    parts = (
        "" if movement.party in (None, movement.holder) else f"by {movement.party}",
        clean(context),
        "" if movement.access_until is None else f"access until {format_utc(movement.access_until)}",
    )
    return ", ".join(filter(None, parts))


def name_unit(card: PlanCard) -> str:
    """Return what a plan counts."""
    return "periods" if card.plan.terms.kind is PlanKind.TIME else "credits"
