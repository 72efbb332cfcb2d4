"""Atomic files: write a draft beside the target, then rename the draft. So nobody ever sees half a file.

The package writes all its files with these functions.
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
"""The number of characters of the target's name in the draft's name. File systems limit the length of a name."""
OWNER_ONLY: Final = 0o600
"""The rights of a file with secrets or with purchases: only its owner may read and write it."""
ANYBODY: Final = 0o666
"""The rights of other new files, before the umask of the process removes some of them."""


class Draft:
    """A file that is being written: ``.<name>.<random>.part`` beside the target. Get one from `open_draft`."""

    def __init__(self, target: Path) -> None:
        """Choose the draft's name. The file is not created yet."""
        self.target = target
        self.path = target.parent / f".{target.name[:NAME_KEPT]}.{token_hex(8)}.part"
        self._files: list[BinaryIO] = []

    @property
    def file(self) -> BinaryIO:
        """The file, open for writing until the draft is sealed."""
        return self._files[0]

    def open(self, mode: int = ANYBODY) -> None:
        """Create the file with the rights ``mode``, of which the umask may remove some. Raises OSError."""
        descriptor = os.open(self.path, _WRITE_FLAGS, mode)
        self._files.append(os.fdopen(descriptor, "wb"))

    def seal(self) -> None:
        """Write all buffered bytes to the disk, and close the file. Raises OSError, for example if the disk is full."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def put(self, *, overwrite: bool) -> None:
        """Rename the sealed draft to its target in one step. Raises OSError.

        If the target exists and ``overwrite`` is False, raises FileExistsError.
        """
        if overwrite:
            self.path.replace(self.target)
        else:
            self._put_new()
        _sync_folder(self.target.parent)

    def _put_new(self) -> None:
        """Make a hard link at the target, because a link never replaces a file. Without links, check and rename."""
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
            with suppress(OSError):  # closing writes the buffered bytes, and the disk may be full
                file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def open_draft(target: Path, mode: int = ANYBODY) -> Iterator[Draft]:
    """Open a draft of a file. After the block, the draft is removed unless `Draft.put` renamed it. Raises OSError."""
    draft = Draft(target)
    try:
        draft.open(mode)
        yield draft
    finally:
        draft.drop()


def write_whole(target: Path, text: str, *, overwrite: bool = True, mode: int | None = None) -> Path:
    """Write a text to a file as UTF-8 in one step, wait until it is on the disk, and return the file's path.

    Args:
        target: The path of the file. With ``overwrite``, a symbolic link stays, and the linked file is replaced.
        text: The new content of the file.
        overwrite: Whether an existing file is replaced.
        mode: The file's rights. If not given, the rights of the replaced file, or those of any new file.

    Raises:
        FileExistsError: The target exists, and ``overwrite`` is False.
        OSError: The file cannot be written. An existing file is unchanged.
    """
    place = Path(os.path.realpath(target)) if overwrite else target
    rights = _read_rights(place) if mode is None else mode
    with open_draft(place, ANYBODY if rights is None else rights) as draft:
        if rights is not None:
            draft.path.chmod(rights)  # the umask may have removed some rights
        draft.file.write(text.encode())
        draft.seal()
        draft.put(overwrite=overwrite)
    return place


def _read_rights(path: Path) -> int | None:
    """Return the rights of a file, or None if the file does not exist."""
    try:
        return S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Write a folder's list of names to the disk, if the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READ_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""The flags for reading. Without ``O_NONBLOCK``, opening a pipe would wait until another process writes into it."""


def open_regular(path: Path | str, *, follow_links: bool) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for a folder, a pipe or a device.

    If ``follow_links`` is False, raises OSError for a symbolic link too.
    """
    if not follow_links and Path(path).is_symlink():  # for systems without O_NOFOLLOW
        raise OSError(EINVAL, "It is a symbolic link")
    descriptor = os.open(path, _READ_FLAGS | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0)))
    try:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(EINVAL, "It is not a regular file")
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise
