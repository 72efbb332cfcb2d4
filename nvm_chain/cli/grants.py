"""What the options of a purchase's grant are called, and what they say about each rule."""

from typing import Final

RULES: Final = {
    "holder": "the holder only",
    "redeemer": "the holder, and the owner's redeemers",
    "owner": "the owner and their redeemers",
}
"""What the options of a plan say about each rule."""
STARTS: Final = ("purchase", "first-use")
"""When a period can start."""


def name_option(field: str) -> str:
    """Return the option of a field of a choice.

    >>> name_option("per_request")
    '--per-request'
    """
    return f"--{field.replace('_', '-')}"
