"""Turns of accounts: only one thread of one process on this machine sends for an account at a time.

A node may not count a transaction that was sent a moment ago, and gives two simultaneous senders the same nonce. So
each account has a lock. A turn is the time for which a sender holds the lock: the sender chooses the nonce, signs the
transaction, notes it in the account's journal, and broadcasts it.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TextIO
from weakref import WeakSet

from eth_typing import ChecksumAddress

from nvm_chain.chain.progress import tell
from nvm_chain.chain.repeating import Pauses
from nvm_chain.errors import AccountBusy
from nvm_chain.types.json_text import parse_json

try:
    import fcntl
except ImportError:  # Windows has no fcntl, so only the threads of one process wait for each other there
    fcntl = None  # type: ignore[assignment]

STATE_VARIABLE: Final = "NVM_CHAIN_STATE"
"""The environment variable with the folder of the journals. If it is not set, the user's state folder is used."""
KEPT: Final = 200
"""The number of newest entries that always remain in a journal.

Only a journal with more than twice as many lines is shortened.
"""
KEPT_SECONDS: Final = 3_600
"""Entries younger than this number of seconds remain too, because many transactions may be under way at once."""
KEPT_AT_MOST: Final = 1_000
"""The largest number of entries that remain in a shortened journal."""
MOST_REMEMBERED: Final = 4 * KEPT_AT_MOST
"""The largest number of parsed journal lines in memory. It is twice the largest number of lines in a journal."""
LEAST_PATIENCE_SECONDS: Final = 10
"""The shortest limit of the wait for an account's turn. Several others may have their turns before."""
QUIET_SECONDS: Final = 1
"""How long a wait for a turn lasts before the progress function is called."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.002, 0.05


@dataclass(frozen=True, slots=True)
class Sent:
    """A journal entry: a signed transaction. ``time`` is a Unix timestamp. ``node`` is the node's URL without secrets.

    ``taken`` tells whether the node confirmed that it has the transaction. If the node did not, a later transaction
    takes the same nonce, so that only one of the two can ever be mined.
    """

    nonce: int
    hash: str
    time: int
    node: str = ""
    taken: bool = False

    def fields(self) -> dict[str, object]:
        """Return the entry as the JSON object in the journal."""
        return {"nonce": self.nonce, "hash": self.hash, "time": self.time, "node": self.node, "taken": self.taken}


_ALL_MEMORIES: "Final[WeakSet[Memory]]" = WeakSet()
_OPEN_JOURNALS: Final[set[TextIO]] = set()
"""The journal files that are open, because the turns of their accounts are in progress."""


def _begin_forked() -> None:
    """Renew the locks and close the journals in a forked process, because they belong to turns of its parent."""
    for memory in list(_ALL_MEMORIES):
        memory.renew_locks()
    for journal in list(_OPEN_JOURNALS):
        with suppress(OSError):
            journal.close()
    _OPEN_JOURNALS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_forked)


class Memory:
    """What a process remembers for one chain: locks of accounts, and entries that could not be written to a journal."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Sent]] = {}
        self.renew_locks()
        _ALL_MEMORIES.add(self)

    def renew_locks(self) -> None:
        """Replace all locks with free ones."""
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def find_lock(self, address: str) -> threading.Lock:
        """Return the lock of an account. It is created on first use."""
        with self._lock:
            return self._locks.setdefault(address, threading.Lock())


class Turn:
    """The exclusive right to send for an account, until the ``with`` block of `Accounts.turn` ends."""

    def __init__(self, unwritten: list[Sent], journal: TextIO | None) -> None:
        """Take the list of entries that could not be written, and the open journal. The turn changes the list."""
        written = [] if journal is None else _read_sent(journal)
        newer = {each.hash: each for each in unwritten}
        self.sent = [newer.pop(each.hash, each) for each in written] + list(newer.values())
        """The account's entries, oldest first. `write_down` appends the entries of this turn."""
        self._unwritten, self._journal, self._is_torn = unwritten, journal, False

    def write_down(self, nonce: int, transaction_hash: str, node: str = "") -> None:
        """Note a transaction before its broadcast. The journal then has it even if the process ends meanwhile."""
        self.write_all_down([(nonce, transaction_hash)], node)

    def write_all_down(self, sent: Iterable[tuple[int, str]], node: str = "") -> None:
        """Note several transactions, each as its nonce and its hash, as `write_down` does."""
        now = int(time.time())
        self.sent += (new := [Sent(nonce, transaction_hash, now, node) for nonce, transaction_hash in sent])
        self._note(new)

    def confirm(self, hashes: Iterable[str] | None = None) -> int:
        """Note that the node has the transactions with these hashes. Without ``hashes``, confirm the last entry.

        Return the number of entries found.
        """
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
        """If an entry has this hash and is not confirmed yet, note that the node has the transaction.

        Return whether there was such an entry.
        """
        was_lost = any(each.hash == transaction_hash and not each.taken for each in self.sent)
        return was_lost and self.confirm([str(transaction_hash)]) > 0

    def take_back(self, hashes: Iterable[str] | None = None) -> None:
        """Remove the entries with these hashes, because the transactions were refused or replaced.

        Without ``hashes``, remove the last entry.
        """
        wanted = {self.sent[-1].hash} if hashes is None else set(hashes)
        refused = [each for each in self.sent if each.hash in wanted]
        self.sent[:] = [each for each in self.sent if each.hash not in wanted]
        self._forget(refused)
        self._append([{**each.fields(), "refused": True} for each in refused])

    def _note(self, sent: list[Sent]) -> None:
        """Write entries to the journal. On a full disk or without a journal, keep them in the memory of the process."""
        self._forget(sent)
        if not self._append([each.fields() for each in sent]):
            self._unwritten += sent
            del self._unwritten[:-KEPT_AT_MOST]

    def _forget(self, sent: Iterable[Sent]) -> None:
        if self._unwritten:
            forgotten = {each.hash for each in sent}
            self._unwritten[:] = [each for each in self._unwritten if each.hash not in forgotten]

    def _append(self, entries: Sequence[dict[str, object]]) -> bool:
        """Append entries to the journal. Return whether all of them are on the disk."""
        if self._journal is not None:
            with suppress(OSError, ValueError):  # the disk is full, or a forked process has closed the journal
                lines = "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
                begun = b"\n" if self._is_torn else b""  # the line break ends an incomplete line
                self._is_torn = os.write(self._journal.fileno(), begun + lines) != len(begun + lines)
                os.fsync(self._journal.fileno())
                return not self._is_torn
        return False


_MEMORIES: Final[dict[tuple[Path, int], Memory]] = {}
"""The memory for each folder and chain id.

All connections of this process share it, because two of them may use the same account.
"""


class Accounts:
    """Lets one thread of one process at a time send for an account, and keeps a journal of what it sent.

    All accounts are on one chain.
    """

    def __init__(self, chain_id: int, folder: Path | None) -> None:
        """Take the chain id and the folder of the journals.

        The folder is None for a chain that ends with this process.
        """
        self._chain_id, self._folder = chain_id, folder
        self._memory = Memory() if folder is None else _MEMORIES.setdefault((folder, chain_id), Memory())

    @contextmanager
    def turn(
        self,
        address: ChecksumAddress,
        timeout_seconds: int | None = None,
        on_progress: Callable[[str], object] | None = None,
    ) -> Iterator[Turn]:
        """Wait until the account is free, and hold its lock during the ``with`` block.

        No other thread and no other process of this machine sends for the account meanwhile.

        Args:
            address: The account.
            timeout_seconds: The longest wait for a lock, in seconds. It is at least 10. The wait has no end if not
                given.
            on_progress: A function that is called with a sentence if the wait is long.

        Raises:
            AccountBusy: The wait is over, and another thread or process still holds the lock.
        """
        wait = _Wait(address, timeout_seconds, on_progress)
        with wait.hold(self._memory.find_lock(address)), self._open_journal(address, wait) as journal:
            yield Turn(self._memory.sent.setdefault(address, []), journal)

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return the journal of an account, oldest entry first, without refused transactions. No request."""
        path = self._path(address)
        if path is None or not path.is_file():
            return []
        return _parse(path.read_text("utf-8", "replace"))

    def _path(self, address: ChecksumAddress) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._chain_id}-{address.lower()}.jsonl"

    @contextmanager
    def _open_journal(self, address: ChecksumAddress, wait: "_Wait") -> Iterator[TextIO | None]:
        path = self._path(address)
        if path is None:
            yield None
            return
        with ExitStack() as opened:
            file = _open_locked(path, opened, wait)
            yield file if file is None else _shorten(path, file, opened, wait)


class _Wait:
    """The wait for the turn of an account, for the lock of its threads and then for the lock of its journal."""

    def __init__(
        self, address: ChecksumAddress, timeout_seconds: int | None, on_progress: Callable[[str], object] | None
    ) -> None:
        self._address, self._on_progress = address, on_progress
        self._seconds = None if timeout_seconds is None else max(timeout_seconds, LEAST_PATIENCE_SECONDS)
        self._is_told = False

    @contextmanager
    def hold(self, lock: threading.Lock) -> Iterator[None]:
        """Hold a lock of this process during the ``with`` block. Raises AccountBusy."""
        if not lock.acquire(timeout=QUIET_SECONDS):
            self._tell()
            if not lock.acquire(timeout=-1 if self._seconds is None else self._seconds - QUIET_SECONDS):
                raise self._give_up()
        try:
            yield
        finally:
            lock.release()

    def lock(self, file: TextIO) -> None:
        """Lock a journal. Raises AccountBusy."""
        began = time.monotonic()
        pauses = Pauses(self._seconds or math.inf, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while not _lock(file, "LOCK_EX"):
            if not pauses.wait():
                raise self._give_up()
            if time.monotonic() - began >= QUIET_SECONDS:
                self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None and not self._is_told:
            self._is_told = True
            tell(self._on_progress, f"Waiting until another program on this machine has sent for {self._address}")

    def _give_up(self) -> AccountBusy:
        return AccountBusy(self._address, self._seconds or 0)


@contextmanager
def _locked(file: TextIO, wait: _Wait) -> Iterator[None]:
    """Hold the file lock of an open journal during the ``with`` block, and close the journal at the end."""
    _OPEN_JOURNALS.add(file)
    try:
        wait.lock(file)
        yield
    finally:
        _OPEN_JOURNALS.discard(file)
        _lock(file, "LOCK_UN")  # closing alone may not unlock: a forked process may have the file open too
        file.close()


def _open_locked(path: Path, opened: ExitStack, wait: _Wait) -> TextIO | None:
    """Open and lock a journal. Return None if it cannot be opened.

    While this process waits for the lock, another process may replace the file with a shorter one. Then the new file is
    opened and locked.
    """
    while True:
        file = _open(path)
        if file is None:
            return None
        opened.enter_context(_locked(file, wait))
        if _is_at(path, file):
            return file
        opened.close()


def _is_at(path: Path, file: TextIO) -> bool:
    """Return whether an open file is still the file at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _shorten(path: Path, file: TextIO, opened: ExitStack, wait: _Wait) -> TextIO:
    """Replace a long journal with a file of its newest entries. Return the open file of the journal."""
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
        opened.enter_context(_locked(new, wait))
        newest = "".join(json.dumps(each.fields()) + "\n" for each in sent[-kept:]).encode()
        # Written without the file's buffer: on a full disk, a file with a filled buffer fails to close.
        if os.write(new.fileno(), newest) == len(newest):
            os.fsync(new.fileno())
            shorter.replace(path)
            return new
    return file


def find_state_folder() -> Path | None:
    """Return the folder of this machine's journals, or None if the user has no home folder."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    with suppress(RuntimeError, KeyError):
        base = os.environ.get("XDG_STATE_HOME") or (Path.home() / ".local" / "state")
        return Path(base) / "nvm_chain"
    return None


def _lock(file: TextIO, name: str) -> bool:
    """Lock or unlock a file, if the system and the file system support locks. Do not wait.

    Return False if another process has the lock.
    """
    if fcntl is not None:
        try:
            fcntl.flock(file, getattr(fcntl, name) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except (OSError, ValueError):  # the file system has no locks, or a forked process has closed the file
            return True
    return True


def _open(path: Path) -> TextIO | None:
    """Open a journal. Return None if it cannot be written: then only the threads of this process take turns."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+", encoding="utf-8", errors="replace")
    return None


def _read_sent(journal: TextIO) -> list[Sent]:
    """Return the entries of a journal, and end its last line if it is incomplete."""
    journal.seek(0)
    text = journal.read()
    if text and not text.endswith("\n"):
        with suppress(OSError):
            os.write(journal.fileno(), b"\n")  # a process ended while it wrote the line
    return _parse(text)


def _count_young(sent: Sequence[Sent]) -> int:
    begin = time.time() - KEPT_SECONDS
    return sum(each.time >= begin for each in sent)


def _parse(text: str) -> list[Sent]:
    """Return the entries of a journal's text. Incomplete lines and refused transactions are left out."""
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
    """Return the entry on a line, and whether the transaction was refused, or None if the line is incomplete.

    Results are cached, because a process reads the same lines again for each transaction.
    """
    with suppress(ValueError, KeyError, TypeError, OverflowError):
        entry: Any = parse_json(line.encode())
        times = int(entry["nonce"]), str(entry["hash"]), int(entry["time"])
        return Sent(*times, str(entry.get("node", "")), entry.get("taken") is True), bool(entry.get("refused"))
    return None
