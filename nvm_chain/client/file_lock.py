"""Lock between processes: a file that only one process at a time can lock. The lock ends with its process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nvm_chain.errors import InvalidConfig
from nvm_chain.types.file_locks import unlock, wait_for_lock


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
            wait_for_lock(file)
        except OSError as error:
            problem = f"the lock {str(path)!r} cannot be taken: {error.strerror}"
            raise InvalidConfig(
                problem, "give a place on a local disk, or end the process that holds the lock"
            ) from None
        try:
            yield
        finally:
            unlock(file)  # closing alone may not unlock: a forked process may have the file open too
