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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO

from eth_typing import ChecksumAddress

from nvm_chain.types.json_text import parse_json

try:
    import fcntl
except ImportError:  # not on Windows, where processes do not wait for each other
    fcntl = None  # type: ignore[assignment]

STATE_VARIABLE: Final = "NVM_CHAIN_STATE"
"""The environment's name for the folder of the journals; without it, where the system keeps the state of programs."""
KEPT: Final = 200
"""Entries of a journal that are kept when it grows to twice as many."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that was signed to be sent. ``time`` is of this machine's clock, ``node`` is the URL without secrets.

    ``taken`` is whether the node was seen to have it. If it was not, a later transaction takes the same nonce, so that only
    one of the two can ever be mined.
    """

    nonce: int
    hash: str
    time: int
    node: str = ""
    taken: bool = False


class Memory:
    """What a process remembers of the accounts that send: whose turn it is, and what no journal has taken."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Sent]] = {}
        self._renew_locks()

    def _renew_locks(self) -> None:
        """Begin with free locks: a process that was forked has copies of those that threads of the other one hold."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def find_lock(self, address: str) -> threading.Lock:
        """Return the lock of an account."""
        if self._process != os.getpid():
            self._renew_locks()
        with self._lock:
            return self._locks.setdefault(address, threading.Lock())


class Turn:
    """The right to send for an account, until the next one gets it."""

    def __init__(self, unwritten: list[Sent], journal: TextIO | None) -> None:
        """Take what no journal has taken, to which is added, and the journal."""
        written = [] if journal is None else _read_sent(journal)
        self.sent = [*written, *(each for each in unwritten if each.hash not in {item.hash for item in written})]
        """What was sent before, oldest first; the last one is that of this turn, once it is written down."""
        self._unwritten, self._journal = unwritten, journal

    def write_down(self, nonce: int, transaction_hash: str, node: str = "") -> None:
        """Note a transaction before it is handed over, so that a process that ends meanwhile leaves a trace of it."""
        self.sent.append(Sent(nonce, transaction_hash, int(time.time()), node))
        self._note(self.sent[-1])

    def confirm(self) -> None:
        """Note that the node has the last one."""
        self.confirm_other(self.sent[-1].hash)

    def confirm_other(self, transaction_hash: str | None) -> bool:
        """Note that the node has an earlier one, and return whether it is there."""
        for place, each in enumerate(self.sent):
            if each.hash == transaction_hash:
                self.sent[place] = replace(each, taken=True)
                self._note(self.sent[place])
                return True
        return False

    def take_back(self) -> None:
        """Note that the node did not take the last one."""
        refused = self.sent.pop()
        self._forget(refused)
        self._append({**asdict(refused), "refused": True})

    def _note(self, sent: Sent) -> None:
        """Write an entry down; on a full disk, and without a journal, the process alone remembers it."""
        self._forget(sent)
        if not self._append(asdict(sent)):
            self._unwritten.append(sent)
            del self._unwritten[:-KEPT]

    def _forget(self, sent: Sent) -> None:
        self._unwritten[:] = [each for each in self._unwritten if each.hash != sent.hash]

    def _append(self, entry: dict[str, object]) -> bool:
        """Write an entry to the disk, and return whether it is there."""
        if self._journal is not None:
            with suppress(OSError):
                line = f"{json.dumps(entry)}\n".encode()
                is_whole = os.write(self._journal.fileno(), line) == len(line)
                os.fsync(self._journal.fileno())
                return is_whole
        return False


_MEMORIES: Final[dict[tuple[Path, int], Memory]] = {}
"""Of each folder and chain, for every connection of this process: two of them may send for one account."""


class Accounts:
    """The accounts that send on one chain, each with what it has sent."""

    def __init__(self, chain_id: int, folder: Path | None) -> None:
        """Take the folder of the journals, or None for a chain that ends with this process."""
        self._chain_id, self._folder = chain_id, folder
        self._memory = Memory() if folder is None else _MEMORIES.setdefault((folder, chain_id), Memory())

    @contextmanager
    def turn(self, address: ChecksumAddress) -> Iterator[Turn]:
        """Wait for an account's turn and hold it: no thread and no process of this machine sends for it meanwhile."""
        with self._memory.find_lock(address), self._open_journal(address) as journal:
            yield Turn(self._memory.sent.setdefault(address, []), journal)

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return what was sent for an account from this machine, oldest first; refused ones left out. No request."""
        path = self._path(address)
        if path is None or not path.is_file():
            return []
        return _parse(path.read_text("utf-8", "replace"))

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
            _lock(file, "LOCK_EX")
            try:
                yield file
            finally:
                _lock(file, "LOCK_UN")  # a process that was forked meanwhile has the file open, too


def find_state_folder() -> Path | None:
    """Return the folder where this machine's journals are, or None where there is no home."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named)
    with suppress(RuntimeError, KeyError):
        base = os.environ.get("XDG_STATE_HOME") or (Path.home() / ".local" / "state")
        return Path(base) / "nvm_chain"
    return None


def _lock(file: TextIO, name: str) -> None:
    """Lock or unlock a file, where the system and the file system can."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, getattr(fcntl, name))


def _open(path: Path) -> TextIO | None:
    """Open a journal, or return None where nothing can be written: then only this process keeps the order."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+", encoding="utf-8", errors="replace")
    return None


def _read_sent(journal: TextIO) -> list[Sent]:
    """Return what a journal has, and repair or shorten it."""
    journal.seek(0)
    text = journal.read()
    sent = _parse(text)
    if text and not text.endswith("\n"):
        with suppress(OSError):
            os.write(journal.fileno(), b"\n")  # a process ended in the middle of a line
    if text.count("\n") > 2 * KEPT:
        newest = "".join(json.dumps(asdict(each)) + "\n" for each in sent[-KEPT:])
        with suppress(OSError):
            journal.truncate(0)
            os.write(journal.fileno(), newest.encode())
    return sent


def _parse(text: str) -> list[Sent]:
    """Read a journal. A line that was not written to its end is left out."""
    found: dict[str, Sent] = {}
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError, OverflowError):
            entry: Any = parse_json(line.encode())
            times = int(entry["nonce"]), str(entry["hash"]), int(entry["time"])
            sent = Sent(*times, str(entry.get("node", "")), entry.get("taken") is True)
            found.pop(sent.hash, None)
            if not entry.get("refused"):
                found[sent.hash] = sent
    return list(found.values())
