"""File locks of both systems, and processes that hold them. Windows' are the package's own, on a stand-in for its library."""

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from unittest import mock

from nvm_chain.types import file_locks

SYSTEMS = ("here", "windows")


class Msvcrt(ModuleType):
    """What the package needs of the module msvcrt, by record locks: these too lock a number of bytes at the file's position."""

    LK_UNLCK, LK_LOCK, LK_NBLCK = 0, 1, 2
    OPERATIONS = (fcntl.LOCK_UN, fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        """Lock or unlock bytes. A lock that is not free is a PermissionError, as on Windows."""
        try:
            fcntl.lockf(descriptor, self.OPERATIONS[mode], count, 0, os.SEEK_CUR)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def load_locks(system: str) -> ModuleType:
    """Return the module of locks as it is on a system."""
    if system == "here":
        return file_locks
    spec = spec_from_file_location("file_locks_of_windows", str(file_locks.__file__))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with mock.patch.object(sys, "platform", "win32"), mock.patch.dict(sys.modules, msvcrt=Msvcrt("msvcrt")):
        spec.loader.exec_module(module)
    return module


class Holder:
    """A process that has locked a file."""

    def __init__(self, system: str, path: Path) -> None:
        processes = get_context("forkserver")
        self._pipe, theirs = processes.Pipe()
        self.process = processes.Process(target=_hold, args=(theirs, system, path))
        self.process.start()
        theirs.close()
        assert self._pipe.poll(60)
        assert self._pipe.recv() == "locked"

    def unlock(self) -> None:
        """Let it unlock the file. It lives on."""
        self._pipe.send("unlock")
        assert self._pipe.poll(60)
        assert self._pipe.recv() == "unlocked"

    def kill(self) -> None:
        """Kill it with the signal that no process can catch."""
        self.process.kill()
        self.process.join()


def _hold(pipe: Connection, system: str, path: Path) -> None:
    locks = load_locks(system)
    with path.open("ab") as file:
        assert locks.try_lock(file)
        pipe.send("locked")
        pipe.recv()
        locks.unlock(file)
        pipe.send("unlocked")
        pipe.recv()


@contextmanager
def hold_elsewhere(system: str, path: Path) -> Iterator[Holder]:
    """Let another process lock a file, and end it after the block."""
    holder = Holder(system, path)
    try:
        yield holder
    finally:
        holder.kill()
