"""The door of an index: find its database, make or migrate it, and refuse one that belongs to another chain."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nvm_chain.errors import IndexUnavailable, InvalidConfig, OtherChain
from nvm_chain.index import postgres, sqlite
from nvm_chain.index.migrating import check_version, migrate, read_version
from nvm_chain.index.store import Index as Index
from nvm_chain.index.store import IndexState as IndexState
from nvm_chain.index.store import load_state
from nvm_chain.index.writing import Batch as Batch
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint

NUMBER_BITS: Final = 63
"""The bits of a column of whole numbers, without its sign."""


class Origin(NamedTuple):
    """What an index has to belong to. None stands for any."""

    chain_id: int | None
    credits: str | None
    agents: str | None


def open_index(
    where: str | Path,
    *,
    chain_id: int | None = None,
    credits: str | None = None,
    agents: str | None = None,
    first_block: int = 0,
    create: bool = False,
) -> Index:
    """Open an index: a file of SQLite by its path or ``sqlite:///``, or PostgreSQL by ``postgresql://``.

    Args:
        where: The path or the URL.
        chain_id: The chain that the index has to belong to. None for any.
        credits: The Credits that the index has to belong to. None for any.
        agents: The AgentRegistry that the index has to belong to. None for any.
        first_block: The first block of a new index: the block of the deployment of Credits, or an earlier one.
        create: Whether to make the index if there is none, and to migrate an older one. A new index needs ``chain_id``
            and ``credits``.

    Raises:
        WrongDatabase: The file or database is not an index.
        OlderSchema: The index has an older schema, and ``create`` is False.
        NewerSchema: The index was written by a newer version of this package.
        OtherChain: The index belongs to another chain or other contracts.
        IndexUnavailable: The file does not exist, or the server does not answer.
        IndexNotWritable: The index has to be made or migrated, and may only be read.
        DiskFull: There is no room for a new index.
        InvalidConfig: ``where`` is not a path or a URL of SQLite or PostgreSQL, or a new index misses its chain.
        InvalidAddress: An address is not one.
        InvalidAmount: The chain id or the first block is negative or too large.
        MissingExtra: A package for the database is not installed.
    """
    for name, number in (("chain_id", 0 if chain_id is None else chain_id), ("first_block", first_block)):
        check_uint(number, NUMBER_BITS, name)
    origin = Origin(chain_id, credits and parse_address(credits), agents and parse_address(agents))
    index = Index(*find_engine(where, create=create))
    with ExitStack() as ending:
        ending.callback(index.close)
        if create:
            _make(index, origin, first_block)
        with index.snapshot() as connection:
            check_version(read_version(connection, index.label), index.label)
        check_origin(index.label, index.read_state(), origin)
        ending.pop_all()  # the index stays open, because nothing failed
    return index


def find_engine(where: str | Path, *, create: bool) -> tuple[Engine, str]:
    """Return the engine of a database that nobody has looked at, and the database's name without secrets.

    Raises:
        IndexUnavailable: The file does not exist, and ``create`` is False.
        InvalidConfig: ``where`` is not a path or a URL of SQLite or PostgreSQL.
        MissingExtra: A package for the database is not installed.
    """
    url = _parse(where)
    if url.get_backend_name() == "postgresql":
        place = f"{url.host or 'local'}:{url.port}" if url.port else url.host or "local"
        return postgres.open_engine(url), f"postgresql://{place}/{url.database or ''}"
    path = Path(url.database or "")
    if not create and not path.is_file():
        raise IndexUnavailable(str(path), "the file does not exist")
    return sqlite.open_engine(path, create=create), str(path)


def _parse(where: str | Path) -> URL:
    if isinstance(where, str) and "://" not in where and LIBPQ.search(where):
        raise InvalidConfig("the index is in the form of libpq, which is not read here", ADVICE)
    if isinstance(where, Path) or "://" not in where:
        url = URL.create("sqlite", database=str(where))
    else:
        try:
            url = make_url(where)
        except (ArgumentError, ValueError):
            raise InvalidConfig("the URL of the index cannot be read", ADVICE) from None
    if "@" in (url.host or ""):
        raise InvalidConfig(
            "the URL of the index has more than one @", "write %40 for an @ in the name or the password"
        )
    if url.get_backend_name() not in ("sqlite", "postgresql") or not (url.database or "").strip(":").strip():
        raise InvalidConfig("the index is not a file of SQLite or a database of PostgreSQL", ADVICE)
    return url


LIBPQ: Final = re.compile(r"\b(password|host|dbname)\s*=")
"""What a connection of libpq has as text, which may hold a password."""
ADVICE: Final = "give a path, or a URL such as sqlite:///index.db or postgresql://host/database"


def _make(index: Index, origin: Origin, first_block: int) -> None:
    """Make an index or migrate an older one, in one transaction. Another program's database stays as it is."""
    with index.snapshot() as connection:
        version = read_version(connection, index.label)
        if version is not None and version.isdigit() and _has_state(connection):
            check_origin(index.label, load_state(connection), origin)
    if index.is_sqlite:
        with index.typed_errors():
            sqlite.prepare_file(index.engine)
    with index.writing() as connection:
        migrate(connection, index.label)
        if not _has_state(connection):
            _describe(connection, index, origin, first_block)
        check_origin(index.label, load_state(connection), origin)


def _has_state(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("SELECT count(*) FROM state").scalar_one())


def _describe(connection: Connection, index: Index, origin: Origin, first_block: int) -> None:
    """Write which chain a new index is for."""
    if origin.chain_id is None or origin.credits is None:
        raise InvalidConfig("a new index needs its chain", "give `chain_id` and `credits`")
    credits, agents = (address and bytes.fromhex(address[2:]) for address in (origin.credits, origin.agents))
    index.take_pen(connection).change(
        "INSERT INTO state (id, chain_id, credits, agents, first_block) VALUES (1, ?, ?, ?, ?)",
        (origin.chain_id, credits, agents, first_block),
    )


def check_origin(where: str, state: IndexState, origin: Origin) -> None:
    """Raise OtherChain if an index does not belong to what is expected."""
    for what, found, expected in (
        ("chain", state.chain_id, origin.chain_id),
        ("Credits", state.credits, origin.credits),
        ("AgentRegistry", state.agents, origin.agents),
    ):
        if expected is None or found == expected:
            continue
        if found is None:
            error = OtherChain(where, what, "none", expected)
            raise error.explain(f"it was made without {what}", f"build a new index with the address of {what}")
        raise OtherChain(where, what, found, expected)
