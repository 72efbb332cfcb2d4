"""The tables of an index, as SQLAlchemy knows them. Migrations create them, and a test compares both.

Hashes and ids are 32 bytes, and addresses are 20 bytes. A ``place`` is the number of a block and the index of an event in
it, see `nvm_chain.index.kinds.place_of`. Times are Unix seconds.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from nvm_chain.index.columns import Account, Amount, Hash, Number, Uint256

VERSION: Final = "0001"
"""The schema that this version of the package reads and writes: the last migration."""
VERSION_TABLE: Final = "nvm_chain_index"
"""The table of the schema's version. A database without it is not an index."""
KEPT_BLOCKS: Final = 256
"""How many of the latest blocks an index remembers, and to how many it can roll back."""

metadata = MetaData()
UINT256: Final = "{0} >= 0 AND {0} < 2::numeric ^ 256 AND scale({0}) = 0"
WHOLE: Final = "abs({0}) < 2::numeric ^ 256 AND scale({0}) = 0"


def _only_postgres(check: str, *columns: str) -> list[CheckConstraint]:
    """Return checks of columns, which SQLite leaves out."""
    made = [CheckConstraint(check.format(column), name=f"{column}_is_exact") for column in columns]
    return [constraint.ddl_if(dialect="postgresql") for constraint in made]


state = Table(
    "state",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("credits", Account, nullable=False),
    Column("agents", Account),
    Column("first_block", BigInteger, nullable=False),
    Column("head_number", BigInteger),
    Column("head_hash", Hash),
    Column("head_time", BigInteger),
    Column("undo_floor", BigInteger),
    Column("proven_to", BigInteger),
    Column("proven_by", Text),
)
"""One row. ``undo_floor`` is the oldest block to which the index can roll back. ``proven_to`` is the last block whose
events are proven to be complete, and ``proven_by`` says how."""

blocks = Table(
    "blocks",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("hash", Hash, nullable=False),
    Column("time", BigInteger, nullable=False),
)
"""The blocks that have events, and the last 256."""

events = Table(
    "events",
    metadata,
    Column("place", Number, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("tx", Hash, nullable=False),
    Column("topic1", Hash),
    Column("topic2", Hash),
    Column("topic3", Hash),
    Column("data", LargeBinary, nullable=False),
    Index("events_of_owners", "place", sqlite_where=text("kind = 6"), postgresql_where=text("kind = 6")),
)
"""Every event as the node gave it. ``kind`` is an `EventKind`. The index finds the few changes of plans' owners."""

movements = Table(
    "movements",
    metadata,
    Column("holder", Account, primary_key=True),
    Column("plan", Hash, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("amount", Amount, nullable=False),
    Column("party", Account),
    *_only_postgres(WHOLE, "amount"),
    Index("movements_by_plan", "plan", "place"),
    sqlite_with_rowid=False,
)
"""Every change of an account's credits. ``kind`` is a `MovementCode`, and ``amount`` has a sign. ``item`` orders the
movements of one event: twice the position in a batch, and one more for the receiver of a transfer."""

sales = Table(
    "sales",
    metadata,
    Column("place", Number, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("plan", Hash, nullable=False),
    Column("payer", Account),
    Column("receiver", Account),
    Column("quantity", BigInteger, nullable=False),
    Column("cost", Uint256, nullable=False),
    Column("context", Hash),
    *_only_postgres(UINT256, "cost"),
    Index("sales_by_plan", "plan", "place"),
    Index("sales_by_payer", "payer", "place"),
    Index("sales_by_receiver", "receiver", "place"),
)
"""Orders, payments for usage, and grants for external payments. ``kind`` is a `SaleCode`. An external payment has neither
payer nor cost, and its ``context`` is the payment's reference."""

ACCOUNT: Final = ("balance", "settled", "access_until", "is_granted", "lots", "next_expiry", "place")
"""What an account has besides its key."""


def _account_columns(*, nullable: bool) -> list[Column[object]]:
    return [
        Column("balance", Amount, nullable=nullable),
        Column("settled", Amount, nullable=nullable),
        Column("access_until", Amount, nullable=nullable),
        Column("is_granted", Boolean, nullable=nullable),
        Column("lots", LargeBinary),
        Column("next_expiry", Amount),
        Column("place", BigInteger, nullable=nullable),
    ]


accounts = Table(
    "accounts",
    metadata,
    Column("plan", Hash, primary_key=True),
    Column("holder", Account, primary_key=True),
    *_account_columns(nullable=False),
    *_only_postgres(WHOLE, "balance", "settled", "access_until"),
    Index("accounts_by_holder", "holder"),
    sqlite_with_rowid=False,
)
"""Each account after its last movement, at ``place``. What expired since then is still in it: advance its ledger to the
time that you need, see `nvm_chain.index.accounts`. ``lots`` are pairs of credits and expiry, 8 bytes each."""

account_undo = Table(
    "account_undo",
    metadata,
    Column("plan", Hash, primary_key=True),
    Column("holder", Account, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    *_account_columns(nullable=True),
    Index("account_undo_by_block", "block"),
    sqlite_with_rowid=False,
)
"""Each account before a block that changed it, for the last 256 blocks. ``place`` is NULL if it did not exist."""

plans = Table(
    "plans",
    metadata,
    Column("plan", Hash, primary_key=True),
    Column("creator", Account, nullable=False),
    Column("owner", Account, nullable=False),
    Column("pending_owner", Account),
    Column("is_active", Boolean, nullable=False),
    Column("uri", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("activation", SmallInteger, nullable=False),
    Column("token", Account, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("terms", Text, nullable=False),
    Column("salt", Hash, nullable=False),
    Column("fee_bps", Integer, nullable=False),
    Column("place", BigInteger, nullable=False),
    Index("plans_by_owner", "owner"),
)
"""Each plan with its present state. ``terms`` is JSON of the contract's nested tuple, which
`nvm_chain.index.catalogue.read_terms` reads. ``place`` is the registration."""

permissions = Table(
    "permissions",
    metadata,
    Column("plan", Hash, primary_key=True),
    Column("owner", Account, primary_key=True),
    Column("role", SmallInteger, primary_key=True, autoincrement=False),
    Column("account", Account, primary_key=True),
    Column("place", BigInteger, nullable=False),
)
"""Who may redeem (role 0) or mint (role 1) while ``owner`` owns the plan."""

agents = Table(
    "agents",
    metadata,
    Column("agent", Hash, primary_key=True),
    Column("owner", Account, nullable=False),
    Column("uri", Text, nullable=False),
    Column("place", BigInteger, nullable=False),
    Index("agents_by_owner", "owner"),
)
"""Each agent with its present owner. ``place`` is the registration."""

agent_plans = Table(
    "agent_plans",
    metadata,
    Column("agent", Hash, primary_key=True),
    Column("plan", Hash, primary_key=True),
    Column("min_credits", BigInteger, nullable=False),
    Column("max_credits", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Index("agent_plans_by_plan", "plan"),
)
"""The plans that each agent accepts now."""

catalogue_undo = Table(
    "catalogue_undo",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("before", LargeBinary),
)
"""Each row of plans, permissions, agents and agent_plans before a block that changed it, for the last 256 blocks."""

fees = Table(
    "fees",
    metadata,
    Column("place", Number, primary_key=True, autoincrement=False),
    Column("fee_bps", Integer, nullable=False),
    Column("receiver", Account, nullable=False),
)
"""Every change of the protocol fee."""

forgone = Table(
    "forgone",
    metadata,
    Column("place", Number, primary_key=True, autoincrement=False),
    Column("plan", Hash, nullable=False),
    Column("receiver", Account, nullable=False),
    Column("amount", Uint256, nullable=False),
    *_only_postgres(UINT256, "amount"),
    Index("forgone_by_plan", "plan", "place"),
)
"""Protocol fees that could not be delivered."""
