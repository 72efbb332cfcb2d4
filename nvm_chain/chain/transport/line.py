"""One endpoint of a node: its answers read as JSON, waited for while it is busy, and what is known of it."""

import time
from typing import Any, Final

from nvm_chain.chain.repeating import BUSY, Pauses, is_passing, is_worth_waiting, read_retry_after
from nvm_chain.chain.transport.base import NoReply, Reply, Transport
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.errors import ConnectionFailed, NodeBusy
from nvm_chain.types.json_text import parse_json

NO_RPC: Final = "it does not speak JSON-RPC"
HANDED_SECONDS: Final = 60
"""How long after a broadcast an endpoint may have what others do not know."""


class LineFailed(Exception):
    """Raised when an endpoint gives no answer that counts. Whoever chooses among endpoints raises its ``error``.

    ``was_sent`` is whether the endpoint may have got the request, and ``status`` that of HTTP, 0 without one. ``passes``
    is whether it may answer in ``wait_seconds``, ``may_have_it`` whether it may know a transaction that others lack.
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
    """One endpoint."""

    def __init__(self, transport: Transport) -> None:
        """Take the way to it."""
        self._transport = transport
        self.label = transport.label
        self.chain_id: int | None = None
        self.newest_block = 0
        """The newest block that it was seen to have."""
        self.most_in_batch: int | None = None
        """How many requests it takes at once; None until it refuses some."""
        self.failure: LineFailed | None = None
        """How it failed the last time."""
        self._rests_until = 0.0
        self._handed_at: float | None = None

    # ------------------------------------------------------------------ what is known

    @property
    def rests(self) -> bool:
        """Whether it failed a moment ago, so that others are asked before."""
        return time.monotonic() < self._rests_until

    def rest(self, seconds: float) -> None:
        """Ask others before it for a time."""
        self._rests_until = time.monotonic() + seconds

    def note_broadcast(self) -> None:
        """Remember that it is handed a transaction now."""
        self._handed_at = time.monotonic()

    @property
    def may_have_more(self) -> bool:
        """Whether it was handed a transaction so lately that others may not know it."""
        return self._handed_at is not None and time.monotonic() - self._handed_at < HANDED_SECONDS

    # ------------------------------------------------------------------ asking

    def ask(self, request: bytes, limits: Limits, pauses: Pauses, *, repeatable: bool = True) -> Any:
        """Return the JSON of the answer: an object, or a list.

        Asks again with pauses while the endpoint is busy, and once more at once if a connection that was kept open is
        closed at the other end; with ``repeatable`` False neither. Raises LineFailed.
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
        """Return the JSON of an answer. Raises LineFailed if it is not JSON, or says that the endpoint is busy."""
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
    """Read JSON, or return None for what is not, or nests deep enough to end the process."""
    try:
        return parse_json(body)
    except (ValueError, RecursionError):
        return None


def _describe(status: int) -> str:
    return f"asked too often, HTTP status {status}" if status == 429 else f"HTTP status {status}"
