"""Limits of one answer: nodes that drip, never end, or swell end in a typed error that names the limit."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.chain import rpc
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.rpc import NodeProvider
from nvm_chain.errors import ConnectionFailed, OutcomeUnknown
from nvm_chain.operations.orders import order_plan
from tests.support.odd_node import OddNode
from tests.support.reverts import reverts
from tests.support.scripted_node import Exchange, run_scripted_node
from tests.support.world import PRICE, World

CHAIN_ID = {"eth_chainId": "0x14a34"}
IN_ALL = "no answer within 0.5 seconds in all"
TOO_LARGE = "its answer is larger than 0.0625 MiB"
SWELLS = gzip.compress(bytes(1 << 24))
"""16 KiB that are 16 MiB."""
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second and 64 KiB for an answer, and silences of 0.3 seconds."""
    monkeypatch.setattr(rpc, "REQUEST_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(rpc, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(rpc, "MAX_ANSWER_BYTES", 1 << 16)


def drip_body(exchange: Exchange) -> None:
    """Send the body a byte at a time."""
    exchange.wfile.write(HEAD + b"Content-Length: 10000\r\n\r\n")
    exchange.drip(b" " * 10_000)


def drip_chunks(exchange: Exchange) -> None:
    """Send chunks of one byte."""
    exchange.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    exchange.drip(b"1\r\n \r\n" * 10_000, 0.02)


def drip_headers(exchange: Exchange) -> None:
    """Send headers a byte at a time."""
    exchange.wfile.write(HEAD)
    exchange.drip(b"X-Slow: 1\r\n" * 10_000)


def drip_status(exchange: Exchange) -> None:
    """Send the first line a byte at a time."""
    exchange.drip(b"HTTP/1.1 200 " + b"O" * 10_000)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("script", [drip_body, drip_chunks, drip_headers, drip_status])
def test_open_rpc__of_a_node_that_drips__gives_up_when_the_time_is_over(script: Callable[[Exchange], None]) -> None:
    began = time.monotonic()
    with run_scripted_node(script) as node, reverts(ConnectionFailed(node.url, IN_ALL)):
        open_rpc(node.url)
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("limits")
def test_open_rpc__of_a_node_that_says_nothing__names_the_silence() -> None:
    def script(exchange: Exchange) -> None:
        exchange.node.ending.wait(10)

    with run_scripted_node(script) as node:
        with reverts(ConnectionFailed(node.url, "no answer within 0.3 seconds")):
            open_rpc(node.url)
        node.ending.set()


def pour_body(exchange: Exchange) -> None:
    """Send a body without an end."""
    exchange.wfile.write(HEAD + b"\r\n")
    exchange.pour(b" " * 10_000)


def pour_zeros(exchange: Exchange) -> None:
    """Send what is small and swells."""
    exchange.reply(SWELLS, Content_Encoding="gzip")


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("script", [pour_body, pour_zeros])
def test_open_rpc__of_a_node_that_never_ends__gives_up_at_the_size(script: Callable[[Exchange], None]) -> None:
    with run_scripted_node(script) as node, reverts(ConnectionFailed(node.url, TOO_LARGE)):
        open_rpc(node.url)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("more", "is_taken"), [(-1, True), (0, True), (1, False)])
def test_open_rpc__of_an_answer_about_as_large_as_may_be__takes_what_is_not_larger(more: int, is_taken: bool) -> None:
    def script(exchange: Exchange) -> None:
        content = json.dumps(exchange.results(CHAIN_ID)).encode()
        exchange.reply(content.ljust((1 << 16) + more))

    with run_scripted_node(script) as node:
        if is_taken:
            assert open_rpc(node.url).chain_id == 84532
        else:
            with reverts(ConnectionFailed(node.url, TOO_LARGE)):
                open_rpc(node.url)


def test_open_rpc__of_a_compressed_answer__unpacks_it() -> None:
    def script(exchange: Exchange) -> None:
        assert "gzip" in exchange.headers["Accept-Encoding"]
        exchange.reply(gzip.compress(json.dumps(exchange.results(CHAIN_ID)).encode()), Content_Encoding="gzip")

    with run_scripted_node(script) as node:
        assert open_rpc(node.url).chain_id == 84532


@pytest.mark.parametrize(
    ("content", "encoding", "reason"),
    [
        (b"no gzip", "gzip", "its answer cannot be unpacked"),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-12], "gzip", "the connection broke off"),
        (b"{}", "br", "its answer is compressed in a way that was not requested"),
    ],
)
def test_open_rpc__of_an_answer_that_cannot_be_unpacked__is_refused(content: bytes, encoding: str, reason: str) -> None:
    with (
        run_scripted_node(lambda exchange: exchange.reply(content, Content_Encoding=encoding)) as node,
        reverts(ConnectionFailed(node.url, reason)),
    ):
        open_rpc(node.url)


def test_make_request__on_a_connection_that_the_node_closed__opens_another() -> None:
    def script(exchange: Exchange) -> None:
        if len(exchange.node.asked) == 2:
            exchange.close_connection = True
            exchange.connection.close()
            return
        exchange.reply(exchange.results(CHAIN_ID))

    with run_scripted_node(script) as node:
        chain = open_rpc(node.url)
        assert chain.web3.eth.chain_id == 84532
        assert len(node.asked) == 3


def test_make_request__that_is_a_broadcast__on_a_connection_that_ends__is_not_repeated() -> None:
    def script(exchange: Exchange) -> None:
        exchange.close_connection = True
        exchange.connection.close()

    with run_scripted_node(script) as node:
        with reverts(ConnectionFailed(node.url, "the connection broke off")):
            NodeProvider(node.url, 0).make_request("eth_sendRawTransaction", ["0x00"])  # type: ignore[arg-type]
        assert node.methods == ["eth_sendRawTransaction"]


def test_order_plan__whose_answers_are_cut_off_after_the_broadcast__is_of_unknown_outcome_with_the_hash(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is mined, and each answer about it drips: what is told is that nobody knows."""
    world, behind, _ = odd
    plan_id, before = world.register(), world.tokens(world.subscriber.address)
    sent: list[str] = []

    def script(exchange: Exchange) -> None:
        method = exchange.body["method"] if isinstance(exchange.body, dict) else ""
        if not isinstance(exchange.body, dict):
            exchange.reply({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}})
            return
        answer: Any = json.loads(behind.answer(exchange.body)[2])
        sent.extend([answer["result"]] if method == "eth_sendRawTransaction" else [])
        drip_body(exchange) if sent else exchange.reply(answer)

    monkeypatch.setattr(rpc, "REQUEST_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(rpc, "ANSWER_SECONDS", 0.3)
    with run_scripted_node(script) as node:
        chain = open_rpc(node.url, timeout_seconds=1)
        chain.use_credits(world.credits.address)
        chain.usdc = world.chain.usdc
        with pytest.raises(OutcomeUnknown) as caught:
            order_plan(chain, world.subscriber, plan_id)
    assert caught.value.transaction_hash in sent
    assert world.tokens(world.subscriber.address) == before - PRICE
