"""Many transactions of one account at once, through nodes that are odd: nothing is lost, nothing is done twice, each outcome is told."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.shipments import Outcome
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.enums import RedemptionRule, SettlementResult
from nvm_chain.errors import (
    BatchIncomplete,
    ConnectionFailed,
    InsufficientCoin,
    NotMined,
    NotMinter,
    NotSent,
    OrderAlreadyMade,
    OutcomeUnknown,
    ReferenceUsed,
    RevertedWithReason,
    RpcFailed,
    TransactionReplaced,
)
from nvm_chain.operations.batch_mints import mint_credits_batch
from nvm_chain.operations.credits import mint_credits, read_balance, read_balances
from nvm_chain.operations.external_grants import grant_external_batch
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.receipts import CreditsReceipt, OrderReceipt
from tests.support.odd_node import RECEIPT, SEND, Forward, OddNode, Reply, refuse
from tests.support.world import CREDITS, PRICE, World

ROOT = Path(__file__).parents[2]
Odd = tuple[World, OddNode, Chain]
TRANSACTION = "eth_getTransactionByHash"


def mints(world: World, plan_id: int, count: int) -> list[Any]:
    """Return calls that each mint one credit more than the one before, to one holder."""
    mint = world.credits.functions.mint
    return [mint(plan_id, world.subscriber.address, number) for number in range(1, count + 1)]


def read_nonce(raw: str) -> int:
    """Return the nonce of a signed transaction."""
    return int(TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"])


def on_send(act: Callable[[int, Forward], Reply]) -> Callable[[str, list[Any], Forward], Reply]:
    """Have something done for each transaction that is sent, with its nonce."""
    return lambda method, params, forward: act(read_nonce(params[0]), forward) if method == SEND else None


def check_all_mined(outcomes: list[Outcome]) -> None:
    """Check that each call is mined, in the order given."""
    receipts = [outcome.read() for outcome in outcomes]
    places = [(receipt["blockNumber"], receipt["transactionIndex"]) for receipt in receipts]
    assert places == sorted(set(places))


def ask(world: World, method: str, *params: Any) -> Any:
    """Ask the node behind for what only anvil has."""
    return world.chain.web3.provider.make_request(method, list(params))["result"]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base_chain(keeping_chain: Chain) -> Chain:
    """These tests mine hundreds of blocks, and look at the states of old ones."""
    return keeping_chain


@pytest.fixture
def by_hand(odd: Odd) -> Iterator[Odd]:
    """The odd node before an anvil that mines when it is told to."""
    world, _, _ = odd
    ask(world, "evm_setAutomine", False)
    yield odd
    ask(world, "anvil_dropAllTransactions")
    ask(world, "evm_setAutomine", True)


def test_send_many__of_three_hundred__are_all_mined_in_their_order(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, told = world.register(), [0]
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 300), on_progress=told.append)
    check_all_mined(outcomes)
    assert read_balance(chain, plan_id, world.subscriber.address) == 300 * 301 // 2
    assert (node.asked.count(SEND), told == sorted(told), told[-1]) == (300, True, 300)
    sent = chain.read_journal(world.builder.address)
    assert [each.hash for each in sent] == [outcome.transaction_hash for outcome in outcomes]
    assert all(each.taken for each in sent)


def test_sending__with_a_progress_function_that_raises__tells_the_outcomes(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    world, _, chain = odd
    plan_id = world.register()

    def fail(progress: object) -> None:
        raise ValueError(progress)

    chain.on_progress = fail
    check_all_mined(chain.send_many(world.builder, mints(world, plan_id, 3), on_progress=fail))
    mint_credits(chain, world.builder, plan_id, world.subscriber.address, 4)
    assert read_balance(chain, plan_id, world.subscriber.address) == 10
    assert {record.levelname for record in caplog.records if record.name == "nvm_chain"} == {"WARNING"}


def test_send_many__of_nothing__sends_nothing(odd: Odd) -> None:
    world, node, chain = odd
    assert chain.send_many(world.builder, []) == []
    assert node.asked == []


def test_send_many__where_the_nonce_is_not_told_after_one_was_left_out__tells_each(odd: Odd) -> None:
    world, node, chain = odd
    foreign = world.credits.functions.mint(world.register(signer=world.other), world.subscriber.address, 1)
    calls = [foreign, *mints(world, world.register(), 2)]
    count = "eth_getTransactionCount"
    node.hook = lambda method, params, forward: (404, {}) if method == count and params[1] == "pending" else None
    outcomes = chain.send_many(world.builder, calls)
    assert [type(outcome.error) for outcome in outcomes] == [NotMinter, ConnectionFailed, ConnectionFailed]
    assert node.asked.count(SEND) == 0


@pytest.mark.parametrize("good", [1, 2])
def test_send_many__of_which_the_last_reverts__tells_each(odd: Odd, good: int) -> None:
    """With one good call before it, it is the only one that is tried as the first of its shape was."""
    world, _, chain = odd
    plan_id = world.register()
    bad = world.credits.functions.mint(world.register(signer=world.other), world.subscriber.address, 1)
    outcomes = chain.send_many(world.builder, [*mints(world, plan_id, good), bad])
    assert [type(outcome.error) for outcome in outcomes] == [*[type(None)] * good, NotMinter]


@pytest.mark.parametrize("shown", ["nothing", "capitals", "another hash"])
def test_send_many__where_the_block_of_the_receipts_is_not_shown_as_they_name_it__ends(odd: Odd, shown: str) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 5

    def show(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_getBlockByNumber" or not params[0].startswith("0x"):
            return None
        answer = forward()
        if shown == "nothing":
            return {"result": None}
        block_hash = answer["result"]["hash"]
        answer["result"]["hash"] = f"0x{block_hash[2:].upper()}" if shown == "capitals" else "0x" + "77" * 32
        return answer

    node.hook = show
    outcomes: list[Outcome] = []
    sending = threading.Thread(
        target=lambda: outcomes.extend(chain.send_many(world.builder, mints(world, plan_id, 3))), daemon=True
    )
    sending.start()
    sending.join(30)
    check_all_mined(outcomes)
    assert len(outcomes) == 3


def test_send_many__on_the_embedded_chain__are_all_mined() -> None:
    """It has no batches."""
    world = World(connect())
    plan_id = world.register()
    check_all_mined(world.chain.send_many(world.builder, mints(world, plan_id, 5)))
    assert world.balance(plan_id, world.subscriber.address) == 15


@pytest.mark.parametrize(
    "answered", [{"result": "0x" + "00" * 32}, refuse("request timed out", -32603), (502, {})], ids=str
)
def test_send_many__of_which_one_is_lost__gives_it_again_and_none_twice(odd: Odd, answered: Reply) -> None:
    """Those behind it are stranded until then."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    first = chain.count_sent(world.builder.address, "latest")
    lost: list[int] = []

    def lose(nonce: int, forward: Forward) -> Reply:
        if nonce != first + 7 or lost:
            return None
        lost.append(nonce)
        return answered

    node.hook = on_send(lose)
    check_all_mined(chain.send_many(world.builder, mints(world, plan_id, 30)))
    assert lost
    assert read_balance(chain, plan_id, world.subscriber.address) == 30 * 31 // 2


@pytest.mark.parametrize(
    "words", ["already known", "transaction already imported", "nonce too low", "something that nobody has said before"]
)
def test_send_many__delivered_and_answered_with_an_error__are_done(odd: Odd, words: str) -> None:
    world, node, chain = odd
    plan_id = world.register()

    def twice(nonce: int, forward: Forward) -> Reply:
        forward()
        return refuse(words)

    node.hook = on_send(twice)
    check_all_mined(chain.send_many(world.builder, mints(world, plan_id, 12)))
    assert read_balance(chain, plan_id, world.subscriber.address) == 12 * 13 // 2


def test_send_many__of_which_one_is_refused__tells_so_and_has_those_behind_it_mined(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    first = chain.count_sent(world.builder.address, "latest")
    refused: list[int] = []

    def refuse_once(nonce: int, forward: Forward) -> Reply:
        if nonce != first + 3 or refused:
            return None
        refused.append(nonce)
        return refuse("transaction underpriced: gas tip cap 0, minimum needed 1")

    node.hook = on_send(refuse_once)
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 8))
    error = outcomes[3].error
    assert isinstance(error, RpcFailed)
    assert "underpriced" in error.reason
    check_all_mined([outcome for outcome in outcomes if outcome.error is None])
    assert read_balance(chain, plan_id, world.subscriber.address) == 36 - 4
    assert chain.count_sent(world.builder.address, "pending") == first + 8
    assert outcomes[3].transaction_hash not in {each.hash for each in chain.read_journal(world.builder.address)}


def test_send_many__all_refused__tells_so_of_each_and_fills_no_gap(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, before = world.register(), chain.count_sent(world.builder.address, "latest")
    node.hook = on_send(lambda nonce, forward: refuse("insufficient funds for gas * price + value"))
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 4))
    assert [type(outcome.error) for outcome in outcomes] == [RpcFailed] * 4
    assert node.asked.count(SEND) == 4
    assert chain.count_sent(world.builder.address, "pending") == before
    assert chain.read_journal(world.builder.address) == []


def test_send_many__of_which_some_would_fail__does_not_send_those(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, other = world.register(), world.register(signer=world.other)
    good = mints(world, plan_id, 4)
    bad = world.credits.functions.mint(other, world.subscriber.address, 1)
    outcomes = chain.send_many(world.builder, [good[0], bad, *good[1:]])
    assert isinstance(outcomes[1].error, NotMinter)
    assert (outcomes[1].transaction_hash, node.asked.count(SEND)) == (None, 4)
    check_all_mined([outcome for outcome in outcomes if outcome.error is None])


def test_send_many__of_which_one_reverts_when_mined__tells_why_and_the_others_stand(odd: Odd) -> None:
    """Each of two transfers could be made alone."""
    world, _, chain = odd
    world.send(world.builder, world.usdc.functions.mint(world.builder.address, 10))
    transfer = world.usdc.functions.transfer
    calls = [transfer(world.other.address, 6), transfer(world.other.address, 6), transfer(world.other.address, 1)]
    first, second, third = chain.send_many(world.builder, calls)
    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, RevertedWithReason)
    assert second.transaction_hash is not None
    assert world.tokens(world.other.address) == 7


def test_send_many__with_a_limit_of_its_own__is_sent_without_a_trial(odd: Odd) -> None:
    """The second succeeds after the first only."""
    world, _, chain = odd
    plan_id = world.register()
    [mint] = mints(world, plan_id, 1)
    burn = world.credits.functions.burn(plan_id, world.builder.address, 1)
    give = world.credits.functions.mint(plan_id, world.builder.address, 1)
    data = burn._encode_transaction_data()
    check_all_mined(chain.send_many(world.builder, [give, Call(data, burn.address, gas=200_000), mint]))
    assert read_balance(chain, plan_id, world.builder.address) == 0


def test_send_many__with_coin_for_some__sends_those_and_says_what_is_missing(odd: Odd) -> None:
    world, _, chain = odd
    balance = chain.read_coin_balance(world.stranger.address)
    calls = [Call("0x", world.other.address, value=balance * 2 // 5) for _ in range(4)]
    outcomes = chain.send_many(world.stranger, calls)
    check_all_mined(outcomes[:2])
    assert [type(outcome.error) for outcome in outcomes[2:]] == [InsufficientCoin] * 2


# ---------------------------------------------------------------------- mined late, and not at all


def test_send_many__to_a_node_that_mines_later__waits_for_all(by_hand: Odd) -> None:
    world, _, chain = by_hand
    calls = [Call("0x", world.other.address, value=number) for number in range(1, 41)]
    waiting = threading.Event()
    chain.timeout_seconds, chain.on_progress = 20, lambda text: waiting.set()

    def mine() -> None:
        waiting.wait(20)
        ask(world, "evm_mine")

    thread = threading.Thread(target=mine)
    thread.start()
    outcomes = chain.send_many(world.builder, calls)
    thread.join(20)
    check_all_mined(outcomes)
    assert len({outcome.read()["blockNumber"] for outcome in outcomes}) == 1


def test_send_many__not_mined_in_time__says_so_of_each_and_sends_no_more(
    by_hand: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, chain = by_hand
    monkeypatch.setattr("nvm_chain.chain.shipments.MOST_ON_THEIR_WAY", 3)
    monkeypatch.setattr("nvm_chain.chain.bulk_sending.MOST_ON_THEIR_WAY", 3)
    chain.timeout_seconds = 1
    outcomes = chain.send_many(world.builder, [Call("0x", world.other.address, value=1 + n) for n in range(5)])
    assert [type(outcome.error) for outcome in outcomes] == [NotMined] * 3 + [NotSent] * 2
    ask(world, "evm_mine")
    mined = [world.chain.find_receipt(outcome.transaction_hash or "") for outcome in outcomes[:3]]
    assert all(receipt is not None and receipt["status"] == 1 for receipt in mined)


def test_send_many__whose_receipts_are_hidden__is_not_called_failed(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1
    node.hook = lambda method, params, forward: {"result": None} if method in (RECEIPT, TRANSACTION) else None
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 3))
    for outcome in outcomes:
        assert isinstance(outcome.error, OutcomeUnknown)
        assert "it is mined, and the node does not show its receipt" in str(outcome.error)
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 6


def test_send_many__to_a_node_that_goes_away__says_that_the_outcomes_are_unknown(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1

    def go_away(method: str, params: list[Any], forward: Forward) -> Reply:
        return (404, {}) if SEND in node.asked and method != SEND else None

    node.hook = go_away
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 3))
    assert [type(outcome.error) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 6


def test_send_many__to_a_node_that_takes_nothing__raises_before_anything_is_sent(odd: Odd) -> None:
    world, node, chain = odd
    plan_id = world.register()
    calls = mints(world, plan_id, 3)
    node.hook = lambda method, params, forward: (404, {})
    with pytest.raises(ConnectionFailed):
        chain.send_many(world.builder, calls)
    assert SEND not in node.asked


def test_send_many__to_a_node_without_batches__are_all_mined(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    world, node, chain = odd
    plan_id = world.register()
    monkeypatch.setattr(
        node, "_answer_batch", lambda batch: (200, {}, json.dumps(refuse("batches are not supported")).encode())
    )
    check_all_mined(chain.send_many(world.builder, mints(world, plan_id, 12)))
    assert read_balance(chain, plan_id, world.subscriber.address) == 12 * 13 // 2


@pytest.mark.parametrize("depth", [1, 5])
def test_send_many__whose_blocks_are_replaced_meanwhile__gives_again_what_was_undone(odd: Odd, depth: int) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    undone: list[object] = []
    counts = [0]

    def reorganize(method: str, params: list[Any], forward: Forward) -> Reply:
        """Undo blocks right after the first receipts were read."""
        if method == RECEIPT:
            counts[0] += 1
        if method == "eth_getBlockByNumber" and counts[0] >= 10 and not undone:
            undone.append(node.ask("anvil_reorg", depth, []))
        return None

    node.hook = reorganize
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 25))
    assert undone
    assert all(outcome.error is None for outcome in outcomes)
    assert all(world.chain.find_receipt(outcome.transaction_hash or "") for outcome in outcomes)
    assert read_balance(chain, plan_id, world.subscriber.address) == 25 * 26 // 2


# ---------------------------------------------------------------------- others who send for the account


def test_send_many__while_another_wallet_takes_a_nonce__sends_that_call_behind_the_others(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    taken: list[str] = []

    def take(nonce: int, forward: Forward) -> Reply:
        """Before the third is delivered, the wallet has used its nonce."""
        if nonce == first + 2 and not taken:
            taken.append(world.chain.send_data(world.builder, "0x", world.other.address, 1)["transactionHash"].hex())
        return None

    first = chain.count_sent(world.builder.address, "latest")
    node.hook = on_send(take)
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 6))
    assert taken
    assert [outcome.error for outcome in outcomes] == [None] * 6
    assert read_balance(chain, plan_id, world.subscriber.address) == 21
    assert chain.count_sent(world.builder.address, "pending") == first + 7


def test_send_many__of_which_one_is_replaced_in_the_pool__says_so(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 2
    first = chain.count_sent(world.builder.address, "latest")

    def replace(nonce: int, forward: Forward) -> Reply:
        if nonce != first + 1:
            return None
        if chain.count_sent(world.builder.address, "latest") == nonce:
            world.chain.send_data(world.builder, "0x", world.other.address, 1)
        return {"result": "0x" + "00" * 32}

    node.hook = on_send(replace)
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 4))
    assert isinstance(outcomes[1].error, TransactionReplaced)
    assert [outcome.error for outcome in outcomes if outcome is not outcomes[1]] == [None] * 3
    assert read_balance(chain, plan_id, world.subscriber.address) == 10 - 2


def test_send_many__by_threads_with_one_key__all_count(odd: Odd) -> None:
    world, _, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 30
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: found.extend(chain.send_many(world.builder, mints(world, plan_id, 20))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [outcome.error for outcome in found] == [None] * 60
    assert len({outcome.transaction_hash for outcome in found}) == 60
    assert read_balance(chain, plan_id, world.subscriber.address) == 3 * 210


# ---------------------------------------------------------------------- a process that ends


def test_send_many__by_a_process_that_is_killed__is_in_the_journal_and_done_once(
    by_hand: Odd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was handed over is mined later, and the next process sends behind it."""
    world, _, chain = by_hand
    program = (
        "import sys\n"
        "from nvm_chain.chain.gas_limits import Call\n"
        "from tests.support.anvil import open_anvil\n"
        "chain = open_anvil(sys.argv[1])\n"
        "chain.on_progress = lambda text: print(text, flush=True)\n"
        "chain.send_many(chain.accounts[1], [Call('0x', sys.argv[2], value=n + 1) for n in range(20)])\n"
    )
    command = [sys.executable, "-c", program, world.chain.label, world.other.address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), STATE_VARIABLE: str(tmp_path)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Waiting for 20")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    sent = chain.read_journal(world.builder.address)
    assert (len(sent), all(each.taken for each in sent)) == (20, True)
    assert [each.nonce for each in sent] == list(range(sent[0].nonce, sent[0].nonce + 20))
    ask(world, "evm_setAutomine", True)
    check_all_mined(chain.send_many(world.builder, [Call("0x", world.other.address, value=99)]))
    assert all(chain.find_receipt(each.hash) for each in sent)
    assert chain.read_journal(world.builder.address)[-1].nonce == sent[-1].nonce + 1


# ---------------------------------------------------------------------- lists that are divided


def many_holders(count: int) -> list[str]:
    """Return addresses that nobody has a key of."""
    return [to_checksum_address(f"0x{2**150 + number:040x}") for number in range(count)]


def test_mint_credits_batch__of_more_than_fit__divides_itself_and_mints_all(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, holders = world.register(), many_holders(1_500)
    receipt = mint_credits_batch(chain, world.builder, plan_id, [(holder, 1 + n) for n, holder in enumerate(holders)])
    assert receipt.minted == tuple((holder, 1 + n) for n, holder in enumerate(holders))
    transactions = (receipt.transaction, *receipt.more_transactions)
    assert len({each.hash for each in transactions}) == node.asked.count(SEND) > 2
    assert all((each.gas_used or 0) <= 1 << 24 for each in transactions)
    assert read_balances(chain, [(plan_id, holder) for holder in holders]) == list(range(1, 1_501))


def test_mint_credits_batch__of_which_one_part_is_refused__says_what_is_done_and_what_is_not(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, holders = world.register(), many_holders(900)
    first = chain.count_sent(world.builder.address, "latest")
    node.hook = on_send(lambda nonce, forward: refuse("transaction underpriced") if is_to(node, nonce, first) else None)
    with pytest.raises(BatchIncomplete) as caught:
        mint_credits_batch(chain, world.builder, plan_id, dict.fromkeys(holders, 7))
    error = caught.value
    [(items, cause)] = error.failures
    assert isinstance(cause, RpcFailed)
    assert (error.total, error.done + len(items)) == (900, 900)
    balances = read_balances(chain, [(plan_id, holder) for holder in holders])
    assert balances == [0 if (holder, 7) in items else 7 for holder in holders]
    assert len(error.receipt.minted) == error.done


def is_to(node: OddNode, nonce: int, first: int) -> bool:
    """Return whether this is the first broadcast of the list's first part."""
    return nonce == first and node.asked.count(SEND) == 1


def test_mint_credits_batch__of_many_by_a_stranger__is_refused_before_anything_is_sent(odd: Odd) -> None:
    world, node, chain = odd
    plan_id = world.register()
    with pytest.raises(NotMinter):
        mint_credits_batch(chain, world.stranger, plan_id, dict.fromkeys(many_holders(300), 1))
    assert SEND not in node.asked


def test_settle_vouchers__of_more_than_fit__divides_itself_and_settles_all(odd: Odd) -> None:
    world, node, chain = odd
    plan_id = world.register(rule=RedemptionRule.OWNER)
    holders = many_holders(1_000)
    mint_credits_batch(chain, world.builder, plan_id, dict.fromkeys(holders, 9))
    items = [HolderTotal(holder, 1 + n % 9) for n, holder in enumerate(holders)]
    node.asked.clear()
    receipt = settle_vouchers(chain, world.builder, plan_id, items)
    assert [(each.holder, each.amount) for each in receipt.outcomes] == [(item.holder, item.total) for item in items]
    assert {each.result for each in receipt.outcomes} == {SettlementResult.SETTLED}
    assert node.asked.count(SEND) == 1 + len(receipt.more_transactions) > 2
    assert settle_vouchers(chain, world.builder, plan_id, items).credits == 0


# ---------------------------------------------------------------------- many orders, many grants


def test_relay_orders__of_many_payers__tells_what_became_of_each_in_order(odd: Odd) -> None:
    world, _, chain = odd
    plan_id = world.register()
    payers = [Account.create() for _ in range(6)]
    for payer in payers:
        world.send(world.stranger, world.usdc.functions.mint(payer.address, PRICE))
    orders = [sign_plan_order(world.chain, payer, plan_id) for payer in payers]
    relay_order(world.chain, world.relayer, orders[4])
    told: list[int] = []
    results = relay_orders(chain, world.relayer, [*orders, orders[0]], on_progress=told.append)
    done = [result for result in results if isinstance(result, OrderReceipt)]
    assert isinstance(results[4], OrderAlreadyMade)
    assert [receipt.payer for receipt in done] == [payers[place].address for place in (0, 1, 2, 3, 5)]
    assert isinstance(results[6], OrderAlreadyMade)  # the same order twice: the first one counts
    assert [world.balance(plan_id, payer.address) for payer in payers] == [CREDITS] * 6
    assert told[-1] == 7


def test_grant_external_batch__again__grants_each_reference_once(odd: Odd) -> None:
    world, _, chain = odd
    plan_id, holders = world.register(), many_holders(30)
    grants = [(holder, f"payment-{number}") for number, holder in enumerate(holders)]
    first = grant_external_batch(chain, world.builder, plan_id, grants[:20])
    second = grant_external_batch(chain, world.builder, plan_id, grants)
    assert [type(each) for each in first] == [CreditsReceipt] * 20
    assert [type(each) for each in second] == [ReferenceUsed] * 20 + [CreditsReceipt] * 10
    assert read_balances(chain, [(plan_id, holder) for holder in holders]) == [CREDITS] * 30
