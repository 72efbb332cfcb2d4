"""A seller's service as a process of its own: ``python -m tests.gateway.upstream_process PORT LOG``.

It writes a line for each request as soon as it has its head, with the id that the gateway gives the request. The file stays when the
process is killed. The answer comes in pieces, so that a kill can fall between them.
"""

import asyncio
import os
import random
import sys
from typing import Any

import uvicorn

PIECES = 3
LONGEST_PAUSE = 0.01


class Service:
    """Answers every request, and writes down its id."""

    def __init__(self, log: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        told = dict(scope["headers"]).get(b"nvm-request-id", b"-")
        os.write(self._log, told + b"\n")
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for number in range(PIECES):
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))
            await send({"type": "http.response.body", "body": b"tea ", "more_body": number < PIECES - 1})

    @staticmethod
    async def _live(receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    """Serve until the process is ended."""
    port, log = sys.argv[1:]
    uvicorn.run(Service(log), host="127.0.0.1", port=int(port), log_level="critical", timeout_keep_alive=60)


if __name__ == "__main__":
    main()
