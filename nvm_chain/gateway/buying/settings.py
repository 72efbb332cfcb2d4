"""Settings of buying by x402: whether the gateway takes signed transfers, and how many it sends in a day."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Number
from nvm_chain.meter.store.payments import PaymentLimits
from nvm_chain.types.amounts import check_uint

ORDERS_PER_ACCOUNT: Final = 20
ORDERS_PER_DAY: Final = 500
REQUESTS_PER_ACCOUNT: Final = 2_000
REQUESTS_PER_DAY: Final = 20_000


@dataclass(frozen=True, slots=True)
class BuyingSettings:
    """Settings of buying by x402.

    With ``exact``, the key of the gateway sends the signed transfers of buyers, and pays the gas. The others say how many
    it sends within 24 hours at most, for one account and in all: for whole plans, and for single requests.
    """

    exact: bool = False
    orders_per_account: Number = ORDERS_PER_ACCOUNT
    orders_per_day: Number = ORDERS_PER_DAY
    requests_per_account: Number = REQUESTS_PER_ACCOUNT
    requests_per_day: Number = REQUESTS_PER_DAY

    def __post_init__(self) -> None:
        """Check the values. Raises InvalidAmount."""
        for name in ("orders_per_account", "orders_per_day", "requests_per_account", "requests_per_day"):
            check_uint(getattr(self, name), 32, name.replace("_", " "), minimum=1)

    @property
    def order_limits(self) -> PaymentLimits:
        """How many transfers for plans are sent in a day."""
        return PaymentLimits(self.orders_per_account, self.orders_per_day)

    @property
    def request_limits(self) -> PaymentLimits:
        """How many transfers for single requests are sent in a day."""
        return PaymentLimits(self.requests_per_account, self.requests_per_day)
