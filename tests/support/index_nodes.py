"""A proxy before a node, as `OddNode`, which passes whole batches on. An index reads hundreds of blocks at once."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.odd_node import Forward, Json, OddNode, Reply


@dataclass
class BatchNode(OddNode):
    """The proxy. ``refuses`` gets the number of a request or batch, and tells whether the answer is HTTP status 429."""

    refuses: Callable[[int], bool] | None = None
    takes_batches: bool = True
    posts: int = 0
    _sessions: threading.local = field(default_factory=threading.local)

    def answer(self, body: Json | list[Json]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to a request or a batch."""
        self.posts += 1
        if self.refuses is not None and self.refuses(self.posts):
            return 429, {"Retry-After": "0"}, b""
        if isinstance(body, list) and not self.takes_batches:
            return 200, {}, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no batches"}}'
        asked = body if isinstance(body, list) else [body]
        told = {each["id"]: each for each in self._pass_on(asked)}
        replies = [self._reply(each, told[each["id"]]) for each in asked]
        status = next((reply for reply in replies if isinstance(reply, tuple)), None)
        if status is not None:
            return *status, b""
        return 200, {}, json.dumps(replies if isinstance(body, list) else replies[0]).encode()

    def _reply(self, request: Json, told: Json) -> Json | tuple[int, dict[str, str]]:
        self.asked.append(request["method"])
        reply = self.hook(request["method"], request["params"], lambda: told) if self.hook else None
        return reply if isinstance(reply, tuple) else {**(reply or told), "id": request["id"], "jsonrpc": "2.0"}

    def _pass_on(self, batch: list[Json]) -> list[Json]:
        if not hasattr(self._sessions, "one"):
            self._sessions.one = requests.Session()
            self._sessions.one.trust_env = False
        found: list[Json] = self._sessions.one.post(self.target, json=batch, timeout=30).json()
        return found


def change(method: str, how: Callable[[Any, list[Any]], object]) -> Callable[[str, list[Any], Forward], Reply]:
    """Return a hook that changes the results of a method. ``how`` gets the result and the parameters."""

    def hook(asked: str, params: list[Any], forward: Forward) -> Reply:
        if asked != method:
            return None
        answer = forward()
        return {**answer, "result": how(answer["result"], params)} if "result" in answer else answer

    return hook
