"""Templates of plans, as one table: what each sells, for how much, and in which words. Loads nothing, so that help can list them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Template:
    """A plan to begin with.

    ``price`` is a price to suggest, ``free``, or empty if there is nothing to suggest. ``grants`` is the number of credits, or of
    periods if there is a ``period``, such as ``1 day``.
    """

    name: str
    title: str
    text: str
    price: str = ""
    grants: int | None = None
    period: str | None = None
    trial: bool = False


FREE: Final = "free"
CUSTOM: Final = "custom"
TEMPLATES: Final = {
    template.name: template
    for template in (
        Template(
            "free",
            "Free access",
            "Access for 30 days, without payment. It can be ordered again as long as the plan takes orders.",
            FREE,
            period="30 days",
        ),
        Template(
            "trial",
            "Free trial",
            "Access for 1 day, without payment, once for each account.",
            FREE,
            None,
            "1 day",
            True,
        ),
        Template("hour", "1 hour of access", "Access for 1 hour from the purchase.", "1 USDC", period="1 hour"),
        Template("day", "1 day of access", "Access for 24 hours from the purchase.", "2 USDC", period="1 day"),
        Template("week", "1 week of access", "Access for 7 days from the purchase.", "8 USDC", period="1 week"),
        Template(
            "month",
            "30 days of access",
            "Access for 30 days from the purchase. A month is always 30 days, and not a month of the calendar.",
            "20 USDC",
            period="1 month",
        ),
        Template(
            "year",
            "365 days of access",
            "Access for 365 days from the purchase. A year is always 365 days, in a leap year too.",
            "200 USDC",
            period="1 year",
        ),
        Template(
            "100-requests",
            "100 requests",
            "100 credits that never expire. Each request costs 1 credit.",
            "20 USDC",
            grants=100,
        ),
        Template(CUSTOM, "Custom plan", "Anything else. You choose each term."),
    )
}
"""All templates by their names, in the order in which they are shown."""
