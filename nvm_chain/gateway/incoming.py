"""Incoming requests: what the gateway reads of their headers, and which headers it hands on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.mpp.credentials import find_credential
from nvm_chain.x402.headers import PAYMENT_SIGNATURE
from nvm_chain.x402.sign_ins import SIGN_IN_HEADER

Headers = list[tuple[bytes, bytes]]
"""Headers as ASGI has them, the names in small letters."""

HOP_BY_HOP: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    )
)
"""Headers that are for one connection only."""
PAYMENT: Final = frozenset(
    (
        *(b"payment-signature", b"payment-required", b"payment-response", b"sign-in-with-x"),
        *(b"x-payment", b"x-payment-response", b"nvmcreditsconsumed"),
        *(b"accept-payment", b"payment-authorization", b"payment-receipt"),
    )
)
"""Headers of payments. They are between the buyer and the gateway, or between the upstream and the gateway."""
_NOT_FORWARDED: Final = (
    HOP_BY_HOP
    | PAYMENT
    | {b"nvm-holder", b"nvm-plan", b"nvm-request-id"}
    | {b"host", b"authorization", b"content-length", b"expect", b"idempotency-key"}
    | {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
    | {b"access-control-expose-headers"}
    | {b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"sec-websocket-protocol"}
)
"""Headers of a request that end here. Some are told anew: what says who pays, and the length of the body.

Some clients of x402 send the last one with a request, although it is a header of answers.
"""
_ONCE: Final = frozenset(
    (
        *(PAYMENT_SIGNATURE.encode(), SIGN_IN_HEADER.encode(), b"authorization"),
        *(b"content-length", b"idempotency-key", b"host"),
    )
)
CHALLENGE: Final = b"www-authenticate"
"""The header of challenges. Those of an upstream that ask for a payment are not for the buyer."""
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_BEARER: Final = re.compile(r"bearer +([!-~]+) *", re.IGNORECASE)


@dataclass(slots=True)
class Incoming:
    """A request as it arrived. ``forwarded`` are the headers that are handed on.

    ``length`` is the announced size of the body, and None for a body in chunks, or none. ``keeps_cookies`` says whether
    cookies are handed on, both ways.
    """

    method: str
    host: str = ""
    payment: str | None = None
    bearer: str | None = None
    charge: str | None = None
    sign_in: str | None = None
    idempotency_key: str | None = None
    length: int | None = None
    origin: str | None = None
    wants_page: bool = False
    keeps_cookies: bool = False
    forwarded: list[tuple[str, str]] = field(default_factory=list)


def read_incoming(method: str, headers: Iterable[tuple[bytes, bytes]], *, keeps_cookies: bool) -> Incoming:
    """Read the headers of a request.

    Args:
        method: The method.
        headers: The headers, the names in small letters.
        keeps_cookies: Whether cookies are handed on. On a host of several services they are not, because they may belong to
            another seller.

    Raises:
        InvalidMessage: A header that is allowed once came twice, or a header is not text.
    """
    incoming = Incoming(method, keeps_cookies=keeps_cookies)
    named = _find_named(headers)
    once: dict[bytes, str] = {}
    for name, raw in headers:
        value = _to_text(name, raw)
        if name in _ONCE:
            if name in once:
                raise InvalidMessage("request", f"it has the header {name.decode('latin-1')} twice")
            once[name] = value
        elif name == b"origin":
            incoming.origin = value
        elif name == b"accept" and "text/html" in value:
            incoming.wants_page = True
        plain = name.replace(b"_", b"-")  # many upstreams read both as the same header
        if plain in _NOT_FORWARDED or name in named or (plain == b"cookie" and not keeps_cookies):
            continue
        incoming.forwarded.append((name.decode("latin-1"), value))
    _read_once(incoming, once)
    return incoming


def _read_once(incoming: Incoming, once: dict[bytes, str]) -> None:
    incoming.host = once.get(b"host", "").lower()
    incoming.payment = once.get(PAYMENT_SIGNATURE.encode())
    incoming.sign_in = once.get(SIGN_IN_HEADER.encode())
    incoming.idempotency_key = once.get(b"idempotency-key")
    length = once.get(b"content-length")
    if length is not None:
        if not _LENGTH.fullmatch(length.encode()):
            raise InvalidMessage("request", "its Content-Length is not a number")
        incoming.length = int(length)
    authorization = once.get(b"authorization")
    if authorization is not None:
        found = _BEARER.fullmatch(authorization)
        incoming.bearer = None if found is None else found[1]
        incoming.charge = find_credential(authorization)


def _find_named(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Return the headers that the header Connection names. They are for this connection only."""
    values = [value for name, value in headers if name == b"connection"]
    return (
        frozenset(token.strip().lower() for value in values for token in value.split(b",")) if values else frozenset()
    )


def _to_text(name: bytes, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidMessage("request", f"its header {name.decode('latin-1')} is not UTF-8") from None


def filter_answer(headers: Iterable[tuple[bytes, bytes]], *, keeps_cookies: bool) -> Headers:
    """Return the headers of an upstream's answer that are handed on. Repeated ones stay repeated."""
    kept: Headers = []
    named = _find_named((name.lower(), value) for name, value in headers)
    ended = _NOT_ANSWERED if keeps_cookies else _NOT_SHARED
    for name, value in headers:
        lower = name.lower()
        if lower in ended or lower in named or (lower == CHALLENGE and find_credential(value.decode("latin-1"))):
            continue
        kept.append((lower, value))
    return kept


_NOT_ANSWERED: Final = (
    HOP_BY_HOP
    | PAYMENT
    | {b"cache-control", b"expires", b"age", b"pragma"}
    | {b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers"}
    | {b"server", b"date", b"alt-svc", b"strict-transport-security"}
)
"""Headers of an upstream that the gateway answers itself, or its server."""
_NOT_SHARED: Final = _NOT_ANSWERED | {b"set-cookie", b"clear-site-data", b"nel", b"report-to"}
"""On a host of several services, neither what rules the whole host in a browser. It could clear what the checkout keeps, or have the
browser report elsewhere which addresses of other sellers a buyer visits."""
