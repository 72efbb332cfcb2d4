"""Websockets through the gateway as a process: on uvicorn and on granian, from a configuration file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nvm_chain.client.sockets import build_socket_protocols
from tests.gateway.serving import served
from tests.gateway.shop import SECRET, Gate, Shop
from tests.gateway.sockets import SocketService, dial, echo, open_session, read_end, refused, revoke, wait_for_number
from tests.gateway.test_running import find_port, running, write_config

COST = 2
MEGABYTE = 2**20
SERVERS = ("uvicorn", "granian")


@pytest.fixture(scope="module")
def service() -> SocketService:
    """A service with websockets."""
    return SocketService()


@pytest.fixture(scope="module", params=SERVERS)
def process(
    request: pytest.FixtureRequest, shop: Shop, service: SocketService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, str]]:
    """A gateway that sells messages, on either server."""
    with served(service) as url, started(request.param, shop, url, tmp_path_factory.mktemp("process")) as gate:
        yield gate, request.param


@contextmanager
def started(server: str, shop: Shop, upstream: str, folder: Path) -> Iterator[Gate]:
    """Run a gateway as a process until the block ends."""
    port = find_port()
    config = write_config(folder, shop, upstream, port)
    config.write_text(config.read_text("utf-8") + 'websocket = { per = "message" }\n', "utf-8")
    command = [sys.executable, "-m", "nvm_chain.cli", "gateway", "run"]
    if server == "granian":
        target = "nvm_chain.gateway.running:build_app_from_environment"
        options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--factory", target]
        command = [sys.executable, "-m", "granian", *options]
    with running(command, port, folder):
        yield Gate(shop, f"http://127.0.0.1:{port}", shop.new_buyer())


def anew(process: tuple[Gate, str]) -> Gate:
    """Return the gateway, for a buyer of this test's own."""
    gate, _ = process
    return Gate(gate.shop, gate.url, gate.shop.new_buyer())


def test_process__hands_on_messages_and_charges_them(process: tuple[Gate, str], service: SocketService) -> None:
    gate = anew(process)
    token = open_session(gate, 10 * COST)
    body = bytes(range(256)) * 4_096
    with dial(gate, "/data/echo?x=%2F", subprotocols=build_socket_protocols(token, ["chat"])) as line:
        assert [line.subprotocol, echo(line, "é🙂"), echo(line, body)] == ["chat", "é🙂", body]
        line.close(4_002, "bye")
    assert (service.last.target, service.last.protocols) == ("/data/echo?x=%2F", ["chat"])
    assert service.last.wait_for_end()[0] == 4_002
    assert token not in str(service.last.headers)
    assert SECRET in service.last.headers["authorization"]
    wait_for_number(gate, token, "charged", 2 * COST)


def test_process__answers_402_before_it_accepts_and_4402_after(
    process: tuple[Gate, str], service: SocketService
) -> None:
    gate = anew(process)
    status, told = refused(gate, "/data/echo")
    assert (status, told["nvm"]["type"]) == (402, "SessionMissing")
    token = open_session(gate, 2 * COST)
    with dial(gate, "/data/echo", token) as line:
        assert [echo(line, "1"), echo(line, "2")] == ["1", "2"]
        line.send("unpaid")
        assert read_end(line) == (4_402, "The limit of the session is reached. Open another session.")
    assert service.last.messages == ["1", "2"]
    other = open_session(gate, 10 * COST)
    with dial(gate, "/data/echo", other) as line:
        echo(line, "1")
        revoke(gate, other)
        line.send("unpaid")
        assert read_end(line)[0] == 4_402


def test_process__tells_each_side_that_the_other_one_has_died(
    process: tuple[Gate, str], service: SocketService
) -> None:
    gate = anew(process)
    token = open_session(gate, 10 * COST)
    with dial(gate, "/data/echo", token) as line:
        line.send("die")
        assert read_end(line)[0] == 1_014
    line = dial(gate, "/data/echo", token)
    echo(line, "tea?")
    line.socket.shutdown(2)
    line.socket.close()
    assert service.last.wait_for_end()[0] is not None
    with dial(gate, "/data/echo", token) as line:
        line.send(bytes(MEGABYTE + 1))
        assert read_end(line)[0] == 1_009
    wait_for_number(gate, token, "held", 0)


@pytest.mark.parametrize("server", SERVERS)
def test_process__that_is_told_to_stop__ends_its_connections(
    server: str, shop: Shop, service: SocketService, tmp_path: Path
) -> None:
    with served(service) as url, started(server, shop, url, tmp_path) as gate:
        line = dial(gate, "/data/echo", open_session(gate, 10 * COST))
        echo(line, "tea?")
    with line:
        assert read_end(line)[0] == (1_012 if server == "uvicorn" else 1_006)  # granian ends it without a code
    assert service.last.wait_for_end()[0] is not None
