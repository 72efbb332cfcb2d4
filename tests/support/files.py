"""A web server on loopback for downloads: serves what it is given, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer:
    """What it serves by path, the answers other than 200 by path, and the headers of each request."""

    def __init__(self, port: int) -> None:
        """Take the port that the server listens on."""
        self.url = f"http://127.0.0.1:{port}"
        self.files: dict[str, bytes] = {}
        self.refused: dict[str, int] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def add(self, path: str, content: bytes) -> str:
        """Serve a file, and return its URL."""
        self.files[f"/{path}"] = content
        return f"{self.url}/{path}"


@contextmanager
def serve_files() -> Iterator[FileServer]:
    """Run a server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files.requests.append((self.path, dict(self.headers.items())))
            content = files.files.get(self.path)
            self.send_response(404 if content is None else files.refused.get(self.path, 200))
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files = FileServer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
