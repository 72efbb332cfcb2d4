"""Contexts: 32 bytes, such as a request's id, that identify the purpose of a redemption, payment or voucher."""

from uuid import UUID

from nvm_chain.errors import InvalidConfig, InvalidContext

CONTEXT_BYTES = 32


def encode_context(context: str | bytes | UUID) -> bytes:
    """Return a context as 32 bytes: UTF-8 for text, 16 bytes for a UUID, and zeros behind them.

    Raises InvalidContext if it has more than 32 bytes, and InvalidConfig for another type.

    >>> encode_context("request-1")[:9]
    b'request-1'
    """
    if isinstance(context, UUID):
        data = context.bytes
    elif isinstance(context, str):
        data = _encode_text(context)
    elif isinstance(context, bytes):
        data = context
    else:
        raise InvalidConfig(f"a context is text, bytes or a UUID, not {type(context).__name__}")
    if len(data) > CONTEXT_BYTES:
        raise InvalidContext(len(data))
    return data.ljust(CONTEXT_BYTES, b"\0")


def _encode_text(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")  # keeps bytes from a terminal that are not UTF-8
    except UnicodeEncodeError:
        raise InvalidConfig("the text of the context cannot be written in UTF-8", "give bytes") from None
