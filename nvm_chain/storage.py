"""Where metadata documents are kept: the interface of stores, the one inside the URI, and reading from any URI.

A URI on the chain names its document by content: it is the document, or has its hash. So nobody who serves a document can
change it, and what cannot be verified is not read.
"""

import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import Final, Protocol

from nvm_chain.errors import InvalidMetadata, MetadataMismatch, MetadataUnavailable, UnverifiableUri
from nvm_chain.http_client import TIMEOUT_SECONDS, open_following
from nvm_chain.metadata import MAX_JSON, URI_PREFIX, build_data_uri, parse_data_uri

_HTTPS: Final = re.compile(r"https://[^\s/?#\\@]+/(?:[^\s?#\\]*/)?([0-9a-f]{64})\.json")


class MetadataStore(Protocol):
    """Where metadata documents are kept, each JSON text of at most 16,384 bytes. Its methods can be called by many threads."""

    def save(self, text: str) -> str:
        """Keep a document and return its URI; the same text has the same URI.

        Raises InvalidMetadata if it is too long, and MetadataNotSaved.
        """

    def load(self, uri: str) -> str:
        """Return the document that a URI names, verified.

        Raises UnverifiableUri if it is none of this store's URIs, MetadataUnavailable, and MetadataMismatch.
        """

    def discard(self, uri: str) -> None:
        """Take back one save whose transaction failed, of this object; whatever else was saved stays.

        Raises nothing: a document that cannot be removed does no harm, and is logged.
        """


class InlineStore:
    """Keeps documents in their URI, ``data:application/json;base64,…``: the chain has them, and nothing else is needed.

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
        if not uri.startswith(URI_PREFIX):
            raise UnverifiableUri(uri, f"it does not begin with {URI_PREFIX}")
        try:
            text = parse_data_uri(uri)
        except InvalidMetadata as error:
            raise MetadataUnavailable(uri, error.problem) from None
        check_size(uri, text.encode())
        return text

    def discard(self, uri: str) -> None:
        """Do nothing: there is no document beside the URI."""


def load_metadata(uri: str, stores: Iterable[MetadataStore] = (), *, timeout_seconds: int = TIMEOUT_SECONDS) -> str:
    """Return the document that a URI on the chain names, verified, with the first store that knows such URIs.

    ``data:`` needs no store. ``https:`` needs none where the last part of the path is ``<sha256>.json``: one request to
    the host that the URI names, which a stranger may have chosen; redirects are followed on that host only,
    ``timeout_seconds`` is the longest silence and the longest time for the document. Raises UnverifiableUri,
    MetadataUnavailable and MetadataMismatch. Take nothing in a document for true but that whoever registered it says so.
    """
    problems = []
    for store in (InlineStore(), *stores):
        try:
            return store.load(uri)
        except UnverifiableUri as error:
            problems.append(error.problem)
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
    """Return a document as UTF-8. Raises InvalidMetadata if that is more than 16,384 bytes, or cannot be."""
    try:
        document = text.encode()
    except UnicodeEncodeError:
        raise InvalidMetadata("as JSON", "it has half a surrogate pair") from None
    if len(document) > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has {len(document)} bytes and may have {MAX_JSON}")
    return document


def decode_document(uri: str, document: bytes) -> str:
    """Return the text of a document that was read. Raises MetadataUnavailable if it is too long or no UTF-8."""
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
