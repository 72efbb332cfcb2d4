"""Downloads: a file reaches its place whole and as declared, or nothing of it is left.

A file can be looked at before it is kept. So nobody spends credits for bytes that are missing or wrong.
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
from nvm_chain.storage.http import TIMEOUT_SECONDS, Fail, strip_url
from nvm_chain.storage.ipfs_store import IpfsStore
from nvm_chain.types.atomic_files import Draft, open_draft
from nvm_chain.types.paths import parse_path

MAX_BYTES: Final = 1 << 34
"""Most bytes of a file, 16 GiB, unless the caller says otherwise."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come, and with those that will have come; None where nobody has said."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded: where it is, its size in bytes, its SHA-256 as 64 hexadecimal digits."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file was declared to be, and how large it may be. Lengths are bytes, the SHA-256 is 64 hexadecimal digits."""

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
    """A file that was fetched and is as declared, under a temporary name beside its place. Get one from `fetch`."""

    def __init__(self, draft: Draft, size: int, sha256: str, *, overwrite: bool) -> None:
        """Take a sealed draft."""
        self.path = draft.path
        self.size = size
        self.sha256 = sha256
        self.overwrites = overwrite
        self._draft = draft

    def keep(self) -> Download:
        """Rename the file to its place. Raises TargetExists if something has come there since, and OSError.

        After an error it is still there, until the ``with`` of `fetch` ends: make room and call this again.
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
    """Download a file to a place, whole and verified. If anything fails, nothing at the place has changed.

    Files come from http and https, data:, file: and ipfs:. At most five redirects are followed, and none from https to
    http. The caller's headers do not go to another host or port.

    Args:
        url: Where the file is.
        target: The place.
        length: The length that was declared, in bytes.
        sha256: The SHA-256 that was declared, 64 hexadecimal digits. An ipfs: URL needs it unless its CID is of raw
            bytes.
        headers: Headers for the request.
        overwrite: Whether a file at the place may be replaced.
        allow_file: Whether file: URLs may be read.
        ipfs: The node that ipfs: URLs are read from.
        max_bytes: The limit of the length, 16 GiB if not given.
        timeout_seconds: The longest silence of a server.
        on_progress: Called with the bytes that have come, and with those that will come; None if the server does not
            say.

    Raises:
        InvalidConfig: The length, the SHA-256 or the place is malformed.
        TargetExists: There is a file at the place.
        DownloadFailed: The file cannot be fetched.
        DownloadMismatch: The file is not as declared.
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
) -> Iterator[Fetched]:
    """Fetch and verify a file, and give it before it is kept.

    A file that is not kept is removed at the end of the ``with``. Arguments and errors are those of `download`. Until
    `Fetched.keep` is called, nothing at the target has changed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     target = Path(folder) / "greeting.txt"
    ...     with fetch("data:,hello", target, length=5) as fetched:
    ...         print(fetched.size, target.exists())
    5 False
    """
    shown, path = strip_url(url), parse_path(target, "place of the download")
    declared, fail = Declared(length, sha256, max_bytes), partial(DownloadFailed, shown)
    with _disk_errors(fail):
        _check_target(path, overwrite, fail)
    with ExitStack() as stack:
        with _disk_errors(fail):
            draft = stack.enter_context(open_draft(path))
        access = Access(headers or {}, timeout_seconds, allow_file, ipfs, max_bytes, is_declared=sha256 is not None)
        with open_source(url, access, fail) as source:
            _check_promise(shown, source, declared)
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


def _check_promise(shown: str, source: Source, declared: Declared) -> None:
    """Check the length that a server promises, before anything comes."""
    if source.length is None:
        return
    if declared.length not in (None, source.length):
        raise DownloadMismatch(shown, "length", str(declared.length), str(source.length))
    _check_size(shown, source.length, declared)


def _check_size(shown: str, size: int, declared: Declared) -> None:
    if declared.length is not None and size > declared.length:
        raise DownloadMismatch(shown, "length", str(declared.length), f"{size} bytes or more")
    if size > declared.max_bytes:
        raise DownloadFailed(shown, f"it is longer than the {declared.max_bytes} bytes of max_bytes")


def _receive(shown: str, source: Source, draft: Draft, declared: Declared, on_progress: Progress) -> tuple[int, str]:
    """Write what comes to the draft, and return its size in bytes and its SHA-256."""
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
