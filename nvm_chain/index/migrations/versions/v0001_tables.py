"""The first schema of an index.

Revision ID: 0001
"""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)

from nvm_chain.index.columns import Account, Amount, Hash, Number, Uint256

revision: Final = "0001"
down_revision: Final = None
UINT256: Final = "{0} >= 0 AND {0} < 2::numeric ^ 256 AND scale({0}) = 0"
WHOLE: Final = "abs({0}) < 2::numeric ^ 256 AND scale({0}) = 0"
EXACT_SUM: Final = (
    "CREATE OR REPLACE AGGREGATE exact_sum(numeric) (sfunc = numeric_add, stype = numeric, initcond = '0', "
    "combinefunc = numeric_add, parallel = safe)"
)


def _only_postgres(check: str, *columns: str) -> list[CheckConstraint]:
    """Return checks of columns, which SQLite leaves out."""
    made = [CheckConstraint(check.format(column), name=f"{column}_is_exact") for column in columns]
    return [constraint.ddl_if(dialect="postgresql") for constraint in made]


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


def _create_state() -> None:
    """Create the table of what the index stands for."""
    op.create_table(
        "state",
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


def _create_logs() -> None:
    """Create the tables of blocks and events."""
    op.create_table(
        "blocks",
        Column("number", Number, primary_key=True, autoincrement=False),
        Column("hash", Hash, nullable=False),
        Column("time", BigInteger, nullable=False),
    )
    op.create_table(
        "events",
        Column("place", Number, primary_key=True, autoincrement=False),
        Column("kind", SmallInteger, nullable=False),
        Column("tx", Hash, nullable=False),
        Column("topic1", Hash),
        Column("topic2", Hash),
        Column("topic3", Hash),
        Column("data", LargeBinary, nullable=False),
        Index("events_of_owners", "place", sqlite_where=text("kind = 6"), postgresql_where=text("kind = 6")),
    )


def _create_movements() -> None:
    """Create the tables of what moved."""
    op.create_table(
        "movements",
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
    op.create_table(
        "sales",
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


def _create_accounts() -> None:
    """Create the tables of accounts."""
    op.create_table(
        "accounts",
        Column("plan", Hash, primary_key=True),
        Column("holder", Account, primary_key=True),
        *_account_columns(nullable=False),
        *_only_postgres(WHOLE, "balance", "settled", "access_until"),
        Index("accounts_by_holder", "holder"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_undo",
        Column("plan", Hash, primary_key=True),
        Column("holder", Account, primary_key=True),
        Column("block", BigInteger, primary_key=True, autoincrement=False),
        *_account_columns(nullable=True),
        Index("account_undo_by_block", "block"),
        sqlite_with_rowid=False,
    )


def _create_plans() -> None:
    """Create the tables of plans."""
    op.create_table(
        "plans",
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
    op.create_table(
        "permissions",
        Column("plan", Hash, primary_key=True),
        Column("owner", Account, primary_key=True),
        Column("role", SmallInteger, primary_key=True, autoincrement=False),
        Column("account", Account, primary_key=True),
        Column("place", BigInteger, nullable=False),
    )


def _create_agents() -> None:
    """Create the tables of agents."""
    op.create_table(
        "agents",
        Column("agent", Hash, primary_key=True),
        Column("owner", Account, nullable=False),
        Column("uri", Text, nullable=False),
        Column("place", BigInteger, nullable=False),
        Index("agents_by_owner", "owner"),
    )
    op.create_table(
        "agent_plans",
        Column("agent", Hash, primary_key=True),
        Column("plan", Hash, primary_key=True),
        Column("min_credits", BigInteger, nullable=False),
        Column("max_credits", BigInteger, nullable=False),
        Column("place", BigInteger, nullable=False),
        Index("agent_plans_by_plan", "plan"),
    )
    op.create_table(
        "catalogue_undo",
        Column("block", BigInteger, primary_key=True, autoincrement=False),
        Column("name", Text, primary_key=True),
        Column("key", LargeBinary, primary_key=True),
        Column("before", LargeBinary),
    )


def _create_fees() -> None:
    """Create the tables of fees."""
    op.create_table(
        "fees",
        Column("place", Number, primary_key=True, autoincrement=False),
        Column("fee_bps", Integer, nullable=False),
        Column("receiver", Account, nullable=False),
    )
    op.create_table(
        "forgone",
        Column("place", Number, primary_key=True, autoincrement=False),
        Column("plan", Hash, nullable=False),
        Column("receiver", Account, nullable=False),
        Column("amount", Uint256, nullable=False),
        *_only_postgres(UINT256, "amount"),
        Index("forgone_by_plan", "plan", "place"),
    )


def upgrade() -> None:
    """Create all tables."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(EXACT_SUM)
    _create_state()
    _create_logs()
    _create_movements()
    _create_accounts()
    _create_plans()
    _create_agents()
    _create_fees()
