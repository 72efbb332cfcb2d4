"""The tables of the meter's books, as SQLAlchemy knows them. Migrations create them, and a test compares both.

Ids are 32 bytes, and addresses are 20 bytes. Credits are integers of 63 bits at most, and times are Unix seconds.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

VERSION: Final = "0001"
"""The schema that this version of the package reads and writes: the last migration."""
VERSION_TABLE: Final = "nvm_chain_meter"
"""The table of the schema's version. A database without it has no books."""
STORED_BITS: Final = 63
MAX_STORED: Final = 2**STORED_BITS - 1
"""The largest number of a column. A higher ceiling is as good as this one, because no account can have as many credits."""

metadata = MetaData()


def _key(*, primary_key: bool = False) -> list[Column[bytes]]:
    """Return the columns of a plan and a holder."""
    return [Column(name, LargeBinary, primary_key=primary_key, nullable=False) for name in ("plan", "holder")]


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, CheckConstraint(f"{name} >= 0", name=f"{name}_is_not_negative"), nullable=False)


books = Table(
    "books",
    metadata,
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
"""One row. The head is the block of the latest views, and ``head_seen_at`` is when it was read. Before ``closed_until``,
vouchers from before a restored backup are refused."""

accounts = Table(
    "accounts",
    metadata,
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
"""All that the rule of admission compares, in one row for each holder and plan. ``usages`` are the counters of limits."""

pasts = Table("pasts", metadata, *_key(primary_key=True), Column("past", LargeBinary, nullable=False))
"""The views of the last blocks of each account."""

windows = Table(
    "windows",
    metadata,
    *_key(primary_key=True),
    _amount("open_requests"),
    Column("period", BigInteger, nullable=False),
    _amount("period_used"),
    Column("least_until", BigInteger, nullable=False),
    Column("past", LargeBinary, nullable=False),
)
"""The access windows of holders on time plans, with their open requests. Each belongs to a row of ``accounts``, which is locked."""

authorities = Table(
    "authorities",
    metadata,
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
"""Sessions, allowances and sign-ins. The authority of a request voucher is its hold. ``closed`` is 0 for an open one. Bit 0
says that it was revoked, and bit 1 that its contract wallet no longer accepts its signature. A sign-in lets the seller open
``max_periods``, of which openings have taken ``opened``."""

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("authority_id", LargeBinary, nullable=False),
    *_key(),
    Column("until", BigInteger, nullable=False),
    Index("tokens_of_authorities", "authority_id"),
)
"""Tokens of sessions, allowances and sign-ins, of which only the hash is kept. ``until`` is the last second of a token that ends
before its authority, and 0 for any other."""

nonces = Table(
    "nonces",
    metadata,
    Column("nonce", LargeBinary, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("old_nonces", "until"),
)
"""Nonces of sign-ins that were used, each until it is refused because of its age."""

requests = Table(
    "requests",
    metadata,
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
"""Requests with an idempotency key, and the answers that are kept, as their callers have encrypted them."""

holds = Table(
    "holds",
    metadata,
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
"""All holds, open and ended. The charged ones are the first entries of the books. ``state`` is a `HoldState`. ``counted`` says
in which quota the credits count, and is empty without one. ``service`` is as `nvm_chain.meter.store.packing.pack_service` writes it."""

settlements = Table(
    "settlements",
    metadata,
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
"""The transactions of the settler, each written before it is sent, and what came of it. ``state`` is a `SettlementState`. One that
opens access has the end of the window before it in ``opens_from``."""

openings = Table(
    "openings",
    metadata,
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
"""Access that a settler opens on first use: one row for each window that it replaces. ``state`` is an `OpeningState`. Each belongs
to a row of ``accounts``, which is locked."""

refused_vouchers = Table(
    "refused_vouchers",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_key(),
    Column("redeemer", LargeBinary, nullable=False),
    Column("ceiling", BigInteger, nullable=False),
    Column("refused_at", BigInteger, nullable=False),
)
"""Vouchers that a contract wallet had signed, and whose signature it no longer accepts."""

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Who does what only one may do at a time, and until when by the database's clock."""

relays = Table(
    "relays",
    metadata,
    Column("authorization_nonce", LargeBinary, primary_key=True),
    Column("payer", LargeBinary, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Index("recent_relays", "asked_at"),
)
"""Signed orders that the gateway sends for buyers, by the nonces of their authorizations. Each is sent once."""

payments = Table(
    "payments",
    metadata,
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
"""Payments by authorized transfers, each by the hash of its chain, token, payer and nonce. Each is claimed before anything is
sent. ``purpose`` is a `PaymentPurpose` and ``state`` a `PaymentState` of `nvm_chain.meter.store.payment_rows`."""

notices = Table(
    "notices",
    metadata,
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
"""The outbox: what holders and the operator should hear. A notice is there once for each cause, and stays for a while after its
delivery. ``about`` names what it is about, such as a transaction."""

deliveries = Table(
    "deliveries",
    metadata,
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
"""A notice on its way to a webhook, by the webhook's name. ``trouble`` is why the last attempt failed."""

forgotten = Table("forgotten", metadata, *_key(primary_key=True), _amount("cost"), _amount("holds"), _amount("total"))
"""What holds that were forgotten had charged, how many they were, and the highest running total of them. With the holds that are
kept, it is the whole account."""

horizons = Table(
    "horizons", metadata, Column("name", Text, primary_key=True), Column("until", BigInteger, nullable=False)
)
"""Before which second things of a kind may have been forgotten."""
