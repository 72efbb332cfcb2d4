"""Several endpoints of one chain: their order, and the next endpoint if one fails or lacks the requested data."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.transport.line import Line, LineFailed
from nvm_chain.errors import ConnectionFailed, WrongChain

Answer = TypeVar("Answer")
Ask = Callable[[Line], Answer]
REST_SECONDS: Final = 30.0
"""How long an endpoint that failed comes after the others."""
BUSY_REST_SECONDS: Final = 2.0
"""How long an endpoint that is busy or behind comes after the others, unless its Retry-After header asks for more."""


class Failover:
    """Chooses among endpoints, in the given order. A single endpoint is used without checks."""

    def __init__(self, lines: Sequence[Line], read_chain_id: Callable[[Line], int]) -> None:
        """Take the endpoints, and a function that reads the chain id of one endpoint. No request."""
        self.lines = tuple(lines)
        self._read_chain_id = read_chain_id
        self._chain_id: int | None = None

    @property
    def is_single(self) -> bool:
        """Whether there is only one endpoint."""
        return len(self.lines) == 1

    # ------------------------------------------------------------------ one chain

    def check(self) -> None:
        """Read the chain id of each endpoint.

        Raises WrongChain if they differ, and ConnectionFailed if none answers.
        """
        failed = []
        for line in self.lines:
            try:
                self._admit(line)
            except LineFailed as error:
                line.rest(REST_SECONDS)
                failed.append(error)
        if len(failed) == len(self.lines):
            raise _choose(failed)

    def _admit(self, line: Line) -> None:
        """Check that an endpoint serves the same chain as the first endpoint that answered. At most one request.

        Raises WrongChain, or LineFailed.
        """
        if line.chain_id is None:
            line.chain_id = self._read_chain_id(line)
        if self._chain_id is None:
            self._chain_id = line.chain_id
        if line.chain_id != self._chain_id:
            error = WrongChain(self._chain_id, line.chain_id)
            error.add_note(f"This node is {line.label}.")
            raise error

    # ------------------------------------------------------------------ requests

    def read(
        self,
        ask: Ask[Answer],
        pauses: Pauses,
        *,
        lacks: Callable[[Answer], bool] | None = None,
        prepare: Callable[[Line], None] | None = None,
    ) -> Answer:
        """Try the endpoints one after another, and return the first usable answer.

        If an endpoint was busy or behind, all are tried again after a pause.

        Args:
            ask: A function that makes the request to one endpoint. It raises LineFailed.
            pauses: The pauses between two rounds.
            lacks: A function that tells whether an answer says only that the endpoint does not have the requested data.
                Such an answer is returned only if no other endpoint may have the data.
            prepare: A function that checks that an endpoint can be used. It raises LineFailed.

        Raises:
            ConnectionFailed: No endpoint that may have the data answers.
        """
        while True:
            failed: list[LineFailed] = []
            lacking: list[Answer] = []
            for line in self._in_order(failed):
                # An endpoint that failed a moment ago would only delay the answer that another one has given.
                if lacking and line.rests and line.failure is not None:
                    failed.append(self._recall(line, line.failure))
                    continue
                try:
                    if prepare is not None:
                        prepare(line)
                    answer = ask(line)
                except LineFailed as error:
                    failed.append(self._note(line, error))
                    continue
                line.rest(0)
                if lacks is None or not lacks(answer):
                    return answer
                lacking.append(answer)
            if lacking and not any(error.may_have_it for error in failed):
                return lacking[0]
            is_waited_for = not self.is_single and any(error.passes for error in failed)
            if not (is_waited_for and pauses.wait(_least_wait(failed))):
                raise _choose([error for error in failed if error.may_have_it or not lacking])

    def broadcast(
        self, ask: Ask[Answer], has_error: Callable[[Answer], bool]
    ) -> tuple[Answer, ConnectionFailed | None]:
        """Send a broadcast to the endpoints one after another until one answers, and return its answer.

        The second value is the failure of an earlier endpoint that may have taken the broadcast. It is given only if
        the answer is an error. Then that error does not prove that the broadcast failed.
        """
        failed: list[LineFailed] = []
        for line in self._in_order(failed):
            try:
                answer = ask(line)
            except LineFailed as error:
                if error.was_sent:
                    line.note_broadcast()
                failed.append(self._note(line, error))
                continue
            line.note_broadcast()
            unclear = [error.error for error in failed if error.was_sent]
            return answer, unclear[0] if unclear and has_error(answer) else None
        raise _choose([error for error in failed if error.was_sent] or failed)

    def ask_once(self, ask: Ask[Answer]) -> Answer:
        """Return the answer of the first endpoint that can be reached.

        After the request was sent, no other endpoint gets it. Raises ConnectionFailed.
        """
        failed: list[LineFailed] = []
        for line in self._in_order(failed):
            try:
                return ask(line)
            except LineFailed as error:
                failed.append(self._note(line, error))
                if error.was_sent:
                    raise error.error.with_traceback(None) from None
        raise _choose(failed)

    def _in_order(self, failed: list[LineFailed]) -> Iterator[Line]:
        """Yield the endpoints that serve the chain. Endpoints that failed lately come last.

        The failure to read an endpoint's chain id is added to ``failed``.
        """
        if self.is_single:
            yield self.lines[0]
            return
        for line in sorted(self.lines, key=lambda line: line.rests):
            try:
                self._admit(line)
            except LineFailed as error:
                error.was_sent = False  # only the request for the chain id was sent, not the caller's request
                failed.append(self._note(line, error))
            except WrongChain:
                continue
            else:
                yield line

    def _recall(self, line: Line, error: LineFailed) -> LineFailed:
        error.may_have_it = line.may_have_more
        return error

    def _note(self, line: Line, error: LineFailed) -> LineFailed:
        line.failure, error.may_have_it = error, line.may_have_more
        line.rest(max(BUSY_REST_SECONDS, error.wait_seconds) if error.passes else REST_SECONDS)
        return error


def _choose(failed: Sequence[LineFailed]) -> ConnectionFailed:
    """Return the error to raise after several failures: that of a busy endpoint, else that of the first endpoint."""
    error = next((each.error for each in failed if each.passes), failed[0].error)
    return error.with_traceback(None)  # a remembered failure has the traceback of an earlier request


def _least_wait(failed: Sequence[LineFailed]) -> float:
    return min(error.wait_seconds for error in failed if error.passes)
