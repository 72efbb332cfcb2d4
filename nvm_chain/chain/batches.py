"""Several requests in one round trip: what will be asked one after another is asked at once, where the node takes batches.

Whoever reads goes on as ever, with the same checks and the same errors in the same order. Only the answers are there
already: each is used once, by the same request of the same thread, in the block that asked for it, and none after
something was sent. What was not answered in the batch is asked by itself.
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
"""Reads something of a chain. Of several requests that it makes, only the first is part of a batch."""
Request: TypeAlias = tuple[RPCEndpoint, Any]


REST_SECONDS: Final = 60.0
"""How long a node that was busy is asked one by one."""


class _RequestKnown(BaseException):
    """Ends a reader as soon as it is known what it asks."""


class _Thread(threading.local):
    """What one thread is about to ask, and the answers that it has."""

    recorded: list[Request] | None = None
    answers: dict[str, RPCResponse] | None = None
    follow_up: tuple[Reader, ...] = ()


class Batches:
    """What a node is asked in batches, and the answers until they are used."""

    def __init__(self, web3: Web3, label: str) -> None:
        """Stand before the provider of a connected Web3, with the node's URL without secrets. No request."""
        self._web3, self._label = web3, label
        self._thread = _Thread()
        self.takes_batches, self._rests_until = isinstance(web3.provider, JSONBaseProvider), 0.0
        if self.takes_batches:
            web3.middleware_onion.inject(cast(Any, self._build_layer), layer=0)

    def _build_layer(self, web3: Web3) -> Web3Middleware:
        return _Layer(web3, self)

    @contextmanager
    def reading_ahead(self, readers: tuple[Reader, ...]) -> Iterator[None]:
        """Ask what readers will ask, and keep the answers until the block ends.

        A block inside another one is part of it, and asks nothing: who opened the outer one has asked for more.
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
        """Have these readers ask together with `ask_and_follow_up`, until the block ends."""
        outer, self._thread.follow_up = self._thread.follow_up, readers
        try:
            yield
        finally:
            self._thread.follow_up = outer

    def ask_and_follow_up(self, reader: Reader, is_there: Callable[[object], bool]) -> object:
        """Return what a reader reads. What follows is asked with it, and dropped if it is not there yet."""
        if not self._thread.follow_up:
            return reader()
        self.read_ahead(reader, *self._thread.follow_up)
        found = reader()
        if not is_there(found):
            self.forget()
        return found

    def forget(self) -> None:
        """Drop the answers that are not used yet: what they say may have changed."""
        if self._thread.answers is not None:
            self._thread.answers.clear()

    def read_ahead(self, *readers: Reader) -> None:
        """Ask what some readers will ask, in one round trip. Nothing outside a block, and nothing of a single reader."""
        answers = self._thread.answers
        if answers is None or not self.takes_batches or time.monotonic() < self._rests_until:
            return
        asked = {repr(request): request for reader in readers for request in self._find_request(reader)}
        batch = [request for key, request in asked.items() if key not in answers]
        if len(batch) > 1:
            answers.update(self._ask(batch))

    def _find_request(self, reader: Reader) -> list[Request]:
        """Return the first request of a reader, if it makes one and nothing is wrong with it."""
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
        """Make requests in one round trip, and return the answers that count."""
        try:
            with typed_errors(self._label):
                responses = read_batch(self._web3, batch)
        except NotImplementedError:
            self.takes_batches = False
            return {}
        except NodeBusy:
            self._rests_until = time.monotonic() + REST_SECONDS  # some count each request of a batch
            return {}
        except NvmChainError:
            return {}  # asked again one by one, which tells what is wrong
        told = zip(batch, responses, strict=True)
        return {repr(request): response for request, response in told if _is_final(response)}

    def answer(self, make_request: Callable[[RPCEndpoint, Any], RPCResponse], request: Request) -> RPCResponse:
        """Answer a request from what was read ahead, or let the node answer it."""
        if self._thread.recorded is not None:
            self._thread.recorded.append(request)
            raise _RequestKnown
        if request[0] in BROADCASTS:
            self.forget()
        response = self._thread.answers.pop(repr(request), None) if self._thread.answers else None
        return make_request(*request) if response is None else response


def read_batch(web3: Web3, batch: list[Request]) -> list[RPCResponse]:
    """Make requests in one round trip, and return the answers in their order.

    Raises ValueError if the answer is not one of a batch, and what the provider raises.
    """
    provider = cast(JSONBaseProvider, web3.provider)
    responses: Any = provider.batch_request_func(web3, cast(Any, web3.middleware_onion))(batch)
    if not isinstance(responses, list) or not all(isinstance(each, dict) for each in responses):
        raise ValueError("not the answer to a batch")
    if len({repr(each.get("id")) for each in responses}) != len(batch) or len(responses) != len(batch):
        raise ValueError("not one answer to each request")
    return responses


def _is_final(response: RPCResponse) -> bool:
    """Return whether an answer in a batch counts: a result.

    Another error may be about the batch. A contract's may be of a moment before those answers that were asked for again:
    it is asked for again too, before anybody is told.
    """
    return response.get("error") is None and "result" in response


class _Layer(Web3Middleware):
    """The layer of web3 right before the provider."""

    def __init__(self, web3: Web3, batches: Batches) -> None:
        super().__init__(web3)
        self._batches = batches

    def wrap_make_request(self, make_request: Any) -> Any:
        """Let the batches answer first."""
        return lambda method, params: self._batches.answer(make_request, (method, params))
