"""Downloads of files. Either the complete and verified file appears at its target, or no file does.

A caller can verify a file before it keeps the file. So nobody spends credits for missing or wrong bytes.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from nvm_chain.errors import DownloadFailed, DownloadMismatch, InvalidConfig, TargetExists
from nvm_chain.storage.file_names import safe_file_name as safe_file_name
from nvm_chain.storage.file_sources import Access, Source, open_source
from nvm_chain.storage.http import TIMEOUT_SECONDS, Answer, Fail, strip_url
from nvm_chain.storage.ipfs_store import IpfsStore
from nvm_chain.types.atomic_files import Draft, open_draft
from nvm_chain.types.paths import parse_path

MAX_BYTES: Final = 1 << 34
"""Default size limit of a file: 16 GiB, in bytes."""

Progress = Callable[[int, int | None], None]
"""Callback with the received bytes and the expected total bytes. The total is None if it is unknown."""


@dataclass(frozen=True, slots=True)
class Download:
    """Downloaded file: its path, its size in bytes, and its SHA-256 as 64 hexadecimal digits."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """What is declared about a file: its length in bytes, and its SHA-256 as 64 hexadecimal digits. Also its size limit."""

    length: int | None = None
    sha256: str | None = None
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        """Check the values. Raises InvalidConfig."""
        if self.max_bytes < 0 or (self.length is not None and self.length < 0):
            raise InvalidConfig("a file's length is 0 or more bytes")
        if self.sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", self.sha256):
            raise InvalidConfig("a file's SHA-256 is 64 hexadecimal digits")


class Fetched:
    """Fetched and verified file under a temporary name, in the folder of its target. `fetch` yields one."""

    def __init__(self, draft: Draft, size: int, sha256: str, *, overwrite: bool) -> None:
        """Store a complete temporary file."""
        self.path = draft.path
        self.size = size
        self.sha256 = sha256
        self.overwrites = overwrite
        self._draft = draft

    def keep(self) -> Download:
        """Rename the file to its target. Raises TargetExists if a file appeared at the target, and OSError.

        After an error the temporary file stays until the ``with`` block of `fetch` ends. Until then a retry is possible.
        """
        try:
            self._draft.put(overwrite=self.overwrites)
        except FileExistsError:
            raise TargetExists(str(self._draft.target)) from None
        return Download(self._draft.target, self.size, self.sha256)


def download(
    url: str,
    target: Path | str,
    *,
    length: int | None = None,
    sha256: str | None = None,
    headers: Mapping[str, str] | None = None,
    on_progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    timeout_seconds: int = TIMEOUT_SECONDS,
    overwrite: bool = False,
    allow_file: bool = False,
    ipfs: IpfsStore | None = None,
) -> Download:
    """Download a file, verify it, and write it to its target. After an error the target is unchanged.

    The URL is http, https, data:, file: or ipfs:. The function follows at most five redirects, and none from https to
    http. It sends the caller's headers only to the URL's own host and port.

    Args:
        url: The URL of the file.
        target: The path of the new file.
        length: The declared length, in bytes.
        sha256: The declared SHA-256, 64 hexadecimal digits. An ipfs: URL needs it, except if the CID is of raw bytes.
        headers: Headers for the request.
        overwrite: Whether the download may replace an existing file.
        allow_file: Whether file: URLs may be read.
        ipfs: The store whose node reads ipfs: URLs.
        max_bytes: The size limit in bytes. Default: 16 GiB.
        timeout_seconds: The longest wait for the next bytes of a server, in seconds.
        on_progress: Callback with the received bytes and the expected total bytes. The total is None if the server does
            not tell it.

    Raises:
        InvalidConfig: The length, the SHA-256 or the target is malformed.
        TargetExists: A file or folder exists at the target.
        DownloadFailed: The file cannot be fetched or written.
        DownloadMismatch: The file differs from the declared length or SHA-256.
    """
    fetching = fetch(
        url,
        target,
        length=length,
        sha256=sha256,
        headers=headers,
        on_progress=on_progress,
        max_bytes=max_bytes,
        timeout_seconds=timeout_seconds,
        overwrite=overwrite,
        allow_file=allow_file,
        ipfs=ipfs,
    )
    with fetching as fetched, _disk_errors(partial(DownloadFailed, strip_url(url))):
        return fetched.keep()


@contextmanager
def fetch(
    url: str,
    target: Path | str,
    *,
    length: int | None = None,
    sha256: str | None = None,
    headers: Mapping[str, str] | None = None,
    on_progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    timeout_seconds: int = TIMEOUT_SECONDS,
    overwrite: bool = False,
    allow_file: bool = False,
    ipfs: IpfsStore | None = None,
    on_refused: Callable[[Answer], object] | None = None,
) -> Iterator[Fetched]:
    """Fetch and verify a file, and yield it under its temporary name.

    `Fetched.keep` moves the file to the target. Until then the target is unchanged. The end of the ``with`` block removes
    a file that was not kept. The arguments and errors are those of `download`. ``on_refused`` gets a refusal.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     target = Path(folder) / "greeting.txt"
    ...     with fetch("data:,hello", target, length=5) as fetched:
    ...         print(fetched.size, target.exists())
    5 False
    """
    shown, path = strip_url(url), parse_path(target, "place of the download")
    declared, fail = DeclaredFile(length, sha256, max_bytes), partial(DownloadFailed, shown)
    with _disk_errors(fail):
        _check_target(path, overwrite, fail)
    with ExitStack() as stack:
        with _disk_errors(fail):
            draft = stack.enter_context(open_draft(path))
        access = Access(headers or {}, timeout_seconds, allow_file, ipfs, max_bytes, sha256 is not None, on_refused)
        with open_source(url, access, fail) as source:
            _check_announced(shown, source, declared)
            received = _receive(shown, source, draft, declared, on_progress or _say_nothing)
        _check_hash(shown, declared.sha256, received[1])
        _check_hash(shown, source.sha256, received[1])
        with _disk_errors(fail):
            draft.seal()
        yield Fetched(draft, *received, overwrite=overwrite)


def _check_target(path: Path, overwrite: bool, fail: Fail) -> None:
    if not overwrite and os.path.lexists(path):
        raise TargetExists(str(path))
    if path.is_dir() or not path.name:
        raise fail("the target is a folder")


@contextmanager
def _disk_errors(fail: Fail) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a ValueError for a zero byte in a path
        raise fail(getattr(error, "strerror", None) or "the target is not a path of a file") from None


def _say_nothing(_size: int, _total: int | None) -> None:
    pass


def _check_announced(shown: str, source: Source, declared: DeclaredFile) -> None:
    """Check the length that the server announces, before the file is received."""
    if source.length is None:
        return
    if declared.length not in (None, source.length):
        raise DownloadMismatch(shown, "length", str(declared.length), str(source.length))
    _check_size(shown, source.length, declared)


def _check_size(shown: str, size: int, declared: DeclaredFile) -> None:
    if declared.length is not None and size > declared.length:
        raise DownloadMismatch(shown, "length", str(declared.length), f"{size} bytes or more")
    if size > declared.max_bytes:
        raise DownloadFailed(shown, f"it is longer than the {declared.max_bytes} bytes of max_bytes")


def _receive(
    shown: str, source: Source, draft: Draft, declared: DeclaredFile, on_progress: Progress
) -> tuple[int, str]:
    """Write the received bytes to the temporary file. Return its size in bytes and its SHA-256."""
    total = source.length if declared.length is None else declared.length
    size, hashed = 0, hashlib.sha256()
    on_progress(0, total)
    for block in source.blocks:
        size += len(block)
        _check_size(shown, size, declared)
        with _disk_errors(partial(DownloadFailed, shown)):
            draft.file.write(block)
        hashed.update(block)
        on_progress(size, total)
    if declared.length not in (None, size):
        raise DownloadMismatch(shown, "length", str(declared.length), str(size))
    return size, hashed.hexdigest()


def _check_hash(shown: str, expected: str | None, actual: str) -> None:
    if expected is not None and expected.lower() != actual:
        raise DownloadMismatch(shown, "SHA-256", expected.lower(), actual)
