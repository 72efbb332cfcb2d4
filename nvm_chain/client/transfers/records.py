"""Records of signed transfers: how much was signed, and which transfers may still move money although no answer settled them."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from nvm_chain.client.file_lock import hold_lock
from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Time
from nvm_chain.types.atomic_files import OWNER_ONLY, open_regular, write_whole
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.paths import parse_path

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A signed transfer whose outcome is not known. ``header`` is the payment as it was sent, and is good until ``valid_before``."""

    nonce: str
    valid_before: Time
    header: str = field(repr=False)
    transaction: str = ""


@dataclass(slots=True)
class Book:
    """What an account has signed of each token, in base units, and its transfers without a known outcome, by their requests."""

    signed: dict[str, int] = field(default_factory=dict)
    unsettled: dict[str, Unsettled] = field(default_factory=dict)


class Records(Protocol):
    """Store of the signed transfers of one account."""

    def lock(self) -> AbstractContextManager[None]:
        """Lock the records. Other threads and processes wait until the block ends."""

    def read(self) -> Book:
        """Return the records. The caller has to hold the lock, and may change what it gets."""

    def write(self, book: Book) -> None:
        """Replace the records. The caller has to hold the lock."""


class MemoryRecords:
    """Records in memory, for the life of the process."""

    def __init__(self) -> None:
        """Start without records."""
        self._lock, self._book = Lock(), Book()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the records. Other threads wait until the block ends."""
        with self._lock:
            yield

    def read(self) -> Book:
        """Return the records."""
        return self._book

    def write(self, book: Book) -> None:
        """Replace the records."""
        self._book = book


class RecordFile:
    """Records in a file that any number of processes and accounts share. It has signed payments, so only its owner can read it."""

    def __init__(self, path: Path | str, account: str) -> None:
        """Store the path of the file and the name of the account in it. The file may be missing. Raises InvalidConfig."""
        self._path = Path(os.path.realpath(parse_path(path, "state file")))
        self._account = account
        if not self._path.parent.is_dir():
            raise InvalidConfig(f"there is no folder {str(self._path.parent)!r} for the state file", "make it first")
        self._load()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the records. Other threads and processes wait. The lock is a second file in the same folder."""
        with hold_lock(self._path.with_name(f"{self._path.name}.lock")):
            yield

    def read(self) -> Book:
        """Return the records. Raises InvalidConfig."""
        return self._load().get(self._account, Book())

    def write(self, book: Book) -> None:
        """Replace the records, on the disk. Raises InvalidConfig."""
        books = {**self._load(), self._account: book}
        try:
            write_whole(self._path, _format(books), mode=OWNER_ONLY)
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be written") from None

    def _load(self) -> dict[str, Book]:
        try:
            with open_regular(self._path, follow_links=True) as file:
                return _parse(parse_json(file.read()))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be read") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._refuse("this package did not write it") from None

    def _refuse(self, reason: str) -> InvalidConfig:
        return InvalidConfig(
            f"the state file {str(self._path)!r} cannot be used: {reason}",
            "restore the file, or make room on its disk; a new file does not have the signed transfers, and may pay again",
        )


def _format(books: Mapping[str, Book]) -> str:
    accounts = {
        account: {
            "signed": {token: str(amount) for token, amount in book.signed.items()},
            "unsettled": {request: asdict(transfer) for request, transfer in book.unsettled.items()},
        }
        for account, book in books.items()
    }
    return json.dumps({"version": VERSION, "transfers": accounts}, indent=1, sort_keys=True) + "\n"


def _parse(told: Any) -> dict[str, Book]:
    if told["version"] != VERSION:
        raise ValueError("not a version of this package")
    return {
        str(account): Book(
            {str(token): int(amount) for token, amount in book["signed"].items()},
            {str(request): Unsettled(**transfer) for request, transfer in book["unsettled"].items()},
        )
        for account, book in told["transfers"].items()
    }
