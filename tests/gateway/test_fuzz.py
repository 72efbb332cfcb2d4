"""What strangers send, changed byte by byte: it gives a value or an error of ours, and a gateway that gets it goes on (S8)."""

import base64
import socket
from pathlib import Path
from random import Random

import pytest
import requests

from nvm_chain.errors import InvalidMessage
from tests.gateway.fuzzing import Parser, change, find_faults, list_parsers
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate
from tests.gateway.test_attacks import dialled, payment, write
from tests.seeds import choose_seeds

INPUTS = 600
STREAMS = 150
WAIT_SECONDS = 30
NAMES = (
    *("payment", "service token", "voucher", "binding", "session terms", "sign-in", "target", "idempotency key"),
    *("headers", "OpenAPI", "configuration"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", choose_seeds(1, 2, 3))
def test_parser__of_changed_inputs__gives_a_value_or_an_error_of_ours(name: str, seed: int, tmp_path: Path) -> None:
    (parser,) = [each for each in list_parsers(tmp_path) if each.name == name]
    assert find_faults(parser, seed, INPUTS) == []


def test_parsers__of_the_fuzzer__are_those_of_these_tests(tmp_path: Path) -> None:
    parsers = list_parsers(tmp_path)
    assert tuple(each.name for each in parsers) == NAMES
    for each in parsers:
        each.parse(each.corpus[0])  # a corpus that is refused at once would find nothing


def test_fuzzer__of_a_parser_with_a_mistake__finds_it() -> None:
    def parse(data: bytes) -> int:
        if not data.startswith(b'{"a": '):
            raise InvalidMessage("test", "it does not begin as it should")
        return int(data[6:8])

    found = find_faults(Parser("mistaken", parse, (b'{"a": 12, "b": "c"}',)), 1, 200)
    assert any("ValueError" in each for each in found)


def test_json__whose_text_is_not_utf_8__is_refused(gate: Gate) -> None:
    payment = base64.b64encode(b'{"x402Version":2,"accepted":{"scheme":"\xed"}}').decode()
    assert gate.ask("POST", "/ask", {"PAYMENT-SIGNATURE": payment}).status_code == 402
    for path, body in (
        ("sign-in", b'{"message":"\xed","signature":""}'),
        ("sessions", b'{"terms":"\xed","voucher":""}'),
    ):
        answer = requests.post(f"{gate.url}/{path}", body, timeout=WAIT_SECONDS)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (400, "InvalidMessage")


@pytest.mark.parametrize("seed", choose_seeds(1, 2, 3))
def test_streams__of_changed_requests__leave_a_gateway_that_serves(gate: Gate, upstream: Upstream, seed: int) -> None:
    """No answer is an error of the gateway itself, and no more is served than was paid for."""
    random, before = Random(seed), len(upstream.seen)
    about = f"/services/{gate.shop.did}/about"
    corpus = (
        write(gate, payment(gate), "Content-Length: 4", body="tea?"),
        write(gate, "Transfer-Encoding: chunked", body="4\r\ntea?\r\n0\r\n\r\n"),
        f"GET {about} HTTP/1.1\r\nHost: gateway\r\nOrigin: https://a.example.com\r\n\r\n".encode(),
        b'POST /sign-in HTTP/1.1\r\nHost: gateway\r\nContent-Length: 33\r\n\r\n{"message": "a","signature":"0x"}',
        b'POST /sessions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 28\r\n\r\n{"terms": "a","voucher":"b"}',
        b"OPTIONS /account HTTP/1.1\r\nHost: gateway\r\nOrigin: a\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        b"GET /receipts/00 HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer nvms_x\r\n\r\n",
        random.randbytes(500),
    )
    paid = 0
    for number in range(STREAMS):
        data = change(random, corpus[number % len(corpus)], corpus)
        with dialled(gate) as line:
            answer = send(line, data)
        assert b" 500 " not in answer.partition(b"\r\n")[0], data
        assert b"Traceback" not in answer
    paid = sum(seen.header("nvm-holder") is not None for seen in upstream.seen[before:])
    assert paid <= 1
    gate.wait_until_ready()
    gate.ceiling = 100
    assert gate.paid("POST", "/ask", b"tea?").status_code == 200


def send(line: socket.socket, data: bytes) -> bytes:
    """Send bytes, then nothing more, and return what comes back."""
    try:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while piece := line.recv(65_536):
            found += piece
    except ConnectionError:
        return b""
    return found
