"""Documents of plans at other hosts: each is read once, and hosts that hang keep nothing from anybody else."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from nvm_chain.gateway.checkout.documents import MOST_AT_ONCE, Documents
from nvm_chain.metadata.documents import PlanMetadata, build_metadata_uri
from nvm_chain.storage.stores import load_metadata
from tests.gateway.terminators import make_certificate

WAIT_SECONDS = 30
INLINE = build_metadata_uri(PlanMetadata("Tea", description="A cup."))
TEXT = load_metadata(INLINE).encode()


class Host:
    """A host with a certificate. It counts its connections, and answers as long as it does not hang."""

    def __init__(self, port: int) -> None:
        self.hangs, self.over = threading.Event(), threading.Event()
        self.came = threading.Semaphore(0)
        self.port, self.count = port, 0

    def name(self, number: int = 0) -> str:
        """Return the URI of the document, in one of many spellings."""
        return f"https://127.0.0.1:{self.port}/{number}/{sha256(TEXT).hexdigest()}.json"

    def answer(self, line: ssl.SSLSocket) -> None:
        """Answer a request, or wait."""
        self.count += 1
        self.came.release()
        if self.hangs.is_set():
            self.over.wait(WAIT_SECONDS)
            return
        line.recv(65_536)
        line.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT))


@contextmanager
def run_host(folder: Path) -> Iterator[Host]:
    certificate = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(64) as threads:
        host = Host(listener.getsockname()[1])

        def talk(line: socket.socket) -> None:
            own = context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
            with suppress(OSError), own:  # closed whatever becomes of the handshake
                own.do_handshake()
                host.answer(own)

        def listen() -> None:
            line = listener.accept()[0]
            while not host.over.is_set():
                threads.submit(talk, line)
                line = listener.accept()[0]
            line.close()  # the one that ends the wait

        threads.submit(listen)
        try:
            yield host
        finally:
            host.over.set()
            socket.create_connection(("127.0.0.1", host.port)).close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host on this machine that counts as a public one."""
    with run_host(tmp_path) as host:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        monkeypatch.setattr("nvm_chain.storage.public_hosts.is_public", lambda _: True)
        yield host


def test_read__of_a_document__asks_its_host_once(host: Host) -> None:
    documents = Documents()
    found = [documents.read(host.name()) for _ in range(5)]
    assert [each.name for each in found if each is not None] == ["Tea"] * 5
    assert host.count == 1


def test_read__by_many_at_once__asks_the_host_once(host: Host) -> None:
    documents = Documents()
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: documents.read(host.name()), range(16)))
    assert None not in found
    assert host.count == 1


def test_read__from_hosts_that_hang__takes_a_few_threads_and_no_more(host: Host) -> None:
    documents = Documents()
    host.hangs.set()
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        reading = [threads.submit(documents.read, host.name(number)) for number in range(MOST_AT_ONCE)]
        for _ in reading:
            assert host.came.acquire(timeout=WAIT_SECONDS)
        assert [documents.read(host.name(number)) for number in range(100, 150)] == [None] * 50
        assert documents.read(INLINE) == PlanMetadata("Tea", description="A cup.")
        assert [each.result(WAIT_SECONDS) for each in reading] == [None] * MOST_AT_ONCE
    assert host.count == MOST_AT_ONCE
