"""The books of a gateway, for commands beside it. A file belongs to the gateway while that runs, and nobody waits for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexUnavailable
from nvm_chain.meter.operating import open_books
from nvm_chain.meter.store.existing import SERVES
from nvm_chain.meter.store.store import IN_USE
from nvm_chain.meter.store.writer import Writer


def is_in_use(where: str) -> bool:
    """Return whether books are in a file that another process has for itself. Waits for nobody.

    >>> is_in_use("postgresql://db.example.com/books"), is_in_use("none.db")
    (False, False)
    """
    if "://" in where or not Path(where).is_file():
        return False
    try:
        with closing(sqlite3.connect(where, timeout=0)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    except sqlite3.DatabaseError:
        return False  # it is another file, which whoever opens the books will say
    return False


@contextmanager
def open_free_books(where: str, chain: Chain | None = None) -> Iterator[Writer]:
    """Open the books for the block of a ``with``, unless a process serves from their file.

    Args:
        where: The path of a file, or a URL of PostgreSQL.
        chain: If given, the books have to belong to this chain and its Credits.

    Raises:
        WrongDatabase: The database has no books.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The database does not answer, the file does not exist, or another process has it.
    """
    if is_in_use(where):
        raise IndexUnavailable(where, IN_USE).explain(*SERVES)
    with open_books(where, chain) as writer:
        yield writer
