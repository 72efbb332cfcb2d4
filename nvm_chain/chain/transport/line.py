"""One endpoint: its transport, its answers as JSON, repeated requests while it is busy, and its state."""

import time
from typing import Any, Final

from nvm_chain.chain.repeating import BUSY, Pauses, is_passing, is_worth_waiting, read_retry_after
from nvm_chain.chain.transport.base import NoReply, Reply, Transport
from nvm_chain.chain.transport.fast_json import PARSE
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.errors import ConnectionFailed, NodeBusy

NO_RPC: Final = "it does not speak JSON-RPC"
HANDED_SECONDS: Final = 60
"""How long after a broadcast an endpoint may have a transaction that other endpoints do not know."""


class LineFailed(Exception):
    """Raised when an endpoint gives no usable answer. `Failover` raises the ``error`` if no other endpoint answers.

    ``was_sent`` tells whether the endpoint may have received the request. ``status`` is the HTTP status, or 0.
    ``passes`` tells whether the endpoint may answer after ``wait_seconds``. ``may_have_it`` tells whether the endpoint
    may know a transaction that other endpoints lack.
    """

    def __init__(
        self,
        error: ConnectionFailed,
        *,
        was_sent: bool = True,
        status: int = 0,
        passes: bool = False,
        wait_seconds: float = 0,
    ) -> None:
        super().__init__(error.reason)
        self.error, self.was_sent, self.status = error, was_sent, status
        self.passes, self.wait_seconds = passes, wait_seconds
        self.may_have_it = False


class Line:
    """One endpoint of a node. ``label`` is its URL without secrets."""

    def __init__(self, transport: Transport) -> None:
        """Take the transport to the endpoint. No request."""
        self._transport = transport
        self.label = transport.label
        self.chain_id: int | None = None
        self.newest_block = 0
        """The number of the newest block that the endpoint is known to have."""
        self.most_in_batch: int | None = None
        """The largest number of requests in a batch. None while the endpoint has refused no batch."""
        self.failure: LineFailed | None = None
        """The endpoint's last failure."""
        self._rests_until = 0.0
        self._handed_at: float | None = None

    # ------------------------------------------------------------------ state

    @property
    def rests(self) -> bool:
        """Whether the endpoint failed a moment ago. If so, other endpoints come first."""
        return time.monotonic() < self._rests_until

    def rest(self, seconds: float) -> None:
        """Put the endpoint behind the others for some seconds. 0 ends this."""
        self._rests_until = time.monotonic() + seconds

    def note_broadcast(self) -> None:
        """Note that the endpoint receives a transaction now."""
        self._handed_at = time.monotonic()

    @property
    def may_have_more(self) -> bool:
        """Whether the endpoint received a transaction in the last minute. Other endpoints may not know it yet."""
        return self._handed_at is not None and time.monotonic() - self._handed_at < HANDED_SECONDS

    # ------------------------------------------------------------------ requests

    def ask(self, request: bytes, limits: Limits, pauses: Pauses, *, repeatable: bool = True) -> Any:
        """Send a request, and return the JSON of the answer: an object or a list. Raises LineFailed.

        The request is repeated with pauses while the endpoint is busy. It is repeated once without a pause if the
        connection breaks off. With ``repeatable`` False it is never repeated.
        """
        may_break = repeatable
        while True:
            try:
                answer = self._read(self._transport.post(request, limits))
            except NoReply as error:
                if not (error.broke and may_break):
                    raise LineFailed(ConnectionFailed(self.label, error.reason), was_sent=error.was_sent) from None
                may_break = False
                continue
            except LineFailed as error:
                if not (repeatable and error.passes and pauses.wait(error.wait_seconds)):
                    raise
                continue
            return answer

    def _read(self, reply: Reply) -> Any:
        """Return the JSON of an answer.

        Raises LineFailed if the answer is neither an object nor a list, has an HTTP error status, or says "busy".
        """
        answer = _parse(reply.body)
        error: Any = answer.get("error") if isinstance(answer, dict) else None
        if reply.status >= 400 and (reply.status in BUSY or not isinstance(error, dict)):
            kind = NodeBusy if reply.status in BUSY else ConnectionFailed
            wait = read_retry_after(reply.headers)
            passes = reply.status in BUSY and is_worth_waiting(reply.status)
            problem = kind(self.label, _describe(reply.status))
            raise LineFailed(problem, status=reply.status, passes=passes, wait_seconds=wait)
        if is_passing(error):
            busy = NodeBusy(self.label, f"asked too often: {error.get('message') or error}")
            raise LineFailed(busy, passes=True, wait_seconds=read_retry_after(reply.headers))
        if not isinstance(answer, dict | list):
            raise LineFailed(ConnectionFailed(self.label, NO_RPC))
        return answer


def _parse(body: bytes) -> Any:
    """Parse JSON. Return None for other text, and for JSON that is nested so deep that it could end the process."""
    try:
        return PARSE.get()(body)
    except (ValueError, RecursionError):
        return None


def _describe(status: int) -> str:
    return f"asked too often, HTTP status {status}" if status == 429 else f"HTTP status {status}"
