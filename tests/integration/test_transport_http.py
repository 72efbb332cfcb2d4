"""What http takes from its environment, as requests does, and that connections stay open: proxies, passwords, certificates."""

import os
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from nvm_chain.chain.client import open_rpc
from nvm_chain.errors import ConnectionFailed
from tests.support.reverts import reverts
from tests.support.scripted_node import Exchange, ScriptedNode, run_scripted_node

KNOWN = {"eth_chainId": "0x1", "eth_blockNumber": "0x10"}


class Seen(list[tuple[str, dict[str, str], int]]):
    """Path, headers and the client's port of each request."""

    def script(self, exchange: Exchange) -> None:
        """Note the request, and answer it."""
        self.append((exchange.path, dict(exchange.headers), exchange.client_address[1]))
        exchange.reply(exchange.results(KNOWN), Set_Cookie="machine=7; Path=/")


@pytest.fixture
def seen() -> Seen:
    """What was asked."""
    return Seen()


@pytest.fixture
def node(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedNode]:
    """A node that notes what it is asked, and an environment without proxies."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with run_scripted_node(seen.script) as node:
        yield node


def basic(words: str) -> str:
    """Return what a header has for a name and a password."""
    return f"Basic {b64encode(words.encode()).decode()}"


def test_open_rpc__with_a_proxy_in_the_environment__asks_through_it(
    seen: Seen, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", node.url.replace("http://", "http://me:secret@"))
    assert open_rpc("http://node.example:8545/v3/key?a=b").chain_id == 1
    path, headers, _ = seen[0]
    assert path == "http://node.example:8545/v3/key?a=b"
    assert headers["Host"] == "node.example:8545"
    assert headers["Proxy-Authorization"] == basic("me:secret")


def test_open_rpc__of_a_host_that_needs_no_proxy__asks_it_itself(
    seen: Seen, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert open_rpc(node.url + "/v3/key").chain_id == 1
    assert seen[0][0] == "/v3/key"


def test_open_rpc__with_a_proxy_that_is_dead__says_so(node: ScriptedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with reverts(ConnectionFailed("http://node.example", "connection refused or host not found")):
        open_rpc("http://node.example")


def test_open_rpc__with_a_password_in_the_url_or_in_netrc__sends_it(
    seen: Seen, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_rpc(node.url.replace("http://", "http://me:se%40cret@"))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login you password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    open_rpc(node.url)
    assert [headers["Authorization"] for _, headers, _ in seen] == [basic("me:se@cret"), basic("you:word")]


def test_read__after_a_cookie__sends_it_on_the_same_connection(seen: Seen, node: ScriptedNode) -> None:
    chain = open_rpc(node.url)
    assert chain.web3.eth.block_number == 16
    (_, first, port), (_, second, same) = seen
    assert "Cookie" not in first
    assert second["Cookie"] == "machine=7"
    assert port == same


def test_read__by_threads__keeps_their_connections(seen: Seen, node: ScriptedNode) -> None:
    chain = open_rpc(node.url)
    for _ in range(3):
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda _: chain.web3.eth.block_number, range(40))) == {16}
    assert len({port for _, _, port in seen}) <= 4


def test_read__in_a_process_that_was_forked__has_a_connection_of_its_own(seen: Seen, node: ScriptedNode) -> None:
    chain = open_rpc(node.url)
    child = os.fork()
    if not child:
        os._exit(0 if chain.web3.eth.block_number == 16 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert chain.web3.eth.block_number == 16
    ports = [port for _, _, port in seen]
    assert ports[0] == ports[2] != ports[1]


# ---------------------------------------------------------------------- certificates


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody signed but itself."""
    path, key = tmp_path / "own.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    more = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command, *more], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def secure_url(seen: Seen, node: ScriptedNode, certificate: Path) -> Iterator[str]:
    """The https URL of a node with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Secure", (Exchange,), {"node": node}))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_open_rpc__of_a_certificate_that_nobody_knows__is_refused(secure_url: str) -> None:
    with reverts(ConnectionFailed(secure_url, "its certificate is not accepted")):
        open_rpc(secure_url)


def test_open_rpc__of_a_certificate_that_the_environment_names__is_taken(
    secure_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert open_rpc(secure_url).chain_id == 1
