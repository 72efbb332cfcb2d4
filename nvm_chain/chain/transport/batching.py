"""Many requests in one: split by what an endpoint takes, and its answers matched to them by their numbers."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from nvm_chain.chain.repeating import Pauses, is_passing
from nvm_chain.chain.transport.line import NO_RPC, Line, LineFailed
from nvm_chain.errors import ConnectionFailed

Request: TypeAlias = dict[str, Any]
"""Method, parameters and the number by which the answer is known."""
Response: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[Line, Request | list[Request], Pauses | None], Any]
"""Sends one request, or several at once, and returns the JSON of the answer. Given pauses, it may repeat. Raises LineFailed."""

NO_BATCHES: Final = frozenset({400, 405, 406, 413, 415, 422, 501})
"""HTTP statuses by which servers refuse a list where they expect an object, or one that is too long."""
_SIZE_WORDS: Final = ("batch", "too large", "too many", "limit", "maximum", "exceed", "size")
_TOO_LARGE_WORDS: Final = ("too large", "response size", "batch")
_RESPONSE_TOO_LARGE: Final = -32003
"""Geth's code for what did not fit into the answer to a batch any more."""
NO_ANSWER: Final = {"code": -32000, "message": "the answer to the batch has none to this request"}
"""What stands for an answer that is missing where a request may not be repeated. It says nothing of what was done."""


def ask_batch(
    ask: Ask, line: Line, requests: Sequence[Request], new_pauses: Callable[[], Pauses] | None
) -> list[Response]:
    """Return the answers to requests, in their order. Raises LineFailed.

    What the endpoint does not take at once is halved, and it is not offered as many again. While it is busy it is asked
    for fewer after each pause. Without ``new_pauses`` no answer is asked for twice.
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
    """Return the answers to requests that are sent at once, or None if the endpoint is to be asked for fewer."""
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
    """Return the answers by their numbers, without those of no request, and those that differ under one number."""
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
    """Return the answer to one request of a batch, asked for alone if the batch brought none that counts."""
    answer = found.get(request["id"])
    if pauses is None:
        return answer or {"jsonrpc": "2.0", "id": request["id"], "error": dict(NO_ANSWER)}
    return ask_alone(ask, line, request, pauses) if answer is None or _is_worth_asking_alone(answer) else answer


def ask_alone(ask: Ask, line: Line, request: Request, pauses: Pauses | None) -> Response:
    """Return the answer to one request, under whose number it has to come. Raises LineFailed."""
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
    """Return whether an answer is the node's that it takes no so large a batch, under the number of one request."""
    errors = [each.get("error") for each in answers if isinstance(each, dict)]
    return any(isinstance(error, dict) and _says(error, ("batch",)) for error in errors)


def _says(error: Response, words: Sequence[str]) -> bool:
    message = str(error.get("message", "")).lower()
    return any(word in message for word in words)
