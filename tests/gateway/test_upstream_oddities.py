"""What services answer that is odd: bombs, wrong lengths, broken bytes, ends at every place. The gateway itself never fails."""

import gzip
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from nvm_chain.meter.bindings import Level
from tests.gateway.fuzzing import change
from tests.gateway.shop import Gate, Shop
from tests.gateway.test_attacks import dialled, write
from tests.gateway.test_review import RawUpstream, run_raw_upstream
from tests.seeds import choose_seeds
from tests.support.anvil import wait_until

WAIT_SECONDS = 30
ANSWERS = 120
BODY = b"0123456789"
GOOD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"


@pytest.fixture(scope="module")
def odd(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RawUpstream, Gate]]:
    """A gateway in front of a service that answers with bytes."""
    folder = tmp_path_factory.mktemp("odd")
    with run_raw_upstream() as (raw, url), shop.open(folder, url, level=Level.NONE, exposure=10**6) as gate:
        yield raw, gate


@pytest.fixture
def raw(odd: tuple[RawUpstream, Gate]) -> RawUpstream:
    """The service, as new."""
    odd[0].answer, odd[0].act = GOOD + b"content-length: 0\r\n\r\n", None
    odd[0].heads.clear()
    return odd[0]


@pytest.fixture
def gate(odd: tuple[RawUpstream, Gate]) -> Gate:
    """The gateway, for a buyer of this test's own."""
    return Gate(odd[1].shop, odd[1].url, odd[1].shop.new_buyer())


def ask(gate: Gate) -> tuple[int, bytes, bool]:
    """Ask with a new payment, and return the status, the body as it came, and whether it was whole."""
    with dialled(gate) as line:
        token = f"Authorization: {gate.token()['Authorization']}"
        line.sendall(write(gate, token, "Connection: close", method="GET", target="/data/1"))
        found = b""
        with suppress(ConnectionError):
            while piece := line.recv(65_536):
                found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), found[:200]
    is_chunked = b"transfer-encoding: chunked" in head.lower()
    length = [int(each.split(b":")[1]) for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
    is_whole = body.endswith(b"0\r\n\r\n") if is_chunked else length in ([len(body)], [])
    return int(head.split(b" ")[1]), body, is_whole


def goes_on(gate: Gate) -> None:
    """Assert that the gateway serves, and that nothing is held."""
    gate.wait_until_ready()
    gate.wait_for("held", "0", WAIT_SECONDS)


# ---------------------------------------------------------------------- lengths and bombs


def test_answer__that_would_be_a_gigabyte_unpacked__is_handed_down_as_it_is(raw: RawUpstream, gate: Gate) -> None:
    """Answers are not opened, so a megabyte stays a megabyte."""
    packed = gzip.compress(bytes(2**20)) * 1_000
    head = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    raw.answer = GOOD + head + packed
    tracemalloc.start()
    status, body, is_whole = ask(gate)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (status, body == packed, is_whole) == (200, True, True)
    assert peak < 40 * len(packed)


@pytest.mark.parametrize(
    ("head", "body", "is_charged"),
    [
        (b"content-length: 10", BODY, True),
        (b"content-length: 10", BODY[:5], False),
        (b"content-length: 5", BODY, False),
        (b"transfer-encoding: chunked", b"a\r\n" + BODY + b"\r\n0\r\n\r\n", True),
        (b"transfer-encoding: chunked", b"a\r\n" + BODY + b"\r\n", False),
        (b"transfer-encoding: chunked", b"zz\r\n" + BODY, False),
        (b"transfer-encoding: chunked", b"a\r\n" + BODY[:4], False),
        (b"x: y", BODY, True),
        (b"transfer-encoding: chunked", b"a\r\n" + BODY + b"\r\n0\r\nX-Trailer: 1\r\n\r\n", True),
    ],
    ids=["right", "short", "long", "chunks", "no last chunk", "no size", "short chunk", "until the end", "trailers"],
)
def test_answer__of_another_length_than_it_says__is_never_whole_for_the_buyer(
    raw: RawUpstream, gate: Gate, head: bytes, body: bytes, is_charged: bool
) -> None:
    raw.answer = GOOD + head + b"\r\n\r\n" + body
    status, _, is_whole = ask(gate)
    assert status in (200, 502)
    assert (status == 200 and is_whole) is is_charged
    goes_on(gate)
    assert gate.wait_for("charged", "2" if is_charged else "0")["owed"] == ("2" if is_charged else "0")


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: -1",
        b"content-length: 99999999999999999999999",
        b"content-length: 5\r\ncontent-length: 6",
        b"content-length: 5\r\ntransfer-encoding: chunked",
        b"x-\x00: 1",
        b"x: \x00",
        b"x" * 20_000 + b": 1",
        b"x: " + b"y" * 100_000,
        b"\r\n".join(b"x-%d: 1" % number for number in range(5_000)),
        b": empty",
        b"no colon",
        b"x: \xff\xfe\x80",
        b"set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0",
        b"content-encoding: gzip\r\ncontent-length: 4",
        b"upgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0",
        b"payment-required: forged\r\ncontent-length: 0",
        b"location: http://169.254.169.254/\r\ncontent-length: 0",
        b"nvm-repeated: true\r\nretry-after: never\r\ncontent-length: 0",
    ],
    ids=lambda head: head[:24].decode("latin-1").encode("unicode_escape").decode(),
)
def test_answer__with_an_odd_head__is_handed_down_or_an_error_of_the_service(
    raw: RawUpstream, gate: Gate, head: bytes
) -> None:
    raw.answer = GOOD + head + b"\r\n\r\n" + b"tea!"
    status, body, _ = ask(gate)
    assert status in (200, 502)
    assert b"Traceback" not in body
    goes_on(gate)


@pytest.mark.parametrize("seed", choose_seeds(1, 2, 3))
def test_answer__of_changed_bytes__is_handed_down_or_an_error_of_the_service(
    raw: RawUpstream, gate: Gate, seed: int
) -> None:
    random = Random(seed)
    corpus = (
        GOOD + b"content-length: 10\r\ncontent-type: text/plain\r\n\r\n" + BODY,
        GOOD + b"transfer-encoding: chunked\r\n\r\na\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: /data/2\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
    )
    for number in range(ANSWERS):
        raw.answer = change(random, corpus[number % len(corpus)], corpus)
        raw.act = lambda line: line.shutdown(socket.SHUT_RDWR)
        _, body, _ = ask(gate)
        assert b"Traceback" not in body
        assert b"Internal Server Error" not in body, raw.answer
    goes_on(gate)


# ---------------------------------------------------------------------- ends at every place


@pytest.mark.parametrize("at", [0, 1, 9, 17, 36, 55, 58, 60, 67], ids=lambda at: f"after {at} bytes")
def test_upstream__that_ends_after_some_bytes__is_not_charged(raw: RawUpstream, gate: Gate, at: int) -> None:
    whole = GOOD + b"content-length: 10\r\n\r\n" + BODY
    assert at < len(whole)
    raw.answer, raw.act = whole[:at], lambda line: line.shutdown(socket.SHUT_RDWR)
    status, _, is_whole = ask(gate)
    assert status == 502 or not is_whole
    goes_on(gate)
    assert gate.account()["charged"] == "0"


@pytest.mark.parametrize("after", ["head", "half of the body", "the body", "the answer began"])
def test_buyer__that_ends_at_each_place__leaves_nothing_held(raw: RawUpstream, gate: Gate, after: str) -> None:
    ended = threading.Event()

    def stay(line: socket.socket) -> None:
        with suppress(OSError):
            while line.recv(65_536):
                pass
        ended.set()

    raw.answer, raw.act = GOOD + b"content-length: 1000\r\n\r\n" + BODY, stay
    if after != "the answer began":
        raw.answer = b""
    token = f"Authorization: {gate.token()['Authorization']}"
    body = {"head": "", "half of the body": "x" * 100_000}.get(after, "x" * 200_000)
    with dialled(gate) as line:
        line.sendall(write(gate, token, "Content-Length: 200000", body=body))
        if after == "the answer began":
            assert line.recv(100).startswith(b"HTTP/1.1 200")
        elif after == "the body":
            assert wait_until(lambda: bool(raw.heads), WAIT_SECONDS)
    goes_on(gate)
    was_sent = after in ("the body", "the answer began")
    assert gate.account()["charged"] == ("2" if was_sent else "0")
