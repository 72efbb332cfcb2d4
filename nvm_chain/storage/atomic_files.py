"""Files that are there whole or not at all: written under another name beside their place, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from secrets import token_hex
from stat import S_ISREG
from typing import BinaryIO, Final

NAME_KEPT: Final = 40
"""Characters of the target's name in the draft's, which must not get too long for a file system."""


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

    def open(self) -> None:
        """Create the file. Raises OSError."""
        self._files.append(self.path.open("xb"))

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
def open_draft(target: Path) -> Iterator[Draft]:
    """Open a draft of a file. It is removed at the end, whatever happens, unless it was put. Raises OSError."""
    draft = Draft(target)
    try:
        draft.open()
        yield draft
    finally:
        draft.drop()


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
