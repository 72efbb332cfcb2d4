"""File entries: descriptions of downloadable files in metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidMetadata
from nvm_chain.types.amounts import check_uint

GATEWAY_SCHEME: Final = "gateway"
"""The scheme of a file that the seller's gateway serves, such as ``gateway:numbers.csv``. It does not say where that is."""
SCHEMES: Final = ("https", "http", "ipfs", "data", "file", GATEWAY_SCHEME)
LENGTH_BITS: Final = 53
"""A file's length in bytes has at most this many bits, because many JSON parsers round larger integers."""
_NAMES: Final = {
    "url": "url",
    "name": "name",
    "content_type": "contentType",
    "length": "contentLength",
    "sha256": "sha256",
}

_CHECKSUM: Final = ("checksum", "checksumType")
_LEFT_OUT: Final = ("index", "encoding", "compression")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of an asset: its URL, and its declared name, type, length and hash.

    ``length`` is in bytes. ``sha256`` has 64 hexadecimal digits in small letters. A download with another length or
    hash is deleted. ``name`` is the name for the saved file, by default the last part of the URL's path. Raises
    InvalidMetadata or InvalidAmount.

    >>> FileEntry("https://example.com/file1.csv").name
    'file1.csv'
    """

    url: str
    name: str = ""
    content_type: str = ""
    length: int | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        """Check every field. If the name is empty, take it from the URL."""
        for field in ("url", "name", "content_type", "sha256"):
            if not isinstance(getattr(self, field), str):
                raise InvalidMetadata(f"files.{field}", f"it is not text but {type(getattr(self, field)).__name__}")
        path = _check_url(self.url)
        if not self.name:
            object.__setattr__(self, "name", path.rpartition("/")[2] or "file")
        if self.length is not None:
            check_uint(self.length, LENGTH_BITS, "file length")
        if self.sha256 and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise InvalidMetadata("files.sha256", "it is not 64 hexadecimal digits in small letters")


def _check_url(url: str) -> str:
    """Return the path of a file's URL. Empty for a ``data:`` URL, whose path is the file itself."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidMetadata("files.url", "it is not a URL") from None
    if parts.scheme not in SCHEMES or not url.isprintable():
        raise InvalidMetadata("files.url", f"it does not begin with one of {', '.join(SCHEMES)}, followed by a colon")
    return "" if parts.scheme == "data" else parts.path


def describe_file(entry: FileEntry) -> dict[str, Any]:
    """Return a file entry as a JSON object. Empty fields are left out.

    >>> describe_file(FileEntry("https://example.com/file1.csv", length=3))
    {'url': 'https://example.com/file1.csv', 'name': 'file1.csv', 'contentLength': 3}
    """
    values = {spelled: getattr(entry, name) for name, spelled in _NAMES.items()}
    return {name: value for name, value in values.items() if value not in ("", None)}


def read_file_entry(value: object) -> FileEntry:
    """Read a file entry from a JSON object, as `describe_file` returns it.

    ``checksum`` with the ``checksumType`` SHA256 may replace ``sha256``. The length may be decimal text. The fields
    ``index``, ``encoding`` and ``compression`` are ignored.

    Raises:
        InvalidMetadata: A field is missing, malformed or unknown.
        InvalidAmount: The length is out of range.

    >>> read_file_entry({"name": "file1.csv", "url": "https://example.com/file1.csv", "contentLength": "3"}).length
    3
    """
    if isinstance(value, FileEntry):
        return value
    if not isinstance(value, Mapping) or "url" not in value:
        raise InvalidMetadata("files", 'each is an object with a URL, {"name": "…", "url": "https://…"}')
    unknown = set(value) - {*_NAMES.values(), *_CHECKSUM, *_LEFT_OUT}
    if unknown:
        raise InvalidMetadata(
            f"files.{min(map(str, unknown))[:60]}", f"a file has {', '.join(_NAMES.values())} and a checksum"
        )
    known = {name: value[spelled] for name, spelled in _NAMES.items() if value.get(spelled) is not None}
    if isinstance(known.get("length"), str):
        known["length"] = _read_length(known["length"])
    if isinstance(known.get("sha256"), str):
        known["sha256"] = known["sha256"].lower()
    if value.get("checksum"):
        known.setdefault("sha256", _read_checksum(value))
    return FileEntry(**known)


def _read_length(text: str) -> int:
    if not re.fullmatch("[0-9]{1,16}", text):
        raise InvalidMetadata("files.contentLength", "it is not a number of bytes")
    return int(text)


def _read_checksum(value: Mapping[str, Any]) -> str:
    """Return a checksum in small letters. Refuse any type other than SHA-256, because a weak checksum can be forged."""
    kind = re.sub("[^a-z0-9]", "", str(value.get("checksumType", "")).lower())
    if kind != "sha256":
        raise InvalidMetadata("files.checksumType", "it is not SHA256, the only type that is checked")
    return str(value["checksum"]).lower()
