"""Destinations of downloaded files. Either all files reach their places, or none."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from shutil import copy2

from nvm_chain.errors import DownloadFailed, InvalidConfig, TargetExists
from nvm_chain.errors.formatting import count, quote
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.storage.downloads import Fetched
from nvm_chain.storage.file_names import check_file_names


def place_files(entries: Sequence[FileEntry], destination: str | Path) -> list[Path]:
    """Return the place of each file: its name in a folder, or the given path for a single file.

    Raises:
        UnsafeFileName: A name could point outside the folder.
        InvalidConfig: The folder does not exist.
    """
    names, path, given = check_file_names(entry.name for entry in entries), Path(destination), str(destination)
    try:
        is_folder, has_parent = path.is_dir(), path.parent.is_dir()
    except (OSError, ValueError):  # too long, or with a zero byte
        raise InvalidConfig(f"{quote(given)} cannot be a path", "give a folder") from None
    if not given:
        raise InvalidConfig("the destination is empty", "give a folder")
    if is_folder:
        return [path / name for name in names]
    if len(names) > 1:
        raise InvalidConfig(
            f"{quote(given)} is not a folder, and {count(len(names), 'file')} go into one", _advise(given)
        )
    if given.endswith(("/", os.sep)):
        raise InvalidConfig(f"{quote(given)} is not a folder", _advise(given))
    if given == "~":
        raise InvalidConfig(f"{quote(given)} is not a folder", _advise(given))
    if not has_parent or not path.name:
        folder = quote(str(path.parent))
        raise InvalidConfig(f"{folder} is not a folder, so {quote(given)} cannot be in it", _advise(given))
    return [path]


def _advise(given: str) -> str:
    if given.startswith("~"):
        return "make the folder first; ~ is only a name here, and `Path.home()` is your own folder"
    return "make the folder first"


def keep_all(fetched: Sequence[Fetched], targets: Sequence[Path], transaction: str) -> tuple[str, ...]:
    """Move all files to their places, or none.

    Raises:
        DownloadFailed: A file could not be moved to its place. The message names the transaction that paid for the files.
    """
    try:
        return tuple(str(path) for path in _keep_or_restore(fetched, targets))
    except (TargetExists, OSError) as error:
        paid = f"; its credits were spent in {transaction}" if transaction else ""
        raise DownloadFailed("the received files", f"{error}{paid}") from None


def _keep_or_restore(fetched: Sequence[Fetched], targets: Sequence[Path]) -> list[Path]:
    """Move all files to their places. After an error or an interrupt, put every place back as it was."""
    kept: list[Path] = []
    with ExitStack() as done, ExitStack() as undo:
        for file, target in zip(fetched, targets, strict=True):
            before = _save_before(target, done) if file.overwrites else None
            kept.append(file.keep().path)
            undo.callback(_undo(target, before))
        undo.pop_all()
    return kept


def _save_before(target: Path, done: ExitStack) -> Path | None:
    """Save the existing file of a place under another name. None if the place is empty. Raises OSError."""
    if not os.path.lexists(target):
        return None
    before = target.with_name(f".{target.name[:40]}.{token_hex(8)}.before")
    done.callback(before.unlink, missing_ok=True)
    try:
        before.hardlink_to(target)
    except OSError:  # a file system without links
        copy2(target, before)
    return before


def _undo(target: Path, before: Path | None) -> Callable[[], object]:
    """Return a function that restores a place."""
    return target.unlink if before is None else lambda: before.replace(target)
