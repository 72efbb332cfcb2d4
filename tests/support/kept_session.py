"""A session for web3's provider that keeps one plain socket open: requests' own takes most of a test's time to look for proxies."""

import socket
import threading
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests


class Answer:
    """What web3 reads of a response."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status_code = status
        self.content = content

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the connection open."""

    def raise_for_status(self) -> None:
        """Raise what requests raises for a status that is not a success."""
        if self.status_code >= 400:
            raise requests.HTTPError(f"HTTP status {self.status_code}")


class Connection:
    """A socket and what reads from it. Closed when its thread ends or nobody needs it any more."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def __del__(self) -> None:
        """Close the socket, if there ever was one."""
        if hasattr(self, "_reader"):
            self._reader.close()
            self._socket.close()

    def post(self, data: bytes) -> Answer:
        """Send one request and read the response."""
        head = f"POST / HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._socket.sendall(head.encode() + data)
        return _read(self._reader)


class KeptSession:
    """Posts over a connection that each thread opens once. For a node on this machine, which neither moves nor redirects."""

    def __init__(self) -> None:
        self._open = threading.local()

    def post(self, url: str, data: bytes, timeout: float, **_: Any) -> Answer:
        """Send one request. A connection that broke is not tried again: the request may have arrived."""
        try:
            if not hasattr(self._open, "connection"):
                self._open.connection = Connection(url, timeout)
            answer: Answer = self._open.connection.post(data)
            return answer
        except OSError as error:
            self._open = threading.local()
            raise requests.ConnectionError(str(error)) from None


def _read(reader: BinaryIO) -> Answer:
    """Read a response whose length is told, as anvil's are."""
    status = reader.readline().split()
    if len(status) < 2:
        raise ConnectionResetError("the node closed the connection")
    headers = {}
    while (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    content = reader.read(int(headers[b"content-length"]))
    return Answer(int(status[1]), content)
