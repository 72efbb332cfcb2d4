"""A session for web3's provider that keeps one plain socket open.

The session of requests looks for proxies each time, which takes most of a test's time.
"""

import socket
import threading
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests


class Answer:
    """The fields of a response that web3 reads."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status_code = status
        self.content = content

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *error: object) -> None:
        """Keep the connection open."""

    def raise_for_status(self) -> None:
        """Raise the error of requests for a status that is not a success."""
        if self.status_code >= 400:
            raise requests.HTTPError(f"HTTP status {self.status_code}")


class Connection:
    """A socket and its reader. The socket is closed when its thread ends, or nobody uses it any more."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def __del__(self) -> None:
        """Close the socket if it was opened."""
        if hasattr(self, "_reader"):
            self._reader.close()
            self._socket.close()

    def post(self, data: bytes) -> Answer:
        """Send one request and read the response."""
        head = f"POST / HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._socket.sendall(head.encode() + data)
        return _read(self._reader)


class KeptSession:
    """Posts requests over one connection for each thread, to a node on this machine."""

    def __init__(self) -> None:
        self._open = threading.local()

    def post(self, url: str, data: bytes, timeout: float, **_: Any) -> Answer:
        """Send one request. It is not repeated if the connection breaks, because the node may have received it."""
        try:
            if not hasattr(self._open, "connection"):
                self._open.connection = Connection(url, timeout)
            answer: Answer = self._open.connection.post(data)
            return answer
        except OSError as error:
            self._open = threading.local()
            raise requests.ConnectionError(str(error)) from None


def _read(reader: BinaryIO) -> Answer:
    """Read a response with a Content-Length header, as anvil sends it."""
    status = reader.readline().split()
    if len(status) < 2:
        raise ConnectionResetError("the node closed the connection")
    headers = {}
    while (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    content = reader.read(int(headers[b"content-length"]))
    return Answer(int(status[1]), content)
