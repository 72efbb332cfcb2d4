"""Batches: one POST where a node takes it, and the same answers from nodes that refuse, lose, double or reorder them."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from web3 import Web3

from nvm_chain.chain.answers import read_number
from nvm_chain.chain.rpc import NodeProvider, read_revert
from nvm_chain.errors import ConnectionFailed, NodeBusy, NvmChainError, RevertedWithReason
from tests.support.anvil import run_anvil
from tests.support.reverts import reverts
from tests.support.scripted_node import Exchange, ScriptedNode, run_scripted_node

CHAIN_ID, BLOCK, ERROR = "eth_chainId", "eth_blockNumber", "eth_nothing"
KNOWN = {CHAIN_ID: "0x1", BLOCK: "0x2"}
ASKED: list[tuple[Any, Any]] = [(CHAIN_ID, []), (BLOCK, []), (ERROR, []), (BLOCK, [])]
REFUSED = {"code": -32601, "message": "the method does not exist"}
Script = Callable[[Exchange], None]


def ask(node: ScriptedNode, asked: list[tuple[Any, Any]] = ASKED, patience: float = 0) -> list[Any]:
    """Return results and errors of a batch."""
    answers = NodeProvider(node.url, patience).make_batch_request(asked)
    return [each.get("result", each.get("error")) for each in answers]


def alone_only(answer: object, status: int = 200) -> Script:
    """Answer single requests well, and batches in a way."""

    def script(exchange: Exchange) -> None:
        if isinstance(exchange.body, list):
            exchange.reply(answer, status)
        else:
            exchange.reply(exchange.results(KNOWN))

    return script


def change(edit: Callable[[list[Any]], list[Any]]) -> Script:
    """Answer batches with a list that is changed, and single requests well."""

    def script(exchange: Exchange) -> None:
        answers = exchange.results(KNOWN)
        exchange.reply(edit(answers) if isinstance(answers, list) else answers)

    return script


def double_differently(answers: list[Any]) -> list[Any]:
    """Add another answer to the first request."""
    return [*answers, {**answers[0], "result": "0xff"}]


LISTS: dict[str, tuple[Callable[[list[Any]], list[Any]], int]] = {
    "as they were asked": (lambda answers: answers, 1),
    "reordered": (lambda answers: answers[::-1], 1),
    "doubled": (lambda answers: answers * 2, 1),
    "with one of nobody": (lambda answers: [{"id": 99_999, "result": "0xff"}, *answers], 1),
    "with what is none": (lambda answers: [None, 1, [], {"id": True, "result": "0xff"}, {"id": {}}, *answers], 1),
    "without the first": (lambda answers: answers[1:], 2),
    "without two": (lambda answers: answers[2:], 3),
    "doubled differently": (double_differently, 2),
    "without results": (lambda answers: [{"id": each["id"]} for each in answers], 5),
    "with numbers as texts": (lambda answers: [{**each, "id": str(each["id"])} for each in answers], 5),
    "empty": (lambda answers: [], 5),
    "one too large": (
        lambda answers: [{"id": answers[0]["id"], "error": {"code": -32003, "message": "x"}}, *answers[1:]],
        2,
    ),
    "one too often": (
        lambda answers: [
            {"id": answers[0]["id"], "error": {"code": 429, "message": "rate limit exceeded"}},
            *answers[1:],
        ],
        2,
    ),
}


@pytest.mark.parametrize(("edit", "requests"), LISTS.values(), ids=LISTS)
def test_make_batch_request__answered_with_a_list__has_each_answer_once_in_order(
    edit: Callable[[list[Any]], list[Any]], requests: int
) -> None:
    with run_scripted_node(change(edit)) as node:
        assert ask(node) == ["0x1", "0x2", REFUSED, "0x2"]
        assert len(node.asked) == requests


def test_make_batch_request__of_nothing__asks_nothing() -> None:
    with run_scripted_node(change(lambda answers: answers)) as node:
        assert ask(node, []) == []
        assert node.asked == []


REFUSALS: dict[str, tuple[object, int]] = {
    "an error": ({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "invalid request"}}, 200),
    "not supported": ({"id": None, "error": {"code": -32600, "message": "batch requests are not supported"}}, 200),
    "an error with a status": ({"id": None, "error": {"code": -32600, "message": "invalid request"}}, 400),
    "HTTP 400": (b"", 400),
    "HTTP 405": (b"", 405),
    "HTTP 415": (b"no", 415),
    "a list with an error": ([{"id": None, "error": {"code": -32600, "message": "invalid request"}}], 200),
}


@pytest.mark.parametrize(("answer", "status"), REFUSALS.values(), ids=REFUSALS)
def test_make_batch_request__of_a_node_that_takes_none__asks_one_by_one_from_then_on(
    answer: object, status: int
) -> None:
    with run_scripted_node(alone_only(answer, status)) as node:
        provider = NodeProvider(node.url, 0)
        for _ in range(2):
            answers = provider.make_batch_request(ASKED)
            assert [each.get("result") for each in answers] == ["0x1", "0x2", None, "0x2"]
        assert [isinstance(body, list) for body in node.asked] == [True, *[False] * 8]


def take_few(exchange: Exchange, most: int, refusal: tuple[object, int]) -> None:
    """Answer batches of few requests only."""
    is_too_large = isinstance(exchange.body, list) and len(exchange.body) > most
    exchange.reply(*(refusal if is_too_large else (exchange.results(KNOWN), 200)))


TOO_LARGE: dict[str, tuple[object, int]] = {
    "an error": ({"id": None, "error": {"code": -32014, "message": "maximum 3 calls in 1 batch"}}, 200),
    "a limit's error": ({"id": None, "error": {"code": -32005, "message": "too many requests in batch"}}, 200),
    "a list with an error": ([{"id": 0, "error": {"code": -32600, "message": "batch too large"}}], 200),
    "HTTP 413": (b"", 413),
}


@pytest.mark.parametrize("refusal", TOO_LARGE.values(), ids=TOO_LARGE)
def test_make_batch_request__of_more_than_a_node_takes__is_halved_and_remembered(refusal: tuple[object, int]) -> None:
    with run_scripted_node(lambda exchange: take_few(exchange, 3, refusal)) as node:
        provider = NodeProvider(node.url, 0)
        asked: Any = [(BLOCK, [])] * 16
        for _ in range(2):
            answers = provider.make_batch_request(asked)
            assert [each["result"] for each in answers] == ["0x2"] * 16
        sizes = [len(body) for body in node.asked]
    assert sizes == [16, 8, 4, *[2] * 16]


def test_make_batch_request__of_a_node_that_is_busy__waits_and_asks_again() -> None:
    def script(exchange: Exchange) -> None:
        count = len(exchange.node.asked)
        if count == 1:
            exchange.reply(b"", 429)
        elif count == 2:
            exchange.reply({"id": None, "error": {"code": -32005, "message": "rate limit exceeded"}})
        else:
            exchange.reply(exchange.results(KNOWN))

    with run_scripted_node(script) as node:
        assert ask(node, patience=5) == ["0x1", "0x2", REFUSED, "0x2"]


def test_make_batch_request__of_a_node_that_counts_each_request__asks_for_fewer_after_a_pause() -> None:
    with run_scripted_node(lambda exchange: take_few(exchange, 3, (b"", 429))) as node:
        assert ask(node, [(BLOCK, [])] * 8, patience=10) == ["0x2"] * 8
        assert [len(body) for body in node.asked] == [8, 4, 2, 2, 2, 2]


def test_make_batch_request__of_a_node_that_stays_busy__says_so() -> None:
    with (
        run_scripted_node(lambda exchange: exchange.reply(b"", 429)) as node,
        reverts(NodeBusy(node.url, "asked too often, HTTP status 429")),
    ):
        ask(node)


def test_make_batch_request__of_a_node_that_is_away__is_not_taken_for_one_without_batches() -> None:
    def script(exchange: Exchange) -> None:
        exchange.reply(exchange.results(KNOWN), 200 if len(exchange.node.asked) > 1 else 404)

    with run_scripted_node(script) as node:
        provider = NodeProvider(node.url, 0)
        with reverts(ConnectionFailed(node.url, "HTTP status 404")):
            provider.make_batch_request(ASKED)
        provider.make_batch_request(ASKED)
        assert [isinstance(body, list) for body in node.asked] == [True, True]


@pytest.mark.parametrize("answer", [b"", b"<html>", b"null", b"5", {}, {"id": 1, "result": "0x1"}])
def test_make_batch_request__answered_with_what_is_no_json_rpc__is_refused(answer: object) -> None:
    with (
        run_scripted_node(alone_only(answer)) as node,
        reverts(ConnectionFailed(node.url, "it does not speak JSON-RPC")),
    ):
        ask(node)


# ---------------------------------------------------------------------- transactions

SEND: Any = ("eth_sendRawTransaction", ["0x00"])
SILENT = {"code": -32000, "message": "the answer to the batch has none to this request"}


def test_make_batch_request__of_transactions_without_an_answer__repeats_none_and_says_nothing_of_them() -> None:
    with run_scripted_node(change(lambda answers: answers[:1])) as node:
        assert ask(node, [(CHAIN_ID, []), SEND, SEND]) == ["0x1", SILENT, SILENT]
        assert len(node.asked) == 1


@pytest.mark.parametrize("status", [400, 429, 503])
def test_make_batch_request__of_transactions_answered_with_a_status__is_not_repeated(status: int) -> None:
    with run_scripted_node(alone_only(b"", status)) as node, pytest.raises(ConnectionFailed) as caught:
        ask(node, [SEND, SEND], patience=5)
    assert f"HTTP status {status}" in caught.value.reason
    assert len(node.asked) == 1


def test_make_batch_request__of_transactions_to_a_node_that_takes_no_batches__hands_them_over_one_by_one() -> None:
    def script(exchange: Exchange) -> None:
        is_batch = isinstance(exchange.body, list)
        refusal = {"id": None, "error": {"code": -32600, "message": "invalid request"}}
        exchange.reply(refusal if is_batch else exchange.results({SEND[0]: "0xaa"}))

    with run_scripted_node(script) as node:
        assert ask(node, [SEND, SEND]) == ["0xaa", "0xaa"]
        assert [isinstance(body, list) for body in node.asked] == [True, False, False]


# ---------------------------------------------------------------------- a real node


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    """The URL of an anvil."""
    with run_anvil() as url:
        yield url


REVERTS = "0x" + "22" * 20
"""Where code is put that reverts with the reason "no"."""
REVERTING = (
    "0x7f08c379a0000000000000000000000000000000000000000000000000000000006000526020600452600260245261"
    "6e6f60f01b60445260646000fd"
)


def test_make_batch_request__of_anvil__answers_each_with_a_result_or_a_revert(anvil: str) -> None:
    provider = NodeProvider(anvil, 0)
    provider.make_request(cast(Any, "anvil_setCode"), [REVERTS, REVERTING])
    asked: Any = [(CHAIN_ID, []), ("eth_call", [{"to": REVERTS}, "latest"]), (ERROR, []), (BLOCK, [])]
    chain_id, reverted, refused, block = provider.make_batch_request(asked)
    assert read_number(chain_id["result"]) == 31337
    assert read_number(block["result"]) == 0
    assert refused["error"]["code"] == -32601
    with reverts(RevertedWithReason("no")):
        read_revert("eth_call", cast(Any, reverted))


def test_make_batch_request__of_a_thousand_to_anvil__is_one_request_each_answered(anvil: str) -> None:
    answers = NodeProvider(anvil, 0).make_batch_request([(cast(Any, CHAIN_ID), [])] * 1000)
    assert [each["result"] for each in answers] == [hex(31337)] * 1000


def test_batch_requests__of_web3__go_through_the_provider(anvil: str) -> None:
    web3 = Web3(NodeProvider(anvil, 0))
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block("latest"))
        batch.add(web3.eth.get_balance(cast(Any, REVERTS)))
        block, balance = batch.execute()
    assert cast(Any, block)["number"] == cast(Any, balance) == 0


def test_is_connected__to_anvil_and_to_nothing__tells_them_apart(anvil: str) -> None:
    assert NodeProvider(anvil, 0).is_connected()
    assert not NodeProvider("http://127.0.0.1:1", 0).is_connected()
    with pytest.raises(NvmChainError):
        NodeProvider("http://127.0.0.1:1", 0).is_connected(show_traceback=True)
