"""Sources of a file: URLs of http, https, data, file and ipfs."""

import binascii
import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from nvm_chain.chain.transport.limits import BLOCK_BYTES
from nvm_chain.storage.http import Answer, Fail, open_following
from nvm_chain.storage.ipfs_store import IPFS_PREFIX, IpfsStore, read_cid_hash
from nvm_chain.types.atomic_files import open_regular

_IPFS_PATH: Final = re.compile(r"([A-Za-z0-9]+)(?:/[^?#]*)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a file: its bytes in blocks (readable once), its length in bytes, and the SHA-256 that its URL contains."""

    blocks: Iterator[bytes]
    length: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Settings for opening a source, and whether the caller declared a SHA-256.

    ``on_refused`` gets the answer of a server that does not send the file.
    """

    headers: Mapping[str, str]
    timeout_seconds: int
    allow_file: bool
    ipfs: IpfsStore | None
    max_bytes: int
    is_declared: bool
    on_refused: Callable[[Answer], object] | None = None


@contextmanager
def open_source(url: str, access: Access, fail: Fail) -> Iterator[Source]:
    """Open the source of a URL, until the ``with`` block ends.

    After a failure the function raises the error that ``fail`` returns.
    """
    scheme = url.partition(":")[0].lower()
    openers = {"http": _open_http, "https": _open_http, "file": _open_file, "ipfs": _open_ipfs}
    if scheme == "data":
        yield _read_data(url, fail)
        return
    if scheme not in openers:
        if scheme == "gateway":
            raise fail("the gateway of its seller serves it; set `gateway` for Payments")
        raise fail("files are fetched from http, https, data, file and ipfs")
    with openers[scheme](url, access, fail) as source:
        yield source


@contextmanager
def _open_http(url: str, access: Access, fail: Fail) -> Iterator[Source]:
    with open_following(url, fail=fail, headers=access.headers, timeout_seconds=access.timeout_seconds) as answer:
        if answer.status != 200:
            if access.on_refused is not None:
                access.on_refused(answer)
            raise fail(f"the server answers {answer.status}")
        yield Source(answer.read_blocks(), answer.length)


def _read_data(url: str, fail: Fail) -> Source:
    head, comma, body = url.partition(",")
    if not comma:
        raise fail("a data: URL has a comma before its data")
    content = unquote_to_bytes(body)
    if head.lower().endswith(";base64"):
        try:
            content = b64decode(content, validate=True)
        except binascii.Error:
            raise fail("its data is not base64") from None
    return Source(iter((content,)), len(content))


@contextmanager
def _open_file(url: str, access: Access, fail: Fail) -> Iterator[Source]:
    """Open a regular file on this machine."""
    parts = urlsplit(url)
    if not access.allow_file:
        raise fail(
            "it is a file of this machine, which is read only if you allow it: allow_file=True for download, "
            "allow_file_urls=True for Payments, --allow-file-urls in the shell"
        )
    if parts.netloc not in ("", "localhost"):
        raise fail("it is a file of another machine")
    try:
        file = open_regular(unquote(parts.path), follow_links=True)
    except (OSError, ValueError) as error:
        raise fail(getattr(error, "strerror", None) or "it is not a path of a file") from None
    with file:
        yield Source(_read_file(file, fail), os.fstat(file.fileno()).st_size)


def _read_file(file: BinaryIO, fail: Fail) -> Iterator[bytes]:
    try:
        while block := file.read(BLOCK_BYTES):
            yield block
    except OSError as error:
        raise fail(error.strerror or "it cannot be read") from None


@contextmanager
def _open_ipfs(url: str, access: Access, fail: Fail) -> Iterator[Source]:
    """Open a CID, or a path below a CID. Most CIDs of long files do not contain the hash of the bytes."""
    path = url.removeprefix(IPFS_PREFIX)
    found = _IPFS_PATH.fullmatch(path)
    if not found or path == url:
        raise fail("it is not an ipfs:// and a CID")
    if access.ipfs is None:
        raise fail("it is on IPFS, and no IpfsStore was passed")
    expected = read_cid_hash(path)
    if expected is None and not access.is_declared:
        raise fail("its CID does not contain the hash of its bytes; declare its sha256")
    with access.ipfs.open_cat(path, fail, max_bytes=access.max_bytes) as answer:
        yield Source(answer.read_blocks(), None, expected)
