"""Batches with requests that the node signs itself, and that are sent once: no transaction hash is lost if another fails."""

from collections.abc import Callable
from typing import Any

import pytest
from web3.types import RPCEndpoint

from nvm_chain.chain import rpc
from nvm_chain.chain.rpc import NodeProvider
from nvm_chain.errors import ConnectionFailed
from tests.support.scripted_node import Exchange, run_scripted_node

HASH = "0x" + "07" * 32
KNOWN = {"eth_chainId": "0x1", "eth_blockNumber": "0x10"}
REVERT = {"code": 3, "message": "execution reverted", "data": "0x"}
Script = Callable[[Exchange], None]


def answer_sends(method: str, *, fails_at: int) -> Script:
    """Return a script that gives a hash to each request with a method, but fails at one of them."""
    sent: list[Any] = []

    def script(exchange: Exchange) -> None:
        if exchange.body["method"] == method:
            sent.append(exchange.body)
            if len(sent) - 1 == fails_at:
                exchange.reply(b"", 503)
                return
        exchange.reply(exchange.results({**KNOWN, method: HASH, "eth_call": {"error": REVERT}}))

    return script


@pytest.mark.parametrize("method", sorted(rpc.ONCE))
@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_batch__of_which_one_transaction_fails__keeps_the_hashes_of_the_others(method: str, fails_at: int) -> None:
    with run_scripted_node(answer_sends(method, fails_at=fails_at)) as node:
        answers = NodeProvider(node.url, 0).make_batch_request([(RPCEndpoint(method), [{}])] * 3)
    assert [answer.get("result") for answer in answers] == [HASH if at != fails_at else None for at in range(3)]
    assert "503" in str(answers[fails_at]["error"])
    assert len({answer["id"] for answer in answers}) == 3
    assert node.methods.count(method) == 3


@pytest.mark.parametrize("method", sorted(rpc.ONCE))
def test_batch__with_a_transaction_and_a_call_that_reverts__has_the_error_in_its_answer(method: str) -> None:
    with run_scripted_node(answer_sends(method, fails_at=-1)) as node:
        sent, called = NodeProvider(node.url, 0).make_batch_request(
            [(RPCEndpoint(method), [{}]), (RPCEndpoint("eth_call"), [{}, "latest"])]
        )
    assert sent["result"] == HASH
    assert called["error"] == REVERT


def test_batch__whose_only_transaction_fails__raises_the_failure() -> None:
    with run_scripted_node(answer_sends("eth_sendTransaction", fails_at=0)) as node:
        provider = NodeProvider(node.url, 0)
        with pytest.raises(ConnectionFailed):
            provider.make_batch_request(
                [(RPCEndpoint("eth_sendTransaction"), [{}]), (RPCEndpoint("eth_blockNumber"), [])]
            )


def test_request__to_send_calls_of_a_wallet__is_sent_once() -> None:
    assert {"wallet_sendCalls", "eth_sendTransactionSync"} <= rpc.ONCE
