"""A fault at each point at which a request waits: the books balance afterwards, and the next request is served (G13, S10).

A request that waits for a future can be cancelled, and a server's functions can raise any error. Both are tried at each point.
"""

import asyncio
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from nvm_chain.gateway.app import GatewayApp
from tests.gateway.serving import Upstream
from tests.gateway.several import running, serve
from tests.gateway.shop import Gate, Shop

MOST_POINTS = 200
WAIT_SECONDS = 30
LONG = bytes(200_000)


@dataclass
class Fault:
    """An error that is raised at the n-th point of a request. ``points`` is how many points the last request had."""

    error: type[BaseException] | None = None
    at: int = 0
    points: int = 0
    raised: int = 0

    def is_here(self) -> bool:
        """Count a point, and return whether the error is to be raised at it."""
        self.points += 1
        is_here = self.error is not None and self.points == self.at
        self.raised += is_here
        return is_here

    def check(self) -> None:
        """Count a point, and raise the error at it."""
        if self.is_here() and self.error is not None:
            raise self.error("a fault")


class Waits:
    """Runs a coroutine in its task, and cancels it at one of the points where it waits."""

    def __init__(self, work: Any, fault: Fault) -> None:
        self._work, self._fault = work, fault

    def __await__(self) -> Generator[Any, Any, Any]:
        """Hand on what the coroutine waits for."""
        steps = self._work.__await__()
        waited = steps.send(None)
        while True:
            try:
                if self._fault.is_here() and (task := asyncio.current_task()) is not None:
                    task.cancel()  # it is cancelled as soon as it waits
                try:
                    value = yield waited
                except BaseException as error:  # noqa: BLE001  the server or a time limit cancels the request
                    waited = steps.throw(error)
                else:
                    waited = steps.send(value)
            except StopIteration as end:
                return end.value


class Faulty:
    """A gateway whose requests to its service fail as the fault says."""

    def __init__(self, app: GatewayApp, fault: Fault) -> None:
        self._app, self._fault = app, fault

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not scope["path"].startswith("/services/"):
            await self._app(scope, receive, send)
            return
        self._fault.points = 0
        if self._fault.error in (None, asyncio.CancelledError):
            await Waits(self._app(scope, receive, send), self._fault)
        else:
            await self._app(scope, self._wrap(receive), self._wrap(send))

    def _wrap(self, function: Any) -> Any:
        async def wrapped(*arguments: Any) -> Any:
            self._fault.check()
            return await function(*arguments)

        return wrapped


@pytest.fixture(scope="module")
def fault() -> Fault:
    return Fault()


@pytest.fixture(scope="module")
def faulty_url(shop: Shop, upstream_url: str, fault: Fault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("faulty")
    with running(shop, folder, serve(shop, upstream_url), lambda app: Faulty(app, fault)) as url:
        yield url


@pytest.mark.parametrize("body", [b"tea?", LONG], ids=["short", "long"])
@pytest.mark.parametrize("error", [asyncio.CancelledError, OSError, RuntimeError, TimeoutError])
def test_fault__at_each_point_where_a_request_waits__leaves_the_books_balanced(
    shop: Shop, upstream: Upstream, faulty_url: str, fault: Fault, error: type[BaseException], body: bytes
) -> None:
    gate, served, at = Gate(shop, faulty_url, shop.new_buyer()), 0, 0
    while True:
        at, before = at + 1, len(upstream.seen)
        fault.error, fault.at, fault.raised = error, at, 0
        headers = gate.pay("POST", "/ask", body)
        try:
            status = gate.ask("POST", "/ask", headers, data=body).status_code
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            status = 0
        raised, fault.error = fault.raised, None
        told = gate.wait_for("held", "0", WAIT_SECONDS)
        charged = int(told["charged"]) // 2 - served
        assert charged in (0, 1)
        assert charged <= len(upstream.seen) - before <= 1
        assert status != 200 or charged == 1
        served += charged
        again = gate.ask("POST", "/ask", headers, data=body)
        fresh = again.status_code == 200
        assert not (charged and fresh), "a voucher was served twice"
        if fresh:
            served += 1
            gate.wait_for("charged", str(2 * served), WAIT_SECONDS)
        if not raised:
            break
        assert at < MOST_POINTS
    assert at > 2
    assert status == 200
    assert gate.wait_for("held", "0")["charged"] == str(2 * served)
