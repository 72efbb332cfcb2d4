"""How long books keep what the rules need no longer. What was charged in all stays in the accounts for ever."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Seconds
from nvm_chain.errors.formatting import format_duration
from nvm_chain.meter.voucher_fronts import MAX_SESSION_SECONDS
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.durations import DAY

CHARGES_SECONDS: Final = 400 * DAY
SESSIONS_SECONDS: Final = 30 * DAY
NOTICES_SECONDS: Final = 30 * DAY
LEAST_SECONDS: Final = DAY
"""Sessions and notices are kept for a day at least. Until then, a request says what has become of its session."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept after their end.

    ``charges`` are requests with what they cost, and their idempotency keys. ``sessions`` are sessions and sign-ins, with their
    tokens. ``notices`` are those that were delivered or given up. Kept answers and nonces are not here, because rules say how long
    they live: ten minutes, and until the nonce would be refused anyway.

    A charge outlives its session, so that the books can be added up. It outlives every voucher too, so that none is spent twice.
    """

    charges: Seconds = CHARGES_SECONDS
    sessions: Seconds = SESSIONS_SECONDS
    notices: Seconds = NOTICES_SECONDS

    def __post_init__(self) -> None:
        """Check the numbers. Raises an InputError."""
        for name in ("charges", "sessions", "notices"):
            check_uint(getattr(self, name), 32, f"seconds for {name}", minimum=LEAST_SECONDS)
        if self.charges < self.least_charges:
            raise InvalidConfig(
                f"charges are kept for {format_duration(self.charges)}, which is shorter than their sessions",
                f"keep charges for {format_duration(self.least_charges)} or longer, or sessions for a shorter time",
            )

    @property
    def least_charges(self) -> Seconds:
        """The shortest time for charges: the longest session, and how long sessions are kept after their end."""
        return MAX_SESSION_SECONDS + self.sessions
