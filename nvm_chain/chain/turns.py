"""Turns of accounts: only one thread of one process on this machine sends for an account at a time.

A node may not count a transaction that was sent a moment ago, and gives two simultaneous senders the same nonce. So
each account has a lock. A turn is the time for which a sender holds the lock: the sender chooses the nonce, signs the
transaction, notes it in the account's journal, and broadcasts it.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO
from weakref import WeakSet

from eth_typing import ChecksumAddress

from nvm_chain.chain.journal_entries import KEPT_AT_MOST, Sent, format_entries, parse_entries
from nvm_chain.chain.journal_files import close_all, open_journal, read_sent
from nvm_chain.chain.progress import tell
from nvm_chain.chain.repeating import Pauses
from nvm_chain.errors import AccountBusy

LEAST_PATIENCE_SECONDS: Final = 10
"""The shortest limit of the wait for an account's turn. Several others may have their turns before."""
QUIET_SECONDS: Final = 1
"""How long a wait for a turn lasts before the progress function is called."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.002, 0.05


_ALL_MEMORIES: "Final[WeakSet[Memory]]" = WeakSet()


def _begin_forked() -> None:
    """Renew the locks and close the journals in a forked process, because they belong to turns of its parent."""
    for memory in list(_ALL_MEMORIES):
        memory.renew_locks()
    close_all()


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
        written = [] if journal is None else read_sent(journal)
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
                lines = format_entries(entries)
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
        with wait.hold(self._memory.find_lock(address)), open_journal(self._path(address), wait.call) as journal:
            yield Turn(self._memory.sent.setdefault(address, []), journal)

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return the journal of an account, oldest entry first, without refused transactions. No request."""
        path = self._path(address)
        if path is None or not path.is_file():
            return []
        return parse_entries(path.read_text("utf-8", "replace"))

    def _path(self, address: ChecksumAddress) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._chain_id}-{address.lower()}.jsonl"


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

    def call(self, lock: Callable[[], bool]) -> None:
        """Call a try to lock a journal until it succeeds. Raises AccountBusy."""
        began = time.monotonic()
        pauses = Pauses(self._seconds or math.inf, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while not lock():
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
