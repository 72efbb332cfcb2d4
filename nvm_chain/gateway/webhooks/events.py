"""Events of webhooks: their names, the notices of the meter that they tell, and the JSON that is sent."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from nvm_chain.meter.deliveries import SHORT
from nvm_chain.meter.notices import Notice, NoticeKind

EVENTS: Final[Mapping[str, NoticeKind]] = {
    "balance.low": NoticeKind.LOW_BALANCE,
    "credits.ending": NoticeKind.LOT_ENDS,
    "access.ending": NoticeKind.ACCESS_ENDS,
    "session.opened": NoticeKind.SESSION_OPENED,
    "settlement.failed": NoticeKind.SETTLEMENT_FAILED,
    "settlement.stuck": NoticeKind.SETTLEMENT_STUCK,
}
"""The kinds of notices, by the names of their events."""
_NAMES: Final = {kind: name for name, kind in EVENTS.items()}
_TRANSACTION: Final = "0x"


def name_event(kind: NoticeKind) -> str:
    """Return the name of the event that tells a notice of a kind.

    >>> name_event(NoticeKind.LOW_BALANCE)
    'balance.low'
    """
    return _NAMES[kind]


def name_message(notice: Notice) -> str:
    """Return the id of the message for a notice. It is the same in each attempt, so that a receiver knows it again.

    It has 16 bytes of the notice's id. A text of 32 bytes would look like a private key.
    """
    return f"msg_{notice.notice_id[:SHORT].hex()}"


def build_message(notice: Notice) -> bytes:
    """Return the body of the message for a notice, as JSON. It is the same in each attempt.

    Numbers of credits are texts, because many languages read large numbers of JSON as fractions.
    """
    told = {
        "type": name_event(notice.kind),
        "timestamp": datetime.fromtimestamp(notice.caused_at, UTC).isoformat().replace("+00:00", "Z"),
        "data": {"planId": str(notice.plan_id), **_DATA[notice.kind](notice)},
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _tell_credits(notice: Notice) -> dict[str, Any]:
    return {"holder": notice.holder, "credits": str(notice.number), **({"endsAt": notice.end} if notice.end else {})}


def _tell_access(notice: Notice) -> dict[str, Any]:
    return {"holder": notice.holder, "endsAt": notice.end}


def _tell_session(notice: Notice) -> dict[str, Any]:
    most = str(notice.number) if notice.number else None
    return {"holder": notice.holder, "session": notice.about, "maxCredits": most, "endsAt": notice.end}


def _tell_settlement(notice: Notice) -> dict[str, Any]:
    name = "transaction" if notice.about.startswith(_TRANSACTION) else "error"
    return {"redeemer": notice.holder, "holders": notice.number, name: notice.about}


_DATA: Final[Mapping[NoticeKind, Callable[[Notice], dict[str, Any]]]] = {
    NoticeKind.LOW_BALANCE: _tell_credits,
    NoticeKind.LOT_ENDS: _tell_credits,
    NoticeKind.ACCESS_ENDS: _tell_access,
    NoticeKind.SESSION_OPENED: _tell_session,
    NoticeKind.SETTLEMENT_FAILED: _tell_settlement,
    NoticeKind.SETTLEMENT_STUCK: _tell_settlement,
}
