"""The same call twice is two transactions, and no nonce is left out: on nodes that forget, disks that are full, and two machines."""

import json
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain import fees
from nvm_chain.chain.client import open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import NotMined, OutcomeUnknown, RpcFailed
from nvm_chain.operations.transactions import TransactionStatus, look_up_transaction
from tests.support.anvil import run_anvil
from tests.support.full_disk import full_disk
from tests.support.odd_node import RECEIPT, SEND, Forward, OddNode, Reply, refuse, run_odd_node

BLOCK = "eth_getBlockByNumber"
COUNT = "eth_getTransactionCount"
TRANSACTION = "eth_getTransactionByHash"
CHAIN_ID = "777"
"""Not one of a development chain, on which less is believed to last."""
ME, OTHER = derive_dev_accounts()[:2]


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the journals."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return tmp_path


def pay(url: str, amount: int = 1) -> Any:
    """Send coins by a connection of its own, as another process has it."""
    return open_rpc(url, timeout_seconds=2).send_data(ME, "0x", OTHER.address, amount)


def paid(node: OddNode) -> int:
    return int(node.ask("eth_getBalance", OTHER.address, "latest"), 16) - 10_000 * 10**18


def make_older(folder: Path) -> None:
    """Make the journal an hour older."""
    for path in folder.glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**line, "time": line["time"] - 3600}) + "\n" for line in lines))


def lose(method: str, params: list[Any], forward: Forward) -> Reply:
    return (502, {}) if method == SEND else None


def test_send__the_same_on_a_second_chain_with_the_same_id__is_mined() -> None:
    with run_anvil("--chain-id", CHAIN_ID) as one, run_anvil("--chain-id", CHAIN_ID) as two:
        pay(one)
        pay(two)


def test_send__the_same_after_a_node_was_restarted__is_mined(state: Path) -> None:
    for _ in range(2):
        with run_anvil("--chain-id", CHAIN_ID) as url:
            for amount in (1, 2, 3):
                pay(url, amount)
        make_older(state)


def test_send__the_same_after_the_pool_dropped_the_first__is_mined_each_time(state: Path) -> None:
    with run_anvil("--chain-id", CHAIN_ID) as url, run_odd_node(url) as node:
        node.ask("evm_setAutomine", False)
        with pytest.raises(NotMined):
            pay(url)
        node.ask("anvil_dropAllTransactions")
        node.ask("evm_setAutomine", True)
        make_older(state)
        for _ in range(3):
            pay(url)
        assert paid(node) == 3


def test_send__the_same_as_one_that_is_unknown__has_another_hash() -> None:
    with run_anvil("--chain-id", CHAIN_ID) as url, run_odd_node(url) as node:
        node.hook = lose
        with pytest.raises(OutcomeUnknown) as first:
            pay(node.url)
        node.hook = None
        pay(node.url)
        report = look_up_transaction(open_rpc(url), first.value.transaction_hash)
        assert (report.status, paid(node)) == (TransactionStatus.UNKNOWN, 1)


def test_send__after_one_lost_on_a_full_disk_and_its_successor__by_a_node_that_is_behind__takes_the_next(
    state: Path,
) -> None:
    path = state / f"{CHAIN_ID}-{ME.address.lower()}.jsonl"
    path.write_text("\n")
    with run_anvil("--chain-id", CHAIN_ID) as url, run_odd_node(url) as node:
        old = {
            COUNT: node.ask(COUNT, ME.address, "pending"),
            BLOCK: node.ask(BLOCK, "latest", False),
            TRANSACTION: None,
        }
        node.hook = lose
        with full_disk(path.stat().st_size), pytest.raises(OutcomeUnknown):
            pay(node.url, 1)
        node.hook = None
        pay(node.url, 2)

        def stay_behind(method: str, params: list[Any], forward: Forward) -> Reply:
            return {"result": old[method]} if method in old and SEND not in node.asked[-3:] else None

        node.hook = stay_behind
        pay(node.url, 4)
        assert paid(node) == 6


def test_send__the_same_as_one_that_was_kept_without_a_word__and_refused__leaves_both_told(state: Path) -> None:
    with run_anvil("--chain-id", CHAIN_ID) as url, run_odd_node(url) as node:
        node.ask("evm_setAutomine", False)
        count = node.ask(COUNT, ME.address, "pending")
        answers: list[Callable[[Forward], Reply]] = [lambda forward: (forward(), (502, {}))[1]] * 5

        def hide(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == SEND:
                return answers.pop()(forward) if answers else refuse("transaction underpriced")
            if method == COUNT:
                return {"result": count}
            return {"result": None} if method in (TRANSACTION, RECEIPT) else None

        node.hook = hide
        with pytest.raises(OutcomeUnknown) as first:
            pay(node.url)
        answers.clear()
        with pytest.raises(RpcFailed):
            pay(node.url)
        node.ask("evm_setAutomine", True)
        node.ask("evm_mine")
        [kept] = open_rpc(url).read_journal(ME.address)
        assert (kept.hash, paid(node)) == (first.value.transaction_hash, 1)


@pytest.mark.parametrize(
    "words", ["transaction underpriced: gas tip cap 1", "insufficient funds for gas * price + value"]
)
def test_send__kept_by_one_machine_and_refused_by_another__is_done(words: str) -> None:
    """The look-up is half a second behind."""
    with run_anvil("--chain-id", CHAIN_ID) as url, run_odd_node(url) as node:
        taken: list[float] = []

        def refuse_taken(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == SEND and not taken:
                taken.append(time.monotonic())
                forward()
                return refuse(words)
            is_late = taken and time.monotonic() - taken[0] < 0.5
            return {"result": None} if is_late and method in (TRANSACTION, RECEIPT) else None

        node.hook = refuse_taken
        pay(node.url)
        assert paid(node) == 1


@pytest.mark.parametrize("at_once", [False, True], ids=["send", "send_many"])
@pytest.mark.parametrize(
    ("options", "hardfork"),
    [((), "prague"), (("--base-fee", "7"), "prague"), (("--base-fee", "0"), "prague"), ((), "berlin")],
    ids=["usual price", "7 wei", "no price", "without EIP-1559"],
)
def test_send__the_same_from_two_machines_with_one_key__is_paid_as_often_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...], hardfork: str, at_once: bool
) -> None:
    """Each machine has a journal of its own, and chooses the same nonce for the same call. Equal bytes would be one transaction."""
    drawn = count(7)  # two machines draw the same number once in a thousand times
    monkeypatch.setattr(fees, "randbelow", lambda limit: next(drawn) % limit)
    with (
        run_anvil("--chain-id", CHAIN_ID, *options, hardfork=hardfork) as url,
        run_odd_node(url) as node,
        run_odd_node(url) as late,
    ):
        old = {COUNT: node.ask(COUNT, ME.address, "latest"), BLOCK: node.ask(BLOCK, "latest", False)}

        def behind(method: str, params: list[Any], forward: Forward) -> Reply:
            """Answer as if nothing was mined, until the transaction is handed over."""
            return {"result": old[method]} if method in old and SEND not in late.asked else None

        late.hook = behind
        told = []
        for machine in (node, late):
            monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / machine.url[-5:]))
            chain = open_rpc(machine.url, timeout_seconds=2)
            calls = [Call("0x", OTHER.address, 1)]
            receipt = chain.send_many(ME, calls)[0].read() if at_once else pay(machine.url)
            told.append(bytes(receipt["transactionHash"]))
        assert len(set(told)) == 2
        assert paid(node) == 2
