"""Who sends next: one transaction of an account after the other, in this process and among the processes of this machine.

A node may not know yet what was sent a moment ago, and two that ask at once are told the same nonce. So whoever sends takes
a turn: chooses the nonce, signs, writes down what is sent, hands it over, and lets the next one go on.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TextIO

from eth_typing import ChecksumAddress

try:
    import fcntl
except ImportError:  # not on Windows, where processes do not wait for each other
    fcntl = None  # type: ignore[assignment]

STATE_VARIABLE: Final = "NVM_CHAIN_STATE"
"""The environment's name for the folder of the journals; without it, where the system keeps the state of programs."""
KEPT: Final = 1000
"""Entries of a journal that are kept when it grows to twice as many."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that was handed to a node, or was about to be. ``time`` is of this machine's clock."""

    nonce: int
    hash: str
    time: int


class Turn:
    """The right to send for an account, until the next one gets it."""

    def __init__(self, last: Sent | None, journal: TextIO | None) -> None:
        self.last = last
        self._journal = journal

    def write_down(self, nonce: int, transaction_hash: str) -> None:
        """Note a transaction before it is handed over, so that a process that ends meanwhile leaves a trace of it."""
        self.last = Sent(nonce, transaction_hash, int(time.time()))
        self._append({**asdict(self.last)})

    def take_back(self) -> None:
        """Note that the last one was surely not taken."""
        if self.last is not None:
            self._append({"nonce": self.last.nonce, "hash": self.last.hash, "time": self.last.time, "refused": True})
        self.last = None

    def _append(self, entry: dict[str, object]) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(entry) + "\n")
            self._journal.flush()
            os.fsync(self._journal.fileno())


class Accounts:
    """The accounts that send on one chain, each with its last transaction."""

    def __init__(self, chain_id: int, folder: Path | None) -> None:
        """Take the folder of the journals, or None for a chain that ends with this process."""
        self._chain_id, self._folder = chain_id, folder
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._last: dict[str, Sent | None] = {}

    @contextmanager
    def turn(self, address: ChecksumAddress) -> Iterator[Turn]:
        """Wait for an account's turn and hold it: no thread and no process of this machine sends for it meanwhile."""
        with self._lock:
            lock = self._locks.setdefault(address, threading.Lock())
        with lock, self._open_journal(address) as journal:
            turn = Turn(self._last.get(address) if journal is None else _read_last(journal), journal)
            try:
                yield turn
            finally:
                self._last[address] = turn.last

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return what was sent for an account from this machine, oldest first; refused ones left out. No request."""
        path = self._path(address)
        if path is None or not path.is_file():
            return []
        return _parse(path.read_text("utf-8"))

    def _path(self, address: ChecksumAddress) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._chain_id}-{address.lower()}.jsonl"

    @contextmanager
    def _open_journal(self, address: ChecksumAddress) -> Iterator[TextIO | None]:
        path = self._path(address)
        file = None if path is None else _open(path)
        if file is None:
            yield None
            return
        with file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def find_state_folder() -> Path:
    """Return the folder where this machine's journals are."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or (Path.home() / ".local" / "state")
    return Path(base) / "nvm_chain"


def _open(path: Path) -> TextIO | None:
    """Open a journal, or return None where nothing can be written: then only this process keeps the order."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+", encoding="utf-8")
    return None


def _read_last(journal: TextIO) -> Sent | None:
    journal.seek(0)
    text = journal.read()
    sent = _parse(text)
    if text.count("\n") > 2 * KEPT:
        journal.truncate(0)
        journal.writelines(json.dumps(asdict(each)) + "\n" for each in sent[-KEPT:])
        journal.flush()
    return sent[-1] if sent else None


def _parse(text: str) -> list[Sent]:
    """Read a journal. A line that was not written to its end is left out."""
    found: dict[str, Sent] = {}
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            sent = Sent(int(entry["nonce"]), str(entry["hash"]), int(entry["time"]))
            found.pop(sent.hash, None)
            if not entry.get("refused"):
                found[sent.hash] = sent
    return list(found.values())
