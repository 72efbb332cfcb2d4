"""Where metadata documents are kept: the interface of stores, the store inside the URI, and reading from any URI.

A URI on the chain names its document by content: it holds the document, or has its hash. So a server cannot change a
document, and a document that does not fit its URI is refused.
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
    """Where metadata documents are kept: JSON texts of at most 16,384 bytes. Many threads can use one store."""

    def save(self, text: str) -> str:
        """Keep a document and return its URI; the same text has the same URI.

        Raises InvalidMetadata if it is too long, and MetadataNotSaved.
        """

    def load(self, uri: str) -> str:
        """Return the document that a URI names, verified.

        Raises UnverifiableUri if the URI is not one of this store, MetadataUnavailable, and MetadataMismatch.
        """

    def discard(self, uri: str) -> None:
        """Take back one save of this object whose transaction failed. Other saves stay.

        It raises nothing. A document that cannot be removed is logged, and does no harm.
        """


class InlineStore:
    """Keeps documents in their URI, ``data:application/json;base64,…``: the chain has them, and no server is needed.

    >>> store = InlineStore()
    >>> store.save('{"name":"Echo"}')
    'data:application/json;base64,eyJuYW1lIjoiRWNobyJ9'
    >>> store.load('data:application/json;base64,eyJuYW1lIjoiRWNobyJ9')
    '{"name":"Echo"}'
    """

    def save(self, text: str) -> str:
        """Write a document as a URI; no network. Raises InvalidMetadata if it is too long."""
        encode_document(text)
        return build_data_uri(text)

    def load(self, uri: str) -> str:
        """Read the document in a URI; no network. Raises UnverifiableUri, MetadataUnavailable."""
        if not is_data_uri(uri):
            raise UnverifiableUri(uri, "it does not begin with data:")
        try:
            text = parse_data_uri(uri)
        except InvalidMetadata as error:
            raise MetadataUnavailable(uri, error.reason) from None
        check_size(uri, text.encode())
        return text

    def discard(self, uri: str) -> None:
        """Do nothing: there is no document beside the URI."""


def load_metadata(uri: str, stores: Iterable[MetadataStore] = (), *, timeout_seconds: int = TIMEOUT_SECONDS) -> str:
    """Return the document that a URI on the chain names, verified. The first store that knows such URIs reads it.

    A ``data:`` URI needs no store. An ``https:`` URI needs none if its path ends with ``<sha256>.json``: then one
    request goes to the host in the URI, which somebody else may have chosen. Redirects are followed on that host only.
    A document says what its author wrote, and nothing in it is checked.

    Args:
        uri: The URI.
        stores: The stores to ask.
        timeout_seconds: The longest silence of the server, and the longest time for the whole document.

    Raises:
        UnverifiableUri: No store knows such URIs.
        MetadataUnavailable: The document cannot be read.
        MetadataMismatch: The document does not have the hash that the URI says.
    """
    problems = []
    for store in (InlineStore(), *stores):
        try:
            return store.load(uri)
        except UnverifiableUri as error:
            problems.append(error.reason)
    if found := _HTTPS.fullmatch(uri):
        return _load_https(uri, found[1], timeout_seconds)
    raise UnverifiableUri(uri, "; ".join(dict.fromkeys(problems[1:])) or "no store is configured for it")


def _load_https(uri: str, expected: str, timeout_seconds: int) -> str:
    fail = partial(MetadataUnavailable, uri)
    with open_following(uri, fail=fail, same_host=True, timeout_seconds=timeout_seconds) as answer:
        if answer.status != 200:
            raise fail(f"the server answers {answer.status}")
        document = answer.read(MAX_JSON, timeout_seconds)
    return verify_document(uri, document, expected)


# ---------------------------------------------------------------- for stores


def encode_document(text: str) -> bytes:
    """Return a document as UTF-8. Raises InvalidMetadata if it has more than 16,384 bytes, or half a surrogate pair."""
    try:
        document = text.encode()
    except UnicodeEncodeError:
        raise InvalidMetadata("as JSON", "it has half a surrogate pair") from None
    if len(document) > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has {len(document)} bytes and may have {MAX_JSON}")
    return document


def decode_document(uri: str, document: bytes) -> str:
    """Return the text of a document that was read. Raises MetadataUnavailable if it is too long or not UTF-8."""
    check_size(uri, document)
    try:
        return document.decode()
    except UnicodeDecodeError:
        raise MetadataUnavailable(uri, "it is not UTF-8 text") from None


def check_size(uri: str, document: bytes) -> None:
    """Raise MetadataUnavailable if a document that was read has more than 16,384 bytes."""
    if len(document) > MAX_JSON:
        raise MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")


def hash_document(document: bytes) -> str:
    """Return the SHA-256 of a document as 64 hexadecimal digits."""
    return sha256(document).hexdigest()


def verify_document(uri: str, document: bytes, expected: str) -> str:
    """Return the text of a document with this SHA-256. Raises MetadataUnavailable, MetadataMismatch."""
    check_size(uri, document)
    if (actual := hash_document(document)) != expected:
        raise MetadataMismatch(uri, expected, actual)
    return decode_document(uri, document)
