"""Asking a node for many things at once, in batches of JSON-RPC, as large as the node takes them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.types import RPCEndpoint

from nvm_chain.chain.node import Node
from nvm_chain.chain.repeating import is_passing
from nvm_chain.errors import ConnectionFailed, NetworkError, NodeBusy, RpcFailed

Question: TypeAlias = tuple[str, Sequence[object]]
"""A method of JSON-RPC, and its parameters as JSON has them."""
SIZES: Final = (100, 10, 1)
"""Requests in one batch: what most nodes take, what every gateway with batches takes, and what all take."""
MOST_CHARACTERS: Final = 400_000
"""Of the texts in one batch."""
NO_BATCHES: Final = tuple(f"HTTP status {status}" for status in (400, 404, 405, 413, 415, 422, 501))
"""How a connection fails that may have been asked for a batch, or for too large a one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node answers to one request of many: a result, which is None for what it does not have; or an error."""

    result: Any = None
    error: NetworkError | None = None


class NoBatches(Exception):
    """Raised when a node does not answer batches of this size."""


class ManyAsker:
    """What asks a node in batches, and remembers how large they may be. Nothing is asked twice."""

    def __init__(self, node: Node) -> None:
        """Take the node."""
        self._node, self._sizes = node, list(SIZES)

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer for each question, in their order. Never raises: an error is part of its answer.

        A node that does not answer a batch as it is is asked in smaller ones; the same question may then reach it again.
        """
        answers: list[Answer] = []
        while len(answers) < len(questions):
            part = _take(questions, len(answers), self._sizes[0])
            if len(part) == 1:
                answers.append(self._ask_one(*part[0]))
                continue
            try:
                answers += self._ask_batch(part)
            except NoBatches:
                del self._sizes[0]
            except NetworkError as error:
                answers += [Answer(error=error)] * len(part)
        return answers

    def _ask_batch(self, part: Sequence[Question]) -> list[Answer]:
        requests = cast(Any, [(RPCEndpoint(method), list(parameters)) for method, parameters in part])
        try:
            with self._node.typed_errors():
                found: object = cast(Any, self._node.web3.provider).make_batch_request(requests)
        except NotImplementedError:
            raise NoBatches from None
        except ConnectionFailed as error:
            if error.reason.startswith(NO_BATCHES) or "does not speak JSON-RPC" in error.reason:
                raise NoBatches from None
            raise
        except RpcFailed:
            raise NoBatches from None
        if isinstance(found, dict) and is_passing(found.get("error")):
            raise NodeBusy(self._node.label, "it was asked too often")
        if (
            not isinstance(found, list)
            or len(found) != len(part)
            or len({_find_id(each) for each in found}) != len(part)
        ):
            raise NoBatches
        return [_read(each) for each in found]

    def _ask_one(self, method: str, parameters: Sequence[object]) -> Answer:
        ask = cast(Callable[[str, list[object]], Any], self._node.web3.manager.request_blocking)
        try:
            with self._node.typed_errors(), suppress(TransactionNotFound, BlockNotFound):
                return Answer(ask(method, list(parameters)))
        except NetworkError as error:
            return Answer(error=error)
        return Answer()


def _take(questions: Sequence[Question], first: int, size: int) -> Sequence[Question]:
    """Return the next questions that one batch may hold, at least one."""
    end, characters = first, 0
    for method, parameters in questions[first : first + size]:
        characters += len(method) + sum(_texts(parameters))
        if end > first and characters > MOST_CHARACTERS:
            break
        end += 1
    return questions[first:end]


def _texts(values: object) -> Iterator[int]:
    """Yield the lengths of all texts among parameters."""
    if isinstance(values, str):
        yield len(values)
    elif isinstance(values, dict):
        yield from (length for value in values.values() for length in _texts(value))
    elif isinstance(values, list | tuple):
        yield from (length for value in values for length in _texts(value))


def _find_id(response: object) -> object:
    found = response.get("id") if isinstance(response, dict) else None
    return found if isinstance(found, int | str) else None


def _read(response: object) -> Answer:
    if not isinstance(response, dict):
        return Answer(error=RpcFailed("its answer cannot be read"))
    error = response.get("error")
    if error is None:
        return Answer(response.get("result"))
    words = error.get("message") if isinstance(error, dict) else None
    return Answer(error=RpcFailed(words if isinstance(words, str) and words else str(error)))
