"""Nodes and gateways that are odd: what was paid is never told as failed, and nothing is paid twice."""

import errno
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import pytest

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import (
    NodeBusy,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    RevertedWithoutReason,
    RpcFailed,
    TransactionReplaced,
)
from nvm_chain.operations.credits import mint_credits, mint_credits_batch, read_balance, redeem_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.payment_methods.choice import PaymentMethod
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.voucher_checks import check_voucher
from tests.support.anvil import open_anvil, run_anvil
from tests.support.odd_node import (
    RECEIPT,
    SEND,
    Forward,
    Json,
    OddNode,
    Reply,
    change_receipts,
    deliver,
    refuse,
)
from tests.support.world import CREDITS, FUNDS, PRICE, World


def spoil(receipt: Json, field: str, value: object) -> None:
    """Set a field of a receipt, or take it away."""
    receipt[field] = value
    if value == "missing":
        del receipt[field]


# ---------------------------------------------------------------------- an error to a broadcast


@pytest.mark.parametrize(
    "reply",
    [
        refuse("already known"),
        refuse("transaction already imported"),
        refuse("nonce too low"),
        refuse("request timed out", -32603),
        refuse("something that nobody has said before"),
        (502, {}),
        (429, {}),
        (504, {}),
    ],
    ids=str,
)
def test_order_plan__whose_broadcast_is_delivered_and_answered_with_an_error__is_paid_and_told_so(
    odd: tuple[World, OddNode, Chain], reply: Reply
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    node.hook = deliver(reply)
    order_plan(chain, world.subscriber, plan_id)
    assert (world.spent(world.subscriber), world.balance(plan_id, world.subscriber.address)) == (PRICE, CREDITS)


def test_order_plan__whose_broadcast_is_lost_once__is_handed_over_again_and_paid_once(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id, count = world.register(), [0]

    def lose(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != SEND:
            return None
        count[0] += 1
        return (503, {}) if count[0] == 1 else None

    node.hook = lose
    order_plan(chain, world.subscriber, plan_id)
    assert (count, world.spent(world.subscriber)) == ([2], PRICE)


def test_order_plan__whose_broadcast_never_arrives__says_that_the_outcome_is_unknown(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: (502, {}) if method == SEND else None
    with pytest.raises(OutcomeUnknown) as caught:
        order_plan(chain, world.subscriber, plan_id)
    assert (world.spent(world.subscriber), node.asked.count(SEND)) == (0, 5)
    [sent] = [each.hash for each in chain.read_journal(world.subscriber.address)]
    assert sent == caught.value.transaction_hash


def test_redeem_credits__refused_before_anything_is_kept__raises_what_the_node_says(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    mint_credits(chain, world.builder, plan_id, world.subscriber.address, 5)
    words = "insufficient funds for gas * price + value"
    node.hook = lambda method, params, forward: refuse(words) if method == SEND else None
    with pytest.raises(RpcFailed, match="insufficient funds"):
        redeem_credits(chain, world.subscriber, plan_id, 1)
    assert node.asked.count(SEND) == 1 + 1  # the mint, and this
    assert chain.read_journal(world.subscriber.address) == []


@pytest.mark.parametrize("reply", [(502, {}), refuse("nonce too low"), refuse("request timed out", -32603)], ids=str)
def test_order_plan__taken_by_a_node_whose_look_up_is_a_second_behind__is_paid_once(
    odd: tuple[World, OddNode, Chain], reply: Reply
) -> None:
    """Each look-up in that second finds nothing, and each further delivery is answered with `nonce too low`."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, FUNDS))
    taken_at: list[float] = []

    def lag(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND and not taken_at:
            taken_at.append(time.monotonic())
            forward()
            return reply
        if method in (RECEIPT, "eth_getTransactionByHash") and taken_at and time.monotonic() - taken_at[0] < 1:
            return {"result": None}
        return None

    node.hook = lag
    order_plan(chain, world.subscriber, plan_id, payment_method="allowance")
    assert (world.spent(world.subscriber), world.balance(plan_id, world.subscriber.address)) == (PRICE, CREDITS)


@pytest.mark.parametrize("lag_seconds", [0.5, 3, 60])
@pytest.mark.parametrize("payment_method", ["allowance", "authorization", None])
def test_order_plan__taken_and_answered_with_nonce_too_low_by_a_node_that_finds_nothing__is_paid_once(
    odd: tuple[World, OddNode, Chain], lag_seconds: float, payment_method: PaymentMethod | None
) -> None:
    """Whatever the node finds late, the block in which the nonce was used has the transaction."""
    world, node, chain = odd
    plan_id = world.register()
    if payment_method == "allowance":
        world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, FUNDS))
    taken_at: list[float] = []

    def lag(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            taken_at.append(time.monotonic())
            forward()
            return refuse("nonce too low")
        hidden = method in (RECEIPT, "eth_getTransactionByHash") and taken_at
        return {"result": None} if hidden and time.monotonic() - taken_at[0] < lag_seconds else None

    node.hook = lag
    try:
        order_plan(chain, world.subscriber, plan_id, payment_method=payment_method)
    except OutcomeUnknown as error:
        assert "it is mined, and the node does not show its receipt" in str(error)
        assert lag_seconds == 60
    assert (world.spent(world.subscriber), len(taken_at)) == (PRICE, 1)


def test_order_plan__whose_look_ups_find_nothing__is_not_called_replaced(odd: tuple[World, OddNode, Chain]) -> None:
    """The block in which the nonce was used shows that the order is mined."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1
    hidden = (RECEIPT, "eth_getTransactionByHash")
    node.hook = lambda method, params, forward: {"result": None} if method in hidden else None
    with pytest.raises(OutcomeUnknown, match="it is mined, and the node does not show its receipt"):
        order_plan(chain, world.subscriber, plan_id)
    assert world.spent(world.subscriber) == PRICE


def test_order_plan__whose_receipt_is_once_refused_with_data__is_done(odd: tuple[World, OddNode, Chain]) -> None:
    """An error with data looks like a contract's, and is not one where nothing was called."""
    world, node, chain = odd
    plan_id = world.register()

    def refuse_once(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == RECEIPT and node.asked.count(RECEIPT) == 1:
            return {"error": {"code": -32000, "message": "try again", "data": "0x00"}}
        return None

    node.hook = refuse_once
    order_plan(chain, world.subscriber, plan_id)
    assert world.spent(world.subscriber) == PRICE


def test_send__after_an_unknown_one_that_followed_one_that_waits__replaces_only_the_unknown_one(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    chain.timeout_seconds = 1
    world.chain.ask_development_node("evm_setAutomine", False)  # type: ignore[arg-type]
    try:
        with pytest.raises(NotMined):
            chain.send_data(world.subscriber, "0x", world.other.address, 1)
        node.hook = lambda method, params, forward: (502, {}) if method == SEND else None
        with pytest.raises(OutcomeUnknown):
            chain.send_data(world.subscriber, "0x", world.other.address, 2)

        def count_mined_only(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == "eth_getTransactionCount":
                params[1] = "latest"
            return None

        node.hook = count_mined_only
        with pytest.raises(NotMined):
            chain.send_data(world.subscriber, "0x", world.other.address, 3)
    finally:
        world.chain.ask_development_node("evm_setAutomine", True)  # type: ignore[arg-type]
    first, second, third = (sent.nonce for sent in chain.read_journal(world.subscriber.address))
    assert (second, third) == (first + 1, first + 1)


def test_order_plan__taken_with_a_bad_answer_and_then_refused_for_lack_of_coin__is_not_called_refused(
    odd: tuple[World, OddNode, Chain],
) -> None:
    """The first delivery may have spent the coin that the second lacks."""
    world, node, chain = odd
    plan_id = world.register()

    def lag(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            if node.asked.count(SEND) == 1:
                forward()
                return 502, {}
            return refuse("insufficient funds for gas * price + value")
        return {"result": None} if method in (RECEIPT, "eth_getTransactionByHash") else None

    node.hook = lag
    with pytest.raises(OutcomeUnknown):
        order_plan(chain, world.subscriber, plan_id, payment_method="authorization")
    assert world.spent(world.subscriber) == PRICE


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32000, "message": "already known", "data": "0x"},
        {"code": -32000, "message": "already known", "data": "0x" + "ab" * 32},
        {"code": -32000, "message": "execution reverted"},
        {"code": 3, "message": "may still be mined or reverted"},
    ],
    ids=str,
)
def test_order_plan__taken_and_answered_with_what_looks_like_a_revert__is_done(
    odd: tuple[World, OddNode, Chain], error: Json
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    node.hook = deliver({"error": error})
    order_plan(chain, world.subscriber, plan_id)
    assert world.spent(world.subscriber) == PRICE


# ---------------------------------------------------------------------- a receipt that is not whole


NOT_WHOLE: list[Json] = [
    {"blockHash": None, "blockNumber": None, "status": None, "logs": []},
    {"blockHash": None, "logs": []},
    {"blockNumber": None, "status": "0x0"},
]


@pytest.mark.parametrize("changes", NOT_WHOLE, ids=str)
def test_order_plan__whose_receipt_comes_before_its_block__waits_for_the_whole_one(
    odd: tuple[World, OddNode, Chain], changes: Json
) -> None:
    world, node, chain = odd
    plan_id, count = world.register(), [0]

    def early(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != RECEIPT:
            return None
        answer, count[0] = forward(), count[0] + 1
        if count[0] < 4 and answer["result"]:
            answer["result"].update(changes)
        return answer

    node.hook = early
    receipt = order_plan(chain, world.subscriber, plan_id)
    assert (receipt.paid, world.spent(world.subscriber)) == (PRICE, PRICE)


@pytest.mark.parametrize(
    "field", ["effectiveGasPrice", "gasUsed", "logsBloom", "cumulativeGasUsed", "type", "transactionIndex", "from"]
)
@pytest.mark.parametrize("value", [None, "0xnonsense", "missing"])
def test_order_plan__whose_receipt_lacks_what_decides_nothing__is_done(
    odd: tuple[World, OddNode, Chain], field: str, value: str | None
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    node.hook = change_receipts(lambda receipt: spoil(receipt, field, value))
    receipt = order_plan(chain, world.subscriber, plan_id)
    assert (receipt.paid, world.spent(world.subscriber)) == (PRICE, PRICE)
    assert (receipt.transaction.fee_wei is None) == (field in ("effectiveGasPrice", "gasUsed"))


@pytest.mark.parametrize("status", [None, "missing", "0x2"])
def test_order_plan__whose_receipt_has_no_status__is_unknown_and_names_the_transaction(
    odd: tuple[World, OddNode, Chain], status: str | None
) -> None:
    world, node, chain = odd
    plan_id = world.register()

    node.hook = change_receipts(lambda receipt: spoil(receipt, "status", status))
    with pytest.raises(OutcomeUnknown) as caught:
        order_plan(chain, world.subscriber, plan_id)
    assert world.chain.read_transaction(caught.value.transaction_hash).gas_used
    assert world.spent(world.subscriber) == PRICE


def test_order_plan__answered_with_the_receipt_of_another_transaction__is_not_believed(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1
    other = world.chain.read_transaction(order_plan(chain, world.subscriber, plan_id).transaction.hash).hash

    def swallow(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == RECEIPT:
            params[0] = other
        return {"result": "0x" + "00" * 32} if method == SEND else None

    node.hook = swallow
    with pytest.raises((OutcomeUnknown, NotMined)):
        order_plan(chain, world.subscriber, plan_id)
    assert world.spent(world.subscriber) == PRICE


def test_redeem_credits__mined_and_failed_on_a_node_that_cannot_say_why__is_told_as_failed(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 5)

    failed = change_receipts(lambda receipt: receipt.update(status="0x0", logs=[]))

    def fail(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == RECEIPT:
            return failed(method, params, forward)
        return refuse("missing trie node") if method == "eth_call" and SEND in node.asked else None

    node.hook = fail
    with pytest.raises(RevertedWithoutReason, match="does not say why"):
        redeem_credits(chain, world.subscriber, plan_id, 1)


# ---------------------------------------------------------------------- nonces


def test_redeem_credits__by_a_node_that_counts_behind__takes_the_next_nonce_each_time(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    last: dict[str, str] = {}
    mint_credits(chain, world.builder, plan_id, world.subscriber.address, 9)

    def behind(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_getTransactionCount":
            return None
        new = forward()["result"]
        old, last[params[0]] = last.get(params[0], new), new
        return {"result": old}

    node.hook = behind
    for _ in range(4):
        redeem_credits(chain, world.subscriber, plan_id, 1)
    assert read_balance(chain, plan_id, world.subscriber.address) == 5


def have_no_locks(file: TextIO, operation: int) -> None:
    """Answer as a file system without locks does."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("journal", ["kept", "no folder", "no locks"])
@pytest.mark.parametrize("chains", [1, 2])
def test_redeem_credits__by_threads_at_once__all_count(
    odd: tuple[World, OddNode, Chain], chains: int, journal: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One Chain, or two as two processes have them: the turn is among all of this machine."""
    world, node, first = odd
    if journal == "no folder":
        (tmp_path / "file").write_text("")
        monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "file" / "below"))
        first = open_rpc(node.url, timeout_seconds=5)
        first.use_credits(world.credits.address)
    if journal == "no locks":
        monkeypatch.setattr(fcntl, "flock", have_no_locks)
    plan_id = world.register()
    mint_credits(first, world.builder, plan_id, world.subscriber.address, 20)
    second = first if chains == 1 else open_rpc(node.url, timeout_seconds=5)
    second.use_credits(world.credits.address)
    failures: list[Exception] = []

    def redeem(chain: Chain) -> None:
        try:
            redeem_credits(chain, world.subscriber, plan_id, 1)
        except NvmChainError as error:
            failures.append(error)

    threads = [threading.Thread(target=redeem, args=(chain,)) for chain in (first, second) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert read_balance(first, plan_id, world.subscriber.address) == 20 - 8


def test_redeem_credits__replaced_by_another_transaction_of_the_account__says_so(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1
    mint_credits(chain, world.builder, plan_id, world.subscriber.address, 5)

    def replace(method: str, params: list[Any], forward: Forward) -> Reply:
        """Take it, and have the account's wallet send another one with its nonce."""
        if method != SEND:
            return None
        world.chain.send_data(world.subscriber, "0x", world.other.address)
        return {"result": "0x" + "00" * 32}

    node.hook = replace
    with pytest.raises(TransactionReplaced) as caught:
        redeem_credits(chain, world.subscriber, plan_id, 1)
    assert caught.value.sender == world.subscriber.address
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 5


# ---------------------------------------------------------------------- reads that wait


def test_order_plan__by_a_node_that_takes_ten_requests_a_second__is_done(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, chain = odd
    plan_id = world.register()
    stamps: list[float] = []

    def ten_a_second(method: str, params: list[Any], forward: Forward) -> Reply:
        now = time.monotonic()
        stamps[:] = [stamp for stamp in stamps if now - stamp < 1]
        if len(stamps) >= 10:
            return 429, {}
        stamps.append(now)
        return None

    node.hook, chain.timeout_seconds = ten_a_second, 30
    order_plan(chain, world.subscriber, plan_id)
    assert world.spent(world.subscriber) == PRICE


@pytest.mark.parametrize(
    "busy",
    [
        (429, {"Retry-After": "0"}),
        (429, {"Retry-After": "Wed, 21 Oct 99999999999999 07:28:00 GMT"}),
        (503, {}),
        (502, {}),
        refuse("rate limit exceeded", -32005),
    ],
    ids=str,
)
def test_read__refused_for_now__is_asked_again(odd: tuple[World, OddNode, Chain], busy: Reply) -> None:
    world, node, chain = odd
    plan_id, count = world.register(), [0]

    def once(method: str, params: list[Any], forward: Forward) -> Reply:
        count[0] += 1
        return busy if count[0] == 1 else None

    node.hook = once
    assert read_balance(chain, plan_id, world.subscriber.address) == 0
    assert count == [2]


def test_read__refused_for_longer_than_the_chain_waits__says_that_the_node_is_busy(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: (429, {"Retry-After": "3600"})
    with pytest.raises(NodeBusy, match="asked too often"):
        read_balance(chain, plan_id, world.subscriber.address)
    assert len(node.asked) == 5 + 1 or node.asked.count("eth_call") == 1


# ---------------------------------------------------------------------- a chain that stands still


def test_order_and_voucher__on_a_chain_without_a_block_for_hours__count(odd: tuple[World, OddNode, Chain]) -> None:
    world, _, chain = odd
    plan_id = world.register()
    world.chain.ask_development_node("evm_increaseTime", "0x1c20")  # the next block's time; no block is made
    order_plan(chain, world.subscriber, plan_id)
    signed = sign_next_voucher(chain, world.subscriber, plan_id, redeemer=world.builder.address, cost=1)
    assert check_voucher(chain, signed).available == 1
    [outcome] = settle_vouchers(chain, world.builder, plan_id, [signed]).outcomes
    assert outcome.result.name == "SETTLED"


# ---------------------------------------------------------------------- limits


def test_mint_credits_batch__that_fits_with_less_margin__is_not_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """anvil enforces the cap of EIP-7825 when asked to."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    with run_anvil("--enable-tx-gas-limit", "--gas-limit", "60000000", hardfork="osaka") as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        plan_id = world.register()
        receipt = mint_credits_batch(chain, world.builder, plan_id, {f"0x{2**80 + n:040x}": 1 for n in range(500)})
        assert (len(receipt.skipped), len(receipt.more_transactions)) == (0, 0)
        divided = mint_credits_batch(chain, world.builder, plan_id, {f"0x{2**90 + n:040x}": 1 for n in range(700)})
        assert (len(divided.minted), len(divided.more_transactions)) == (700, 1)


# ---------------------------------------------------------------------- confirmations


def test_redeem_credits__with_confirmations__waits_for_blocks_on_top(odd: tuple[World, OddNode, Chain]) -> None:
    world, node, _ = odd
    chain = open_rpc(node.url, timeout_seconds=1, confirmations=2)
    chain.use_credits(world.credits.address)
    plan_id = world.register()
    world.send(world.builder, world.credits.functions.mint(plan_id, world.subscriber.address, 5))
    with pytest.raises(OutcomeUnknown, match="it is mined, and has fewer than 2 blocks on top"):
        redeem_credits(chain, world.subscriber, plan_id, 1)
    world.chain.timeout_seconds = 10
    chain.timeout_seconds = 10

    def mine(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            world.chain.ask_development_node("evm_mine")
        return None

    node.hook = mine
    redeem_credits(chain, world.subscriber, plan_id, 1)
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 3
