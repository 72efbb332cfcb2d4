"""Documents that a stranger's URL names are read from public addresses only, and nothing is sent to others."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from nvm_chain.errors import MetadataUnavailable, StorageError
from nvm_chain.storage.public_hosts import is_public
from nvm_chain.storage.stores import load_metadata
from tests.gateway.terminators import make_certificate

HASH = "ab" * 32
WAIT_SECONDS = 10


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f000001"])
def test_load__from_a_private_address__sends_nothing(host: str) -> None:
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    with socket.create_server(("::1" if "[" in host else "127.0.0.1", 0), family=family) as listener:
        listener.settimeout(WAIT_SECONDS)
        got: list[bytes] = []

        def listen() -> None:
            line, _ = listener.accept()
            with line:
                line.settimeout(WAIT_SECONDS)
                got.append(line.recv(1))

        thread = threading.Thread(target=listen)
        thread.start()
        uri = f"https://{host}:{listener.getsockname()[1]}/{HASH}.json"
        with pytest.raises(MetadataUnavailable, match="the server has a private address"):
            load_metadata(uri, public_only=True)
        thread.join(WAIT_SECONDS)
    assert got == [b""]


def test_load__of_a_head_that_trickles__ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and there is no last one. Such a server could keep all threads that read for strangers."""
    certificate, over = make_certificate(tmp_path), threading.Event()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.authority))
    monkeypatch.setattr("nvm_chain.storage.public_hosts.is_public", lambda _: True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)

    def trickle() -> None:
        with suppress(OSError), listener.accept()[0] as line, context.wrap_socket(line, server_side=True) as talk:
            talk.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.05):
                talk.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as threads:
        serving = threads.submit(trickle)
        uri = f"https://127.0.0.1:{listener.getsockname()[1]}/{HASH}.json"
        reading = threads.submit(load_metadata, uri, timeout_seconds=1, public_only=True)
        try:
            with pytest.raises(StorageError):
                reading.result(WAIT_SECONDS)
        finally:
            over.set()
            serving.result(WAIT_SECONDS)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b:1::8.8.8.8", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_is_public__of_an_address__tells_whether_strangers_may_name_it(address: str, public: bool) -> None:
    assert is_public(address) is public
