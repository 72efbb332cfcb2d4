"""Store of metadata documents on IPFS, over the HTTP RPC API of a node (Kubo). Every document is verified."""

import logging
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from nvm_chain.chain.urls import redact_url
from nvm_chain.errors import (
    InvalidConfig,
    MetadataMismatch,
    MetadataNotSaved,
    MetadataUnavailable,
    StorageError,
    UnverifiableUri,
)
from nvm_chain.metadata.data_uris import MAX_JSON
from nvm_chain.storage.http import TIMEOUT_SECONDS, Answer, Fail, check_url, open_answer
from nvm_chain.storage.stores import check_size, decode_document, encode_document
from nvm_chain.types.json_text import parse_json

logger = logging.getLogger("nvm_chain")

IPFS_PREFIX: Final = "ipfs://"
LOCAL_API: Final = "http://127.0.0.1:5001"
MAX_ANSWER: Final = 65_536
"""Size limit in bytes of a node's answer, if the answer is not a document."""
_RAW_SHA256: Final = bytes([1, 0x55, 0x12, 32])
"""First bytes of a CID: version 1, codec of raw bytes, SHA-256, length of 32 bytes."""
_RAW_CID: Final = re.compile("bafkrei[a-z2-7]{52}")
_ADD: Final = {"cid-version": "1", "raw-leaves": "true", "hash": "sha2-256", "pin": "true", "progress": "false"}


class IpfsStore:
    """Store of documents on IPFS, pinned on a node over its RPC API. URIs are ``ipfs://<CIDv1>``.

    This class computes CIDs itself, so a node cannot change a document. ``timeout_seconds`` limits each wait for the
    node, and the time for a whole document. Use your own node, because anyone with access to its API controls the node.
    Raises InvalidConfig if ``api_url`` is not an http or https URL.
    """

    def __init__(self, api_url: str = LOCAL_API, *, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        self.api_url = api_url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        check_url(api_url, lambda problem: InvalidConfig(f"the API of an IPFS node cannot be used: {problem}"))
        self._saves: dict[str, int] = {}
        """Number of saves of each document that was not pinned before, by CID."""
        self._lock = Lock()

    # ------------------------------------------------------------------ documents

    def save(self, text: str) -> str:
        """Add and pin a document, and return its URI. Makes two requests.

        Raises InvalidMetadata, MetadataNotSaved, or MetadataMismatch if the node returns another CID.
        """
        document = encode_document(text)
        cid = compute_cid(document)
        fail = partial(MetadataNotSaved, redact_url(self.api_url))
        with self._lock:
            is_new = cid in self._saves or self._is_unpinned(cid, fail)
            answer = self._ask("add", _ADD, fail, {"file": ("metadata.json", document, "application/json")})
            if answer.get("Hash") != cid:
                raise MetadataMismatch(IPFS_PREFIX + cid, cid, str(answer.get("Hash")))
            if is_new:
                self._saves[cid] = self._saves.get(cid, 0) + 1
        return IPFS_PREFIX + cid

    def load(self, uri: str) -> str:
        """Read a document, and compare its CID with the CID in the URI. Makes one request.

        Raises UnverifiableUri, MetadataUnavailable, MetadataMismatch.
        """
        cid = uri.removeprefix(IPFS_PREFIX)
        if not uri.startswith(IPFS_PREFIX) or read_cid_hash(cid) is None:
            raise UnverifiableUri(uri, "it is not an ipfs:// and the CIDv1 of raw bytes with SHA-256, in base32")
        fail = partial(MetadataUnavailable, uri)
        with self.open_cat(cid, fail, max_bytes=MAX_JSON) as answer:
            document = answer.read(MAX_JSON, self.timeout_seconds)
        check_size(uri, document)
        if (actual := compute_cid(document)) != cid:
            raise MetadataMismatch(uri, cid, actual)
        return decode_document(uri, document)

    def discard(self, uri: str) -> None:
        """Undo one save of a document. After the last save is undone, unpin the document, unless it was pinned before.

        At most one request. The next garbage collection of the node removes the document. Other nodes may have copies.
        """
        cid = uri.removeprefix(IPFS_PREFIX)
        with self._lock:
            if cid not in self._saves:
                return
            count = self._saves.pop(cid)
            if count > 1:
                self._saves[cid] = count - 1
                return
            try:
                self._ask("pin/rm", {"arg": cid}, partial(MetadataNotSaved, redact_url(self.api_url)))
            except StorageError as error:
                logger.warning("%s could not be unpinned: %s", uri, error)

    # ------------------------------------------------------------------ the node's API

    @contextmanager
    def open_cat(self, path: str, fail: Fail, *, max_bytes: int) -> Iterator[Answer]:
        """Yield the unverified content of a CID, or of a path below a CID, up to ``max_bytes`` + 1 bytes. Makes one request."""
        with self._open("cat", {"arg": path, "length": str(max_bytes + 1)}, fail) as answer:
            if answer.status != 200:
                raise fail(f"the node answers {answer.status}{_explain(answer.read(MAX_ANSWER, self.timeout_seconds))}")
            yield answer

    @contextmanager
    def _open(self, command: str, parameters: Mapping[str, str], fail: Fail, files: Any = None) -> Iterator[Answer]:
        url = f"{self.api_url}/api/v0/{command}?{urlencode(parameters)}"
        with open_answer("POST", url, fail=fail, files=files, timeout_seconds=self.timeout_seconds) as answer:
            yield answer

    def _ask(self, command: str, parameters: Mapping[str, str], fail: Fail, files: Any = None) -> dict[str, Any]:
        """Send a command to the IPFS node, and return the JSON object of its answer."""
        with self._open(command, parameters, fail, files) as answer:
            status, body = answer.status, answer.read(MAX_ANSWER, self.timeout_seconds)
        if status != 200:
            raise fail(f"the node answers {status}{_explain(body)}")
        return _parse(body)

    def _is_unpinned(self, cid: str, fail: Fail) -> bool:
        """Return whether the node reports a CID as not pinned. If it does not, this object never unpins the CID."""
        with self._open("pin/ls", {"arg": cid}, fail) as answer:
            body = answer.read(MAX_ANSWER, self.timeout_seconds)
        return "not pinned" in str(_parse(body).get("Message"))


def _parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer, or an empty one."""
    try:
        values = parse_json(body)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _explain(body: bytes) -> str:
    message = _parse(body).get("Message")
    return f" and says {str(message)[:90]!r}" if message else ""


# ---------------------------------------------------------------- CIDs


def compute_cid(content: bytes) -> str:
    """Return the CIDv1 of some bytes, as one raw block with SHA-256, in base32.

    A node computes the same CID if the file fits in one chunk, which is at least 256 KiB.

    >>> compute_cid(b"hello world")
    'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
    """
    return "b" + b32encode(_RAW_SHA256 + sha256(content).digest()).decode().rstrip("=").lower()


def read_cid_hash(cid: str) -> str | None:
    """Return the SHA-256 in a CID as hexadecimal text. None if the CID does not contain it."""
    if not _RAW_CID.fullmatch(cid):
        return None
    return b32decode(cid[1:].upper() + "======").hex()[2 * len(_RAW_SHA256) :]
