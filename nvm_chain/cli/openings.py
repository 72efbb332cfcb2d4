"""Openings of access in answers: those that wait, and what came of them."""

from typing import TYPE_CHECKING, Any

from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.lazy import formatting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nvm_chain.cli.output import Rows
    from nvm_chain.meter.openings import Opening
    from nvm_chain.meter.settling.first_use import Opened, PendingOpening


def describe_pending(pending: "PendingOpening") -> dict[str, Any]:
    """Return an opening that is not done as JSON."""
    return {**_describe(pending.opening), "is_sent": pending.is_sent, "transaction": None, "error": None}


def pending_rows(openings: "Sequence[PendingOpening]") -> "Rows":
    """Return openings that are not done for people."""
    return [("opening", f"{_write(each.opening)}, {'sent' if each.is_sent else 'not sent yet'}") for each in openings]


def describe_opened(opened: "Opened") -> dict[str, Any]:
    """Return what came of an opening as JSON."""
    return {
        **_describe(opened.opening),
        "is_sent": opened.receipt is not None,
        "transaction": None if opened.receipt is None else opened.receipt.hash,
        "error": None if opened.error is None else opened.error.problem,
    }


def opened_row(opened: "Opened") -> tuple[str, object]:
    """Return what came of an opening for people."""
    if opened.receipt is None:
        return "not opened", "" if opened.error is None else f"{_write(opened.opening)}. {opened.error}"
    return "opened", f"{_write(opened.opening)}  {opened.receipt.hash}"


def _describe(opening: "Opening") -> dict[str, Any]:
    return {
        **name_plan(opening.plan_id),
        "holder": opening.holder,
        "periods": opening.periods,
        "redeemer": opening.redeemer,
        "asked_at": opening.asked_at,
    }


def _write(opening: "Opening") -> str:
    periods = formatting.count(opening.periods, "period")
    return f"{periods} of {opening.holder} on plan {formatting.format_plan_id(opening.plan_id)}"
