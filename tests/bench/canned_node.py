"""A node that serves made-up logs from memory, in a process of its own: ``python -m tests.bench.canned_node 60000``.

It prints its URL. Its answers take little time, so a bench measures who reads them.
"""

import json
import sys
from bisect import bisect_left, bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.support.canned_logs import CHAIN_ID, LogWriter, write_busy_blocks

BEHIND: Final = 300
"""How many blocks follow the last one with logs, so that all of these are old."""
EVERY_BLOOM: Final = f"0x{'ff' * 256}"
ALL: Final = ""


class Shelf:
    """The logs of one event, or of all, as JSON, by the numbers of their blocks."""

    def __init__(self) -> None:
        """Begin without logs."""
        self.numbers: list[int] = []
        self.texts: list[bytes] = []

    def find(self, first: int, last: int) -> bytes:
        """Return the logs of a range of blocks, as a list."""
        part = self.texts[bisect_left(self.numbers, first) : bisect_right(self.numbers, last)]
        return b"[" + b",".join(part) + b"]"


class CannedNode(ThreadingHTTPServer):
    """The node: some logs by their first topic."""

    def __init__(self, count: int) -> None:
        """Make up about ``count`` logs."""
        super().__init__(("127.0.0.1", 0), _Request)
        self.shelves: dict[str, Shelf] = {ALL: Shelf()}
        for block in write_busy_blocks(count):
            for log in block.logs:
                text = json.dumps(log, separators=(",", ":")).encode()
                for name in (ALL, log["topics"][0]):
                    shelf = self.shelves.setdefault(name, Shelf())
                    shelf.numbers.append(block.block.number)
                    shelf.texts.append(text)
        self.last = self.shelves[ALL].numbers[-1]

    def answer(self, method: str, params: list[Any]) -> bytes:
        """Return the result of a request as JSON."""
        if method == "eth_getLogs":
            topics = (params[0].get("topics") or [ALL])[0] or ALL
            shelf = self.shelves.get(topics if isinstance(topics, str) else topics[0], Shelf())
            return shelf.find(int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16))
        return json.dumps(self._answer_small(method, params)).encode()

    def _answer_small(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return hex(CHAIN_ID)
        if method == "eth_blockNumber":
            return hex(self.last + BEHIND)
        if method == "eth_getBlockByNumber":
            number = self.last + BEHIND if params[0] == "latest" else int(params[0], 16)
            block, parent = LogWriter(number).block, LogWriter(max(0, number - 1)).block
            names = {"number": hex(number), "hash": block.hash, "parentHash": parent.hash}
            return {**names, "timestamp": hex(block.timestamp), "logsBloom": EVERY_BLOOM, "receiptsRoot": block.hash}
        return None


class _Request(BaseHTTPRequestHandler):
    """One HTTP request: a JSON-RPC request or a batch of them."""

    protocol_version = "HTTP/1.1"
    server: CannedNode

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = b"[" + b",".join(map(self._answer, asked)) + b"]" if isinstance(asked, list) else self._answer(asked)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, request: dict[str, Any]) -> bytes:
        result = self.server.answer(request["method"], request["params"])
        return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(request["id"]).encode(), result)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Write no log."""


def main() -> None:
    """Serve until killed."""
    node = CannedNode(int(sys.argv[1]))
    print(f"http://127.0.0.1:{node.server_port} {node.last}", flush=True)
    node.serve_forever()


if __name__ == "__main__":
    main()
