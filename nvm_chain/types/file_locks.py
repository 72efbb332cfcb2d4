"""Locks on files, between the processes of one machine. A lock ends with its process.

A lock belongs to an opened file, and a forked process shares it. The lock ends when one of the processes unlocks the
file, or when all of them have closed it. So unlock a file before you close it.
"""

import os
import sys
from contextlib import suppress
from typing import IO, Any, Final

if sys.platform == "win32":
    import msvcrt

    LOCKED_BYTE: Final = 2**31 - 1
    """The position of the locked byte. Other processes cannot read a locked byte, so it is far beyond the file's end."""
    _TRY, _WAIT, _UNLOCK = msvcrt.LK_NBLCK, msvcrt.LK_LOCK, msvcrt.LK_UNLCK
    _Held = PermissionError

    def _change(file: IO[Any], mode: int) -> None:
        descriptor = file.fileno()
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, mode, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)

else:
    import fcntl

    _TRY, _WAIT, _UNLOCK = fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX, fcntl.LOCK_UN
    _Held = BlockingIOError

    def _change(file: IO[Any], mode: int) -> None:
        fcntl.flock(file, mode)


def try_lock(file: IO[Any]) -> bool:
    """Lock a file that is open for writing. Do not wait. Return False if another opened file has the lock.

    Raises OSError if the file system has no locks, and ValueError if the file is closed.
    """
    try:
        _change(file, _TRY)
    except _Held:
        return False
    return True


def wait_for_lock(file: IO[Any]) -> None:
    """Wait until a file that is open for writing is free, and lock it.

    Raises OSError if the file system has no locks, and on Windows if the file is not free after ten seconds. Raises
    ValueError if the file is closed.
    """
    _change(file, _WAIT)


def unlock(file: IO[Any]) -> None:
    """Unlock a file. Ignore that it is free or closed, or that the file system has no locks."""
    with suppress(OSError, ValueError):
        _change(file, _UNLOCK)
