"""Lock between processes: a file that only one process at a time can lock. The lock ends with its process."""

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
    """Wait for the lock, and hold it inside the block. The file is never removed, so that all processes lock the same file.

    Raises:
        InvalidConfig: The process cannot create or lock the file.
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
            raise InvalidConfig(
                problem, "give a place on a local disk, or end the process that holds the lock"
            ) from None
        yield
