"""Files that are there whole or not at all: written under another name beside their place, then renamed.

Every file that this package writes is written here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from typing import BinaryIO, Final

NAME_KEPT: Final = 40
"""Characters of the target's name in the draft's, which must not get too long for a file system."""
OWNER_ONLY: Final = 0o600
"""Who may read and write a file that tells a secret, or who buys what."""
ANYBODY: Final = 0o666
"""Of these rights, those that the process gives to new files."""


class Draft:
    """A file that is being written: ``.<name>.<random>.part`` beside the target. Get one from `open_draft`."""

    def __init__(self, target: Path) -> None:
        """Choose the name; there is no file yet."""
        self.target = target
        self.path = target.parent / f".{target.name[:NAME_KEPT]}.{token_hex(8)}.part"
        self._files: list[BinaryIO] = []

    @property
    def file(self) -> BinaryIO:
        """The file, open for writing until the draft is sealed."""
        return self._files[0]

    def open(self, mode: int = ANYBODY) -> None:
        """Create the file with at most these rights. Raises OSError."""
        descriptor = os.open(self.path, _WRITE_FLAGS, mode)
        self._files.append(os.fdopen(descriptor, "wb"))

    def seal(self) -> None:
        """Write what is buffered to the disk and end the writing. Raises OSError, as of a full disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def put(self, *, overwrite: bool) -> None:
        """Rename the sealed draft to its target at once. Raises FileExistsError unless ``overwrite``, and OSError."""
        if overwrite:
            self.path.replace(self.target)
        else:
            self._put_new()
        _sync_folder(self.target.parent)

    def _put_new(self) -> None:
        """Link, which never replaces anything; where a file system has no links, look and rename."""
        try:
            self.target.hardlink_to(self.path)
        except FileExistsError:
            raise
        except OSError:
            if os.path.lexists(self.target):
                raise FileExistsError(str(self.target)) from None
            self.path.replace(self.target)
        else:
            self.path.unlink()

    def drop(self) -> None:
        """Remove the draft if it is still there."""
        for file in self._files:
            with suppress(OSError):  # closing writes what is buffered, and the disk may be full
                file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def open_draft(target: Path, mode: int = ANYBODY) -> Iterator[Draft]:
    """Open a draft of a file. It is removed at the end, whatever happens, unless it was put. Raises OSError."""
    draft = Draft(target)
    try:
        draft.open(mode)
        yield draft
    finally:
        draft.drop()


def write_whole(target: Path, text: str, *, overwrite: bool = True, mode: int | None = None) -> Path:
    """Write a text as UTF-8 to a file, whole or not at all and on the disk, and return where it is.

    Args:
        target: The place. If it is a symbolic link, the file that it leads to is replaced and the link stays.
        text: What the file has in it afterwards.
        overwrite: Whether a file at the place is replaced.
        mode: The file's rights. Those of the file that is replaced if not given, or those of any new file.

    Raises:
        FileExistsError: Something is at the place, and ``overwrite`` is False.
        OSError: The file cannot be written. What was at the place is as it was.
    """
    place = Path(os.path.realpath(target)) if overwrite else target
    rights = _read_rights(place) if mode is None else mode
    with open_draft(place, ANYBODY if rights is None else rights) as draft:
        if rights is not None:
            draft.path.chmod(rights)  # the process may give fewer to new files
        draft.file.write(text.encode())
        draft.seal()
        draft.put(overwrite=overwrite)
    return place


def _read_rights(path: Path) -> int | None:
    """Return the rights of a file, or None if there is none."""
    try:
        return S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READ_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe would wait for somebody to write into it."""


def open_regular(path: Path | str, *, follow_links: bool) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for a folder, a pipe or a device, and for a link that is not followed."""
    if not follow_links and Path(path).is_symlink():  # where there is no O_NOFOLLOW
        raise OSError(EINVAL, "It is a symbolic link")
    descriptor = os.open(path, _READ_FLAGS | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0)))
    try:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(EINVAL, "It is not a regular file")
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise
