"""The choice of the transport from a node's URL."""

import re
from collections.abc import Sequence
from typing import Any, Final

from nvm_chain.chain.transport.base import Transport
from nvm_chain.chain.transport.http import HttpTransport
from nvm_chain.chain.transport.ipc import IpcTransport, is_ipc
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.chain.transport.websocket import WebSocketTransport, is_websocket

_COMMA: Final = re.compile(r"\s*,\s*")


def split_urls(urls: str | Sequence[str]) -> list[str]:
    """Return the URLs in a list, or in text with commas between them.

    >>> split_urls("https://a.example, https://b.example")
    ['https://a.example', 'https://b.example']
    """
    if isinstance(urls, str):
        return [url for url in _COMMA.split(urls.strip()) if url] or [urls]
    return [url for each in urls for url in split_urls(each)] or [""]


def share_endpoint(first: str, second: str) -> bool:
    """Return whether two labels have an endpoint in common. A label names one endpoint, or several with commas.

    >>> share_endpoint("https://a.example", "https://b.example, https://a.example")
    True
    """
    return not set(split_urls(first)).isdisjoint(split_urls(second))


def names_node(target: str) -> bool:
    """Return whether text is a node's URL or the path of its socket, and not the name of a network."""
    return "://" in target or is_ipc(target)


def open_way(url: str, limits: Limits, session: Any = None) -> Transport:
    """Return the transport for a node's URL. No request."""
    if is_ipc(url):
        return IpcTransport(url)
    if is_websocket(url):
        return WebSocketTransport(url, limits.max_bytes, limits.silence_seconds)
    return HttpTransport(url, session)
