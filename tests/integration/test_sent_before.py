"""What was sent before decides the next nonce: a lost transaction that arrives late, a node that is behind, another wallet."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3.types import TxReceipt

from nvm_chain.chain import turns
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.nonce_search import NonceSearch
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import AccountBusy, NotMined, NvmChainError, OutcomeUnknown, TransactionReplaced
from nvm_chain.operations.orders import order_plan
from tests.support.anvil import run_anvil
from tests.support.odd_node import RECEIPT, SEND, Forward, Json, OddNode, Reply, refuse, run_odd_node
from tests.support.world import FUNDS, PRICE, World

TRANSACTION = "eth_getTransactionByHash"
COUNT = "eth_getTransactionCount"
BLOCK = "eth_getBlockByNumber"


@pytest.fixture(scope="module")
def base_chain(keeping_chain: Chain) -> Chain:
    """These tests look at the states of old blocks."""
    return keeping_chain


def approve_all(world: World) -> int:
    """Return a plan that the subscriber has approved everything for."""
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, FUNDS))
    return world.register()


def order(world: World, chain: Chain, plan_id: int) -> None:
    order_plan(chain, world.subscriber, plan_id, payment_method="allowance")


def test_send__after_one_that_never_arrived__takes_its_nonce_so_that_only_one_can_be_mined(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    chain.send_data(world.subscriber, "0x", world.other.address, 1)
    node.hook = lambda method, params, forward: (502, {}) if method == SEND else None
    with pytest.raises(OutcomeUnknown) as lost:
        chain.send_data(world.subscriber, "0x", world.other.address, 2)
    node.hook = None
    chain.send_data(world.subscriber, "0x", world.other.address, 3)
    first, second, third = chain.read_journal(world.subscriber.address)
    assert (second.hash, second.taken, third.taken) == (lost.value.transaction_hash, False, True)
    assert second.nonce == third.nonce == first.nonce + 1


def test_order_plan__while_a_lost_order_arrives_after_all__is_told_as_replaced_and_paid_once(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = approve_all(world)
    lost: list[Any] = []

    def lose(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            lost.append(params[0])
            return 502, {}
        return None

    node.hook = lose
    with pytest.raises(OutcomeUnknown) as unknown:
        order(world, chain, plan_id)

    def arrive(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND and lost:
            arrived = node.ask(SEND, lost.pop())
            lost.clear()
            while node.ask(RECEIPT, arrived) is None:  # else it could be replaced while it waits
                continue
        return {"result": hex(3 * 10**9)} if method == "eth_maxPriorityFeePerGas" else None

    node.hook = arrive
    with pytest.raises(TransactionReplaced) as replaced:
        order(world, chain, plan_id)
    assert replaced.value.transaction_hash != unknown.value.transaction_hash
    assert world.spent(world.subscriber) == PRICE
    only = chain.read_journal(world.subscriber.address)[-1]
    assert (only.hash, only.taken) == (unknown.value.transaction_hash, True)


@pytest.mark.parametrize("reply", [None, refuse("nonce too low")], ids=["taken", "refused"])
def test_order_plan__by_a_node_that_shows_a_block_of_another_fork__is_not_called_replaced(
    odd: tuple[World, OddNode, Chain], reply: Reply
) -> None:
    """The block in which the nonce was used is without our hash, and without any other transaction of the account."""
    world, node, chain = odd
    plan_id = approve_all(world)
    chain.timeout_seconds = 1
    sends: list[Any] = []
    shown: list[Json] = []

    def of_another_fork(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            sends.append(params)
            answer = forward()
            return reply if len(sends) == 1 and reply else answer
        if len(sends) == 1 and method in (TRANSACTION, RECEIPT):
            return {"result": None}
        if len(sends) == 1 and method == BLOCK and params[0] not in ("latest", "pending"):
            shown.append(forward())
            shown[-1]["result"]["transactions"] = []
            return shown[-1]
        return None

    node.hook = of_another_fork
    try:
        order(world, chain, plan_id)
    except NvmChainError as error:
        assert isinstance(error, NotMined | OutcomeUnknown)
    assert shown
    assert world.spent(world.subscriber) == PRICE


def test_order_plan__taken_with_nonce_too_low_and_then_underpriced__is_not_called_failed(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = approve_all(world)
    sends: list[Any] = []
    count = node.ask(COUNT, world.subscriber.address, "latest")

    def forget(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == SEND:
            sends.append(forward() if not sends else None)
            return refuse("nonce too low" if len(sends) == 1 else "transaction underpriced: gas tip cap 0")
        if sends and method in (TRANSACTION, RECEIPT):
            return {"result": None}
        return {"result": count} if sends and method == COUNT else None

    node.hook = forget
    with pytest.raises(OutcomeUnknown):
        order(world, chain, plan_id)
    assert len(sends) > 1
    assert world.spent(world.subscriber) == PRICE


def test_order_plan__while_another_wallet_takes_the_nonce_on_a_node_that_counts_behind__takes_the_next(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    plan_id = approve_all(world)
    pending = node.ask(COUNT, world.subscriber.address, "pending")
    world.chain.send_data(world.subscriber, "0x", world.other.address, 1)
    node.hook = lambda method, params, forward: (
        {"result": pending} if method == COUNT and params[1] == "pending" else None
    )
    order(world, chain, plan_id)
    assert world.spent(world.subscriber) == PRICE
    assert node.asked.count(SEND) == 2


def test_send__the_same_again_by_a_node_that_is_behind__is_another_transaction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Equal bytes would be one transaction: two callers told that theirs is done, and one payment made."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    me, other = derive_dev_accounts()[:2]
    with run_anvil("--chain-id", "777") as url, run_odd_node(url) as node, run_odd_node(url) as late:
        old = {COUNT: node.ask(COUNT, me.address, "latest"), BLOCK: node.ask(BLOCK, "latest", False)}
        coins = int(node.ask("eth_getBalance", other.address, "latest"), 16)

        def behind(method: str, params: list[Any], forward: Forward) -> Reply:
            if SEND in late.asked:
                return None
            return {"result": old.get(method)} if method in (COUNT, BLOCK, TRANSACTION, RECEIPT) else None

        late.hook = behind
        for each in (node, late):
            open_rpc(each.url, timeout_seconds=3).send_data(me, "0x", other.address, 1)
        sent = open_rpc(node.url).read_journal(me.address)
        assert int(node.ask("eth_getBalance", other.address, "latest"), 16) == coins + 2
    assert [each.nonce for each in sent] == [0, 1]


def pay_once(world: World, node: OddNode, on_top: int) -> tuple[LocalAccount, int, TxReceipt]:
    """Send one payment, and mine blocks on top. Return the payer, the nonce, and the receipt."""
    account, nonce = world.other, world.chain.count_sent(world.other.address, "latest")
    mined = world.chain.send_data(account, "0x", world.builder.address, 1)
    if on_top:
        node.ask("anvil_mine", hex(on_top))
    return account, nonce, mined


@pytest.mark.parametrize("back", [1, 2, 3, 4, 5, 6])
def test_nonce_search__by_a_node_that_forgets_old_states__finds_what_the_others_show(
    odd: tuple[World, OddNode, Chain], back: int
) -> None:
    """The block with the nonce, and the one before it, are the oldest that the node knows."""
    world, node, chain = odd
    account, nonce, mined = pay_once(world, node, on_top=back - 1)
    oldest = mined["blockNumber"] - 1

    def forget(method: str, params: list[Any], forward: Forward) -> Reply:
        is_old = method == COUNT and params[1].startswith("0x") and int(params[1], 16) < oldest
        return refuse("missing trie node") if is_old else None

    node.hook = forget
    assert NonceSearch(chain, account.address).find(nonce) == f"0x{bytes(mined['transactionHash']).hex()}"
    assert NonceSearch(chain, account.address).find(nonce + 1) is None
    assert NonceSearch(chain, account.address).find(nonce - 1) is None


def test_nonce_search__by_a_node_that_has_the_newest_state_only__looks_into_the_newest_block(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    account, nonce, mined = pay_once(world, node, on_top=0)
    node.hook = lambda method, params, forward: (
        refuse("missing trie node")
        if method == COUNT and params[1].startswith("0x") and int(params[1], 16) < mined["blockNumber"]
        else None
    )
    assert NonceSearch(chain, account.address).find(nonce) == f"0x{bytes(mined['transactionHash']).hex()}"
    assert NonceSearch(chain, account.address).find(nonce - 1) is None


def test_send_many__mined_on_a_node_that_shows_no_receipt__says_that_it_is_mined(
    odd: tuple[World, OddNode, Chain],
) -> None:
    world, node, chain = odd
    chain.timeout_seconds = 1
    node.hook = lambda method, params, forward: {"result": None} if method == RECEIPT else None
    [outcome] = chain.send_many(world.subscriber, [Call("0x", world.other.address, 1)])
    assert isinstance(outcome.error, OutcomeUnknown)
    assert "it is mined, and the node does not show its receipt" in str(outcome.error)


@pytest.mark.parametrize("at_once", [False, True], ids=["send", "send_many"])
def test_send__while_another_program_sends_for_long__says_so_and_sends_nothing(
    odd: tuple[World, OddNode, Chain], monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    world, node, chain = odd
    monkeypatch.setattr(turns, "LEAST_PATIENCE_SECONDS", 2)
    told: list[str] = []
    chain.timeout_seconds, chain.on_progress = 1, told.append
    holder = open_rpc(node.url)
    send: Any = partial(chain.send_data, world.subscriber, "0x", world.other.address, 1)
    if at_once:
        send = partial(chain.send_many, world.subscriber, [Call("0x", world.other.address, 1)])
    with holder._accounts.turn(world.subscriber.address), pytest.raises(AccountBusy, match="was not sent"):
        send()
    assert SEND not in node.asked
    assert [sentence for sentence in told if "another program on this machine" in sentence]


@pytest.mark.parametrize("back", [1, 2, 3, 8, 64, 126])
def test_nonce_search__of_a_block_so_far_back__finds_it(odd: tuple[World, OddNode, Chain], back: int) -> None:
    world, node, chain = odd
    node.ask("anvil_mine", hex(200))
    account, nonce, mined = pay_once(world, node, on_top=back - 1)
    node.asked.clear()
    assert NonceSearch(chain, account.address).find(nonce) == f"0x{bytes(mined['transactionHash']).hex()}"
    assert len(node.asked) <= 24


@pytest.mark.parametrize("on_top", [0, 1, 2])
def test_nonce_search__with_confirmations__leaves_out_the_blocks_that_may_be_undone(
    odd: tuple[World, OddNode, Chain], on_top: int
) -> None:
    world, node, chain = odd
    account, nonce, mined = pay_once(world, node, on_top=on_top)
    transaction_hash = f"0x{bytes(mined['transactionHash']).hex()}"
    assert NonceSearch(chain, account.address, on_top).find(nonce) == transaction_hash
    assert NonceSearch(chain, account.address, on_top + 1).find(nonce) is None


def test_nonce_search__of_many_nonces__asks_nothing_twice(odd: tuple[World, OddNode, Chain]) -> None:
    """Each block's count and transactions are read once, however many nonces are looked for in the same moment."""
    world, node, chain = odd
    payments = [pay_once(world, node, on_top=number % 3) for number in range(12)]
    node.asked.clear()
    search = NonceSearch(chain, world.other.address)
    for _, nonce, mined in payments:
        assert search.find(nonce) == f"0x{bytes(mined['transactionHash']).hex()}"
    blocks = chain.read_block().number - payments[0][2]["blockNumber"] + 1
    assert node.asked.count(COUNT) <= 2 * blocks
    assert node.asked.count(BLOCK) <= len(payments) + 2
    asked = len(node.asked)
    for _, nonce, _ in payments:
        search.find(nonce)
    assert len(node.asked) == asked
