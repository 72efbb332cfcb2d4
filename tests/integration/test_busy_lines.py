"""Lines to an endpoint that is busy: how long they wait, what they repeat, and what they say of it."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from nvm_chain.chain.asking_many import Answer
from nvm_chain.chain.broadcast import Refusal
from nvm_chain.chain.handing_over import Parcel
from nvm_chain.chain.repeating import Pauses, is_passing, read_retry_after
from nvm_chain.chain.signing_many import Signed
from nvm_chain.chain.transport.http import HttpTransport
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.chain.transport.line import Line, LineFailed
from nvm_chain.errors import ConnectionFailed, NodeBusy
from tests.support.scripted_node import Exchange, run_scripted_node

LIMITS = Limits(silence_seconds=5, total_seconds=10, max_bytes=1 << 16)
ERROR = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "overloaded"}}
PASSING = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "rate limit exceeded"}}
DONE = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}
REQUEST = b'{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}'


def pauses(total_seconds: float) -> Pauses:
    """Return short pauses within a total time."""
    return Pauses(total_seconds, 0.01, 0.01)


@pytest.mark.parametrize(("answer", "status"), [(ERROR, 429), (PASSING, 200), (ERROR, 503)])
def test_ask__of_an_endpoint_that_names_a_wait__repeats_after_it(answer: Any, status: int) -> None:
    times: list[float] = []

    def script(exchange: Exchange) -> None:
        times.append(time.monotonic())
        exchange.reply(*((answer, status) if len(times) == 1 else (DONE, 200)), Retry_After="1")

    with run_scripted_node(script) as node:
        assert Line(HttpTransport(node.url)).ask(REQUEST, LIMITS, pauses(5)) == DONE
    assert len(times) == 2
    assert times[1] - times[0] >= 0.99


@pytest.mark.parametrize(("answer", "status"), [(ERROR, 429), (PASSING, 200)])
def test_ask__of_an_endpoint_that_names_a_wait_beyond_the_time__fails_at_once(answer: Any, status: int) -> None:
    with (
        run_scripted_node(lambda exchange: exchange.reply(answer, status, Retry_After="30")) as node,
        pytest.raises(LineFailed) as caught,
    ):
        Line(HttpTransport(node.url)).ask(REQUEST, LIMITS, pauses(3))
    assert caught.value.wait_seconds == 30
    assert isinstance(caught.value.error, NodeBusy)
    assert len(node.asked) == 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_ask__on_a_connection_that_ends__repeats_once_what_may_be_repeated(repeatable: bool) -> None:
    def script(exchange: Exchange) -> None:
        exchange.close_connection = True
        if len(exchange.node.asked) > 1:
            exchange.reply(DONE)

    with run_scripted_node(script) as node:
        line = Line(HttpTransport(node.url))
        if repeatable:
            assert line.ask(REQUEST, LIMITS, pauses(3)) == DONE
        else:
            with pytest.raises(LineFailed) as caught:
                line.ask(REQUEST, LIMITS, pauses(3), repeatable=False)
            assert caught.value.was_sent
    assert len(node.asked) == (2 if repeatable else 1)


def test_ask__of_an_endpoint_that_is_not_there__says_that_nothing_was_sent() -> None:
    with pytest.raises(LineFailed) as caught:
        Line(HttpTransport("http://127.0.0.1:1")).ask(REQUEST, LIMITS, pauses(0))
    assert isinstance(caught.value.error, ConnectionFailed)
    assert not caught.value.was_sent


@pytest.mark.parametrize("seconds", [60, 3600])
def test_read_retry_after__of_a_date__is_the_time_until_then(seconds: int) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    assert seconds - 30 < read_retry_after({"Retry-After": then}) <= seconds


@pytest.mark.parametrize("code", [-32005, -32097, 429])
def test_is_passing__of_a_busy_code_with_words_of_too_much__is_false(code: int) -> None:
    assert is_passing({"code": code, "message": "slow down"})
    assert not is_passing({"code": code, "message": "query returned more than 10000 results"})


@pytest.mark.parametrize("words", ["nonce too low", "insufficient funds for gas"])
def test_hear__of_a_busy_node__reads_no_refusal_in_its_words(words: str) -> None:
    parcel = Parcel(Signed(1, "0x1", b""))
    assert parcel.hear(Answer(error=NodeBusy("http://node", f"asked too often: {words}"))) is Refusal.SAYS_NOTHING
