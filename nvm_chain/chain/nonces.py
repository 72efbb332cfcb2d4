"""Who sends next: one transaction of an account after the other, in this process and among the processes of this machine.

A node may not know yet what was sent a moment ago, and two that ask at once are told the same nonce. So whoever sends takes
a turn: chooses the nonce, signs, writes down what is sent, hands it over, and lets the next one go on.
"""

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TextIO
from weakref import WeakSet

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
KEPT_SECONDS: Final = 3_600
"""Younger entries are kept, too: many may be on their way at once."""
KEPT_AT_MOST: Final = 1_000
MOST_REMEMBERED: Final = 4 * KEPT_AT_MOST
"""Lines of journals that are kept in memory as they were read. A journal has at most half as many."""


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

    def fields(self) -> dict[str, object]:
        """Return what a journal has of it."""
        return {"nonce": self.nonce, "hash": self.hash, "time": self.time, "node": self.node, "taken": self.taken}


_ALL_MEMORIES: "Final[WeakSet[Memory]]" = WeakSet()
_OPEN_JOURNALS: Final[set[TextIO]] = set()
"""Those of turns that are held now."""


def _begin_forked() -> None:
    """Take no part in the turns of the process that this one was forked from: its locks are copies, its journals are open."""
    for memory in list(_ALL_MEMORIES):
        memory.renew_locks()
    for journal in list(_OPEN_JOURNALS):
        with suppress(OSError):
            journal.close()
    _OPEN_JOURNALS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_forked)


class Memory:
    """What a process remembers of the accounts that send: whose turn it is, and what no journal has taken."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Sent]] = {}
        self.renew_locks()
        _ALL_MEMORIES.add(self)

    def renew_locks(self) -> None:
        """Begin with free locks."""
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def find_lock(self, address: str) -> threading.Lock:
        """Return the lock of an account."""
        with self._lock:
            return self._locks.setdefault(address, threading.Lock())


class Turn:
    """The right to send for an account, until the next one gets it."""

    def __init__(self, unwritten: list[Sent], journal: TextIO | None) -> None:
        """Take what no journal has taken, to which is added, and the journal."""
        written = [] if journal is None else _read_sent(journal)
        newer = {each.hash: each for each in unwritten}
        self.sent = [newer.pop(each.hash, each) for each in written] + list(newer.values())
        """What was sent before, oldest first; the last ones are those of this turn, once they are written down."""
        self._unwritten, self._journal = unwritten, journal

    def write_down(self, nonce: int, transaction_hash: str, node: str = "") -> None:
        """Note a transaction before it is handed over, so that a process that ends meanwhile leaves a trace of it."""
        self.write_all_down([(nonce, transaction_hash)], node)

    def write_all_down(self, sent: Iterable[tuple[int, str]], node: str = "") -> None:
        """Note transactions by nonce and hash, as `write_down` does."""
        now = int(time.time())
        self.sent += (new := [Sent(nonce, transaction_hash, now, node) for nonce, transaction_hash in sent])
        self._note(new)

    def confirm(self, hashes: Iterable[str] | None = None) -> int:
        """Note that the node has some that were written down, now or earlier; the last one if not given. Return how many."""
        wanted = {self.sent[-1].hash} if hashes is None else set(hashes)
        found = []
        for place, each in enumerate(self.sent):
            if each.hash in wanted:
                self.sent[place] = replace(each, taken=True)
                found.append(self.sent[place])
        if found:
            self._note(found)
        return len(found)

    def confirm_new(self, transaction_hash: str | None) -> bool:
        """Note that the node has one of earlier turns, and return whether that was not known."""
        was_lost = any(each.hash == transaction_hash and not each.taken for each in self.sent)
        return was_lost and self.confirm([str(transaction_hash)]) > 0

    def take_back(self, hashes: Iterable[str] | None = None) -> None:
        """Note that the node did not take some that were written down; the last one if not given."""
        wanted = {self.sent[-1].hash} if hashes is None else set(hashes)
        refused = [each for each in self.sent if each.hash in wanted]
        self.sent[:] = [each for each in self.sent if each.hash not in wanted]
        self._forget(refused)
        self._append([{**each.fields(), "refused": True} for each in refused])

    def _note(self, sent: list[Sent]) -> None:
        """Write entries down; on a full disk, and without a journal, the process alone remembers them."""
        self._forget(sent)
        if not self._append([each.fields() for each in sent]):
            self._unwritten += sent
            del self._unwritten[:-KEPT_AT_MOST]

    def _forget(self, sent: Iterable[Sent]) -> None:
        if self._unwritten:
            forgotten = {each.hash for each in sent}
            self._unwritten[:] = [each for each in self._unwritten if each.hash not in forgotten]

    def _append(self, entries: Sequence[dict[str, object]]) -> bool:
        """Write entries to the disk, and return whether they are there."""
        if self._journal is not None:
            with suppress(OSError, ValueError):  # a forked process has closed it
                lines = "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
                is_whole = os.write(self._journal.fileno(), lines) == len(lines)
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
        if path is None:
            yield None
            return
        with ExitStack() as opened:
            file = _open_locked(path, opened)
            yield file if file is None else _shorten(path, file, opened)


@contextmanager
def _locked(file: TextIO) -> Iterator[None]:
    """Hold the lock of an open journal, and close it."""
    _OPEN_JOURNALS.add(file)
    _lock(file, "LOCK_EX")
    try:
        yield
    finally:
        _OPEN_JOURNALS.discard(file)
        _lock(file, "LOCK_UN")  # a process that was forked meanwhile may have the file open, too
        file.close()


def _open_locked(path: Path, opened: ExitStack) -> TextIO | None:
    """Open a journal and lock it. Another process may put a shorter one in its place while the lock is waited for."""
    while True:
        file = _open(path)
        if file is None:
            return None
        opened.enter_context(_locked(file))
        if _is_at(path, file):
            return file
        opened.close()


def _is_at(path: Path, file: TextIO) -> bool:
    """Return whether a path still names an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _shorten(path: Path, file: TextIO, opened: ExitStack) -> TextIO:
    """Put a journal with the newest entries in the place of a long one, and return what is written to now."""
    file.seek(0)
    text = file.read()
    lines, first = text.count("\n"), text.partition("\n")[0]
    if lines <= 2 * KEPT or (lines <= 2 * KEPT_AT_MOST and _count_young(_parse(first))):
        return file
    sent = _parse(text)
    kept = max(KEPT, _count_young(sent[-KEPT_AT_MOST:]))
    if lines <= 2 * kept:
        return file
    shorter = path.with_suffix(".new")
    with suppress(OSError):
        shorter.unlink(missing_ok=True)
        new = shorter.open("a+", encoding="utf-8", errors="replace")
        opened.enter_context(_locked(new))
        new.write("".join(json.dumps(each.fields()) + "\n" for each in sent[-kept:]))
        new.flush()
        os.fsync(new.fileno())
        shorter.replace(path)
        return new
    return file


def find_state_folder() -> Path | None:
    """Return the folder where this machine's journals are, or None where there is no home."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    with suppress(RuntimeError, KeyError):
        base = os.environ.get("XDG_STATE_HOME") or (Path.home() / ".local" / "state")
        return Path(base) / "nvm_chain"
    return None


def _lock(file: TextIO, name: str) -> None:
    """Lock or unlock a file, where the system and the file system can."""
    if fcntl is not None:
        with suppress(OSError, ValueError):  # a forked process has closed it
            fcntl.flock(file, getattr(fcntl, name))


def _open(path: Path) -> TextIO | None:
    """Open a journal, or return None where nothing can be written: then only this process keeps the order."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+", encoding="utf-8", errors="replace")
    return None


def _read_sent(journal: TextIO) -> list[Sent]:
    """Return what a journal has, and repair its last line."""
    journal.seek(0)
    text = journal.read()
    if text and not text.endswith("\n"):
        with suppress(OSError):
            os.write(journal.fileno(), b"\n")  # a process ended in the middle of a line
    return _parse(text)


def _count_young(sent: Sequence[Sent]) -> int:
    begin = time.time() - KEPT_SECONDS
    return sum(each.time >= begin for each in sent)


def _parse(text: str) -> list[Sent]:
    """Read a journal. A line that was not written to its end is left out."""
    found: dict[str, Sent] = {}
    for line in text.splitlines():
        entry = _parse_line(line)
        if entry is not None:
            sent, is_refused = entry
            found.pop(sent.hash, None)
            if not is_refused:
                found[sent.hash] = sent
    return list(found.values())


@lru_cache(MOST_REMEMBERED)
def _parse_line(line: str) -> tuple[Sent, bool] | None:
    """Return an entry, and whether it was refused. Remembered: a process reads the same lines at each transaction."""
    with suppress(ValueError, KeyError, TypeError, OverflowError):
        entry: Any = parse_json(line.encode())
        times = int(entry["nonce"]), str(entry["hash"]), int(entry["time"])
        return Sent(*times, str(entry.get("node", "")), entry.get("taken") is True), bool(entry.get("refused"))
    return None
