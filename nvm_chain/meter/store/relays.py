"""Signed orders that the gateway sends for buyers: each is claimed before it is sent, so none is sent twice."""

from enum import Enum, auto
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Number
from nvm_chain.meter.store.notices import read_now
from nvm_chain.meter.store.store import Store
from nvm_chain.types.durations import DAY

KEPT_SECONDS: Final = 2 * DAY
"""How long a claim is kept. Signed orders that are sent have ended long before."""
RECENT: Final = "SELECT COUNT(*), COUNT(CASE WHEN payer = ? THEN 1 END) FROM relays WHERE asked_at > ?"
PUT: Final = "INSERT INTO relays (authorization_nonce, payer, asked_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class Claim(Enum):
    """The outcome of a claim."""

    TAKEN = auto()
    """Whoever asked sends the order, and nobody else does."""
    KNOWN = auto()
    """The order was claimed before."""
    ACCOUNT_LIMIT = auto()
    """The payer has had as many orders sent as one account may have in a day."""
    DAY_LIMIT = auto()
    """As many orders were sent as are sent in a day."""


def claim_relay(store: Store, nonce: bytes, payer: ChecksumAddress, *, per_account: Number, per_day: Number) -> Claim:
    """Claim a signed order, to send it.

    Args:
        store: The books.
        nonce: The nonce of the order's authorization.
        payer: Who signed it.
        per_account: The most orders of one account within 24 hours.
        per_day: The most orders within 24 hours.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        if pen.ask("SELECT asked_at FROM relays WHERE authorization_nonce = ?", (nonce,)):
            return Claim.KNOWN
        now, packed = read_now(pen), bytes.fromhex(payer[2:])
        reached = _find_limit(pen.ask(RECENT, (packed, now - DAY)), per_account, per_day)
        if reached is not None:
            return reached
        pen.change("DELETE FROM relays WHERE asked_at < ?", (now - KEPT_SECONDS,))
        return Claim.TAKEN if pen.change(PUT, (nonce, packed, now)) else Claim.KNOWN


def _find_limit(counts: list[tuple[int, int]], per_account: Number, per_day: Number) -> Claim | None:
    ((all_recent, of_account),) = counts
    if all_recent >= per_day:
        return Claim.DAY_LIMIT
    return Claim.ACCOUNT_LIMIT if of_account >= per_account else None


def find_relay_limit(store: Store, payer: ChecksumAddress, *, per_account: Number, per_day: Number) -> Claim | None:
    """Return the limit that another order of an account would reach. None if it may be sent. Raises IndexFailure."""
    with store.asking() as pen:
        counts = pen.ask(RECENT, (bytes.fromhex(payer[2:]), read_now(pen) - DAY))
        return _find_limit(counts, per_account, per_day)


def give_relay_back(store: Store, nonce: bytes) -> None:
    """End a claim on an order that certainly was not sent. Raises IndexFailure if the books cannot be written."""
    with store.asking() as pen:
        pen.change("DELETE FROM relays WHERE authorization_nonce = ?", (nonce,))
