"""Stores of metadata documents: the interface, the store inside the URI, and the reader for every URI.

A URI on the chain contains its document, or the hash of its document. So a server cannot change a document. A document
with another hash is refused.
"""

import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import Final, Protocol

from nvm_chain.errors import InvalidMetadata, MetadataMismatch, MetadataUnavailable, UnverifiableUri
from nvm_chain.metadata.data_uris import MAX_JSON, build_data_uri, is_data_uri, parse_data_uri
from nvm_chain.storage.http import TIMEOUT_SECONDS, open_following

_HTTPS: Final = re.compile(r"https://[^\s/?#\\@]+/(?:[^\s?#\\]*/)?([0-9a-f]{64})\.json")


class MetadataStore(Protocol):
    """Interface of a store for metadata documents: JSON texts of at most 16,384 bytes. A store is thread-safe."""

    def save(self, text: str) -> str:
        """Save a document, and return its URI. Equal texts have equal URIs.

        Raises InvalidMetadata if the document is too long, or MetadataNotSaved.
        """

    def load(self, uri: str) -> str:
        """Return the verified document of a URI.

        Raises UnverifiableUri if another store wrote the URI, MetadataUnavailable, or MetadataMismatch.
        """

    def discard(self, uri: str) -> None:
        """Undo one save by this object, after a failed transaction. Other saves stay.

        Raises no error. A document that cannot be removed is logged, and is harmless.
        """


class InlineStore:
    """Store of documents inside their URI, ``data:application/json;base64,…``. The chain has the document, without a server.

    >>> store = InlineStore()
    >>> store.save('{"name":"Echo"}')
    'data:application/json;base64,eyJuYW1lIjoiRWNobyJ9'
    >>> store.load('data:application/json;base64,eyJuYW1lIjoiRWNobyJ9')
    '{"name":"Echo"}'
    """

    def save(self, text: str) -> str:
        """Return the URI of a document. Makes no request. Raises InvalidMetadata if the document is too long."""
        encode_document(text)
        return build_data_uri(text)

    def load(self, uri: str) -> str:
        """Return the document in a URI. Makes no request. Raises UnverifiableUri, MetadataUnavailable."""
        if not is_data_uri(uri):
            raise UnverifiableUri(uri, "it does not begin with data:")
        try:
            text = parse_data_uri(uri)
        except InvalidMetadata as error:
            raise MetadataUnavailable(uri, error.reason) from None
        check_size(uri, text.encode())
        return text

    def discard(self, uri: str) -> None:
        """Do nothing, because the document exists only in its URI."""


def load_metadata(
    uri: str,
    stores: Iterable[MetadataStore] = (),
    *,
    timeout_seconds: int = TIMEOUT_SECONDS,
    public_only: bool = False,
) -> str:
    """Return the verified document of a URI on the chain. The first store that supports the URI reads the document.

    A ``data:`` URI needs no store. An ``https:`` URI needs no store if its path ends with ``<sha256>.json``. Then the
    function makes one request to the host in the URI, and follows redirects on that host only. Warning: A stranger may
    have chosen the host. The function checks the hash of a document, and not whether its content is true.

    Args:
        uri: The URI of the document.
        stores: The stores to try, in order.
        timeout_seconds: The limit of each wait for the server, and of the time for the whole document.
        public_only: Whether nothing is sent to a private address. For servers that read documents for strangers.

    Raises:
        UnverifiableUri: No store supports the URI.
        MetadataUnavailable: The document cannot be fetched, is too long, or is not text.
        MetadataMismatch: The document does not have the hash in the URI.
    """
    problems = []
    for store in (InlineStore(), *stores):
        try:
            return store.load(uri)
        except UnverifiableUri as error:
            problems.append(error.reason)
    if found := _HTTPS.fullmatch(uri):
        return _load_https(uri, found[1], timeout_seconds, public_only=public_only)
    raise UnverifiableUri(uri, "; ".join(dict.fromkeys(problems[1:])) or "no store is configured for it")


def _load_https(uri: str, expected: str, timeout_seconds: int, *, public_only: bool) -> str:
    fail = partial(MetadataUnavailable, uri)
    with open_following(
        uri, fail=fail, same_host=True, timeout_seconds=timeout_seconds, public_only=public_only
    ) as answer:
        if answer.status != 200:
            raise fail(f"the server answers {answer.status}")
        document = answer.read(MAX_JSON, timeout_seconds)
    return verify_document(uri, document, expected)


# ---------------------------------------------------------------- for stores


def encode_document(text: str) -> bytes:
    """Encode a document as UTF-8. Raises InvalidMetadata if it has more than 16,384 bytes, or half a surrogate pair."""
    try:
        document = text.encode()
    except UnicodeEncodeError:
        raise InvalidMetadata("as JSON", "it has half a surrogate pair") from None
    if len(document) > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has {len(document)} bytes, and at most {MAX_JSON} are allowed")
    return document


def decode_document(uri: str, document: bytes) -> str:
    """Decode the bytes of a document. Raises MetadataUnavailable if they are too long or not UTF-8."""
    check_size(uri, document)
    try:
        return document.decode()
    except UnicodeDecodeError:
        raise MetadataUnavailable(uri, "it is not UTF-8 text") from None


def check_size(uri: str, document: bytes) -> None:
    """Raise MetadataUnavailable if the bytes of a document are more than 16,384."""
    if len(document) > MAX_JSON:
        raise MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")


def hash_document(document: bytes) -> str:
    """Return the SHA-256 of a document as 64 hexadecimal digits."""
    return sha256(document).hexdigest()


def verify_document(uri: str, document: bytes, expected: str) -> str:
    """Decode a document, and compare its SHA-256 with the expected one. Raises MetadataUnavailable, MetadataMismatch."""
    check_size(uri, document)
    if (actual := hash_document(document)) != expected:
        raise MetadataMismatch(uri, expected, actual)
    return decode_document(uri, document)
