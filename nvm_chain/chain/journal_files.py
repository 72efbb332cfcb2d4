"""Files of journals: opened, locked against other processes, shortened, and read."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TextIO, TypeAlias

from nvm_chain.chain.journal_entries import Sent, choose_kept, format_entries, parse_entries
from nvm_chain.types.file_locks import try_lock, unlock

Wait: TypeAlias = Callable[[Callable[[], bool]], None]
"""A function that calls a try to lock until it succeeds. It raises an error when it gives up."""
_OPEN_JOURNALS: Final[set[TextIO]] = set()
"""The journal files that are open, because the turns of their accounts are in progress."""


def close_all() -> None:
    """Close all open journals. A forked process calls it, because they belong to turns of its parent."""
    for journal in list(_OPEN_JOURNALS):
        with suppress(OSError):
            journal.close()
    _OPEN_JOURNALS.clear()


@contextmanager
def open_journal(path: Path | None, wait: Wait) -> Iterator[TextIO | None]:
    """Open and lock a journal during the ``with`` block, and shorten it first if it is long.

    Without a path, or if the file cannot be written, there is no journal.
    """
    if path is None:
        yield None
        return
    with ExitStack() as opened:
        file = _open_locked(path, opened, wait)
        yield file if file is None else _shorten(path, file, opened, wait)


def read_sent(journal: TextIO) -> list[Sent]:
    """Return the entries of a journal, and end its last line if it is incomplete."""
    journal.seek(0)
    text = journal.read()
    if text and not text.endswith("\n"):
        with suppress(OSError):
            os.write(journal.fileno(), b"\n")  # a process ended while it wrote the line
    return parse_entries(text)


@contextmanager
def _locked(file: TextIO, wait: Wait) -> Iterator[None]:
    """Hold the file lock of an open journal during the ``with`` block, and close the journal at the end."""
    _OPEN_JOURNALS.add(file)
    try:
        wait(partial(_lock, file))
        yield
    finally:
        _OPEN_JOURNALS.discard(file)
        unlock(file)  # closing alone may not unlock: a forked process may have the file open too
        file.close()


def _open_locked(path: Path, opened: ExitStack, wait: Wait) -> TextIO | None:
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


def _shorten(path: Path, file: TextIO, opened: ExitStack, wait: Wait) -> TextIO:
    """Replace a long journal with a file of its newest entries. Return the open file of the journal."""
    file.seek(0)
    kept = choose_kept(file.read())
    if kept is None:
        return file
    shorter = path.with_suffix(".new")
    with suppress(OSError):
        shorter.unlink(missing_ok=True)
        new = shorter.open("a+", encoding="utf-8", errors="replace")
        opened.enter_context(_locked(new, wait))
        newest = format_entries(each.fields() for each in kept)
        # Written without the file's buffer: on a full disk, a file with a filled buffer fails to close.
        if os.write(new.fileno(), newest) == len(newest):
            os.fsync(new.fileno())
            shorter.replace(path)
            return new
    return file


def _lock(file: TextIO) -> bool:
    """Lock a file, if the file system has locks. Do not wait. Return False if another process has the lock."""
    try:
        return try_lock(file)
    except (OSError, ValueError):  # the file system has no locks, or a forked process has closed the file
        return True


def _open(path: Path) -> TextIO | None:
    """Open a journal. Return None if it cannot be written: then only the threads of this process take turns."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+", encoding="utf-8", errors="replace")
    return None
