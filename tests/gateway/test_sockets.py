"""Websockets through the gateway: opened under a session, handed on both ways, and paid for by messages or by minutes."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from nvm_chain.client.sockets import build_socket_headers, build_socket_protocols
from nvm_chain.gateway.sockets import buyers
from nvm_chain.gateway.sockets.terms import SocketTerms, Unit
from tests.gateway.serving import served
from tests.gateway.shop import METRICS_TOKEN, SECRET, Gate, Shop
from tests.gateway.sockets import (
    SocketService,
    dial,
    echo,
    open_session,
    read_end,
    read_number,
    refused,
    revoke,
    wait_for_number,
)
from tests.gateway.test_schema import check, find_operation

COST = 2
HOST = "tea.example.com"
"""A host of the service alone."""


@pytest.fixture(scope="module")
def service() -> SocketService:
    """A service with websockets."""
    return SocketService()


@pytest.fixture(scope="module")
def open_gate(shop: Shop, service: SocketService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway in front of it that sells messages."""
    with (
        served(service) as url,
        shop.open(tmp_path_factory.mktemp("sockets"), url, websocket=SocketTerms(Unit.MESSAGE), hosts=(HOST,)) as gate,
    ):
        yield gate


def test_services__of_a_gateway_with_websockets__say_what_is_counted(gate: Gate) -> None:
    answer = requests.get(f"{gate.url}/services", timeout=60)
    (service,) = answer.json()["services"]
    assert service["websocket"] == {"per": "message"}
    check(answer, find_operation("GET", "/services"))


# ---------------------------------------------------------------------- opening


def test_socket__under_a_session__hands_on_messages_both_ways_and_charges_each(
    gate: Gate, service: SocketService
) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/echo?x=%2F", token, headers={"X-Own": "1", "Cookie": "a=b"}) as line:
        assert [echo(line, "tea?"), echo(line, b"\0\xff"), echo(line, "é🙂")] == ["tea?", b"\0\xff", "é🙂"]
        assert line.response is not None
        assert "payment-response" in line.response.headers
        assert "x-seller" not in line.response.headers
    seen = service.last
    assert seen.target == "/data/echo?x=%2F"
    assert seen.headers["authorization"] == f"Bearer {SECRET}"
    assert (seen.headers["nvm-holder"], seen.headers["x-own"]) == (gate.buyer.address, "1")
    assert token not in str(seen.headers)
    assert "cookie" not in seen.headers
    wait_for_number(gate, token, "charged", 3 * COST)
    wait_for_number(gate, token, "held", 0)


def test_page__that_cannot_set_headers__brings_the_token_as_a_subprotocol(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/echo", subprotocols=build_socket_protocols(token, ["chat"])) as line:
        assert (line.subprotocol, echo(line, "tea?")) == ("chat", "tea?")
    assert service.last.protocols == ["chat"]
    with dial(gate, "/data/echo", subprotocols=build_socket_protocols(token)) as line:
        assert line.subprotocol == "nvm"
    assert service.last.protocols == []
    assert token not in str(service.last.headers)


def test_connection__without_a_message__costs_one_unit_that_pays_for_the_first_message(gate: Gate) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/pushes", token) as line:
        assert line.recv(timeout=10) == "hello"
    wait_for_number(gate, token, "charged", COST)
    with dial(gate, "/data/pushes", token) as line:
        line.send("first")
    wait_for_number(gate, token, "charged", 2 * COST)


@pytest.mark.parametrize("kind", ["nothing", "a voucher", "a service token", "a token that nobody gave out"])
def test_socket__without_a_session__gets_a_402_that_says_how(gate: Gate, service: SocketService, kind: str) -> None:
    headers = {
        "nothing": {},
        "a voucher": gate.pay("GET", "/data/echo"),
        "a service token": gate.token(),
        "a token that nobody gave out": build_socket_headers("nvms_" + "x" * 43),
    }[kind]
    before = len(service.lines)
    status, told = refused(gate, "/data/echo", headers=headers)
    assert (status, told["accepts"]) == (402, [])
    assert told["nvm"]["type"] == ("AuthorityUnknown" if "nobody" in kind else "SessionMissing")
    info = told["extensions"]["nvm-session"]["info"]
    assert (info["per"], info["subprotocols"]) == ("message", ["nvm", "nvm.bearer.TOKEN"])
    assert {plan["credits"] for plan in info["plans"]} == {"0", str(COST)}
    assert len(service.lines) == before


def test_socket__on_a_host_of_the_service__is_told_that_sessions_are_opened_there(gate: Gate) -> None:
    port = int(gate.url.rpartition(":")[2])
    for host, sessions in ((HOST, f"http://{HOST}/.well-known/nvm/"), ("127.0.0.1", "http://127.0.0.1/")):
        prefix = "" if host == HOST else f"/services/{gate.shop.did}"
        line = socket.create_connection(("127.0.0.1", port))
        with pytest.raises(InvalidStatus) as caught, connect(f"ws://{host}{prefix}/data/echo", sock=line):
            pass
        told = json.loads(caught.value.response.body or b"{}")
        assert (caught.value.response.status_code, told["resource"]["url"]) == (402, f"http://{host}{prefix}/data/echo")
        info = told["extensions"]["nvm-session"]["info"]
        assert info["sessions"] == f"{sessions}sessions"
        assert info["signIn"] == f"{sessions}sign-in?service={gate.shop.did}"


def test_socket__that_is_not_sold__is_refused_with_the_status_of_a_request(gate: Gate, service: SocketService) -> None:
    token, before = open_session(gate, 20), len(service.lines)
    assert refused(gate, "/elsewhere", token)[0] == 404
    assert refused(gate, "/data/../about", token)[0] == 400
    assert refused(gate, "/data/echo", token, subprotocols=[f"nvm.bearer.{token}"])[0] == 400
    assert refused(gate, "/data/echo", token, headers={"PAYMENT-SIGNATURE": "x"})[0] == 400
    assert refused(gate, "/data/echo", headers=gate.pay("GET", "/data/echo"))[0] == 402
    with pytest.raises(InvalidStatus, match="404"), connect(gate.url.replace("http", "ws") + "/health/live"):
        pass
    assert len(service.lines) == before
    assert read_number(gate, token, "charged") == read_number(gate, token, "held") == 0


def test_socket__of_an_open_endpoint__costs_nothing(gate: Gate, service: SocketService) -> None:
    with dial(gate, "/about") as line:
        assert echo(line, "tea?") == "tea?"
    assert "nvm-holder" not in service.last.headers


def test_page__of_another_origin__is_not_allowed(shop: Shop, service: SocketService, tmp_path: Path) -> None:
    origins = ("https://shop.example.com",)
    with (
        served(service) as url,
        shop.open(tmp_path, url, websocket=SocketTerms(Unit.MESSAGE), cors_origins=origins) as gate,
    ):
        token = open_session(gate, 20)
        status, told = refused(gate, "/data/echo", token, origin="https://evil.example.com")
        assert (status, told["nvm"]["type"]) == (403, "PageNotAllowed")
        assert told["error"] == told["nvm"]["message"] == "Pages of this origin may not open websockets here."
        for origin in (*origins, gate.url, None):
            with dial(gate, "/data/echo", token, origin=origin) as line:
                assert echo(line, "tea?") == "tea?"


# ---------------------------------------------------------------------- endings


def test_service__that_ends__is_heard_by_the_buyer_and_the_other_way_round(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/echo", token) as line:
        line.send("close")
        assert read_end(line) == (4_001, "the service has said all")
    with dial(gate, "/data/echo", token) as line:
        echo(line, "tea?")
        line.close(4_002, "the buyer has heard all")
    assert service.last.wait_for_end() == (4_002, "the buyer has heard all")
    wait_for_number(gate, token, "charged", 2 * COST)


def test_service__that_dies__ends_the_connection_with_1014(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/echo", token) as line:
        line.send("die")
        code, reason = read_end(line)
    assert (code, "Connect again" in reason) == (1_014, True)
    wait_for_number(gate, token, "held", 0)


def test_buyer__that_dies__ends_the_connection_to_the_service(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    line = dial(gate, "/data/echo", token)
    echo(line, "tea?")
    line.socket.shutdown(2)
    line.socket.close()
    assert service.last.wait_for_end()[0] is not None
    wait_for_number(gate, token, "charged", COST)


@pytest.mark.parametrize("path", ["/data/refuses", "/data/moved?https://127.0.0.1:9/", "/data/moved?/data/echo"])
def test_service__that_does_not_accept__is_a_502_and_costs_nothing(
    gate: Gate, service: SocketService, path: str
) -> None:
    token, before = open_session(gate, 20), len(service.lines)
    assert refused(gate, path, token)[0] == 502
    assert len(service.lines) == before + 1
    wait_for_number(gate, token, "held", 0)
    assert read_number(gate, token, "charged") == 0


def test_service__that_cannot_be_reached__is_a_502_and_costs_nothing(shop: Shop, tmp_path: Path) -> None:
    with shop.open(tmp_path, "http://127.0.0.1:9", websocket=SocketTerms(Unit.MESSAGE)) as gate:
        token = open_session(gate, 20)
        status, told = refused(gate, "/data/echo", token)
        assert (status, told["nvm"]["type"]) == (502, "UpstreamUnreachable")
        wait_for_number(gate, token, "held", 0)
        assert read_number(gate, token, "charged") == 0


def test_service__that_closes_before_it_answers__is_asked_once(shop: Shop, tmp_path: Path) -> None:
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.settimeout(2)

        def close_each() -> None:
            with suppress(TimeoutError):
                while True:
                    with listener.accept()[0] as line:
                        asked.append(line.recv(65_536))

        with ThreadPoolExecutor(1) as pool, shop.open(tmp_path, url, websocket=SocketTerms(Unit.MESSAGE)) as gate:
            closing = pool.submit(close_each)
            token = open_session(gate, 20)
            assert refused(gate, "/data/echo", token)[0] == 502
            closing.result(60)
            wait_for_number(gate, token, "held", 0)
            assert read_number(gate, token, "charged") == 0
    assert [head.split(b" ")[:2] for head in asked] == [[b"GET", b"/data/echo"]]


def test_server__that_cannot_answer_before_it_accepts__says_403(
    gate: Gate, service: SocketService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buyers, "ANSWERS", "an extension that no server has")
    before = len(service.lines)
    assert refused(gate, "/data/echo")[0] == 403
    assert len(service.lines) == before


# ---------------------------------------------------------------------- the end of the money


def test_session__whose_limit_ends_in_the_middle__closes_with_4402(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 3 * COST)
    with dial(gate, "/data/echo", token) as line:
        for number in range(3):
            assert echo(line, str(number)) == str(number)
        line.send("unpaid")
        assert read_end(line) == (4_402, "The limit of the session is reached. Open another session.")
    assert service.last.messages == ["0", "1", "2"]
    assert service.last.wait_for_end()[0] == 1_001
    wait_for_number(gate, token, "charged", 3 * COST)
    status, told = refused(gate, "/data/echo", token)
    assert (status, told["nvm"]["type"]) == (402, "LimitReached")


def test_session__revoked_in_the_middle__closes_with_4402(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 100)
    with dial(gate, "/data/echo", token) as line:
        echo(line, "tea?")
        revoke(gate, token)
        line.send("unpaid")
        assert read_end(line) == (4_402, "The session was revoked. Open another session.")
    assert service.last.messages == ["tea?"]
    assert refused(gate, "/data/echo", token)[1]["nvm"]["type"] == "AuthorityRevoked"


def test_metrics__count_connections_messages_and_endings(gate: Gate) -> None:
    token = open_session(gate, 20)
    with dial(gate, "/data/echo", token) as line:
        echo(line, "tea?")
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    wait_for_number(gate, token, "charged", COST)
    told = requests.get(f"{gate.url}/metrics", headers=headers, timeout=10).text
    did = gate.shop.did
    assert f'nvm_websocket_messages_total{{service="{did}",side="buyer"}}' in told
    assert f'nvm_websocket_endings_total{{code="1000",service="{did}",side="buyer"}}' in told
    assert f'nvm_requests_total{{service="{did}",status="101"}}' in told
