"""Calls of `send_many` that the node refuses while later ones wait behind them: fillers, and what is told of the calls."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import NotMined, OutcomeUnknown, RpcFailed
from tests.support.anvil import run_anvil
from tests.support.coins import (
    CHAIN_ID,
    COUNT,
    ME,
    THIRD,
    is_call,
    pay_calls,
    read_fields,
    read_paid,
    sign_rival,
)
from tests.support.odd_node import SEND, Forward, OddNode, Reply, refuse, run_odd_node

TOO_LOW = refuse("intrinsic gas too low")


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder for the journals."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))


@pytest.fixture
def node() -> Iterator[OddNode]:
    """An odd node before an anvil of its own."""
    with run_anvil("--chain-id", str(CHAIN_ID)) as url, run_odd_node(url) as odd:
        yield odd


def read_journal(chain: Chain) -> list[tuple[int, bool]]:
    """Return nonce and state of each entry of the journal."""
    return [(sent.nonce, sent.taken) for sent in chain.read_journal(ME.address)]


# ---------------------------------------------------------------------- a nonce that another transaction holds


def hold_first(node: OddNode, raws: list[str]) -> Any:
    """Let the payment of another wallet wait with the first nonce on a node that counts mined transactions only."""
    node.ask("evm_setAutomine", False)
    node.ask(SEND, sign_rival(0, price=10**11))

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == COUNT:
            return {"result": node.ask(method, params[0], "latest")}
        if method == SEND:
            raws.append(params[0])
        return None

    return hook


def test_send_many__whose_nonce_another_wallet_holds__goes_behind_it_and_cancels_nothing(node: OddNode) -> None:
    raws: list[str] = []
    node.hook = hold_first(node, raws)
    chain = open_rpc(node.url, timeout_seconds=20)
    threading.Timer(5, lambda: node.ask("evm_setAutomine", True)).start()
    threading.Timer(5.5, lambda: node.ask("evm_mine")).start()
    outcomes = chain.send_many(ME, pay_calls(3))
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert all(is_call(raw) for raw in raws)
    assert (read_paid(node, THIRD.address), read_paid(node)) == (1000, 6)
    assert read_journal(chain) == [(1, True), (2, True), (3, True)]


def test_send_many__whose_nonce_an_earlier_unknown_transaction_holds__is_refused(node: OddNode) -> None:
    """Only one of the two may ever be mined, so the call takes no other nonce."""
    chain = open_rpc(node.url, timeout_seconds=1)
    node.ask("evm_setAutomine", False)

    def keep_silently(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            forward()
            return 502, {}
        hidden = method in ("eth_getTransactionByHash", "eth_getTransactionReceipt")
        return {"result": None} if hidden else None

    node.hook = keep_silently
    with pytest.raises(OutcomeUnknown):
        chain.send_data(ME, "0x", THIRD.address, 1)
    node.hook = lambda method, params, forward: (
        {"result": node.ask(method, params[0], "latest")}
        if method == COUNT
        else refuse("replacement transaction underpriced")
        if method == SEND
        else None
    )
    [outcome] = chain.send_many(ME, pay_calls(1))
    assert isinstance(outcome.error, RpcFailed)
    assert node.asked.count(SEND) <= 5 + 1


# ---------------------------------------------------------------------- what is told


class FailingSigner:
    """A signer that raises at one of its transactions and at all later ones."""

    def __init__(self, fails_at: int) -> None:
        self.address, self.signed, self.fails_at = ME.address, 0, fails_at

    def sign_transaction(self, transaction: Any) -> Any:
        self.signed += 1
        if self.signed >= self.fails_at:
            raise RuntimeError("the device was unplugged")
        return ME.sign_transaction(transaction)


def test_send_many__whose_signer_fails_at_a_filler__tells_the_refusal_and_sends_it_never_again(node: OddNode) -> None:
    refused: list[str] = []

    def refuse_once(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND and read_fields(params[0])["nonce"] == 0 and not refused:
            refused.append(params[0])
            return TOO_LOW
        return None

    node.hook = refuse_once
    chain = open_rpc(node.url, timeout_seconds=3)
    first, *others = chain.send_many(FailingSigner(4), pay_calls(3))
    assert isinstance(first.error, RpcFailed)
    assert {type(outcome.error) for outcome in others} == {NotMined}
    assert read_paid(node) == 0
    assert read_journal(chain) == [(1, True), (2, True)]


@pytest.mark.parametrize("words", ["insufficient funds for gas * price + value", "txpool is full"])
def test_send_many__of_which_many_are_refused_with_their_fillers__hands_the_fillers_over_together(
    node: OddNode, words: str
) -> None:
    """So their refusals are waited for together, and not one after another."""

    def refuse_first(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != SEND or read_fields(params[0])["nonce"] >= 8:
            return None
        return TOO_LOW if is_call(params[0]) else refuse(words)

    node.hook = refuse_first
    *refused, last = open_rpc(node.url, timeout_seconds=2).send_many(ME, pay_calls(9))
    places = [place for place, method in enumerate(node.asked) if method == SEND]
    assert places[9 : 9 + 8] == list(range(places[9], places[9] + 8))
    assert {type(outcome.error) for outcome in refused} == {RpcFailed}
    assert isinstance(last.error, NotMined)


def refuse_first_call(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse the call with the first nonce, and take its filler."""
    is_it = method == SEND and read_fields(params[0])["nonce"] == 0 and is_call(params[0])
    return TOO_LOW if is_it else None


def test_send_many__with_confirmations_and_a_shallow_filler__tells_the_refusal(node: OddNode) -> None:
    node.hook = refuse_first_call
    first, second = open_rpc(node.url, timeout_seconds=2, confirmations=5).send_many(ME, pay_calls(2))
    assert isinstance(first.error, RpcFailed)
    assert "intrinsic gas too low" in str(first.error)
    assert isinstance(second.error, OutcomeUnknown)
    assert "fewer than 5 blocks" in str(second.error)


def test_send_many__whose_filler_waits__tells_the_refusal(node: OddNode) -> None:
    node.ask("evm_setAutomine", False)
    node.hook = refuse_first_call
    first, second = open_rpc(node.url, timeout_seconds=2).send_many(ME, pay_calls(2))
    assert isinstance(first.error, RpcFailed)
    assert isinstance(second.error, NotMined)
