"""Connections on which a part of an answer was left: the next request is on another one."""

import pytest

from nvm_chain.chain.transport.base import NoReply
from nvm_chain.chain.transport.http import HttpTransport
from nvm_chain.chain.transport.limits import Limits
from tests.support.scripted_node import Exchange, run_scripted_node

LIMITS = Limits(silence_seconds=5, total_seconds=10, max_bytes=1 << 16)


@pytest.mark.parametrize(
    "given_up",
    [b"302 Found\r\nLocation: /elsewhere", b"200 OK\r\nContent-Encoding: br"],
    ids=["redirect", "compressed"],
)
def test_post__after_an_answer_that_was_not_read_to_its_end__asks_on_a_new_connection(given_up: bytes) -> None:
    ports: list[int] = []

    def script(exchange: Exchange) -> None:
        ports.append(exchange.client_address[1])
        if len(ports) > 1:
            exchange.reply(b"[1]")
        else:  # the body is still on its way
            exchange.wfile.write(b"HTTP/1.1 " + given_up + b"\r\nContent-Length: 3\r\n\r\n")

    with run_scripted_node(script) as node:
        transport = HttpTransport(node.url)
        with pytest.raises(NoReply):
            transport.post(b"[]", LIMITS)
        assert transport.post(b"[]", LIMITS).body == b"[1]"
    assert ports[0] != ports[1]
