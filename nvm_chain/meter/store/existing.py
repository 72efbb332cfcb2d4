"""Books that exist: open them without making any, and say what they belong to and how they stand."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.errors import IndexUnavailable
from nvm_chain.errors.fields import Credits, Number, Quantity, Time
from nvm_chain.index.database import find_engine
from nvm_chain.index.migrating import check_version, read_version
from nvm_chain.meter.store.opening import SCHEMA, begin, check_origin
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import IN_USE, Store
from nvm_chain.types.addresses import format_address

STATE: Final = (
    "SELECT chain_id, credits, head_number, head_time, {clock} - head_seen_at, closed_until, {clock} FROM books"
)
SUMS: Final = (
    "SELECT count(*), coalesce({sum}(committed), 0), coalesce({sum}(held), 0), coalesce({sum}(taken), 0), "
    "coalesce({sum}(written_off), 0) FROM accounts"
)
SUM: Final = {"sqlite": "exact_sum", "postgresql": "sum"}
"""Aggregates whose sums may be larger than a column."""
SERVES: Final = (
    "another process has the file open, and a file has its books for one process alone",
    "use this in the process that serves, or end that process first. With books in PostgreSQL, both can run",
)


@dataclass(frozen=True, slots=True)
class BooksState:
    """How books stand.

    ``seen_seconds`` is how long ago the chain was read. Before ``closed_until``, vouchers that may be from before a restored
    backup are refused. ``written_off`` was charged, and lapsed before it was taken.
    """

    chain_id: Number
    credits_contract: ChecksumAddress
    head_number: Number
    head_time: Time
    seen_seconds: Quantity
    closed_until: Time
    is_closed: bool
    accounts: Quantity
    charged: Credits
    held: Credits
    taken: Credits
    written_off: Credits


def open_existing_store(where: str | Path, *, chain_id: int | None = None, credits: str | None = None) -> Store:
    """Open books that exist. Nothing is made or migrated.

    Args:
        where: The path of a file of SQLite, or a URL of PostgreSQL.
        chain_id: The chain that the books have to belong to. None for any.
        credits: The Credits that the books have to belong to. None for any.

    Raises:
        WrongDatabase: The database has no books.
        OlderSchema: An older version of this package wrote the books.
        NewerSchema: A newer version of this package wrote the books.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The database does not answer, the file does not exist, or another process has it.
        InvalidConfig: ``where`` is not a path or a URL of SQLite or PostgreSQL.
        MissingExtra: A package for the database is not installed.
    """
    engine, label = find_engine(where, create=False)
    store = Store(engine, label)
    with ExitStack() as ending:
        ending.callback(store.close)
        try:
            store.prepare(lambda connection: _check(connection, label, chain_id, credits))
        except IndexUnavailable as error:
            if (error.explanation or ("",))[0] == IN_USE:
                error.explain(*SERVES)
            raise
        begin(store)
        ending.pop_all()
    return store


def _check(connection: Connection, label: str, chain_id: int | None, credits: str | None) -> None:
    check_version(read_version(connection, label, SCHEMA), label, SCHEMA)
    check_origin(connection, label, chain_id, credits)


def read_head(store: Store) -> tuple[int, int]:
    """Return the number of the latest block that books have seen, and how many seconds ago. It takes no longer with more accounts.

    Raises IndexFailure if the books cannot be read.
    """
    with store.asking() as pen:
        (state,) = pen.ask(STATE.format(clock=CLOCK[store.engine.dialect.name]))
    _, _, number, _, seen, *_ = state
    return number, max(0, seen)


def read_books_state(store: Store) -> BooksState:
    """Return how books stand. Raises IndexFailure if they cannot be read."""
    with store.asking() as pen:
        (state,) = pen.ask(STATE.format(clock=CLOCK[store.engine.dialect.name]))
        (sums,) = pen.ask(SUMS.format(sum=SUM[store.engine.dialect.name]))
    chain_id, credits, number, time, seen, closed_until, clock = state
    contract = format_address(bytes(credits))
    numbers = (int(each) for each in sums)
    return BooksState(chain_id, contract, number, time, max(0, seen), closed_until, clock < closed_until, *numbers)
