"""What websockets cost: minutes, time plans, and everything that can end while a connection is open."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from websockets.frames import Close

import nvm_chain as nvm
from nvm_chain.client.sockets import build_socket_headers
from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.sockets import bridges, units
from nvm_chain.gateway.sockets.endings import Ending, Side, end_by
from nvm_chain.gateway.sockets.terms import SocketTerms, Unit
from nvm_chain.meter.session_terms import PeriodLimit
from tests.gateway.serving import served
from tests.gateway.shop import Gate, Shop
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
from tests.unit.test_errors import SAMPLES

COST = 2
ORIGIN = "http://127.0.0.1"


@pytest.fixture(scope="module")
def service() -> SocketService:
    """A service with websockets."""
    return SocketService()


@pytest.fixture(scope="module")
def service_url(service: SocketService) -> Iterator[str]:
    """Where it is."""
    with served(service) as url:
        yield url


# ---------------------------------------------------------------------- minutes


def test_minutes__are_charged_when_they_begin_until_the_session_ends(
    shop: Shop, service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "MINUTE_SECONDS", 1)
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MINUTE)) as gate:
        token = open_session(gate, 3 * COST)
        with dial(gate, "/data/echo", token) as line:
            for number in range(50):
                assert echo(line, str(number)) == str(number)
            code, reason = read_end(line)
        assert (code, reason) == (4_402, "The limit of the session is reached. Open another session.")
        wait_for_number(gate, token, "charged", 3 * COST)
        wait_for_number(gate, token, "held", 0)
        assert refused(gate, "/data/echo", token)[0] == 402


def test_minute__that_has_begun__is_charged_once_whatever_is_sent(shop: Shop, service_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MINUTE)) as gate:
        token = open_session(gate, 20)
        for _ in range(2):
            with dial(gate, "/data/echo", token) as line:
                for number in range(20):
                    echo(line, str(number))
        wait_for_number(gate, token, "charged", 2 * COST)


# ---------------------------------------------------------------------- time plans


def test_time_plan__has_one_open_request_for_the_whole_connection(
    shop: Shop, service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "MINUTE_SECONDS", 1)
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MINUTE), max_open=1, request_seconds=1) as gate:
        token = gate.sign_in(shop.buyers[0], shop.time_plan, ORIGIN)
        with dial(gate, "/data/echo", token) as line:
            for _ in range(3):  # longer than the place of one request lasts
                threading.Event().wait(1)
                assert echo(line, "tea?") == "tea?"
                assert gate.ask("GET", "/data/x", build_socket_headers(token)).status_code == 429
            status, told = refused(gate, "/data/echo", token)
            assert (status, told["nvm"]["type"]) == (429, "TooManyOpenRequests")
        for _ in range(200):
            if gate.ask("GET", "/data/x", build_socket_headers(token)).status_code == 200:
                break
            threading.Event().wait(0.02)
        with dial(gate, "/data/echo", token) as line:
            assert echo(line, "tea?") == "tea?"


def test_time_plan__with_a_limit_for_each_period__counts_messages(
    shop: Shop, service: SocketService, service_url: str, tmp_path: Path
) -> None:
    limit = PeriodLimit(3, 86_400)
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MESSAGE), per_period=limit) as gate:
        token = gate.sign_in(shop.buyers[1], shop.time_plan, ORIGIN)
        with dial(gate, "/data/echo", token) as line:
            for number in range(3):
                assert echo(line, str(number)) == str(number)
            line.send("unpaid")
            assert read_end(line) == (4_429, "The limit for this period is reached. Connect again in the next period.")
        assert service.last.messages == ["0", "1", "2"]


# ---------------------------------------------------------------------- the end of what pays


def test_credits__that_are_used_up_in_the_middle__close_with_4402(
    shop: Shop, service: SocketService, service_url: str, tmp_path: Path
) -> None:
    poor = Account.create()
    nvm.mint_credits_batch(shop.chain, shop.builder, shop.credits_plan, {poor.address: 2 * COST + 1})
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MESSAGE)) as open_gate:
        gate = Gate(shop, open_gate.url, poor)
        token = open_session(gate, 100)
        with dial(gate, "/data/echo", token) as line:
            assert [echo(line, "1"), echo(line, "2")] == ["1", "2"]
            line.send("unpaid")
            assert read_end(line) == (4_402, "The credits are used up. Order more credits, and connect again.")
        assert service.last.messages == ["1", "2"]
        wait_for_number(gate, token, "charged", 2 * COST)


def test_exposure__that_is_reached__closes_with_4429(shop: Shop, service_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MESSAGE), exposure=2 * COST) as gate:
        token = open_session(gate, 100)
        with dial(gate, "/data/echo", token) as line:
            assert [echo(line, "1"), echo(line, "2")] == ["1", "2"]
            line.send("unpaid")
            code, reason = read_end(line)
        assert (code, reason.startswith("A limit is reached for now. Connect again in ")) == (4_429, True)


@pytest.mark.parametrize("per", [Unit.MESSAGE, Unit.MINUTE])
def test_session__revoked_while_nothing_is_sent__ends_a_connection_that_only_listens(
    shop: Shop, service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per: Unit
) -> None:
    monkeypatch.setattr(bridges, "LOOK_SECONDS", 0.2)
    with shop.open(tmp_path, service_url, websocket=SocketTerms(per)) as gate:
        token = open_session(gate, 100)
        with dial(gate, "/data/pushes", token) as line:
            assert line.recv(timeout=10) == "hello"
            revoke(gate, token)
            assert read_end(line) == (4_402, "The session was revoked. Open another session.")
        assert refused(gate, "/data/pushes", token)[0] == 402
        assert read_number(gate, open_session(gate, 200), "charged") == COST


def test_connection__on_which_nobody_talks__is_closed(shop: Shop, service_url: str, tmp_path: Path) -> None:
    terms = SocketTerms(Unit.MESSAGE, idle_seconds=1)
    with shop.open(tmp_path, service_url, websocket=terms) as gate:
        token = open_session(gate, 20)
        with dial(gate, "/data/echo", token) as line:
            assert read_end(line) == (4_408, "Nothing was sent for too long. Connect again.")


def test_service__without_the_key_in_its_settings__has_no_websockets(
    shop: Shop, service_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, service_url) as gate:
        status, told = refused(gate, "/data/echo", open_session(gate, 20))
        assert (status, told["nvm"]["type"]) == (404, "NoWebsockets")


def test_gateway__that_stops__ends_connections_with_1012(
    shop: Shop, service: SocketService, service_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, service_url, websocket=SocketTerms(Unit.MESSAGE)) as gate:
        line = dial(gate, "/data/echo", open_session(gate, 20))
        echo(line, "tea?")
    with line:
        assert read_end(line)[0] == 1_012
    assert service.last.wait_for_end()[0] == 1_001


# ---------------------------------------------------------------------- what each side is told


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_end_by__of_every_error__is_a_code_and_a_reason_that_fit_into_a_close_frame(error: NvmChainError) -> None:
    ending = end_by(error)
    for code, reason in (ending.for_buyer(), ending.for_service()):
        Close(code, reason).check()
        assert len(reason.encode()) <= 123
        assert not reason or reason.endswith(".")
    assert ending.for_service() == (1_001, "")


@pytest.mark.parametrize(
    ("side", "code", "told"),
    [
        (Side.SERVICE, 1_000, 1_000),
        (Side.SERVICE, 0, 1_000),
        (Side.SERVICE, 1_005, 1_000),
        (Side.SERVICE, 1_006, 1_014),
        (Side.SERVICE, 1_015, 1_014),
        (Side.SERVICE, 2_999, 1_014),
        (Side.SERVICE, 3_000, 3_000),
        (Side.SERVICE, 4_999, 4_999),
        (Side.SERVICE, 65_535, 1_014),
        (Side.BUYER, 1_000, 1_000),
        (Side.BUYER, 1_005, 1_000),
        (Side.BUYER, 1_006, 1_001),
        (Side.BUYER, 1_009, 1_001),
        (Side.BUYER, 1_012, 1_001),
        (Side.BUYER, 4_402, 4_402),
    ],
)
def test_ending__of_one_side__is_told_to_the_other_one_as_a_code_that_may_be_sent(
    side: Side, code: int, told: int
) -> None:
    ending = Ending(side, code, "é" * 100)
    found, reason = ending.for_buyer() if side is Side.SERVICE else ending.for_service()
    assert found == told
    Close(found, reason).check()
    assert len(ending.label) <= 5
