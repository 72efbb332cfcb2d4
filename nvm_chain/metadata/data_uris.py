"""Documents in ``data:`` URIs (RFC 2397). They are written in one form, and read in all usual forms."""

import binascii
import re
from base64 import b64decode, b64encode
from typing import Final
from urllib.parse import unquote_to_bytes

from nvm_chain.errors import InvalidMetadata

URI_PREFIX: Final = "data:application/json;base64,"
"""The beginning of every ``data:`` URI that this package writes."""
MAX_JSON: Final = 16_384
"""The largest number of bytes in a JSON text. On the chain, each byte costs about 700 gas."""
MAX_HEADER: Final = 256
"""The largest number of characters between ``data:`` and the comma."""
MAX_URI: Final = MAX_HEADER + 3 * MAX_JSON
"""The largest number of characters in a URI. It allows a document in which every byte is percent-encoded."""
CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")

_BLANKS: Final = re.compile(rb"[ \t\r\n\f]+")


def is_data_uri(uri: str) -> bool:
    """Return whether a URI is a ``data:`` URI, which contains its document. The letter case of ``data`` is ignored."""
    return uri[:5].lower() == "data:"


def build_data_uri(text: str) -> str:
    """Write JSON text as a ``data:`` URI."""
    return URI_PREFIX + b64encode(text.encode()).decode()


def parse_data_uri(uri: str) -> str:
    """Return the text in a ``data:`` URI. No network.

    Any media type is accepted, and parameters such as ``charset=utf-8`` and ``utf8``. The text may be percent-encoded,
    or in base64 with or without padding. It does not have to be JSON.

    Raises:
        InvalidMetadata: The URI is not a ``data:`` URI of UTF-8 text, or holds more than 16,384 bytes.

    >>> parse_data_uri('data:application/json;charset=utf-8,{"name":"A%26B"}')
    '{"name":"A&B"}'
    """
    if not is_data_uri(uri):
        raise InvalidMetadata("URI", "it does not begin with data:")
    header, comma, body = uri[5:].partition(",")
    if not comma or len(header) > MAX_HEADER:
        raise InvalidMetadata("URI", "a data: URI has a comma before its data")
    if len(uri) > MAX_URI:
        raise InvalidMetadata("URI", f"its document has more than {MAX_JSON} bytes")
    document = _decode(body, _read_parameters(header))
    if len(document) > MAX_JSON:
        raise InvalidMetadata("URI", f"its document has more than {MAX_JSON} bytes")
    try:
        return document.decode()
    except UnicodeDecodeError:
        raise InvalidMetadata("URI", "it is not UTF-8 text") from None


def _read_parameters(header: str) -> set[str]:
    """Return the parameters after the media type, in small letters. Raises InvalidMetadata unless the text is UTF-8."""
    parameters = {parameter.strip().lower() for parameter in header.split(";")[1:]}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in CHARSETS:
            raise InvalidMetadata("URI", "it is not UTF-8 text")
    return parameters


def _decode(body: str, parameters: set[str]) -> bytes:
    try:
        document = unquote_to_bytes(body)
    except UnicodeEncodeError:  # half a surrogate pair
        raise InvalidMetadata("URI", "it is not UTF-8 text") from None
    if "base64" not in parameters:
        return document
    packed = _BLANKS.sub(b"", document).rstrip(b"=")
    try:
        return b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        raise InvalidMetadata("URI", "its data is not base64") from None
