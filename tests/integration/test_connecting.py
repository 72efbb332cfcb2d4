"""connect, and nodes that are dead, wrong, slow or hostile: typed errors, without the secrets of the URL."""

import io
import json
import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from nvm_chain.chain import client
from nvm_chain.chain import rpc as rpc_module
from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.networks import NETWORKS, find_usdc
from nvm_chain.chain.records import DeploymentRecord, write_record
from nvm_chain.chain.urls import redact_url
from nvm_chain.errors import (
    ConnectionFailed,
    DeploymentMismatch,
    InsufficientCoin,
    InvalidAddress,
    InvalidConfig,
    InvalidRecord,
    NetworkError,
    NoContract,
    NodeBusy,
    NoDeployment,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    RpcFailed,
    UnknownNetwork,
    WrongChain,
)
from nvm_chain.payments import Payments
from tests.integration.fake_node import Answer, body, results, run_fake_node
from tests.support.anvil import run_anvil
from tests.support.reverts import reverts
from tests.support.world import World

ROOT = Path(__file__).parent.parent.parent
CHAIN_ID = 84532
ALICE = "0x" + "11" * 20
CODE = "0x" + read_artifact("Credits").runtime_code.hex()
NO_RPC = "it does not speak JSON-RPC"
HEALTHY = {"eth_chainId": hex(CHAIN_ID), "eth_getCode": CODE, "eth_getBalance": "0x0"}


@pytest.fixture
def dead_url() -> str:
    """The URL of a port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def healthy() -> Iterator[str]:
    """The URL of a node on Base Sepolia where there is code at every address."""
    with run_fake_node(results(HEALTHY)) as node:
        yield node.url


# ---------------------------------------------------------------------- to the right place


def test_connect__to_nothing_in_particular__is_the_embedded_chain() -> None:
    chain = connect()
    assert repr(chain) == f"<Chain {chain.chain_id} at eth-tester>"
    assert len(chain.accounts) == 10
    assert chain.has_code(chain.credits.address)
    assert chain.usdc is not None
    assert chain.has_code(chain.usdc)


def test_connect__to_a_url__knows_its_chain_and_usdc(healthy: str, tmp_path: Path) -> None:
    chain = connect(healthy, records=tmp_path)
    assert (chain.chain_id, chain.label, tuple(chain.accounts)) == (CHAIN_ID, healthy, ())
    assert chain.usdc == NETWORKS["base:sepolia"].usdc


def test_connect__to_a_development_node__has_its_funded_accounts(tmp_path: Path) -> None:
    with run_anvil() as url:
        chain = connect(url, records=tmp_path)
        builder, subscriber = chain.accounts[1:3]
        assert len(chain.accounts) == 10
        assert {chain.read_coin_balance(each.address) for each in (builder, subscriber)} == {10_000 * 10**18}


def test_connect__to_a_network_by_another_url__asks_that_url(healthy: str, tmp_path: Path) -> None:
    assert connect("base:sepolia", rpc_url=healthy, records=tmp_path).label == healthy


@pytest.mark.parametrize(
    ("target", "named"), [("embedded", "the embedded chain"), ("http://127.0.0.1:1/other", "a node by its URL")]
)
def test_connect__to_two_places_at_once__is_refused(target: str, named: str) -> None:
    problem = f"the target is {named}, and `rpc_url` names another node"
    with reverts(InvalidConfig(problem, "give one URL, `connect(url)`")):
        connect(target, rpc_url="http://127.0.0.1:2")


def test_connect__with_a_folder_of_records_as_text__reads_it(
    healthy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_record(build_record(), tmp_path / "records")
    for folder in (str(tmp_path / "records"), "~/records", Path("~/records")):
        assert connect(healthy, records=folder).credits.address == ALICE


def test_connect__with_records_that_are_no_path__is_refused() -> None:
    with reverts(InvalidConfig("the folder of deployment records is int", "give a text or a `pathlib.Path`")):
        connect("http://127.0.0.1:1", records=7)  # type: ignore[arg-type]


def test_connect__with_an_address__uses_it(healthy: str, tmp_path: Path) -> None:
    assert connect(healthy, credits=ALICE, records=tmp_path).credits.address == ALICE


def test_connect__with_a_record__uses_its_address_but_no_usdc_other_than_circles(healthy: str, tmp_path: Path) -> None:
    write_record(build_record(usdc="0x" + "22" * 20), tmp_path)
    chain = connect(healthy, records=tmp_path)
    assert (chain.credits.address, chain.usdc) == (ALICE, find_usdc(CHAIN_ID))


def build_record(**changes: Any) -> DeploymentRecord:
    """Return a record of Base Sepolia."""
    values: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "address": ALICE,
        "method": "CREATE2",
        "salt": None,
        "block_number": 1,
        "transaction_hash": "0x" + "33" * 32,
        "deployer": ALICE,
        "constructor_arguments": {},
        "compiler": {},
        "runtime_code_hash": "0x" + "44" * 32,
    }
    return DeploymentRecord(**{**values, **changes})


# ---------------------------------------------------------------------- to the wrong place


@pytest.mark.parametrize("name", ["base", "mainnet", "", "localhost:8545"])
def test_connect__to_an_unknown_network__lists_the_known(name: str) -> None:
    with reverts(UnknownNetwork(name, ("embedded", "base:sepolia", "base:mainnet"))):
        connect(name)


def test_connect__to_a_node_of_another_chain__is_refused(healthy: str) -> None:
    with reverts(WrongChain(8453, CHAIN_ID)):
        connect("base:mainnet", rpc_url=healthy)
    with reverts(WrongChain(1, CHAIN_ID)):
        connect(healthy, chain_id=1)


def test_connect__where_there_is_no_code__is_refused(tmp_path: Path) -> None:
    with run_fake_node(results({**HEALTHY, "eth_getCode": "0x"})) as node:
        with reverts(NoContract(ALICE, CHAIN_ID)):
            connect(node.url, credits=ALICE, records=tmp_path)
        write_record(build_record(), tmp_path)
        with reverts(NoContract(ALICE, CHAIN_ID)):
            connect(node.url, records=tmp_path)


def test_connect__where_there_is_other_code__is_refused(tmp_path: Path) -> None:
    with run_fake_node(results({**HEALTHY, "eth_getCode": "0x6001"})) as node:
        expected, actual = read_artifact("Credits").runtime_code_hash, "0x" + keccak(hexstr="0x6001").hex()
        with reverts(DeploymentMismatch(f"The code hash at {ALICE}", expected, actual)):
            connect(node.url, credits=ALICE, records=tmp_path)


def test_connect__with_a_wrong_address__is_refused(healthy: str, tmp_path: Path) -> None:
    with reverts(InvalidAddress("Credits address", "0x12", "is not 0x and 40 hexadecimal digits")):
        connect(healthy, credits="0x12", records=tmp_path)


def test_connect__with_a_wrong_address_in_the_record__is_refused(healthy: str, tmp_path: Path) -> None:
    write_record(build_record(address="0x12"), tmp_path)
    with reverts(InvalidAddress("recorded Credits address", "0x12", "is not 0x and 40 hexadecimal digits")):
        connect(healthy, records=tmp_path)


def test_connect__with_a_broken_record__is_refused(healthy: str, tmp_path: Path) -> None:
    path = tmp_path / f"{CHAIN_ID}.json"
    path.write_text("{}")
    with reverts(InvalidRecord(str(path), "chain_id: Field required")):
        connect(healthy, records=tmp_path)


def test_credits__where_nothing_says_where_it_is__raises(healthy: str, tmp_path: Path) -> None:
    chain = connect(healthy, records=tmp_path)
    with reverts(NoDeployment(CHAIN_ID, folder=str(tmp_path))):
        chain.credits  # noqa: B018


def test_credits__of_a_connection_without_records__names_how_to_set_the_address(healthy: str) -> None:
    with pytest.raises(NoDeployment) as caught:
        open_rpc(healthy).credits  # noqa: B018
    assert caught.value.folder is None
    assert "this connection has no record of it" in caught.value.problem
    assert caught.value.next_step.startswith("Set the address with `chain.use_credits(address)`")


def test_payments__by_the_name_of_a_network_whose_node_is_away__says_how_to_give_another(
    monkeypatch: pytest.MonkeyPatch, dead_url: str
) -> None:
    network = replace(NETWORKS["base:sepolia"], rpc_url=dead_url)
    monkeypatch.setitem(NETWORKS, "base:sepolia", network)
    with pytest.raises(ConnectionFailed) as caught:
        Payments("base:sepolia", Account.create())
    assert '`Payments(connect("base:sepolia", rpc_url=url), signer)`' in caught.value.next_step


# ---------------------------------------------------------------------- nodes that do not answer


def test_connect__to_a_dead_node__is_refused(dead_url: str) -> None:
    with reverts(ConnectionFailed(dead_url, "connection refused or host not found")):
        connect(dead_url)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_connect__to_a_node_that_answers_with_a_status__names_it_and_asks_once(status: int) -> None:
    with run_fake_node(body(b"busy", status)) as node:
        with reverts(ConnectionFailed(node.url, f"HTTP status {status}")):
            connect(node.url)
        assert node.methods == ["eth_chainId"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_open_rpc__to_a_node_that_stays_busy__says_so(status: int) -> None:
    with run_fake_node(body(b"busy", status)) as node, pytest.raises(NodeBusy) as caught:
        open_rpc(node.url, timeout_seconds=0)
    assert caught.value.url == node.url
    assert f"HTTP status {status}" in caught.value.reason


def test_connect__to_a_node_that_never_answers__gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_module, "REQUEST_TIMEOUT_SECONDS", 0.2)
    with run_fake_node(None) as node, reverts(ConnectionFailed(node.url, "no answer within 0.2 seconds")):
        connect(node.url)


def test_connect__to_a_node_that_hangs_up__is_refused() -> None:
    with run_fake_node(body(b"{}"), {"Content-Length": "1000"}) as node, pytest.raises(ConnectionFailed) as caught:
        connect(node.url)
    assert caught.value.url == node.url


def test_connect__to_a_node_that_sends_away_for_ever__is_refused() -> None:
    with run_fake_node(body(b"", 307), {"Location": "/again"}) as node, pytest.raises(ConnectionFailed) as caught:
        connect(node.url)
    assert caught.value.url == node.url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "ws://127.0.0.1:1",
        "http://",
        "http:///path",
        "://",
        "http://[::1",
        "http://a:b",
        "http://127.0.0.1:99999",
    ],
)
def test_connect__to_what_is_no_web_address__is_refused(url: str) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        connect(url)
    assert caught.value.reason in {"it is not an http or https URL", "connection refused or host not found"}


# ---------------------------------------------------------------------- nodes that answer nonsense

NO_JSON_RPC = {
    "nothing": b"",
    "a web page": b"<!doctype html><title>It works</title>",
    "half an object": b'{"jsonrpc": "2.0", "result": ',
    "a list": b"[]",
    "a text": b'"0x1"',
    "a number": b"1",
    "null": b"null",
    "no UTF-8": b"\xff\xfe\x00",
    "a number with 5,000 digits": b'{"result": ' + b"9" * 5_000 + b"}",
    "ten thousand lists": b"[" * 10_000,
    "ten thousand objects": b'{"a":' * 10_000,
}


@pytest.mark.parametrize("content", NO_JSON_RPC.values(), ids=NO_JSON_RPC)
def test_connect__to_a_server_that_is_no_node__is_refused(content: bytes) -> None:
    with run_fake_node(body(content)) as node, reverts(ConnectionFailed(node.url, NO_RPC)):
        connect(node.url)


def test_connect__to_a_server_that_nests_a_hundred_thousand_lists__is_refused_and_lives() -> None:
    # In a process of its own: py-evm, once loaded, lets Python recurse until the stack overflows.
    program = "import sys, nvm_chain as nvm; nvm.connect(sys.argv[1])"
    with run_fake_node(body(b"[" * 100_000)) as node:
        command = [sys.executable, "-c", program, node.url]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert str(ConnectionFailed(node.url, NO_RPC)) in done.stderr


WRONG_RESULTS: list[Any] = [
    None,
    "",
    "zz",
    "0x",
    "0xzz",
    "0x" + "f" * 5_000,
    -1,
    1.5,
    True,
    [],
    {},
    {"a": [1]},
    ["0x1"],
    "0x" + "00" * 100_000,
]
WRONG_ERRORS: list[Any] = [
    "text",
    5,
    [],
    {},
    {"code": "x"},
    {"message": None},
    {"data": "zz", "message": ""},
    {"message": "execution reverted: b'"},
]


def wrong_answers() -> Iterator[bytes]:
    """Yield answers of JSON-RPC whose parts are not what they should be."""
    for result in WRONG_RESULTS:
        yield json.dumps({"jsonrpc": "2.0", "id": 0, "result": result}).encode()
    for error in WRONG_ERRORS:
        yield json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode()
    yield from (
        b"{}",
        b'{"jsonrpc": "2.0", "id": 0}',
        b'{"id": 0, "result": "0x1"}',
        b'{"error": null, "result": null}',
    )


ANSWERS = list(wrong_answers())


def sign_and_send(chain: Chain) -> None:
    """Send a transaction of an account that has nothing."""
    chain.send_data(Account.from_key("0x" + "11" * 32), "0x")


USES: dict[str, tuple[str, Callable[[Chain], Any]]] = {
    "code": ("eth_getCode", lambda chain: chain.read_code(ALICE)),  # type: ignore[arg-type]
    "coins": ("eth_getBalance", lambda chain: chain.read_coin_balance(ALICE)),  # type: ignore[arg-type]
    "fees": ("eth_getBlockByNumber", lambda chain: chain.read_fees()),
    "tip": ("eth_maxPriorityFeePerGas", lambda chain: chain.read_fees()),
    "receipt": ("eth_getTransactionReceipt", lambda chain: chain.read_transaction("0x" + "11" * 32)),
    "sent": ("eth_getTransactionByHash", lambda chain: chain.read_sent_transaction("0x" + "11" * 32)),
    "nonce": ("eth_getTransactionCount", sign_and_send),
    "estimate": ("eth_estimateGas", sign_and_send),
    "sending": ("eth_sendRawTransaction", sign_and_send),
}
RICH = {
    **HEALTHY,
    "eth_getBalance": hex(10**24),
    "eth_getBlockByNumber": {"baseFeePerGas": "0x1", "number": "0x1", "timestamp": "0x1"},
    "eth_maxPriorityFeePerGas": "0x1",
    "eth_estimateGas": "0x5208",
    "eth_getTransactionCount": "0x0",
    "eth_call": "0x" + "00" * 32,
    "eth_getTransactionByHash": None,
    "eth_getTransactionReceipt": None,
}


def answer_one_wrongly(method: str, content: bytes) -> Answer:
    """Answer one method with given bytes, and the others well."""
    well = results(RICH)
    return lambda asked: (200, content) if asked == method else well(asked)


@pytest.mark.parametrize(("method", "use"), USES.values(), ids=USES)
def test_use__of_a_node_that_answers_nonsense__raises_typed_errors_only(
    method: str, use: Callable[[Chain], Any]
) -> None:
    for content in (*ANSWERS, *NO_JSON_RPC.values()):
        with run_fake_node(answer_one_wrongly(method, content)) as node:
            chain = open_rpc(node.url, timeout_seconds=0)
            assert chain.chain_id == CHAIN_ID
            try:
                use(chain)  # some wrong results are plain zeros
            except NvmChainError as error:
                expected = (
                    NetworkError
                    | InsufficientCoin
                    | (NotMined | OutcomeUnknown if use is sign_and_send else NetworkError)
                )
                assert isinstance(error, expected) or "revert" in content.decode()


@pytest.mark.parametrize("content", ANSWERS, ids=range(len(ANSWERS)))
def test_connect__to_a_node_that_answers_nonsense__raises_typed_errors_only(content: bytes) -> None:
    with run_fake_node(body(content)) as node:
        try:
            assert isinstance(open_rpc(node.url, timeout_seconds=0).chain_id, int)
        except NvmChainError as error:
            assert isinstance(error, NetworkError) or "revert" in content.decode()


@pytest.mark.parametrize(
    "message", ["intrinsic gas too low", "replacement transaction underpriced", "insufficient funds for gas"]
)
def test_send__that_the_node_refuses__passes_its_words_on(message: str) -> None:
    content = json.dumps({"jsonrpc": "2.0", "id": 0, "error": {"code": -32000, "message": message}}).encode()
    with (
        run_fake_node(answer_one_wrongly("eth_sendRawTransaction", content)) as node,
        pytest.raises(RpcFailed) as caught,
    ):
        sign_and_send(open_rpc(node.url, timeout_seconds=1))
    assert message in str(caught.value)


# ---------------------------------------------------------------------- secrets

SECRETS = ["user-s3cret", "pass-s3cret", "path-s3cret", "query-s3cret", "fragment-s3cret"]


def secret_url(url: str) -> str:
    """Return the URL of a node with a secret in each of its other parts."""
    user, password, path, query, fragment = SECRETS
    return url.replace("http://", f"http://{user}:{password}@") + f"/v3/{path}?key={query}#{fragment}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://user:s3cret@node.example:8545/v3/s3cret?a=s3cret#s3cret", "https://node.example:8545"),
        ("https://node.example/v3/s3cret", "https://node.example"),
        ("http://[::1]:8545/s3cret", "http://[::1]:8545"),
        ("node.example/v3/s3cret", "the URL given"),
        ("http://node.example:s3cret/", "the URL given"),
        ("http://[s3cret", "the URL given"),
        ("http:///s3cret", "the URL given"),
        ("", "the URL given"),
    ],
)
def test_redact_url__of_any_url__keeps_scheme_host_and_port(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def failures(url: str) -> Iterator[Callable[[], Any]]:
    """Yield the ways to fail with a URL."""
    yield lambda: connect(url)
    yield lambda: connect("base:sepolia", rpc_url=url)
    yield lambda: connect(url.removeprefix("http://"))


BROKEN: dict[str, Answer] = {
    "status 500": body(b"no", 500),
    "status 401": body(b"no", 401),
    "no node": body(b"<html>"),
    "refusing": results({}),
    "another chain": results({"eth_chainId": "0x1"}),
    "nonsense": body(b'{"result": "zz"}'),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_failure__at_a_url_with_secrets__shows_none(
    answer: Answer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_PATIENCE_SECONDS", 0)
    caplog.set_level(logging.DEBUG)
    with run_fake_node(answer) as node:
        for fail in failures(secret_url(node.url)):
            try:
                chain = fail()
            except NvmChainError as error:
                chain = error.__traceback__
                assert_no_secret(
                    "\n".join([str(error), repr(error), repr(error.args), *traceback.format_exception(error)])
                )
            else:
                assert_no_secret(f"{chain!r} {chain} {chain.label}")
    assert "web3.providers.HTTPProvider" in {record.name for record in caplog.records}
    assert "urllib3.connectionpool" in {record.name for record in caplog.records}
    assert_no_secret(caplog.text)


def test_failure__at_a_dead_url_with_secrets__shows_none(dead_url: str) -> None:
    for fail in failures(secret_url(dead_url)):
        with pytest.raises(NvmChainError) as caught:
            fail()
        assert_no_secret("\n".join([str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)]))


def test_chain__at_a_url_with_secrets__uses_them_and_shows_none() -> None:
    with run_fake_node(results(HEALTHY)) as node:
        chain = open_rpc(secret_url(node.url))
        stream = io.StringIO()
        print(chain, repr(chain), [chain], chain.label, chain.web3.provider, file=stream)
        with pytest.raises(RpcFailed) as caught:
            chain.read_transaction("0x" + "11" * 32)
    assert node.paths[0] == f"/v3/{SECRETS[2]}?key={SECRETS[3]}"
    assert_no_secret(stream.getvalue() + str(caught.value))


def assert_no_secret(text: str) -> None:
    """Insist that no secret of the URL is in a text."""
    assert [secret for secret in SECRETS if secret in text] == []


# ---------------------------------------------------------------------- development nodes


@pytest.mark.parametrize(
    "refuse", [(403, b"forbidden"), (200, b'{"jsonrpc":"2.0","id":0,"error":{"code":-32601}}'), (200, b"[]")]
)
def test_ask_development_node__of_a_node_that_is_none__is_told_so_whatever_it_answers(
    refuse: tuple[int, bytes],
) -> None:
    """Public nodes answer what they do not know in many ways, and none of them may end a deployment half done."""
    known = results({"eth_chainId": "0x1"})
    with run_fake_node(lambda method: known(method) if method == "eth_chainId" else refuse) as fake:
        assert open_rpc(fake.url).ask_development_node("anvil_setCode", "0x" + "11" * 20, "0x00") is False


def test_test_usdc__on_each_development_chain__is_at_usdcs_address_and_blocks_itself(world: World) -> None:
    """Its constructor's one write is written by hand there; a new layout of its storage would show here."""
    assert world.chain.usdc == NETWORKS["base:sepolia"].usdc
    assert world.read(world.usdc.functions.isBlacklisted(world.chain.usdc))


def test_connect__to_a_known_network_whose_public_endpoint_is_down__names_a_node_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, dead_url: str
) -> None:
    monkeypatch.setitem(NETWORKS, "base:sepolia", replace(NETWORKS["base:sepolia"], rpc_url=dead_url))
    with pytest.raises(ConnectionFailed) as caught:
        connect("base:sepolia")
    assert "This is the public endpoint of base:sepolia." in caught.value.problem
    assert caught.value.next_step == "Try again later, or give your own node with `rpc_url`."


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_connect__by_tls_to_a_node_without_it__says_so(scheme: str) -> None:
    with run_fake_node(results(HEALTHY)) as node, pytest.raises(ConnectionFailed) as caught:
        connect(f"{scheme}s://127.0.0.1:{node.port}")
    assert caught.value.reason == f"it does not speak TLS; try {scheme}:// in place of {scheme}s://"
