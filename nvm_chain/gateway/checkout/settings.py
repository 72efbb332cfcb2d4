"""Settings of the checkout: whether the gateway sends signed orders of buyers, and how many."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Number
from nvm_chain.types.amounts import check_uint

RELAYS_PER_ACCOUNT: Final = 5
RELAYS_PER_DAY: Final = 200


@dataclass(frozen=True, slots=True)
class CheckoutSettings:
    """Settings of the checkout.

    With ``relays``, the key of the gateway sends the signed orders of buyers, and pays the gas. ``relays_per_account`` and
    ``relays_per_day`` say how many orders it sends within 24 hours at most, for one account and in all.
    """

    relays: bool = False
    relays_per_account: Number = RELAYS_PER_ACCOUNT
    relays_per_day: Number = RELAYS_PER_DAY

    def __post_init__(self) -> None:
        """Check the values. Raises InvalidAmount."""
        check_uint(self.relays_per_account, 32, "relays of one account", minimum=1)
        check_uint(self.relays_per_day, 32, "relays of one day", minimum=1)
