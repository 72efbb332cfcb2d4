"""Nodes reached by IPC and by WebSocket: a real anvil by both, and sockets that break off, drip, and never end."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.server import ServerConnection, serve

from nvm_chain.chain import rpc
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.chain.rpc import NodeProvider
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.chain.transport.ipc import is_whole
from nvm_chain.errors import ConnectionFailed, RevertedWithReason, RpcFailed
from nvm_chain.operations.plans import register_plan
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.anvil import run_anvil
from tests.support.reverts import reverts
from tests.support.scripted_node import run_scripted_node

SENDER = derive_dev_accounts()[0]
ANSWER = b'{"jsonrpc":"2.0","id":0,"result":"0x7a69"}'
BROKE = "the connection broke off"


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The ways to one anvil: its URLs and its socket's path."""
    path = tmp_path_factory.mktemp("ipc") / "node.ipc"
    with run_anvil("--ipc", str(path)) as url:
        yield {"http": url, "ws": url.replace("http", "ws"), "ipc": f"ipc://{path}", "path": str(path)}


@pytest.fixture(params=["ws", "ipc", "path"])
def way(request: pytest.FixtureRequest, ways: dict[str, str], monkeypatch: Any, tmp_path: Path) -> str:
    """One of the ways that are not http."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return ways[request.param]


# ---------------------------------------------------------------------- a real node


def test_connect__to_anvil__knows_its_chain(way: str) -> None:
    chain = connect(way)
    assert chain.chain_id == 31337
    assert chain.label == (way if "://" in way else f"ipc://{way}")


def test_deploy_all__through_a_socket__sells_a_plan(way: str) -> None:
    chain = open_rpc(way)
    deploy_all(chain, SENDER)
    assert chain.usdc is not None
    price = get_erc20_price_config(20_000_000, chain.usdc, SENDER.address)
    plan = register_plan(chain, SENDER, price, get_fixed_credits_config(100, 1))
    assert plan.transaction.block_number > 0


def test_read__that_reverts_or_is_refused_through_a_socket__raises_the_typed_error(way: str) -> None:
    chain = open_rpc(way)
    address: Any = "0x" + "22" * 20
    text = "0x7f08c379a0000000000000000000000000000000000000000000000000000000006000526020600452600260245261"
    chain.ask_development_node("anvil_setCode", address, text + "6e6f60f01b60445260646000fd")
    with reverts(RevertedWithReason("no")):
        chain.call(address, b"")
    with pytest.raises(RpcFailed):
        chain.read_block(10**9)


def test_make_batch_request__through_a_socket__answers_each(way: str) -> None:
    asked: Any = [("eth_chainId", []), ("eth_nothing", []), ("eth_blockNumber", [])]
    answers = NodeProvider(way, 0).make_batch_request(asked)
    assert ["result" in each for each in answers] == [True, False, True]


def test_read__by_many_threads_at_once__gives_each_its_own_answer(way: str) -> None:
    chain = open_rpc(way)
    addresses: list[Any] = [f"0x{number:040d}" for number in range(1000, 1064)]
    for number, address in enumerate(addresses):
        chain.ask_development_node("anvil_setBalance", address, hex(number))
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(chain.read_coin_balance, addresses)) == list(range(64))


def test_read__of_a_large_answer_through_a_socket__is_whole(way: str) -> None:
    chain = open_rpc(way)
    address: Any = "0x" + "33" * 20
    code = "00" * 300_000
    chain.ask_development_node("anvil_setCode", address, f"0x{code}")
    assert chain.read_code(address).hex() == code


def test_failover__between_http_and_sockets__reads_from_the_one_that_answers(ways: dict[str, str]) -> None:
    chain = open_rpc(f"ipc:///nowhere/node.ipc,ws://127.0.0.1:1,{ways['ipc']}")
    assert chain.chain_id == 31337


# ---------------------------------------------------------------------- a node that goes


def test_read__from_a_node_that_was_started_anew__connects_again(tmp_path: Path) -> None:
    path = str(tmp_path / "node.ipc")
    with run_anvil("--ipc", path) as url:
        by_ipc, by_websocket = open_rpc(path), open_rpc(url.replace("http", "ws"))
    for chain in (by_ipc, by_websocket):
        with pytest.raises(ConnectionFailed):
            chain.read_block()
    Path(path).unlink(missing_ok=True)
    with run_anvil("--ipc", path):
        assert by_ipc.read_block().number == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ipc:///nowhere/node.ipc", "no node listens at this path: no such file or directory"),
        ("/nowhere/node.ipc", "no node listens at this path: no such file or directory"),
        ("ipc://" + "a" * 200, "no node listens at this path: the path cannot be used"),
        ("ws://127.0.0.1:1", "connection refused or host not found"),
        ("ws://", "it is not a ws or wss URL"),
        ("ws://127.0.0.1:99999", "it is not a ws or wss URL"),
        ("wss://[::1", "it is not a ws or wss URL"),
    ],
)
def test_open_rpc__to_no_node__says_why(url: str, reason: str) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        open_rpc(url)
    assert caught.value.reason == reason


# ---------------------------------------------------------------------- sockets of a test


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second and 64 KiB for an answer, and silences of 0.3 seconds."""
    monkeypatch.setattr(rpc, "REQUEST_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(rpc, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(rpc, "MAX_ANSWER_BYTES", 1 << 16)


@contextmanager
def run_socket(path: Path, answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Listen at a path, and answer each request with what a function sends."""
    ending = threading.Event()

    def serve_one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while connection.recv(1 << 16):
                answer(connection, ending)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve_one, args=(server.accept()[0],), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        try:
            yield str(path)
        finally:
            ending.set()
            server.shutdown(socket.SHUT_RDWR)


def drip(send: Callable[[bytes], Any], ending: threading.Event) -> None:
    """Send a byte now and then."""
    while not ending.wait(0.05):
        send(b" ")


def pour(send: Callable[[bytes], Any], ending: threading.Event) -> None:
    """Send without an end."""
    while not ending.is_set():
        send(b" " * 10_000)


def send_half(connection: socket.socket, ending: threading.Event) -> None:
    """Send the beginning, and end the connection."""
    connection.sendall(ANSWER[:20])
    connection.shutdown(socket.SHUT_RDWR)


IPC: dict[str, tuple[Callable[[socket.socket, threading.Event], Any], str]] = {
    "nothing": (lambda connection, ending: ending.wait(10), "no answer within 0.3 seconds"),
    "drips": (
        lambda connection, ending: drip(connection.sendall, ending),
        "no answer within 0.5 seconds in all",
    ),
    "pours": (
        lambda connection, ending: pour(connection.sendall, ending),
        "its answer is larger than 0.0625 MiB",
    ),
    "half": (send_half, BROKE),
    "no JSON": (lambda connection, ending: connection.sendall(b"{hello}"), "it does not speak JSON-RPC"),
}


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("answer", "reason"), IPC.values(), ids=IPC)
def test_open_rpc__to_a_socket_that_is_odd__names_what_is_wrong(
    tmp_path: Path, answer: Callable[[socket.socket, threading.Event], Any], reason: str
) -> None:
    began = time.monotonic()
    with run_socket(tmp_path / "node.ipc", answer) as path, reverts(ConnectionFailed(f"ipc://{path}", reason)):
        open_rpc(path)
    assert time.monotonic() - began < 60


PIECES = {
    "at once": [ANSWER],
    "with a line's end": [ANSWER + b"\n"],
    "byte by byte": [ANSWER[place : place + 1] for place in range(len(ANSWER))],
    "with brackets in a text": [b'{"jsonrpc": "2.0", "id": 0, "other": "}', b']}", "result": "0x7a69"}'],
    "in whole blocks": [ANSWER[:-1].ljust((1 << 16) - 1) + b"}"],
    "with an escaped quote": [b'{"jsonrpc": "2.0", "id": 0, "other": "\\"}', b'", "result": "0x7a69"}'],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_open_rpc__to_a_socket_that_answers_in_pieces__waits_for_the_whole(tmp_path: Path, pieces: list[bytes]) -> None:
    def answer(connection: socket.socket, ending: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
            ending.wait(0.005)

    with run_socket(tmp_path / "node.ipc", answer) as path:
        assert open_rpc(path).chain_id == 31337


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": "', b'{"a": "}', b'{"a": {}', b'[{"a": "]}', b'{"a": "\\"}'])
def test_is_whole__of_what_is_not__is_false(text: bytes) -> None:
    assert not is_whole(text)


@contextmanager
def run_websocket(answer: Callable[[ServerConnection, threading.Event], Any]) -> Iterator[str]:
    """Serve WebSocket on this machine, and answer each request with what a function sends."""
    ending = threading.Event()

    def handle(connection: ServerConnection) -> None:
        for _ in connection:
            answer(connection, ending)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            ending.set()
            server.shutdown()
            thread.join(10)


def send_fragments(connection: ServerConnection, ending: threading.Event) -> None:
    """Send one message in fragments that never end."""

    def fragments() -> Iterator[str]:
        while not ending.wait(0.05):
            yield " "

    with suppress(WebSocketException, RuntimeError, OSError):
        connection.send(fragments())


WEBSOCKET: dict[str, tuple[Callable[[ServerConnection, threading.Event], Any], str]] = {
    "nothing": (lambda connection, ending: ending.wait(10), "no answer within 0.5 seconds in all"),
    "drips": (send_fragments, "no answer within 0.5 seconds in all"),
    "too large": (lambda connection, ending: connection.send(" " * 100_000), "its answer is larger than 0.0625 MiB"),
    "closes": (lambda connection, ending: connection.close(), BROKE),
    "no JSON": (lambda connection, ending: connection.send("hello"), "it does not speak JSON-RPC"),
}


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("answer", "reason"), WEBSOCKET.values(), ids=WEBSOCKET)
def test_open_rpc__to_a_websocket_that_is_odd__names_what_is_wrong(
    answer: Callable[[ServerConnection, threading.Event], Any], reason: str
) -> None:
    with run_websocket(answer) as url, reverts(ConnectionFailed(url, reason)):
        open_rpc(url)


def test_open_rpc__to_a_web_server_by_websocket__names_its_status() -> None:
    with run_scripted_node(lambda exchange: None) as node:
        url = node.url.replace("http", "ws")
        with reverts(ConnectionFailed(url, "HTTP status 501")):
            open_rpc(url)


def test_websocket__at_a_url_with_secrets__uses_them_and_shows_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    seen: list[str] = []

    def answer(connection: ServerConnection, ending: threading.Event) -> None:
        request = connection.request
        assert request is not None
        seen.extend([request.path, request.headers.get("Authorization", "")])
        connection.send(ANSWER.decode())

    with run_websocket(answer) as url:
        chain: Chain = open_rpc(url.replace("ws://", "ws://user:pass-s3cret@") + "/v3/path-s3cret?key=query-s3cret")
        told = f"{chain!r} {chain.label} {chain.web3.provider}"
        with pytest.raises(ConnectionFailed) as caught:  # the answer has the number of the first request
            chain.read_block()
    assert seen[0] == "/v3/path-s3cret?key=query-s3cret"
    assert seen[1].startswith("Basic ")
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")
    )
    assert "s3cret" not in told + str(caught.value) + repr(caught.value) + ours
