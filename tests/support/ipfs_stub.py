"""A stand-in for an IPFS node: the used part of Kubo's RPC API, with true answers, and false ones on demand."""

import json
from base64 import b32encode
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from tests.support.http_server import Request, Server, run_server

ADDED_AS = {"cid-version": "1", "raw-leaves": "true"}
"""The parameters with which Kubo gives a short file the CID of its raw block."""


class IpfsStub:
    """The blocks and pins of a node.

    ``lie`` changes the answers of `cat`. ``named`` replaces the CID in answers of `add`.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.blocks: dict[str, bytes] = {}
        self.pins: set[str] = set()
        self.lie: bytes | None = None
        self.named: str | None = None
        self.broken: set[str] = set()
        for command in ("add", "cat", "pin/ls", "pin/rm"):
            server.route(f"/api/v0/{command}", self._answer)

    def asked(self) -> list[str]:
        """Return the received commands, in order."""
        return [urlsplit(path).path.removeprefix("/api/v0/") for path, _ in self.server.seen]

    def _answer(self, request: Request) -> None:
        parts = urlsplit(request.path)
        command = parts.path.removeprefix("/api/v0/")
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if request.command != "POST":
            request.reply(b"405 - Method Not Allowed", status=405)
        elif command in self.broken:
            _fail(request, "something is broken")
        elif command == "add":
            self._add(request, parameters)
        elif command == "cat":
            self._cat(request, parameters)
        else:
            self._pin(request, command, parameters["arg"])

    def _add(self, request: Request, parameters: dict[str, str]) -> None:
        content = _read_file(request)
        cid = raw_cid(content) if ADDED_AS.items() <= parameters.items() else "Qm" + "1" * 44
        self.blocks[cid] = content
        if parameters.get("pin", "true") == "true":
            self.pins.add(cid)
        _say(request, {"Name": cid, "Hash": self.named or cid, "Size": str(len(content))})

    def _cat(self, request: Request, parameters: dict[str, str]) -> None:
        content = self.blocks.get(parameters["arg"])
        if content is None:
            return _fail(request, "block was not found locally (offline): ipld: could not find " + parameters["arg"])
        content = content if self.lie is None else self.lie
        length = int(parameters.get("length", len(content)))
        request.reply(content[:length], headers={"Content-Length": "", "X-Content-Length": str(len(content))})
        return None

    def _pin(self, request: Request, command: str, cid: str) -> None:
        if cid not in self.pins:
            _fail(request, f"path '{cid}' is not pinned" if command == "pin/ls" else "not pinned or pinned indirectly")
        elif command == "pin/ls":
            _say(request, {"Keys": {cid: {"Type": "recursive", "Name": ""}}})
        else:
            self.pins.discard(cid)
            _say(request, {"Pins": [cid]})


@contextmanager
def run_ipfs() -> Iterator[IpfsStub]:
    """Run a node in a thread until the block ends."""
    with run_server() as server:
        yield IpfsStub(server)


def raw_cid(content: bytes) -> str:
    """Return the CIDv1 of a raw block: multibase b, version 1, raw, sha2-256, 32 bytes."""
    return "b" + b32encode(b"\x01\x55\x12\x20" + sha256(content).digest()).decode().lower().strip("=")


def _read_file(request: Request) -> bytes:
    """Return the only file of a multipart body."""
    body = request.rfile.read(int(request.headers["Content-Length"]))
    message = message_from_bytes(b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    (part,) = [part for part in message.walk() if part.get_filename()]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _say(request: Request, values: object) -> None:
    request.reply(json.dumps(values).encode() + b"\n", headers={"Content-Type": "application/json"})


def _fail(request: Request, message: str) -> None:
    request.reply(json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode(), status=500)
