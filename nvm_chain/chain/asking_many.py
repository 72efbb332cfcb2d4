"""Many requests to a node, in JSON-RPC batches as large as the node accepts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from web3.types import RPCEndpoint

from nvm_chain.chain.node import Node
from nvm_chain.chain.rpc import BROADCASTS
from nvm_chain.errors import NvmChainError, RpcFailed

Question: TypeAlias = tuple[str, Sequence[object]]
"""A JSON-RPC method, and its parameters as JSON values."""
MOST_IN_BATCH: Final = 100
"""The largest number of requests in one batch. The provider divides a batch further if the node accepts fewer."""
MOST_CHARACTERS: Final = 400_000
"""The largest total length of the methods and text parameters in one batch."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request: a result, or an error. Both are None if the node does not have the requested data."""

    result: Any = None
    error: NvmChainError | None = None


class ManyAsker:
    """Sends many requests to a node: in batches, or one by one if the connection does not support batches."""

    def __init__(self, node: Node) -> None:
        """Take the node. No request."""
        self._node, self._most = node, MOST_IN_BATCH if node.takes_batches else 1

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answer to each question, in order. Errors of the package are part of the answers, not raised.

        A broadcast first drops the unused answers of `Node.reading_ahead`.
        """
        if any(method in BROADCASTS for method, _ in questions):
            self._node.forget_ahead()
        answers: list[Answer] = []
        while len(answers) < len(questions):
            part = _take(questions, len(answers), self._most)
            answers += [self._ask_one(*part[0])] if len(part) == 1 else self._ask_batch(part)
        return answers

    def _ask_batch(self, part: Sequence[Question]) -> list[Answer]:
        """Return the answers of one batch, or an empty list if their number is wrong.

        After a wrong number all requests are sent one by one.
        """
        requests = cast(Any, [(RPCEndpoint(method), list(parameters)) for method, parameters in part])
        try:
            with self._node.typed_errors():
                found: object = cast(Any, self._node.web3.provider).make_batch_request(requests)
        except NvmChainError as error:
            return [Answer(error=error)] * len(part)
        if not isinstance(found, list) or len(found) != len(part):
            self._most = 1
            return []
        return [_read(each) for each in found]

    def _ask_one(self, method: str, parameters: Sequence[object]) -> Answer:
        try:
            return Answer(self._node.ask(method, *parameters))
        except NvmChainError as error:
            return Answer(error=error)


def _take(questions: Sequence[Question], first: int, size: int) -> Sequence[Question]:
    """Return the next questions for one batch, at least one."""
    end, characters = first, 0
    for method, parameters in questions[first : first + size]:
        characters += len(method) + sum(_text_lengths(parameters))
        if end > first and characters > MOST_CHARACTERS:
            break
        end += 1
    return questions[first:end]


def _text_lengths(values: object) -> Iterator[int]:
    """Yield the length of each text within parameters."""
    if isinstance(values, str):
        yield len(values)
    elif isinstance(values, dict):
        yield from (length for value in values.values() for length in _text_lengths(value))
    elif isinstance(values, list | tuple):
        yield from (length for value in values for length in _text_lengths(value))


def _read(response: object) -> Answer:
    if not isinstance(response, dict):
        return Answer(error=RpcFailed("its answer cannot be read"))
    error = response.get("error")
    if error is None:
        return Answer(response.get("result"))
    words = error.get("message") if isinstance(error, dict) else None
    return Answer(error=RpcFailed(words if isinstance(words, str) and words else str(error)))
