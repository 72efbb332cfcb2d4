"""What the plug-in knows of the request that is being paid for.

The official client gives a scheme the offer alone. Its hook for a 402 tells the URL of the answer. Method and body are told by
`open_session` and `open_client`, which look at each request before the official transport sends it. All of it is kept in a
context variable, so threads and tasks do not see the requests of others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from nvm_chain.client.places import Place, find_place


@dataclass(frozen=True, slots=True)
class Noted:
    """A request before it is sent: its address, its method, its body, and its idempotency key if it has one."""

    place: Place
    method: str
    body: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered by a 402. ``noted`` is None if only the address is known. ``required`` is what the 402 says."""

    place: Place
    noted: Noted | None = None
    required: Any = None


_noted: ContextVar[Noted | None] = ContextVar("nvm_chain_x402_noted", default=None)
_asked: ContextVar[Asked | None] = ContextVar("nvm_chain_x402_asked", default=None)


@contextmanager
def noting(noted: Noted) -> Iterator[None]:
    """Note the request that is sent while the block lasts."""
    token = _noted.set(noted)
    try:
        yield
    finally:
        _noted.reset(token)


def note_required(required: Any, url: str) -> None:
    """Note what the 402 from an address says."""
    _asked.set(Asked(find_place(url, find_target(url)), None, required))


def find_asked(requirements: Any) -> Asked | None:
    """Return the request for which an offer was made. None if it is not known.

    A request that is noted is the one. Otherwise the offer has to be one of the last 402 of this thread or task.
    """
    noted, asked = _noted.get(), _asked.get()
    if asked is not None and any(offer is requirements for offer in asked.required.accepts):
        return Asked(asked.place, noted) if noted is not None and noted.place == asked.place else asked
    return None if noted is None else Asked(noted.place, noted)


def find_target(url: str) -> str:
    """Return the path and the query of a URL, as they are sent.

    >>> find_target("https://tea.example.com/ask?q=1#top"), find_target("https://tea.example.com")
    ('/ask?q=1', '/')
    """
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
