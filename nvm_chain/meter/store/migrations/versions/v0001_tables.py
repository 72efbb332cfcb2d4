"""The first schema of the meter's books.

Revision ID: 0001
"""

from typing import Any, Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)

revision: Final = "0001"
down_revision: Final = None


def _key(*, primary_key: bool = False) -> list[Column[bytes]]:
    """Return the columns of a plan and a holder."""
    return [Column(name, LargeBinary, primary_key=primary_key, nullable=False) for name in ("plan", "holder")]


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, CheckConstraint(f"{name} >= 0", name=f"{name}_is_not_negative"), nullable=False)


def _create_books() -> None:
    op.create_table(
        "books",
        Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
        Column("chain_id", BigInteger, nullable=False),
        Column("credits", LargeBinary, nullable=False),
        Column("store_id", LargeBinary, nullable=False),
        Column("head_number", BigInteger, nullable=False),
        Column("head_hash", LargeBinary, nullable=False),
        Column("head_time", BigInteger, nullable=False),
        Column("head_seen_at", BigInteger, nullable=False),
        Column("closed_until", BigInteger, nullable=False),
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        *_key(primary_key=True),
        _amount("committed"),
        _amount("held"),
        _amount("blocked"),
        _amount("written_off"),
        Column("least_backing", BigInteger, nullable=False),
        Column("least_others", BigInteger, nullable=False),
        _amount("ceiling"),
        Column("ceiling_end", BigInteger, nullable=False),
        Column("owed_since", BigInteger, nullable=False),
        Column("settled", BigInteger, nullable=False),
        Column("taken", BigInteger, nullable=False),
        Column("view", LargeBinary, nullable=False),
        Column("marks", LargeBinary, nullable=False),
        Column("vouchers", LargeBinary, nullable=False),
        Column("usages", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("pasts", *_key(primary_key=True), Column("past", LargeBinary, nullable=False))


def _create_windows() -> None:
    op.create_table(
        "windows",
        *_key(primary_key=True),
        _amount("open_requests"),
        Column("period", BigInteger, nullable=False),
        _amount("period_used"),
        Column("least_until", BigInteger, nullable=False),
        Column("past", LargeBinary, nullable=False),
    )


def _create_authorities() -> None:
    op.create_table(
        "authorities",
        Column("authority_id", LargeBinary, primary_key=True),
        *_key(),
        Column("kind", Text, nullable=False),
        Column("used_by", LargeBinary, nullable=False),
        Column("starts_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=False),
        Column("uses", BigInteger),
        Column("max_credits", BigInteger),
        Column("per_request", BigInteger),
        Column("period_credits", BigInteger),
        Column("period_seconds", BigInteger),
        Column("services", Text, nullable=False),
        Column("context", LargeBinary, nullable=False),
        Column("closed", SmallInteger, nullable=False),
        _amount("used"),
        _amount("spent"),
        _amount("held"),
        Column("period", BigInteger, nullable=False),
        Column("period_used", BigInteger, nullable=False),
        _amount("max_periods"),
        _amount("opened"),
        CheckConstraint("opened <= max_periods", name="opened_is_stated"),
        Index("authorities_of_holders", "holder", "plan", "ends_at"),
        Index("ended_authorities", "ends_at"),
    )


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        Column("token_hash", LargeBinary, primary_key=True),
        Column("authority_id", LargeBinary, nullable=False),
        *_key(),
        Column("until", BigInteger, nullable=False),
        Index("tokens_of_authorities", "authority_id"),
    )
    op.create_table(
        "nonces",
        Column("nonce", LargeBinary, primary_key=True),
        Column("until", BigInteger, nullable=False),
        Index("old_nonces", "until"),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        Column("scope", LargeBinary, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("hold_id", LargeBinary, nullable=False),
        Column("answered_at", BigInteger),
        _amount("size"),
        Column("answer", LargeBinary),
        Index(
            "old_answers",
            "answered_at",
            sqlite_where=text("answer IS NOT NULL"),
            postgresql_where=text("answer IS NOT NULL"),
        ),
    )


def _create_holds() -> None:
    op.create_table(
        "holds",
        Column("hold_id", LargeBinary, primary_key=True),
        *_key(),
        Column("authority_id", LargeBinary, nullable=False),
        _amount("credits"),
        Column("period", BigInteger, nullable=False),
        Column("request", LargeBinary, nullable=False),
        Column("owner", LargeBinary, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        _amount("cost"),
        Column("ended_at", BigInteger, nullable=False),
        _amount("total"),
        Column("attempt", BigInteger, nullable=False),
        Column("scope", LargeBinary, nullable=False),
        Column("counted", LargeBinary, nullable=False),
        Column("service", LargeBinary, nullable=False),
        CheckConstraint("cost <= credits", name="cost_is_within_the_hold"),
        Index("open_holds", "until", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
        Index(
            *("ended_holds", "ended_at", "total", "hold_id"),
            sqlite_where=text("state <> 0"),
            postgresql_where=text("state <> 0"),
        ),
    )


def _create_settlements() -> None:
    op.create_table(
        "settlements",
        Column("hash", LargeBinary, primary_key=True),
        Column("plan", LargeBinary, nullable=False),
        Column("redeemer", LargeBinary, nullable=False),
        Column("nonce", BigInteger, nullable=False),
        Column("signed_at", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("block_number", BigInteger, nullable=False),
        Column("block_hash", LargeBinary, nullable=False),
        _amount("failed"),
        _amount("gas"),
        Column("fee", Text, nullable=False),
        Column("items", LargeBinary, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        Column("opens_from", BigInteger),
        Index("recent_settlements", "signed_at"),
        Index(
            "opening_transactions",
            "plan",
            "opens_from",
            sqlite_where=text("opens_from IS NOT NULL"),
            postgresql_where=text("opens_from IS NOT NULL"),
        ),
        Index("open_settlements", "block_number", sqlite_where=text("state < 3"), postgresql_where=text("state < 3")),
    )


def _create_leases() -> None:
    op.create_table(
        "refused_vouchers",
        Column("digest", LargeBinary, primary_key=True),
        *_key(),
        Column("redeemer", LargeBinary, nullable=False),
        Column("ceiling", BigInteger, nullable=False),
        Column("refused_at", BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        Column("name", Text, primary_key=True),
        Column("owner", LargeBinary, nullable=False),
        Column("until", BigInteger, nullable=False),
    )
    op.create_table(
        "relays",
        Column("authorization_nonce", LargeBinary, primary_key=True),
        Column("payer", LargeBinary, nullable=False),
        Column("asked_at", BigInteger, nullable=False),
        Index("recent_relays", "asked_at"),
    )


def _list_payment() -> list[Column[Any]]:
    """Return the columns of what a payment is."""
    return [
        Column("payment_id", LargeBinary, primary_key=True),
        Column("token", LargeBinary, nullable=False),
        Column("payer", LargeBinary, nullable=False),
        Column("nonce", LargeBinary, nullable=False),
        Column("purpose", SmallInteger, nullable=False),
        Column("plan", LargeBinary, nullable=False),
        _amount("quantity"),
        Column("payee", LargeBinary, nullable=False),
        Column("value", Text, nullable=False),
        Column("valid_before", BigInteger, nullable=False),
        Column("submitter", LargeBinary, nullable=False),
        Column("resource", LargeBinary, nullable=False),
        Column("service", Text, nullable=False),
        Column("call_to", LargeBinary, nullable=False),
        Column("call_data", LargeBinary, nullable=False),
    ]


def _create_payments() -> None:
    op.create_table(
        "payments",
        *_list_payment(),
        Column("asked_at", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        Column("busy_until", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        Column("sender", LargeBinary, nullable=False),
        Column("sender_nonce", BigInteger, nullable=False),
        _amount("block_number"),
        Column("block_hash", LargeBinary, nullable=False),
        Column("grant_hash", LargeBinary, nullable=False),
        _amount("grant_block"),
        Column("serving_until", BigInteger, nullable=False),
        Column("served_at", BigInteger, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
        Column("is_final", SmallInteger, nullable=False),
        Column("reason", Text, nullable=False),
        CheckConstraint("state < 3 OR state > 4 OR length(hash) = 32", name="what_is_done_was_paid"),
        Index("recent_payments", "asked_at"),
        Index("open_payments", "asked_at", sqlite_where=text("is_final = 0"), postgresql_where=text("is_final = 0")),
    )


def _create_openings() -> None:
    op.create_table(
        "openings",
        *_key(primary_key=True),
        Column("seen", BigInteger, primary_key=True, autoincrement=False),
        Column("authority_id", LargeBinary, nullable=False),
        _amount("periods"),
        Column("redeemer", LargeBinary, nullable=False),
        Column("asked_at", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        _amount("signed"),
        Column("ended_at", BigInteger, nullable=False),
        Column("paused_until", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Index("wanted_openings", "asked_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
        Index("openings_of_authorities", "authority_id"),
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        Column("notice_id", LargeBinary, primary_key=True),
        Column("kind", Text, nullable=False),
        *_key(),
        _amount("number"),
        Column("ends_at", BigInteger, nullable=False),
        Column("caused_at", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("attempt", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("done_at", BigInteger, nullable=False),
        Column("about", Text, nullable=False),
        Index("due_notices", "due_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
        Index("done_notices", "done_at", sqlite_where=text("state <> 0"), postgresql_where=text("state <> 0")),
        Index("notices_of_holders", "holder", "plan"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        Column("notice_id", LargeBinary, primary_key=True),
        Column("webhook", Text, primary_key=True),
        Column("due_at", BigInteger, nullable=False),
        Column("attempt", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("done_at", BigInteger, nullable=False),
        Column("trouble", Text, nullable=False),
        Index(
            *("due_deliveries", "webhook", "due_at"),
            sqlite_where=text("state = 0"),
            postgresql_where=text("state = 0"),
        ),
        Index("done_deliveries", "done_at", sqlite_where=text("state <> 0"), postgresql_where=text("state <> 0")),
    )


def _create_forgotten() -> None:
    op.create_table("forgotten", *_key(primary_key=True), _amount("cost"), _amount("holds"), _amount("total"))
    op.create_table("horizons", Column("name", Text, primary_key=True), Column("until", BigInteger, nullable=False))


def upgrade() -> None:
    """Create the tables."""
    _create_books()
    _create_accounts()
    _create_windows()
    _create_authorities()
    _create_tokens()
    _create_requests()
    _create_holds()
    _create_notices()
    _create_deliveries()
    _create_settlements()
    _create_leases()
    _create_payments()
    _create_openings()
    _create_forgotten()
