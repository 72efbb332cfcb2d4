"""Folders of files on the gateway's machine: a service whose files need no upstream.

Starlette finds and reads the files: ranges, HEAD, ETag and types are its work. It follows no link out of the folder, and lists
no folder. A file is read in pieces, as the buyer takes them.
"""

import asyncio
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import quote

from anyio import CancelScope
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from nvm_chain.errors import UnknownEndpoint, UpstreamFailed
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.upstream import Answer, FindHeader, UpstreamCall, Upstreams
from nvm_chain.gateway.upstream_queues import UpstreamQueue
from nvm_chain.types.ids import parse_agent_id

_LEFT_OUT: Final = frozenset((b"if-none-match", b"if-modified-since"))
"""Headers that could turn a paid answer into one without the file."""
_NOT_ALLOWED: Final = 401
"""What Starlette says of a file that this process may not look at. Nobody can sign in for it."""
_WITH_FILE: Final = (200, 206)
_HIDDEN: Final = "."
"""How the names of files begin that nobody gets, such as ``.env``."""


class FileUpstreams(Upstreams):
    """Reads files of services that have a folder, and calls the upstreams of the others."""

    def __init__(self, services: Mapping[str, SoldService], find_header: FindHeader | None = None) -> None:
        """Take all services. Opens no file."""
        super().__init__(find_header)
        self._services = services
        self._folders = {
            did: StaticFiles(directory=service.settings.files, check_dir=False)
            for did, service in services.items()
            if service.settings.files is not None
        }

    async def call(self, asked: UpstreamCall) -> Answer:
        """Open a file, or send a request. See `Upstreams.call`. The folder is asked for files of the agent, and for nothing else.

        Raises:
            UnknownEndpoint: It is not a file of the agent, and the service has no upstream.
        """
        service, url, method = asked.service, asked.url, asked.method
        folder, sold = self._folders.get(service), self._services.get(service)
        target = url if sold is None else url.removeprefix(sold.settings.upstream.rstrip("/"))
        path = None if sold is None else sold.find_file(method, target)
        if folder is None or sold is None or (path is None and sold.settings.upstream):
            return await super().call(asked)
        if path is None:
            raise UnknownEndpoint(parse_agent_id(service), method, target.partition("?")[0])
        queue = self.find_queue(service, asked.most)
        await queue.enter()
        answer = FileAnswer(service, queue)
        if asked.on_connected is not None:
            asked.on_connected()
        headers = [(name.encode("latin-1"), value.encode()) for name, value in asked.headers]
        await answer.open(folder, method, path, headers)
        return answer


class FileAnswer(Answer):
    """A file as an answer. A task reads it, one piece ahead of the buyer."""

    def __init__(self, service: str, queue: UpstreamQueue) -> None:
        """Take the DID of the service, for errors, and the queue that is left at the end. Nothing is open yet."""
        self._service, self._queue = service, queue
        self._has_left = False
        self.status, self.headers = 404, list[tuple[bytes, bytes]]()
        self._messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(1)
        self._reading: asyncio.Task[None] | None = None
        self._scope = CancelScope()
        self._left = 0

    async def open(self, folder: StaticFiles, method: str, path: str, headers: Headers) -> None:
        """Open a file, and read the head of its answer. Raises UpstreamFailed."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": method,
            "path": path,
            "root_path": "",
            "headers": [(name, value) for name, value in headers if name not in _LEFT_OUT],
        }
        self._reading = asyncio.ensure_future(self._read(folder, scope))
        with ExitStack() as ending:
            ending.callback(self.close)
            head = await self._next(self._reading)
            ending.pop_all()
        self.status = head["status"]
        self.headers = [*head["headers"], (b"x-content-type-options", b"nosniff")]
        if self.status in _WITH_FILE:
            name = quote(path.rpartition("/")[2], safe="")
            self.headers.append((b"content-disposition", f"attachment; filename*=utf-8''{name}".encode()))
        length = dict(head["headers"]).get(b"content-length", b"")
        self._left = 0 if method == "HEAD" else int(length or 0)

    async def _read(self, folder: StaticFiles, scope: dict[str, Any]) -> None:
        with self._scope:
            await self._answer(folder, scope)

    async def _answer(self, folder: StaticFiles, scope: dict[str, Any]) -> None:
        try:
            if any(part.startswith(_HIDDEN) for part in scope["path"].split("/")):
                raise HTTPException(404)
            response = await folder.get_response(folder.get_path(scope), scope)
            await response(scope, _never, self._messages.put)
        except HTTPException as error:
            if error.status_code == _NOT_ALLOWED:
                raise UpstreamFailed(self._service, "may not read the file") from error
            start = {"type": "http.response.start", "status": error.status_code, "headers": [(b"content-length", b"0")]}
            await self._messages.put(start)
            await self._messages.put({"type": "http.response.body", "body": b""})

    async def _next(self, reading: "asyncio.Task[None]") -> MutableMapping[str, Any]:
        """Return the next message of the task. Raises UpstreamFailed if it has ended without one."""
        getting = asyncio.ensure_future(self._messages.get())
        try:
            await asyncio.wait((getting, reading), return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                await asyncio.sleep(0)  # a message that the task has put last arrives a turn later
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
        error = None if reading.cancelled() else reading.exception()
        if isinstance(error, UpstreamFailed):
            raise error
        raise UpstreamFailed(self._service, "cannot read the file") from error

    def find(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for each, value in self.headers if each == wanted), None)

    async def read_piece(self) -> tuple[bytes, bool]:
        """Return the next piece of the file, and whether more follows. Raises UpstreamFailed."""
        assert self._reading is not None, "the file is open"
        message = await self._next(self._reading)
        piece, more = bytes(message.get("body", b"")), bool(message.get("more_body", False))
        self._left -= len(piece)
        if self._left < 0 or (self._left and not more):
            raise UpstreamFailed(self._service, "has a file that changed while it was read")
        return piece, more

    def close(self) -> None:
        """Stop reading, and close the file. An open file is closed even if it is being opened now."""
        self._scope.cancel()
        self._leave_queue()

    def finish(self) -> None:
        """Leave the queue. The file was read to its end, and is being closed."""
        self._leave_queue()


async def _never() -> MutableMapping[str, Any]:
    """Wait until the reading is cancelled, because the exchange watches the buyer."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")
