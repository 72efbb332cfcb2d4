"""What several endpoints may say of a batch, and what this machine may believe of what it sent: each part by itself."""

import time
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from nvm_chain.chain.client import open_rpc
from nvm_chain.chain.journal_entries import Sent
from nvm_chain.chain.nonce_search import find_free_nonces
from nvm_chain.chain.rpc import NodeProvider
from nvm_chain.chain.signing_many import sign_many
from nvm_chain.chain.transport import failover
from nvm_chain.chain.turns import Accounts
from nvm_chain.errors import ConnectionFailed
from tests.support.scripted_node import Exchange, run_scripted_node

PAYER = Account.from_key("0x" + "11" * 32)
BALANCE, TRANSACTION, HASH = "eth_getBalance", "eth_getTransactionByHash", "0x" + "12" * 32


def answers(block: int, told: str, found: object = None) -> dict[str, Any]:
    """Return what an endpoint says that has so many blocks."""
    return {"eth_chainId": "0x1", "eth_blockNumber": hex(block), BALANCE: told, TRANSACTION: found}


def ask_both(first: dict[str, Any], second: dict[str, Any], asked: list[tuple[str, list[Any]]]) -> list[Any]:
    """Return the results of a batch that two endpoints may answer."""

    def script(known: dict[str, Any]) -> Any:
        return lambda exchange: exchange.reply(exchange.results(known))

    with run_scripted_node(script(first)) as one, run_scripted_node(script(second)) as two:
        provider = NodeProvider([one.url, two.url], 0)
        return [answer["result"] for answer in provider.make_batch_request(asked)]  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_make_batch_request__with_one_of_a_block_that_the_first_has_not_got__goes_to_the_second(place: int) -> None:
    """Wherever in the batch it stands."""
    asked: list[tuple[str, list[Any]]] = [(BALANCE, [PAYER.address, "0x3"]) for _ in range(3)]
    asked[place] = (BALANCE, [PAYER.address, "0x10"])
    assert ask_both(answers(5, "0xa"), answers(32, "0xb"), asked) == ["0xb"] * 3


def test_make_batch_request__of_what_the_first_does_not_know__has_the_answer_of_the_second() -> None:
    asked: list[tuple[str, list[Any]]] = [(BALANCE, [PAYER.address, "latest"]), (TRANSACTION, [HASH])]
    known = {"hash": HASH}
    assert ask_both(answers(5, "0xa"), answers(5, "0xb", known), asked) == ["0xa", known]
    assert ask_both(answers(5, "0xa"), answers(5, "0xb"), asked) == ["0xa", None]


@pytest.mark.parametrize(("age", "is_free"), [(-1000, True), (0, False), (30, False), (61, True), (10_000, True)])
def test_find_free_nonces__after_one_that_the_node_does_not_show__waits_for_a_minute(age: int, is_free: bool) -> None:
    """One that was sent in the future was sent before the clock was set back: nobody knows when."""

    def script(exchange: Exchange) -> None:
        exchange.reply(exchange.results({"eth_chainId": "0x1", "eth_getTransactionCount": "0x7", TRANSACTION: None}))

    with run_scripted_node(script) as node:
        chain = open_rpc(node.url, timeout_seconds=0)
        with Accounts(1, None).turn(PAYER.address) as turn:
            turn.sent.append(Sent(7, HASH, int(time.time()) - age, chain.label, taken=True))
            assert next(find_free_nonces(chain, PAYER.address, turn)) == (7 if is_free else 8)


@pytest.mark.parametrize(
    "data", ["0x", "0x00", "0x01", "0x7f", "0x80", "0x81", "0xff", "0x" + "80" * 55, "0x" + "80" * 56]
)
def test_sign_many__of_data_about_the_edges_of_the_encoding__signs_each_as_the_signer_does(data: str) -> None:
    """The first shows whether the fast way is right, and has nothing of an edge in it."""

    def build(nonce: int) -> Any:
        return {
            "chainId": 1,
            "nonce": nonce,
            "gas": 0x80 if nonce else 100,
            "maxFeePerGas": 0x7F,
            "maxPriorityFeePerGas": 0,
            "to": to_checksum_address("0x" + "00" * 18 + "beef"),
            "value": 0x80 if nonce else 0,
            "data": data if nonce else "0x",
        }

    nonces = (0, 0x7F, 0x80, 0x100)
    signed = sign_many(PAYER, [build(nonce) for nonce in nonces])
    assert [each.raw for each in signed] == [
        bytes(PAYER.sign_transaction(build(nonce)).raw_transaction) for nonce in nonces
    ]


@pytest.mark.parametrize("header", [{}, {"Retry_After": "30"}], ids=["nothing said", "half a minute"])
def test_make_request__past_an_endpoint_that_says_when_to_come_back__leaves_it_alone_until_then(
    monkeypatch: pytest.MonkeyPatch, header: dict[str, str]
) -> None:
    """One that is busy rests for as long as it says, and without a word only for its own time: none here."""
    monkeypatch.setattr(failover, "BUSY_REST_SECONDS", 0.0)

    def be_busy(exchange: Exchange) -> None:
        is_check = exchange.body["method"] == "eth_chainId"
        exchange.reply(exchange.results(answers(5, "0xa")), 200 if is_check else 429, **({} if is_check else header))

    def be_well(exchange: Exchange) -> None:
        exchange.reply(exchange.results(answers(5, "0xb")))

    with run_scripted_node(be_busy) as one, run_scripted_node(be_well) as two:
        provider = NodeProvider([one.url, two.url], 0)
        asked: Any = (BALANCE, [PAYER.address, "latest"])
        assert [provider.make_request(*asked)["result"] for _ in range(3)] == ["0xb"] * 3
        assert one.methods.count(BALANCE) == (1 if header else 3)


@pytest.mark.parametrize("away", [1, -1, 1000])
def test_make_request__answered_under_another_number__does_not_believe_it(away: int) -> None:
    """It is the answer to another request, which came late."""

    def script(exchange: Exchange) -> None:
        told = exchange.results(answers(5, "0xa"))
        exchange.reply({**told, "id": told["id"] + away})

    with run_scripted_node(script) as node:
        provider = NodeProvider(node.url, 0)
        asked: Any = (BALANCE, [PAYER.address, "latest"])
        with pytest.raises(ConnectionFailed):
            provider.make_request(*asked)
