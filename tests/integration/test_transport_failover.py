"""Several endpoints of one chain: who is asked instead, and what one that does not know may not be taken to say."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

import pytest
from eth_account import Account
from web3.types import RPCEndpoint

from nvm_chain.chain import rpc
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.rpc import NodeProvider
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.chain.transport import failover
from nvm_chain.errors import ConnectionFailed, NodeBusy, OutcomeUnknown, RpcFailed, WrongChain
from tests.support.anvil import run_anvil
from tests.support.odd_node import SEND, Forward, OddNode, Reply, refuse, run_odd_node
from tests.support.reverts import reverts
from tests.support.scripted_node import Exchange, ScriptedNode, run_scripted_node

SENDER = derive_dev_accounts()[0]
RECEIVER = Account.from_key("0x" + "77" * 32).address
DEAD = "http://127.0.0.1:1"
REFUSED = "connection refused or host not found"
KNOWN = {"eth_chainId": "0x1", "eth_blockNumber": "0x10"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Pauses that are short, and a journal of the test's own."""
    monkeypatch.setattr(rpc, "ONE_OF_SEVERAL_SECONDS", 0.1)
    monkeypatch.setattr(rpc, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    """The URL of an anvil."""
    with run_anvil() as url:
        yield url


@pytest.fixture
def pair(anvil: str) -> Iterator[tuple[OddNode, OddNode]]:
    """Two endpoints before one anvil, each as odd as the test makes it."""
    with run_odd_node(anvil) as first, run_odd_node(anvil) as second:
        yield first, second


def open_pair(pair: tuple[OddNode, OddNode], timeout_seconds: int = 2) -> Chain:
    """Connect to both, and forget what was asked meanwhile."""
    chain = open_rpc([each.url for each in pair], timeout_seconds=timeout_seconds)
    for each in pair:
        each.asked.clear()
    return chain


def read_balance(chain: Chain) -> int:
    """Return the coins of who gets some."""
    return chain.read_coin_balance(RECEIVER)


# ---------------------------------------------------------------------- connecting

FORMS: dict[str, Callable[[str, str], Any]] = {
    "a text": lambda first, second: f"{first},{second}",
    "a text with spaces": lambda first, second: f" {first} , {second} ",
    "a list": lambda first, second: [first, second],
    "a tuple": lambda first, second: (first, second),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("way", [open_rpc, connect])
def test_connect__to_several_endpoints__uses_the_first(
    pair: tuple[OddNode, OddNode], form: Callable[[str, str], Any], way: Callable[[Any], Chain]
) -> None:
    first, second = pair
    chain = way(form(first.url, second.url))
    assert chain.label == f"{first.url}, {second.url}"
    asked = len(second.asked)
    read_balance(chain)
    assert len(second.asked) == asked == 1


def test_connect__to_endpoints_of_two_chains__is_refused(anvil: str) -> None:
    with (
        run_scripted_node(lambda exchange: exchange.reply(exchange.results(KNOWN))) as other,
        pytest.raises(WrongChain) as caught,
    ):
        open_rpc([anvil, other.url])
    assert (caught.value.expected, caught.value.actual) == (31337, 1)
    assert f"This node is {other.url}." in caught.value.__notes__


def test_connect__to_endpoints_none_of_which_answers__names_the_first() -> None:
    with reverts(ConnectionFailed(DEAD, REFUSED)):
        open_rpc([DEAD, "http://127.0.0.1:2"])


@pytest.mark.parametrize("nothing", ["", ",", " , ", [], [""], [","]])
def test_connect__to_no_endpoint_at_all__is_refused(nothing: Any) -> None:
    with reverts(ConnectionFailed("the URL given", "it is not an http or https URL")):
        open_rpc(nothing)


# ---------------------------------------------------------------------- reading


def go_down(method: str, params: list[Any], forward: Forward) -> Reply:
    """Answer as a gateway whose node is away."""
    return 404, {}


def stay_busy(method: str, params: list[Any], forward: Forward) -> Reply:
    """Ask for patience for ever."""
    return 429, {}


def limit_rate(method: str, params: list[Any], forward: Forward) -> Reply:
    """Ask for patience for ever, in JSON-RPC."""
    return refuse("rate limit exceeded", -32005)


@pytest.mark.parametrize("hook", [go_down, stay_busy, limit_rate])
def test_read__from_an_endpoint_that_cannot__goes_to_the_next_and_stays_there(
    pair: tuple[OddNode, OddNode], hook: Any
) -> None:
    chain = open_pair(pair)
    pair[0].hook = hook
    assert [read_balance(chain) for _ in range(3)] == [read_balance(open_rpc(pair[1].target))] * 3
    assert len(pair[1].asked) == 3
    asked = len(pair[0].asked)
    read_balance(chain)
    assert len(pair[0].asked) == asked


def test_read__from_an_endpoint_that_breaks_a_limit__goes_to_the_next(
    anvil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "ANSWER_SECONDS", 0.3)

    def script(exchange: Exchange) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        exchange.drip(b" " * 1000)

    with run_scripted_node(script) as node:
        chain = open_rpc([node.url, anvil])
        assert chain.chain_id == 31337
        assert chain.read_block().number >= 0


def test_read__where_all_endpoints_are_busy__waits_and_then_says_so(pair: tuple[OddNode, OddNode]) -> None:
    chain = open_pair(pair)
    for each in pair:
        each.hook = stay_busy
    with reverts(NodeBusy(pair[0].url, "asked too often, HTTP status 429")):
        read_balance(chain)
    assert all(len(each.asked) > 2 for each in pair)


def test_read__where_the_first_is_busy_and_the_second_down__waits_for_the_first(pair: tuple[OddNode, OddNode]) -> None:
    chain = open_pair(pair)
    pair[0].hook = lambda method, params, forward: (429, {}) if len(pair[0].asked) < 4 else None
    pair[1].hook = go_down
    assert read_balance(chain) >= 0


def test_read__of_a_contract_that_refuses__is_not_asked_elsewhere(pair: tuple[OddNode, OddNode]) -> None:
    chain = open_pair(pair)
    pair[0].hook = lambda method, params, forward: refuse("the method is not for you", -32601)
    with reverts(RpcFailed("the method is not for you")):
        read_balance(chain)
    assert pair[1].asked == []


# ---------------------------------------------------------------------- endpoints that are behind

BLOCK_16 = {"number": "0x10", "hash": "0x" + "11" * 32, "timestamp": "0x1"}
LOG = {"address": RECEIVER}


def pair_of(stack: ExitStack, first: dict[str, Any], second: dict[str, Any]) -> tuple[ScriptedNode, ScriptedNode]:
    """Run two nodes that know their answers."""

    def run(answers: dict[str, Any]) -> ScriptedNode:
        return stack.enter_context(run_scripted_node(lambda exchange: exchange.reply(exchange.results(answers))))

    return run({**KNOWN, **first}), run({**KNOWN, **second})


ASKED: dict[str, tuple[str, list[Any]]] = {
    "events": ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x10"}]),
    "a call": ("eth_call", [{"to": RECEIVER}, "0x10"]),
    "a balance": ("eth_getBalance", [RECEIVER, "0x10"]),
    "a nonce": ("eth_getTransactionCount", [RECEIVER, "0x10"]),
}


@pytest.mark.parametrize(("method", "params"), ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("in_batch", [False, True])
def test_make_request__at_a_block_that_one_has_not_got__is_answered_by_the_other(
    method: str, params: list[Any], in_batch: bool
) -> None:
    """The one that is behind would answer at once, and wrongly: without the newest events, or from an older state."""
    with ExitStack() as stack:
        behind, ahead = pair_of(stack, {"eth_blockNumber": "0xf", method: "0xbad"}, {method: "0x600d"})
        provider = NodeProvider([behind.url, ahead.url], 0)
        if in_batch:
            (answer,) = provider.make_batch_request([(cast(Any, method), params)])
        else:
            answer = provider.make_request(cast(Any, method), params)
        assert answer["result"] == "0x600d"
        assert method not in behind.methods


def test_make_request__at_a_block_that_nobody_has__says_who_is_behind() -> None:
    with ExitStack() as stack:
        first, second = pair_of(stack, {"eth_getLogs": []}, {"eth_getLogs": []})
        with reverts(ConnectionFailed(first.url, "it is behind: it has block 16, and 17 is asked for")):
            NodeProvider([first.url, second.url], 0).make_request(cast(Any, "eth_getLogs"), [{"toBlock": "0x11"}])


LACKING: list[dict[str, Any]] = [
    {"error": {"code": -32000, "message": "header not found"}},
    {"error": {"code": -32000, "message": "missing trie node 0x12"}},
    {"error": {"code": -32602, "message": "BlockOutOfRangeError: block height is 5 but requested was 16"}},
]


@pytest.mark.parametrize("lacking", LACKING)
@pytest.mark.parametrize("in_batch", [False, True])
def test_make_request__of_a_state_that_one_has_no_longer__is_answered_by_the_other(
    lacking: dict[str, Any], in_batch: bool
) -> None:
    with ExitStack() as stack:
        first, second = pair_of(stack, {"eth_call": lacking}, {"eth_call": "0x600d"})
        provider = NodeProvider([first.url, second.url], 0)
        request: Any = ("eth_call", [{"to": RECEIVER}, "0x10"])
        answer = provider.make_batch_request([request])[0] if in_batch else provider.make_request(*request)
        assert answer["result"] == "0x600d"


@pytest.mark.parametrize("lacking", LACKING)
def test_make_request__of_a_state_that_none_has__is_answered_as_the_first_does(lacking: dict[str, Any]) -> None:
    with ExitStack() as stack:
        first, second = pair_of(stack, {"eth_call": lacking}, {"eth_call": lacking})
        provider = NodeProvider([first.url, second.url], 0)
        assert provider.make_request(cast(Any, "eth_call"), [{}, "0x10"])["error"] == lacking["error"]


@pytest.mark.parametrize("method", ["eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockByNumber"])
def test_make_request__of_what_one_does_not_know__is_answered_by_the_other(method: str) -> None:
    with ExitStack() as stack:
        first, second = pair_of(stack, {method: None}, {method: {"blockHash": "0x12"}})
        answer = NodeProvider([first.url, second.url], 0).make_request(cast(Any, method), ["0x12"])
        assert answer["result"] == {"blockHash": "0x12"}


# ---------------------------------------------------------------------- sending


def send(chain: Chain) -> Any:
    """Send a coin, and return the receipt."""
    return chain.send_data(SENDER, "0x", to=cast(Any, RECEIVER), value=1)


def lose_answer(method: str, params: list[Any], forward: Forward) -> Reply:
    """Take a transaction, and have the answer lost on its way."""
    if method == SEND:
        forward()
        return 502, {}
    return None


def lose_answer_and_go(node: OddNode) -> Any:
    """Take a transaction, and answer nothing more."""

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            forward()
        return (502, {}) if SEND in node.asked else None

    return hook


def refuse_send(message: str) -> Any:
    """Refuse transactions with words."""
    return lambda method, params, forward: refuse(message) if method == SEND else None


SAYINGS = [
    "already known",
    "nonce too low",
    "insufficient funds for gas",
    "replacement transaction underpriced",
    "busy",
]


@pytest.mark.parametrize("saying", SAYINGS)
@pytest.mark.parametrize("goes", [False, True])
def test_send__that_the_first_took_and_the_second_refuses__is_done_once(
    pair: tuple[OddNode, OddNode], saying: str, goes: bool
) -> None:
    chain = open_pair(pair)
    before, nonce = read_balance(chain), chain.count_sent(SENDER.address, "latest")
    pair[0].hook, pair[1].hook = lose_answer_and_go(pair[0]) if goes else lose_answer, refuse_send(saying)
    assert send(chain)["status"] == 1
    assert (read_balance(chain), chain.count_sent(SENDER.address, "latest")) == (before + 1, nonce + 1)


def test_send__that_the_first_lost__is_handed_to_the_second(pair: tuple[OddNode, OddNode]) -> None:
    chain = open_pair(pair)
    before = read_balance(chain)
    pair[0].hook = lambda method, params, forward: (502, {}) if method == SEND else None
    assert send(chain)["status"] == 1
    assert read_balance(chain) == before + 1
    assert SEND in pair[1].asked


@pytest.mark.parametrize("saying", ["insufficient funds for gas", "nonce too low"])
def test_send__that_the_first_took_before_it_went__and_the_second_never_sees__is_of_unknown_outcome(
    pair: tuple[OddNode, OddNode], saying: str
) -> None:
    """The second is another anvil: it refuses the transaction, and says truly that it does not know it."""
    with run_anvil() as elsewhere, run_odd_node(elsewhere) as second:
        chain = open_rpc([pair[0].url, second.url], timeout_seconds=1)
        pair[0].hook, second.hook = lose_answer_and_go(pair[0]), refuse_send(saying)
        with pytest.raises(OutcomeUnknown):
            send(chain)


@pytest.mark.parametrize("saying", ["insufficient funds for gas", "intrinsic gas too low"])
def test_send__that_the_first_could_not_be_reached_for__is_refused_as_the_second_says(
    pair: tuple[OddNode, OddNode], saying: str
) -> None:
    chain = open_rpc([DEAD, pair[1].url], timeout_seconds=2)
    pair[1].hook = refuse_send(saying)
    with reverts(RpcFailed(saying)):
        send(chain)


def test_make_batch_request__of_transactions_that_the_first_may_have__has_no_refusal_that_proves_anything(
    pair: tuple[OddNode, OddNode],
) -> None:
    with run_scripted_node(lambda exchange: exchange.reply(b"", 502)) as first, ExitStack() as stack:
        refusal = {"error": {"code": -32000, "message": "insufficient funds"}}
        second, _ = pair_of(stack, {SEND: refusal, "eth_gasPrice": "0x5"}, {})
        provider = NodeProvider([first.url, second.url], 0)
        cast(Any, provider)._endpoints.lines[0].chain_id = 1
        asked: Any = [(SEND, ["0x00"]), ("eth_gasPrice", [])]
        answers = provider.make_batch_request(asked)
    assert answers[0]["error"]["message"] == f"The node at {first.url} refuses requests for now (HTTP status 502)."
    assert answers[1]["result"] == "0x5"


def test_find_transaction__that_one_may_have_who_is_away__is_not_told_to_be_unknown(
    pair: tuple[OddNode, OddNode],
) -> None:
    chain = open_pair(pair, timeout_seconds=0)
    transaction_hash = f"0x{bytes(send(chain)['transactionHash']).hex()}"
    pair[0].hook = go_down
    pair[1].hook = lambda method, params, forward: {"result": None} if "ByHash" in method else None
    with reverts(ConnectionFailed(pair[0].url, "HTTP status 404")):
        chain.find_transaction(transaction_hash)


def test_find_transaction__that_nobody_knows__is_none(pair: tuple[OddNode, OddNode]) -> None:
    chain = open_pair(pair)
    assert chain.find_transaction("0x" + "12" * 32) is None
    pair[0].hook = go_down  # it was handed nothing
    assert chain.find_transaction("0x" + "12" * 32) is None


def test_find_transaction__that_one_lacks_while_the_other_is_away__does_not_wait_for_that_one_each_time(
    pair: tuple[OddNode, OddNode],
) -> None:
    chain = open_pair(pair)
    pair[0].hook = go_down
    assert [chain.find_transaction("0x" + "12" * 32) for _ in range(3)] == [None] * 3
    assert len(pair[0].asked) == 1


def test_send__after_one_that_the_other_endpoint_took__takes_the_next_nonce(pair: tuple[OddNode, OddNode]) -> None:
    """What is sent next goes through the second, which answers with a count that does not have the first one's yet."""
    chain = open_pair(pair)
    nonce = chain.count_sent(SENDER.address, "latest")
    send(chain)
    pair[0].hook = go_down
    pair[1].hook = lambda method, params, forward: (
        {"result": hex(nonce)} if method == "eth_getTransactionCount" else None
    )
    receipt = send(chain)
    pair[1].hook = None
    sent = pair[1].ask("eth_getTransactionByHash", f"0x{bytes(receipt['transactionHash']).hex()}")
    assert int(sent["nonce"], 16) == nonce + 1


def test_send__after_one_that_one_of_the_endpoints_took__does_not_take_it_for_lost() -> None:
    """Both are behind. The journal has the name of the one that took the first transaction, and here there are two."""
    with run_anvil("--chain-id", "84532") as url, run_odd_node(url) as first, run_odd_node(url) as second:

        def fall_behind(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == "eth_getTransactionCount":
                return {"result": "0x0"}
            return {"result": None} if method == "eth_getTransactionByHash" else None

        send(open_rpc(second.url, timeout_seconds=2))
        chain = open_rpc([first.url, second.url], timeout_seconds=2)
        first.hook = second.hook = fall_behind
        receipt = send(chain)
        sent = first.ask("eth_getTransactionByHash", f"0x{bytes(receipt['transactionHash']).hex()}")
    assert int(sent["nonce"], 16) == 1


# ---------------------------------------------------------------------- endpoints without a rest


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints that failed are asked again at once, in the order in which they were given."""
    monkeypatch.setattr(failover, "REST_SECONDS", 0.0)


@pytest.mark.usefixtures("restless")
def test_read__from_an_endpoint_that_comes_back_with_another_chain__is_never_its(anvil: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.reply(
            exchange.results({**KNOWN, "eth_getBalance": "0x7777"}), 404 if len(exchange.node.asked) < 3 else 200
        )

    with run_scripted_node(script) as other:
        chain = open_rpc([other.url, anvil], timeout_seconds=0)
        assert [chain.web3.eth.chain_id for _ in range(3)] == [31337] * 3
        assert read_balance(chain) != 0x7777
        assert set(other.methods) == {"eth_chainId"}


@pytest.mark.usefixtures("restless")
def test_send__past_an_endpoint_that_does_not_say_its_chain__is_refused_as_the_second_says(
    pair: tuple[OddNode, OddNode],
) -> None:
    """It was asked which chain it serves, and was handed nothing: the refusal is a proof."""
    pair[0].hook = go_down
    chain = open_pair(pair)
    saying = "insufficient funds for gas"
    pair[1].hook = refuse_send(saying)
    with reverts(RpcFailed(saying)):
        send(chain)
    assert SEND not in pair[0].asked


def test_find_transaction__that_one_may_have_taken_before_it_went__is_not_told_to_be_unknown(
    pair: tuple[OddNode, OddNode],
) -> None:
    """Its answer was lost: whether it has the transaction nobody knows."""
    with run_anvil() as elsewhere, run_odd_node(elsewhere) as second:
        chain = open_rpc([pair[0].url, second.url], timeout_seconds=1)
        pair[0].hook, second.hook = lose_answer_and_go(pair[0]), refuse_send("insufficient funds for gas")
        with pytest.raises(OutcomeUnknown) as caught:
            send(chain)
        with pytest.raises(ConnectionFailed):
            chain.find_transaction(caught.value.transaction_hash)


@pytest.mark.parametrize("method", sorted(rpc.ONCE))
@pytest.mark.parametrize("in_batch", [False, True])
def test_request__that_a_node_would_carry_out_twice__is_sent_once(method: str, in_batch: bool) -> None:
    """The node signs these itself, so the second would be another transaction: not after a gateway's error, and to nobody else."""

    def script(exchange: Exchange) -> None:
        is_it = isinstance(exchange.body, list) or exchange.body["method"] == method
        exchange.reply(b"", 502) if is_it else exchange.reply(exchange.results(KNOWN))

    with run_scripted_node(script) as first, run_scripted_node(script) as second:
        provider = NodeProvider([first.url, second.url], 0)
        ask: Callable[[], object] = partial(provider.make_request, RPCEndpoint(method), [{}])
        if in_batch:
            ask = partial(
                provider.make_batch_request, [(RPCEndpoint(method), [{}]), (RPCEndpoint("eth_blockNumber"), [])]
            )
        with pytest.raises(ConnectionFailed):
            ask()
    assert (first.methods + second.methods).count(method) == 1


@pytest.mark.parametrize("method", sorted(rpc.ONCE))
def test_batch__with_a_request_that_is_sent_once__has_every_answer(method: str) -> None:
    known = {**KNOWN, method: "0x07"}
    with run_scripted_node(lambda exchange: exchange.reply(exchange.results(known))) as node:
        answers = NodeProvider(node.url, 0).make_batch_request(
            [(RPCEndpoint("eth_blockNumber"), []), (RPCEndpoint(method), [{}])]
        )
    assert [answer["result"] for answer in answers] == ["0x10", "0x07"]
    assert [type(body) for body in node.asked] == [dict, dict]
