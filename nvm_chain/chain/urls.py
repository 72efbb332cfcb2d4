"""Redaction of URLs: messages and logs do not show the parts of a URL that may be a key."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

LOGGERS: Final = tuple(
    f"urllib3.{module}"
    for module in ("connection", "connectionpool", "poolmanager", "response", "util.retry", "util.url")
)
"""The loggers that write URLs or their paths. web3's own logger is not listed: it only gets the redacted URL."""
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"]+")
_PATH: Final = re.compile(r"(?<![\w:/.])/[^\s\"]+")
_is_ours: ContextVar[bool] = ContextVar("nvm_chain_request", default=False)


def redact_url(url: str) -> str:
    """Return the scheme, host and port of a URL. The other parts may contain a key.

    >>> redact_url("https://me:password@node.example:8545/v2/key?token=1")
    'https://node.example:8545'
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the URL given"
    if not parts.hostname:
        return "the URL given"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


@contextmanager
def hide_urls_in_logs() -> Iterator[None]:
    """Inside the ``with`` block, remove paths and queries of URLs from the log records of libraries."""
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)


class _HideUrls(logging.Filter):
    """Rewrites log records inside a ``with`` block of `hide_urls_in_logs`. Other records remain unchanged."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_ours.get():
            text = _URL.sub(lambda found: redact_url(found[0]), record.getMessage())
            record.msg, record.args = _PATH.sub("/…", text), ()
            record.exc_info = record.exc_text = None
        return True


for _name in LOGGERS:
    logging.getLogger(_name).addFilter(_HideUrls())
