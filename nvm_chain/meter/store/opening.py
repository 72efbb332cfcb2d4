"""The door of a store: find its database, make or migrate it, and refuse one that belongs to another chain."""

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert

from nvm_chain.errors import OtherChain
from nvm_chain.index import database
from nvm_chain.index.migrating import Schema, check_version, migrate, read_version
from nvm_chain.meter.store.leases import drop_leases
from nvm_chain.meter.store.payments import free_payments
from nvm_chain.meter.store.schema import VERSION, VERSION_TABLE, books
from nvm_chain.meter.store.store import Store
from nvm_chain.types.addresses import format_address, parse_address
from nvm_chain.types.amounts import check_uint

SCHEMA: Final = Schema(VERSION, VERSION_TABLE, "nvm_chain.meter.store")


def open_store(where: str | Path, *, chain_id: int, credits: str) -> Store:
    """Open the books of a meter, and make them if there are none.

    Args:
        where: The path of a file of SQLite, or a URL of PostgreSQL.
        chain_id: The chain that the books belong to.
        credits: The address of Credits that the books belong to.

    Raises:
        WrongDatabase: The database belongs to another program.
        NewerSchema: A newer version of this package wrote the books.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The database does not answer, or another process has the file.
        IndexNotWritable: The books may only be read.
        DiskFull: There is no room for new books.
        InvalidConfig: ``where`` is not a path or a URL of SQLite or PostgreSQL.
        MissingExtra: A package for the database is not installed.
    """
    check_uint(chain_id, database.NUMBER_BITS, "chain_id")
    address = parse_address(credits)
    engine, label = database.find_engine(where, create=True)
    store = Store(engine, label)
    with ExitStack() as ending:
        ending.callback(store.close)
        store.prepare(lambda connection: _make(connection, label, chain_id, address))
        begin(store)
        ending.pop_all()
    return store


def begin(store: Store) -> None:
    """Read the latest block's time, and end the leases and the work of processes that had a file before, which have ended."""
    store.run([])
    if store.is_sqlite:
        drop_leases(store)
        free_payments(store)


EMPTY: Final = {"head_number": 0, "head_hash": bytes(32), "head_time": 0, "head_seen_at": 0, "closed_until": 0}
"""The state of new books."""


def _make(connection: Connection, label: str, chain_id: int, credits: str) -> None:
    migrate(connection, label, SCHEMA)
    check_version(read_version(connection, label, SCHEMA), label, SCHEMA)
    found = connection.exec_driver_sql("SELECT chain_id, credits FROM books").all()
    if not found:
        values = {"chain_id": chain_id, "credits": bytes.fromhex(credits[2:]), "store_id": secrets.token_bytes(16)}
        connection.execute(insert(books).values(id=1, **EMPTY, **values))
        return
    check_origin(connection, label, chain_id, credits)


def check_origin(connection: Connection, label: str, chain_id: int | None, credits: str | None) -> None:
    """Check what books belong to. None stands for any. Raises OtherChain."""
    ((found_chain, found_credits),) = connection.exec_driver_sql("SELECT chain_id, credits FROM books").all()
    for what, known, expected in (
        ("chain", found_chain, chain_id),
        ("Credits", format_address(bytes(found_credits)), credits),
    ):
        if expected is not None and known != expected:
            raise OtherChain(label, what, known, expected)
