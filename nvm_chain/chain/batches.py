"""Reads in advance: before an operation runs, many of its requests go to the node in one batch.

The operation itself runs unchanged, with the same checks and errors in the same order. Its requests find their answers
in memory. An answer is used once, by the same request of the same thread, inside the ``with`` block that read ahead. A
broadcast drops all unused answers. A request without an answer in memory goes to the node alone.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias, cast

from web3 import Web3
from web3.middleware import Web3Middleware
from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.rpc import BROADCASTS, typed_errors
from nvm_chain.errors import NodeBusy, NvmChainError

Reader: TypeAlias = Callable[[], object]
"""A function that reads from the chain. Only the first request of a reader becomes part of a batch."""
Request: TypeAlias = tuple[RPCEndpoint, Any]


REST_SECONDS: Final = 60.0
"""How long a node gets no batches after it answered that it was busy."""


class _RequestKnown(BaseException):
    """Raised when the first request of a reader is recorded. It is a BaseException, so no reader catches it."""


class _Thread(threading.local):
    """The state of one thread: the recorded requests, the answers in memory, and the readers of `following_up`."""

    recorded: list[Request] | None = None
    answers: dict[str, RPCResponse] | None = None
    follow_up: tuple[Reader, ...] = ()


class Batches:
    """Sends requests of readers in batches, and keeps the answers until they are used."""

    def __init__(self, web3: Web3, label: str) -> None:
        """Add a layer to a connected Web3, before its provider.

        No request. ``label`` is the node's URL without secrets.
        """
        self._web3, self._label = web3, label
        self._thread = _Thread()
        self.takes_batches, self._rests_until = isinstance(web3.provider, JSONBaseProvider), 0.0
        if self.takes_batches:
            web3.middleware_onion.inject(cast(Any, self._build_layer), layer=0)

    def _build_layer(self, web3: Web3) -> Web3Middleware:
        return _Layer(web3, self)

    @contextmanager
    def reading_ahead(self, readers: tuple[Reader, ...]) -> Iterator[None]:
        """Read ahead for some readers, and keep the answers until the ``with`` block ends.

        Inside another such block this block does nothing, because the outer block has read ahead already.
        """
        if self._thread.answers is not None:
            yield
            return
        self._thread.answers = {}
        try:
            self.read_ahead(*readers)
            yield
        finally:
            self._thread.answers = None

    @contextmanager
    def following_up(self, readers: tuple[Reader, ...]) -> Iterator[None]:
        """Set the readers that `ask_and_follow_up` reads ahead for, until the ``with`` block ends."""
        outer, self._thread.follow_up = self._thread.follow_up, readers
        try:
            yield
        finally:
            self._thread.follow_up = outer

    def ask_and_follow_up(self, reader: Reader, is_there: Callable[[object], bool]) -> object:
        """Return the result of a reader, and read ahead for the readers of `following_up` in the same batch.

        If ``is_there`` is false for the result, all answers that were read ahead are dropped.
        """
        if not self._thread.follow_up:
            return reader()
        self.read_ahead(reader, *self._thread.follow_up)
        found = reader()
        if not is_there(found):
            self.forget()
        return found

    def forget(self) -> None:
        """Drop the unused answers, because the chain may have changed since."""
        if self._thread.answers is not None:
            self._thread.answers.clear()

    def read_ahead(self, *readers: Reader) -> None:
        """Send the first request of each reader in one batch. One request.

        No request outside a ``with`` block of `reading_ahead`, for fewer than two new requests, or if the node takes no
        batches.
        """
        answers = self._thread.answers
        if answers is None or not self.takes_batches or time.monotonic() < self._rests_until:
            return
        asked = {repr(request): request for reader in readers for request in self._find_request(reader)}
        batch = [request for key, request in asked.items() if key not in answers]
        if len(batch) > 1:
            answers.update(self._ask(batch))

    def _find_request(self, reader: Reader) -> list[Request]:
        """Return the first request of a reader in a list. The list is empty if the reader makes no request."""
        outer = self._thread.recorded
        recorded: list[Request] = []
        self._thread.recorded = recorded
        try:
            with suppress(_RequestKnown, NvmChainError):
                reader()
        finally:
            self._thread.recorded = outer
        return recorded

    def _ask(self, batch: list[Request]) -> dict[str, RPCResponse]:
        """Send a batch, and return the results by request. Requests that got an error are left out."""
        try:
            with typed_errors(self._label):
                responses = read_batch(self._web3, batch)
        except NotImplementedError:
            self.takes_batches = False
            return {}
        except NodeBusy:
            self._rests_until = time.monotonic() + REST_SECONDS  # some nodes count each request of a batch
            return {}
        except NvmChainError:
            return {}  # the requests are repeated one by one, and raise the error that matters
        told = zip(batch, responses, strict=True)
        return {repr(request): response for request, response in told if _is_final(response)}

    def answer(self, make_request: Callable[[RPCEndpoint, Any], RPCResponse], request: Request) -> RPCResponse:
        """Return the answer to a request from memory, or from the node.

        While `read_ahead` collects requests, record the request and stop the reader instead.
        """
        if self._thread.recorded is not None:
            self._thread.recorded.append(request)
            raise _RequestKnown
        if request[0] in BROADCASTS:
            self.forget()
        response = self._thread.answers.pop(repr(request), None) if self._thread.answers else None
        return make_request(*request) if response is None else response


def read_batch(web3: Web3, batch: list[Request]) -> list[RPCResponse]:
    """Send a batch, and return the answers in order. One request.

    Raises ValueError if the answer does not have one entry for each request. Errors of the provider pass through.
    """
    provider = cast(JSONBaseProvider, web3.provider)
    responses: Any = provider.batch_request_func(web3, cast(Any, web3.middleware_onion))(batch)
    if not isinstance(responses, list) or not all(isinstance(each, dict) for each in responses):
        raise ValueError("not the answer to a batch")
    if len({repr(each.get("id")) for each in responses}) != len(batch) or len(responses) != len(batch):
        raise ValueError("not one answer to each request")
    return responses


def _is_final(response: RPCResponse) -> bool:
    """Return whether an answer of a batch is a result.

    An error may be about the batch and not about the request. So a request that got an error is made again alone.
    """
    return response.get("error") is None and "result" in response


class _Layer(Web3Middleware):
    """A web3 middleware directly before the provider."""

    def __init__(self, web3: Web3, batches: Batches) -> None:
        super().__init__(web3)
        self._batches = batches

    def wrap_make_request(self, make_request: Any) -> Any:
        """Return a function that looks for an answer in memory first."""
        return lambda method, params: self._batches.answer(make_request, (method, params))
