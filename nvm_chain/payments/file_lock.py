"""A lock between processes: a file that one of them at a time has locked. The system frees it when a process ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nvm_chain.errors import InvalidConfig

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it inside the block. The file stays, so that everybody locks the same one.

    Raises:
        InvalidConfig: The file cannot be made or locked.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise InvalidConfig(f"the lock {str(path)!r} cannot be made: {error.strerror}", "give another place") from None
    with file:
        try:
            _take(file.fileno())
        except OSError as error:
            problem = f"the lock {str(path)!r} cannot be taken: {error.strerror}"
            raise InvalidConfig(problem, "give a place on a disk of this machine, or end who holds it") from None
        yield
