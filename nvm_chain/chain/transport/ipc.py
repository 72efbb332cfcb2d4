"""The transport for IPC: a Unix socket of a node on this machine."""

import re
import socket
from typing import Final

from nvm_chain.chain.transport.base import NoReply, Reply
from nvm_chain.chain.transport.limits import BLOCK_BYTES, Clock, Limits, OutOfTime
from nvm_chain.chain.transport.pool import Pool

SCHEME: Final = "ipc://"
SUFFIX: Final = ".ipc"
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
MOST_SPACE: Final = 64
"""The largest number of bytes of white space after an answer."""
_CLOSES: Final = (b"}", b"]")


def is_ipc(url: str) -> bool:
    """Return whether a node's URL names a Unix socket: `ipc:///path`, or a path that ends in `.ipc`."""
    return url.lower().startswith(SCHEME) or ("://" not in url and url.endswith(SUFFIX))


class IpcTransport:
    """A transport over a Unix socket. A request uses one connection alone until its answer is complete."""

    def __init__(self, path: str) -> None:
        """Take the path of the socket, with or without `ipc://`. No request."""
        path = path[len(SCHEME) :] if path.lower().startswith(SCHEME) else path
        self.label = SCHEME + path
        self._path = path
        self._pool = Pool(self._connect)

    def _connect(self) -> socket.socket:
        if not hasattr(socket, "AF_UNIX"):
            raise NoReply("this system has no Unix sockets", was_sent=False)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(1)
            connection.connect(self._path)
        except (OSError, ValueError) as error:
            connection.close()
            words = (getattr(error, "strerror", None) or "the path cannot be used").lower()
            raise NoReply(f"no node listens at this path: {words}", was_sent=False) from None
        return connection

    def post(self, request: bytes, limits: Limits) -> Reply:
        """Send one request, and return the answer. Raises NoReply."""
        clock = Clock(limits.total_seconds, limits.silence_seconds)
        try:
            with self._pool.take() as connection:
                connection.settimeout(clock.next_timeout())
                connection.sendall(request + b"\n")
                return Reply(_read(connection, limits, clock))
        except TimeoutError as error:
            is_over = clock.is_over() or isinstance(error, OutOfTime)
            raise NoReply(limits.describe_total() if is_over else limits.describe_silence()) from None
        except OSError:
            raise NoReply("the connection broke off", broke=True) from None


def _read(connection: socket.socket, limits: Limits, clock: Clock) -> bytes:
    """Read until the answer is a complete JSON value, because some nodes send no line break at its end."""
    answer = bytearray()
    while True:
        connection.settimeout(clock.next_timeout())
        block = connection.recv(BLOCK_BYTES)
        if not block:
            raise ConnectionResetError
        answer += block
        if len(answer) > limits.max_bytes:
            raise NoReply(limits.describe_size())
        if is_whole(answer):
            return bytes(answer)


def is_whole(answer: bytes | bytearray) -> bool:
    """Return whether bytes are a complete JSON object or list. Only quotes and brackets are checked.

    >>> is_whole(b'{"result": "}"'), is_whole(b'{"result": "}"}')
    (False, True)
    """
    if not answer[-MOST_SPACE:].rstrip().endswith(_CLOSES):
        return False
    rest = _TEXT.sub(b"", answer)
    opened = (rest.count(b"{"), rest.count(b"["))
    return b'"' not in rest and opened == (rest.count(b"}"), rest.count(b"]"))
