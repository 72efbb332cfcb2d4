"""How a websocket ends: the code and the reason that each side is told, and what a refusal is as a close code.

The gateway's own codes are 4000 and the status that a request would have got, such as 4402. A reason has at most 123 bytes.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    CeilingTooLow,
    CreditsUsedUp,
    HolderCannotPay,
    LimitReached,
    NvmChainError,
    PeriodLimitReached,
    RequestAboveLimit,
    RequestRefused,
    SignatureError,
    TooManyOpenRequests,
    WindowClosed,
)
from nvm_chain.gateway.refusals import RETRY_SECONDS, find_status

MAX_REASON: Final = 123
NORMAL: Final = 1_000
GOING_AWAY: Final = 1_001
NO_CODE: Final = 1_005
NOT_TEXT: Final = 1_007
TOO_LARGE: Final = 1_009
FAILED: Final = 1_011
RESTARTS: Final = 1_012
TRY_LATER: Final = 1_013
BAD_GATEWAY: Final = 1_014
IDLE: Final = 4_408
OWN: Final = 4_000
"""What is added to a status to make a close code of it."""

_APPLICATION: Final = range(3_000, 5_000)
_STANDARD: Final = range(1_000, 1_016)
_OF_SERVICES: Final = frozenset(
    (NORMAL, GOING_AWAY, 1_003, NOT_TEXT, 1_008, TOO_LARGE, 1_010, FAILED, RESTARTS, TRY_LATER)
)
_OF_BUYERS: Final = frozenset((NORMAL, GOING_AWAY))


class Side(Enum):
    """Who ended a connection. The values are for numbers and logs."""

    BUYER = "buyer"
    SERVICE = "service"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a connection, as the side that ended it said it."""

    side: Side
    code: int
    reason: str = ""

    def for_buyer(self) -> tuple[int, str]:
        """Return the code and the reason that the buyer is told."""
        if self.side is not Side.SERVICE:
            return self.code, cut_reason(self.reason)
        if self.code in (0, NO_CODE):
            return NORMAL, ""
        if self.code in _OF_SERVICES or self.code in _APPLICATION:
            return self.code, cut_reason(self.reason)
        return BAD_GATEWAY, "The service behind the gateway ended the connection. Connect again."

    def for_service(self) -> tuple[int, str]:
        """Return the code and the reason that the service is told. It is not told how the buyer pays."""
        if self.side is Side.GATEWAY:
            return (RESTARTS if self.code == RESTARTS else GOING_AWAY), ""
        if self.code == NO_CODE:
            return NORMAL, ""
        if self.code in _OF_BUYERS or self.code in _APPLICATION:
            return self.code, cut_reason(self.reason)
        return GOING_AWAY, ""

    @property
    def label(self) -> str:
        """The code for numbers, of which there are few."""
        return str(self.code) if self.side is Side.GATEWAY or self.code in _STANDARD else "other"


def cut_reason(text: str) -> str:
    """Return as much of a reason as a close frame holds.

    >>> cut_reason("é" * 100) == "é" * 61
    True
    """
    return text.encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")


def end_by(error: NvmChainError) -> Ending:
    """Return how an error ends a connection. The reason says what to do, and nothing of where the databases are."""
    status = find_status(error)
    if status in (402, 409):
        return Ending(Side.GATEWAY, OWN + 402, _find_reason(error))
    if status == 429:
        return Ending(Side.GATEWAY, OWN + 429, _find_reason(error))
    if status == 503:
        return Ending(Side.GATEWAY, TRY_LATER, "The gateway cannot read its books now. Connect again later.")
    if status in (502, 504):
        return Ending(Side.GATEWAY, BAD_GATEWAY, "The service behind the gateway does not answer. Connect again.")
    return Ending(Side.GATEWAY, FAILED, "The gateway failed. Connect again.")


_REASONS: Final[tuple[tuple[tuple[type[NvmChainError], ...], str], ...]] = (
    ((AuthorityRevoked,), "The session was revoked. Open another session."),
    ((AuthorityOver,), "The session has ended. Open another session."),
    ((HolderCannotPay,), "The holder's account does not pay any more. Ask the holder."),
    ((CreditsUsedUp,), "The credits are used up. Order more credits, and connect again."),
    ((CeilingTooLow, LimitReached, RequestAboveLimit), "The limit of the session is reached. Open another session."),
    ((WindowClosed,), "Access has ended. Order the plan again, and connect again."),
    ((TooManyOpenRequests,), "Too many of your requests and connections are open. End one of them, and connect again."),
    ((PeriodLimitReached,), "The limit for this period is reached. Connect again in the next period."),
)


def _find_reason(error: NvmChainError) -> str:
    found = next((text for kinds, text in _REASONS if isinstance(error, kinds)), None)
    if found is not None:
        return found
    if find_status(error) in (409, 429):
        seconds = max(1, int(error.fields.get("retry_seconds", RETRY_SECONDS)))
        return f"A limit is reached for now. Connect again in {seconds} seconds."
    if isinstance(error, RequestRefused | SignatureError):
        return "The session does not pay any more. Send a request with its token to see why."
    return "The connection is not paid for."
