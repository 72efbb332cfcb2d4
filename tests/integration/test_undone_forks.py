"""Blocks that are undone while transactions are sent, and endpoints that stay on an undone fork: what is told stays true."""

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain import bulk_sending, shipments
from nvm_chain.chain.client import open_rpc
from nvm_chain.chain.shipments import Outcome
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import OutcomeUnknown, TransactionReplaced
from tests.support.anvil import run_anvil
from tests.support.coins import (
    BLOCK,
    CHAIN_ID,
    ME,
    OTHER,
    pay_calls,
    read_fields,
    read_paid,
    send_rival,
    sign_rival,
    undo_blocks,
)
from tests.support.odd_node import RECEIPT, SEND, Forward, OddNode, Reply, change_receipts, run_odd_node

ONE_ID = ("--chain-id", str(CHAIN_ID))


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the journals."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def node() -> Iterator[OddNode]:
    """An odd node before an anvil of its own, with some blocks."""
    with run_anvil(*ONE_ID, keeps_states=True) as url, run_odd_node(url) as odd:
        odd.ask("anvil_mine", "0x5")
        yield odd


def sum_told(outcomes: list[Outcome]) -> int:
    """Return how many wei the outcomes say were paid, if the calls are those of `pay_calls`."""
    return sum(value for value, outcome in enumerate(outcomes, 1) if outcome.error is None)


# ---------------------------------------------------------------------- endpoints


@pytest.mark.parametrize("at_once", [False, True], ids=["send", "send_many"])
def test_send__taken_by_an_endpoint_without_a_word__is_not_replaced_because_of_a_fork_of_another(at_once: bool) -> None:
    """The second endpoint is on a fork on which another wallet used the nonce. The fork is undone later."""
    with (
        run_anvil(*ONE_ID, "--no-mining", keeps_states=True) as one,
        run_anvil(*ONE_ID, "--no-mining", keeps_states=True) as two,
        run_odd_node(one) as first,
        run_odd_node(two) as second,
    ):
        for each in (first, second):
            each.ask("anvil_mine", "0x5")

        def take_silently(method: str, params: list[Any], forward: Forward) -> Reply:
            if method != SEND:
                return None
            forward()
            return 403, {}

        def tell_the_others(method: str, params: list[Any], forward: Forward) -> Reply:
            if method != SEND:
                return None
            answer = forward()
            if "result" in answer:
                first.ask(SEND, params[0])
            return answer

        chain = open_rpc([first.url, second.url], timeout_seconds=3)
        assert chain.count_sent(ME.address, "pending") == 0
        first.hook, second.hook = take_silently, tell_the_others
        second.ask(SEND, sign_rival(0))
        second.ask("evm_mine")
        if at_once:
            [outcome] = chain.send_many(ME, pay_calls(1))
            assert isinstance(outcome.error, OutcomeUnknown)
        else:
            with pytest.raises(OutcomeUnknown):
                chain.send_data(ME, "0x", OTHER.address, 1)
        first.ask("evm_mine")
        assert read_paid(first) == 1
        assert [sent.nonce for sent in chain.read_journal(ME.address)] == [0]


def keep_receipts(node: OddNode, kept: dict[str, Any], undo: Any) -> Any:
    """Return a hook of a gateway of which one machine stays on a fork and answers for the receipts.

    ``undo`` is called when the first receipt was read.
    """

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != RECEIPT:
            return None
        if params[0] in kept:
            return dict(kept[params[0]])
        answer = forward()
        if answer.get("result") and not kept:
            kept[params[0]] = answer
            undo()
        return answer

    return hook


def test_send__with_a_receipt_of_an_undone_block__is_not_confirmed(node: OddNode) -> None:
    def undo() -> None:
        undo_blocks(node, 1)
        send_rival(node, 0)
        node.ask("anvil_mine", "0x8")

    chain = open_rpc(node.url, timeout_seconds=2, confirmations=3)
    node.hook = keep_receipts(node, {}, undo)
    with pytest.raises(OutcomeUnknown, match="the block that its receipt names is not in the chain"):
        chain.send_data(ME, "0x", OTHER.address, 1)
    assert read_paid(node) == 0


def test_send_many__with_an_old_receipt_of_an_undone_block_and_a_newer_good_one__confirms_the_newer_one_only(
    node: OddNode,
) -> None:
    raws: list[str] = []
    kept: dict[str, Any] = {}

    def undo() -> None:
        """Put the payment of another wallet in the place of the first call. The second one is mined again."""
        undo_blocks(node, 2)
        send_rival(node, 0)
        node.ask("anvil_mine", "0x3")
        node.ask(SEND, raws[1])
        node.ask("anvil_mine", "0x8")

    answer_receipts = keep_receipts(node, kept, undo)

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            raws.append(params[0])
        return answer_receipts(method, params, forward)

    node.hook = hook
    first, second = open_rpc(node.url, timeout_seconds=2, confirmations=3).send_many(ME, pay_calls(2))
    assert isinstance(first.error, OutcomeUnknown | TransactionReplaced)
    assert second.error is None
    assert read_paid(node) == 2


def test_send_many__whose_receipts_name_another_block_each_time__ends() -> None:
    def rename(receipt: dict[str, Any]) -> None:
        receipt["blockHash"] = "0x" + secrets.token_hex(32)

    with run_anvil(*ONE_ID) as url, run_odd_node(url) as node:
        node.hook = change_receipts(rename)
        chain, outcomes = open_rpc(node.url, timeout_seconds=3), list[Outcome]()
        sending = threading.Thread(target=lambda: outcomes.extend(chain.send_many(ME, pay_calls(2))), daemon=True)
        sending.start()
        sending.join(30)
        assert (len(outcomes), sum_told(outcomes), read_paid(node)) == (2, 3, 3)


# ---------------------------------------------------------------------- parts


@pytest.mark.parametrize("age_seconds", [0, 61], ids=["sent a moment ago", "sent a minute ago"])
@pytest.mark.parametrize("chain_id", [CHAIN_ID, 31337])
def test_send_many__whose_first_part_is_undone_while_the_second_is_signed__tells_every_outcome(
    monkeypatch: pytest.MonkeyPatch, state: Path, chain_id: int, age_seconds: int
) -> None:
    for module in (shipments, bulk_sending):
        monkeypatch.setattr(module, "MOST_ON_THEIR_WAY", 3)
    undone: list[int] = []

    def make_older() -> None:
        for path in state.glob("*.jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            path.write_text("".join(json.dumps({**each, "time": each["time"] - age_seconds}) + "\n" for each in lines))

    with run_anvil("--chain-id", str(chain_id), keeps_states=True) as url, run_odd_node(url) as node:
        node.ask("anvil_mine", "0x5")

        def undo(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == "eth_maxPriorityFeePerGas" and not undone and node.asked.count(RECEIPT) >= 3:
                undone.append(int(node.ask("eth_blockNumber"), 16) - 5)
                undo_blocks(node, undone[0])
                make_older()
            return None

        node.hook = undo
        outcomes = open_rpc(node.url, timeout_seconds=10).send_many(ME, pay_calls(6))
        assert undone == [3]
        assert [outcome.error for outcome in outcomes] == [None] * 6
        assert read_paid(node) == 21


def test_send_many__whose_call_was_replaced_by_a_block_that_is_undone__looks_again(node: OddNode) -> None:
    """The other wallet's payment is undone before the other calls are mined, and ours is mined in its place."""
    raws: dict[int, str] = {}
    phases: list[str] = []
    node.ask("evm_setAutomine", False)

    def undo() -> None:
        undo_blocks(node, 1)
        for nonce in (0, 1):
            node.ask(SEND, raws[nonce])
        node.ask("evm_mine")
        node.ask("evm_mine")

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND and not phases:
            raws[read_fields(params[0])["nonce"]] = params[0]
            answer = forward()
            if len(raws) == 2:
                phases.append("replaced")
                node.ask("anvil_dropAllTransactions")
                send_rival(node, 0)
                node.ask("evm_mine")
            return answer
        if method == BLOCK and params[1:] == [True] and phases == ["replaced"]:
            answer = forward()  # the block in which the search finds the other wallet's payment
            phases.append("undone")
            threading.Timer(0.3, undo).start()
            return answer
        return None

    node.hook = hook
    outcomes = open_rpc(node.url, timeout_seconds=10).send_many(ME, pay_calls(2))
    assert phases == ["replaced", "undone"]
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert read_paid(node) == 3
