"""The books of a command: its option, and how they are opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.lazy import meter_operating
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.meter.store.writer import Writer

WHICH: Final = "Which books? Give --meter PATH|URL, or set NVM_CHAIN_METER."


def books_option(function: Any) -> Any:
    """Add the option that names the books of a meter."""
    return click.option(
        "--meter",
        type=Text(),
        metavar="PATH|URL",
        help="File of a meter's books, or URL of books in PostgreSQL.",
    )(function)


@contextmanager
def open_books(session: Session, meter: str | None) -> "Iterator[Writer]":
    """Open the books of a command. If the session is connected, they have to belong to its chain.

    Raises:
        IndexFailure: The books are not there, or not usable.
        OtherChain: The books belong to another chain.
    """
    if meter is None:
        raise click.UsageError(WHICH)
    with meter_operating.open_books(meter, session.chain) as writer:
        yield writer
