"""CORS: which pages in browsers may send requests, and read the headers of payments. Nothing here depends on cookies."""

from typing import Final

from nvm_chain.gateway.incoming import Headers

EVERY: Final = "*"
_EXPOSED: Final = b"payment-required, payment-response, www-authenticate, payment-receipt, retry-after, nvm-request-id"
_MAX_AGE: Final = b"600"


class Cors:
    """What is answered to requests of pages."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        """Take the origins that are allowed, or ``*``."""
        self._origins = frozenset(origins)

    def build_headers(self, origin: str | None) -> Headers:
        """Return the headers of an answer to a page of an origin. None of them for other requests."""
        if origin is None or not self._is_allowed(origin):
            return []
        allowed = b"*" if EVERY in self._origins else origin.encode("latin-1", "replace")
        vary = [] if allowed == b"*" else [(b"vary", b"Origin")]
        return [(b"access-control-allow-origin", allowed), (b"access-control-expose-headers", _EXPOSED), *vary]

    def _is_allowed(self, origin: str) -> bool:
        return EVERY in self._origins or origin in self._origins

    def answer_preflight(self, origin: str | None, wanted: Headers) -> Headers:
        """Return the headers of the answer to a preflight. It costs nothing. ``wanted`` are the headers of the request."""
        headers = self.build_headers(origin)
        if not headers:
            return []
        asked = dict(wanted)
        methods = asked.get(b"access-control-request-method", b"GET")
        names = asked.get(b"access-control-request-headers", b"")
        return [
            *headers,
            (b"access-control-allow-methods", methods),
            *([(b"access-control-allow-headers", names)] if names else []),
            (b"access-control-max-age", _MAX_AGE),
        ]
