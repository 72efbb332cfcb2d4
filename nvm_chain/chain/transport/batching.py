"""JSON-RPC batches: division into sizes that an endpoint accepts, and the match of answers to requests by id."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from nvm_chain.chain.repeating import Pauses, is_passing
from nvm_chain.chain.transport.line import NO_RPC, Line, LineFailed
from nvm_chain.errors import ConnectionFailed

Request: TypeAlias = dict[str, Any]
"""A JSON-RPC request: method, parameters and id."""
Response: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[Line, Request | list[Request], Pauses | None], Any]
"""A function that sends one request or a batch, and returns the JSON of the answer. Raises LineFailed.

It may repeat the request if pauses are given.
"""

NO_BATCHES: Final = frozenset({400, 405, 406, 413, 415, 422, 501})
"""HTTP statuses of servers that accept no batches, or no batches of this size."""
_SIZE_WORDS: Final = ("batch", "too large", "too many", "limit", "maximum", "exceed", "size")
_TOO_LARGE_WORDS: Final = ("too large", "response size", "batch")
_RESPONSE_TOO_LARGE: Final = -32003
"""Geth's error code for a request whose answer does not fit into the answer to the batch."""
NO_ANSWER: Final = {"code": -32000, "message": "the answer to the batch has none to this request"}
"""The error in place of a missing answer to a request that may not be repeated.

It leaves the request's outcome open.
"""


def ask_batch(
    ask: Ask, line: Line, requests: Sequence[Request], new_pauses: Callable[[], Pauses] | None
) -> list[Response]:
    """Send requests in batches, and return the answers in order. Raises LineFailed.

    A batch that the endpoint refuses is halved, and so are later batches. While the endpoint is busy, the batch is
    halved after each pause. Without ``new_pauses`` a missing answer is not requested again.
    """
    found: list[Response] = []
    most, pauses = len(requests), new_pauses and new_pauses()
    while len(found) < len(requests):
        size = min(most, line.most_in_batch or most)
        part = list(requests[len(found) : len(found) + size])
        try:
            answers = [ask_alone(ask, line, part[0], pauses)] if len(part) == 1 else _ask_part(ask, line, part, pauses)
        except LineFailed as error:
            is_waited_for = pauses is not None and error.passes and len(part) > 1
            if not (is_waited_for and pauses is not None and pauses.wait(error.wait_seconds)):
                raise
            most = len(part) // 2
            continue
        if answers:
            found += answers
            pauses = new_pauses and new_pauses()
    return found


def _ask_part(ask: Ask, line: Line, part: list[Request], pauses: Pauses | None) -> list[Response] | None:
    """Send one batch, and return its answers.

    Return None if the endpoint refuses the batch, and smaller ones may succeed.
    """
    try:
        answer = ask(line, part, pauses and Pauses(0, 0, 0))
    except LineFailed as error:
        if error.status not in NO_BATCHES:
            raise
        line.most_in_batch = len(part) // 2 if error.status == 413 else 1
        if pauses is None:
            raise
        return None
    if isinstance(answer, dict):
        if not isinstance(answer.get("error"), dict):
            raise LineFailed(ConnectionFailed(line.label, NO_RPC))
        line.most_in_batch = len(part) // 2 if _is_about_size(answer["error"]) else 1
        return None
    found = match(part, answer)
    if not found and _names_batch(answer):
        line.most_in_batch = len(part) // 2
        return None
    if not found:
        line.most_in_batch = 1
    return [_complete(ask, line, each, found, pauses) for each in part]


def match(part: Sequence[Request], answers: Sequence[object]) -> dict[int, Response]:
    """Return the answers of a batch by id.

    An answer with an id that was not requested is left out, and so are different answers with the same id.
    """
    numbers = {each["id"] for each in part}
    found: dict[int, Response] = {}
    doubtful = set()
    for each in answers:
        number = each.get("id") if isinstance(each, dict) else None
        if not isinstance(each, dict) or isinstance(number, bool) or not isinstance(number, int):
            continue
        if number in found and found[number] != each:
            doubtful.add(number)
        if number in numbers and ("result" in each or "error" in each) and not _names_batch([each]):
            found[number] = each
    return {number: each for number, each in found.items() if number not in doubtful}


def _complete(ask: Ask, line: Line, request: Request, found: dict[int, Response], pauses: Pauses | None) -> Response:
    """Return the answer to one request of a batch. If the batch has no usable answer, the request is made again alone.

    Without ``pauses`` a missing answer is replaced by `NO_ANSWER`.
    """
    answer = found.get(request["id"])
    if pauses is None:
        return answer or {"jsonrpc": "2.0", "id": request["id"], "error": dict(NO_ANSWER)}
    return ask_alone(ask, line, request, pauses) if answer is None or _is_worth_asking_alone(answer) else answer


def ask_alone(ask: Ask, line: Line, request: Request, pauses: Pauses | None) -> Response:
    """Make one request, and return the answer. Raises LineFailed, also if the answer has another id."""
    answer = ask(line, request, pauses)
    if not isinstance(answer, dict) or answer.get("id") not in (request["id"], None):
        raise LineFailed(ConnectionFailed(line.label, NO_RPC))
    return answer


def _is_worth_asking_alone(answer: Response) -> bool:
    error = answer.get("error")
    if not isinstance(error, dict):
        return False
    return is_passing(error) or error.get("code") == _RESPONSE_TOO_LARGE or _says(error, _TOO_LARGE_WORDS)


def _is_about_size(error: Response) -> bool:
    return _says(error, _SIZE_WORDS) and not _says(error, ("not supported", "unsupported"))


def _names_batch(answers: Sequence[object]) -> bool:
    """Return whether an answer has an error about the whole batch.

    Some nodes give such an error the id of one request.
    """
    errors = [each.get("error") for each in answers if isinstance(each, dict)]
    return any(isinstance(error, dict) and _says(error, ("batch",)) for error in errors)


def _says(error: Response, words: Sequence[str]) -> bool:
    message = str(error.get("message", "")).lower()
    return any(word in message for word in words)
