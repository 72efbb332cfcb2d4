"""Several endpoints of one chain: who is asked first, who instead, and what an endpoint that is behind may not say."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.transport.line import Line, LineFailed
from nvm_chain.errors import ConnectionFailed, WrongChain

Answer = TypeVar("Answer")
Ask = Callable[[Line], Answer]
REST_SECONDS: Final = 30.0
"""How long an endpoint that failed is asked after the others."""
BUSY_REST_SECONDS: Final = 2.0
"""How long one that is busy or behind is, unless it says how long."""


class Failover:
    """Chooses among endpoints, in the order in which they were given. One alone is just asked."""

    def __init__(self, lines: Sequence[Line], read_chain_id: Callable[[Line], int]) -> None:
        """Take the endpoints, and what asks one for its chain id."""
        self.lines = tuple(lines)
        self._read_chain_id = read_chain_id
        self._chain_id: int | None = None

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.lines) == 1

    # ------------------------------------------------------------------ one chain

    def check(self) -> None:
        """Ask each endpoint for its chain id. Raises WrongChain if they differ, and ConnectionFailed if none answers."""
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
        """Make sure that an endpoint serves the chain that the first one served. Raises WrongChain, or LineFailed."""
        if line.chain_id is None:
            line.chain_id = self._read_chain_id(line)
        if self._chain_id is None:
            self._chain_id = line.chain_id
        if line.chain_id != self._chain_id:
            error = WrongChain(self._chain_id, line.chain_id)
            error.add_note(f"This node is {line.label}.")
            raise error

    # ------------------------------------------------------------------ asking

    def read(
        self,
        ask: Ask[Answer],
        pauses: Pauses,
        *,
        lacks: Callable[[Answer], bool] | None = None,
        prepare: Callable[[Line], None] | None = None,
    ) -> Answer:
        """Return what the first endpoint answers that can, in rounds while any of them is busy or behind.

        Args:
            ask: Asks one endpoint. Raises LineFailed.
            pauses: Between rounds.
            lacks: Whether an answer says only that the endpoint has not got it. It counts if all say so.
            prepare: Makes sure that an endpoint can be asked. Raises LineFailed.

        Raises:
            ConnectionFailed: No endpoint answers; or one that may have it does not, and the others have not got it.
        """
        while True:
            failed: list[LineFailed] = []
            lacking: list[Answer] = []
            for line in self._in_order(failed):
                if lacking and line.rests and line.failure is not None:  # it would keep everybody waiting again
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
        """Hand something over to the first endpoint that answers, the same bytes to each, and return what it says.

        With an error comes that of an endpoint before it that may have taken what it was handed: then the answer's
        error proves nothing.
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

    def _in_order(self, failed: list[LineFailed]) -> Iterator[Line]:
        """Yield those endpoints of the chain that answer, those that failed lately last."""
        if self.is_single:
            yield self.lines[0]
            return
        for line in sorted(self.lines, key=lambda line: line.rests):
            try:
                self._admit(line)
            except LineFailed as error:
                error.was_sent = False  # the question was, and not what is to be asked
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
    """Return the error to raise for several: the one that may pass by itself, else that of the first endpoint."""
    error = next((each.error for each in failed if each.passes), failed[0].error)
    return error.with_traceback(None)  # that of another request, if it failed before


def _least_wait(failed: Sequence[LineFailed]) -> float:
    return min(error.wait_seconds for error in failed if error.passes)
