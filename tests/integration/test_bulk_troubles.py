"""Many transactions of one account where several things go wrong at once: gaps in a row, nonces taken twice, coin that is promised."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import RPCEndpoint

from nvm_chain.chain import bulk_waiting, sending, shipments
from nvm_chain.chain.bulk_handover import Handover
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.handing_over import Parcel
from nvm_chain.chain.sending import Sender
from nvm_chain.chain.shipments import Outcome, Shipment, Slot
from nvm_chain.chain.signing_many import Signed
from nvm_chain.chain.turns import Accounts
from nvm_chain.errors import (
    InsufficientCoin,
    NetworkError,
    NotMined,
    NotSent,
    OutcomeUnknown,
    RpcFailed,
    TransactionReplaced,
)
from nvm_chain.operations.credits import read_balance
from tests.support.odd_node import RECEIPT, SEND, Forward, OddNode, Reply, refuse
from tests.support.scripted_node import Exchange, run_scripted_node
from tests.support.world import World

Odd = tuple[World, OddNode, Chain]
COUNT = "eth_getTransactionCount"
PAYER = Account.from_key("0x" + "11" * 32)
TO = to_checksum_address("0x" + "00" * 18 + "beef")
GAS, PRICE = 60_000, 230


@pytest.fixture(scope="module")
def base_chain(keeping_chain: Chain) -> Chain:
    """These tests look at the states of old blocks."""
    return keeping_chain


def mints(world: World, plan_id: int, count: int) -> list[Any]:
    """Return calls that each mint one credit more than the one before, to one holder."""
    mint = world.credits.functions.mint
    return [mint(plan_id, world.subscriber.address, number) for number in range(1, count + 1)]


def read_nonce(raw: str) -> int:
    """Return the nonce of a signed transaction."""
    return int(TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"])


def on_send(act: Callable[[int, dict[str, Any]], Reply]) -> Callable[[str, list[Any], Forward], Reply]:
    """Have something done for each transaction that is sent, with its nonce and its fields."""

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != SEND:
            return None
        return act(read_nonce(params[0]), TypedTransaction.from_bytes(HexBytes(params[0])).as_dict())

    return hook


def place(outcome: Outcome) -> tuple[int, int]:
    """Return where a call was mined."""
    receipt = outcome.read()
    return receipt["blockNumber"], receipt["transactionIndex"]


# ---------------------------------------------------------------------- gaps


@pytest.mark.parametrize("refused", [{2, 3}, {1, 2, 3}, {0, 1}, {1, 3}, {2, 3, 6, 7}, {6, 7}], ids=str)
def test_send_many__of_which_some_in_a_row_are_refused__has_those_behind_them_mined(
    odd: Odd, refused: set[int]
) -> None:
    """Each gap is filled and written down, but for those at the end, behind which is nothing."""
    world, node, chain = odd
    plan_id = world.register()
    first = chain.count_sent(world.builder.address, "latest")

    def act(nonce: int, fields: dict[str, Any]) -> Reply:
        is_call = bytes(fields["to"]) == HexBytes(world.credits.address)
        return refuse("intrinsic gas too low") if is_call and nonce - first in refused else None

    node.hook = on_send(act)
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 8))
    assert {number for number, outcome in enumerate(outcomes) if outcome.error} == refused
    assert {type(outcome.error) for outcome in outcomes if outcome.error} == {RpcFailed}
    done = set(range(8)) - refused
    assert read_balance(chain, plan_id, world.subscriber.address) == sum(number + 1 for number in done)
    used = max(done) + 1
    assert chain.count_sent(world.builder.address, "pending") == first + used
    journal = chain.read_journal(world.builder.address)
    assert sorted(each.nonce - first for each in journal) == list(range(used))
    assert all(each.taken for each in journal)


# ---------------------------------------------------------------------- nonces


@pytest.mark.parametrize("times", [1, 2])
def test_send_many__whose_call_finds_its_nonce_taken__is_tried_once_more(odd: Odd, times: int) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    taken: list[int] = []

    def take(nonce: int, _: dict[str, Any]) -> Reply:
        """Another wallet uses the nonce before the call is delivered."""
        if len(taken) < times and nonce not in taken:
            taken.append(nonce)
            world.chain.send_data(world.builder, "0x", world.other.address, 1)
        return None

    node.hook = on_send(take)
    [outcome] = chain.send_many(world.builder, mints(world, plan_id, 1))
    assert len(taken) == times
    if times == 1:
        assert outcome.error is None
    else:
        assert isinstance(outcome.error, RpcFailed)
        assert "took the nonce of this one twice" in str(outcome.error)
    assert read_balance(chain, plan_id, world.subscriber.address) == (1 if times == 1 else 0)


def test_send_many__of_which_several_find_their_nonces_taken__keeps_their_order(odd: Odd) -> None:
    """They are behind the others, and in their order among themselves."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 20
    taken: list[int] = []

    def take(nonce: int, _: dict[str, Any]) -> Reply:
        if not taken:
            taken.append(nonce)
            for _number in range(3):
                world.chain.send_data(world.builder, "0x", world.other.address, 1)
        return None

    node.hook = on_send(take)
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 5))
    late, early = [place(outcome) for outcome in outcomes[:3]], [place(outcome) for outcome in outcomes[3:]]
    assert late == sorted(late)
    assert early == sorted(early)
    assert read_balance(chain, plan_id, world.subscriber.address) == 15


@pytest.mark.parametrize("answered", [refuse("internal error", -32603), {"result": None}], ids=["error", "nothing"])
def test_send_many__behind_one_that_waits__takes_its_nonce_only_if_the_node_has_lost_it(
    odd: Odd, answered: dict[str, Any]
) -> None:
    """The node counts what is mined only. An error to the question whether it has the one that waits says nothing."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 1
    first = chain.count_sent(world.builder.address, "latest")
    sent: list[int] = []

    def ask(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_getTransactionCount":
            return {"result": node.ask(method, params[0], "latest")}
        if method == SEND:
            sent.append(read_nonce(params[0]))
        return answered if method == "eth_getTransactionByHash" and len(sent) == 1 else None

    world.chain.web3.provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
    try:
        with pytest.raises(NotMined):
            chain.send_data(world.builder, "0x", world.other.address, 1)
        sent.append(first)
        node.hook = ask
        chain.send_many(world.builder, mints(world, plan_id, 1))
    finally:
        world.chain.web3.provider.make_request("anvil_dropAllTransactions", [])  # type: ignore[arg-type]
        world.chain.web3.provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
    assert sent[1] == (first + 1 if "error" in answered else first)


# ---------------------------------------------------------------------- time


def test_send_many__mined_one_after_another__waits_anew_after_each(odd: Odd) -> None:
    """All of them take longer than the chain's time, and none of them by itself."""
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 2
    first = chain.count_sent(world.builder.address, "latest")
    looks: list[object] = []

    def show(method: str, params: list[Any], forward: Forward) -> Reply:
        """Show one more of those that are mined at every sixth look."""
        if method != "eth_getTransactionCount" or params[1] != "latest":
            return None
        looks.append(params)
        return {"result": hex(first + len(looks) // 6)}

    node.hook = show
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 8))
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert len(looks) >= 8 * 6


@pytest.mark.parametrize("at_once", [True, False], ids=["send_many", "send"])
@pytest.mark.parametrize("confirmations", [0, 1, 2, 3])
def test_send__with_confirmations__is_done_with_so_many_blocks_on_top(
    odd: Odd, confirmations: int, at_once: bool
) -> None:
    world, node, _ = odd
    plan_id = world.register()
    chain = open_rpc(node.url, timeout_seconds=20, confirmations=confirmations)
    chain.use_credits(world.credits.address)
    heads: list[int] = []

    def mine(method: str, params: list[Any], forward: Forward) -> Reply:
        """Mine a block whenever somebody looks how far the chain is, behind what they are told."""
        if method != "eth_getBlockByNumber" or params[0] != "latest":
            return None
        told = forward()
        heads.append(int(told["result"]["number"], 16))
        world.chain.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        return told

    node.hook = mine
    [call] = mints(world, plan_id, 1)
    receipt = chain.send_many(world.builder, [call])[0].read() if at_once else chain.send(world.builder, call)
    block = receipt["blockNumber"]
    if confirmations:
        assert heads[-1] - block == confirmations
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 1


# ---------------------------------------------------------------------- coin


def answer(exchange: Exchange, balance: int, chain_id: int) -> None:
    """Answer as a node that takes everything, on which the payer has so much."""
    known = {
        "eth_chainId": hex(chain_id),
        "eth_getBlockByNumber": {"number": "0x1", "timestamp": "0x1", "baseFeePerGas": hex(100)},
        "eth_maxPriorityFeePerGas": hex(30),
        "eth_estimateGas": hex(GAS * 100 // 120),
        "eth_getBalance": hex(balance),
        "eth_getTransactionCount": "0x0",
        "eth_sendRawTransaction": "0x" + "00" * 32,
        "eth_getTransactionByHash": None,
    }
    exchange.reply(exchange.results(known))


def build_shipment(chain: Chain, calls: int) -> tuple[Shipment, Handover]:
    """Return a shipment of the payer's, and what hands it over."""
    shipment = Shipment(chain, PAYER.address, [Call("0xab", TO)] * calls)
    accounts = Accounts(chain.chain_id, None)
    return shipment, Handover(shipment, PAYER, accounts, Sender(chain, accounts))


@pytest.mark.parametrize("under_way", [0, 1, 3])
@pytest.mark.parametrize("more", [-1, 0])
def test_send_some__with_others_on_their_way__spends_only_what_those_leave(
    monkeypatch: pytest.MonkeyPatch, under_way: int, more: int
) -> None:
    """What they may cost at most is promised: a wei less than all of it is too little for one more."""
    monkeypatch.setattr(sending, "vary_gas", lambda limit, block_gas_limit: limit)
    cost = GAS * PRICE
    balance = (under_way + 1) * cost + more
    with run_scripted_node(lambda exchange: answer(exchange, balance, 1)) as node:
        chain = open_rpc(node.url, timeout_seconds=0)
        shipment, handover = build_shipment(chain, 1)
        transaction: Any = {"value": 0, "gas": GAS, "maxFeePerGas": PRICE}
        for nonce in range(under_way):
            parcel = Parcel(Signed(nonce, f"0x{nonce:064x}", b""))
            shipment.slots[nonce] = Slot(nonce + 1, transaction, parcel)
        handover.send_some()
        assert node.methods.count(SEND) == (1 if more == 0 else 0)
    assert len(shipment.slots) == under_way + (more == 0)
    assert list(shipment.waiting) == ([0] if more < 0 and under_way else [])


def test_send_some__that_cannot_be_priced_after_some_were_decided__tells_each() -> None:
    """On a rollup whose oracle is not told: no call is left without an outcome."""
    with run_scripted_node(lambda exchange: answer(exchange, 2**100, 8453)) as node:
        chain = open_rpc(node.url, timeout_seconds=0)
        shipment, handover = build_shipment(chain, 3)
        shipment.waiting = deque([1, 2])
        shipment.outcomes[0] = Outcome(None)
        handover.send_some()
        assert SEND not in node.methods
    assert sorted(shipment.outcomes) == [0, 1, 2]
    assert all(isinstance(shipment.outcomes[number].error, NetworkError) for number in (1, 2))
    assert not shipment.waiting


# ---------------------------------------------------------------------- what goes on behind the first ones


def test_send_many__whose_first_receipts_are_missing__looks_at_the_others(
    odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, node, chain = odd
    monkeypatch.setattr(bulk_waiting, "MOST_LOOKED_AT", 5)
    plan_id, chain.timeout_seconds = world.register(), 20
    hidden: list[str] = []
    seen: list[str] = []

    def hide(method: str, params: list[Any], forward: Forward) -> Reply:
        """Show the receipts of the first five only after those of the others were read."""
        if method == SEND and len(hidden) < 5:
            hidden.append(forward()["result"])
            return {"result": hidden[-1]}
        if method == RECEIPT and params[0] not in hidden:
            seen.append(params[0])
        return {"result": None} if method == RECEIPT and params[0] in hidden and len(set(seen)) < 5 else None

    node.hook = hide
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 10))
    assert [outcome.error for outcome in outcomes] == [None] * 10
    assert read_balance(chain, plan_id, world.subscriber.address) == 55


def test_send_many__of_which_another_wallet_replaces_many__is_told_so_without_waiting_for_each(odd: Odd) -> None:
    world, node, chain = odd
    plan_id, chain.timeout_seconds = world.register(), 30
    ask_node = world.chain.web3.provider.make_request
    ask_node(RPCEndpoint("evm_setAutomine"), [False])
    first = chain.count_sent(world.builder.address, "latest")
    handed: list[int] = []

    def replace(method: str, params: list[Any], forward: Forward) -> Reply:
        """When all are handed over, put payments of another wallet in the place of the first twelve, and mine."""
        if method == COUNT and len(handed) == 15:
            handed.append(0)
            for nonce in range(first, first + 12):
                fields: dict[str, Any] = {
                    "nonce": nonce,
                    "to": world.other.address,
                    "value": 1,
                    "gas": 21_000,
                    "chainId": 31337,
                }
                dear = {**fields, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12}
                node.ask(SEND, f"0x{bytes(world.builder.sign_transaction(dear).raw_transaction).hex()}")
            ask_node(RPCEndpoint("evm_setAutomine"), [True])
            ask_node(RPCEndpoint("evm_mine"), [])
        if method == SEND:
            handed.append(read_nonce(params[0]))
        return None

    node.hook = replace
    try:
        outcomes = chain.send_many(world.builder, mints(world, plan_id, 15))
    finally:
        ask_node(RPCEndpoint("evm_setAutomine"), [True])
    told = [type(outcome.error) for outcome in outcomes]
    assert told == [TransactionReplaced] * 12 + [type(None)] * 3
    assert read_balance(chain, plan_id, world.subscriber.address) == 13 + 14 + 15


@pytest.mark.parametrize("block", [{}, {"hash": None}, {"hash": 7}, {"hash": ["a"]}, "text", ["a"], 7], ids=str)
def test_send_many__whose_node_shows_a_block_without_a_hash__tells_every_outcome(odd: Odd, block: Any) -> None:
    world, node, chain = odd
    plan_id = world.register()
    node.hook = lambda method, params, forward: (
        {"result": block} if method == "eth_getBlockByNumber" and params[0] != "latest" else None
    )
    outcomes = chain.send_many(world.builder, mints(world, plan_id, 3))
    assert len(outcomes) == 3
    assert read_balance(chain, plan_id, world.subscriber.address) == 6


def test_send_many__with_confirmations_and_no_blocks_on_top__says_that_all_are_mined(
    odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those too that are behind the receipts which are read at once."""
    world, node, _ = odd
    monkeypatch.setattr(bulk_waiting, "MOST_LOOKED_AT", 2)
    chain = open_rpc(node.url, timeout_seconds=1, confirmations=2)
    chain.use_credits(world.credits.address)
    plan_id = world.register()
    request = world.chain.web3.provider.make_request
    request(RPCEndpoint("evm_setAutomine"), [False])
    handed: list[str] = []

    def mine_all_at_once(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == COUNT and handed.count(SEND) == 5:
            handed.clear()
            request(RPCEndpoint("evm_mine"), [])
        handed.append(method)
        return None

    node.hook = mine_all_at_once
    try:
        outcomes = chain.send_many(world.builder, mints(world, plan_id, 5))
    finally:
        request(RPCEndpoint("evm_setAutomine"), [True])
    for outcome in outcomes:
        assert isinstance(outcome.error, OutcomeUnknown)
        assert "it is mined, and has fewer than 2 blocks on top" in str(outcome.error)
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 15


# ---------------------------------------------------------------------- signers and coin


class OddSigner:
    """A signer that signs as an account does, and tells a wrong hash, or raises at one of its transactions."""

    def __init__(self, account: LocalAccount, raises_at: int = -1) -> None:
        self.account, self.address, self.signed, self.raises_at = account, account.address, 0, raises_at

    def sign_transaction(self, transaction: Any) -> Any:
        self.signed += 1
        if self.signed == self.raises_at:
            raise RuntimeError("the device was unplugged")
        return self.account.sign_transaction(transaction)._replace(hash=HexBytes("0x" + "00" * 32))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.account, name)


def test_send__by_a_signer_that_tells_a_wrong_hash__is_told_the_transactions_own(odd: Odd) -> None:
    world, _, chain = odd
    plan_id, signer = world.register(), OddSigner(world.builder)
    receipt = chain.send(signer, mints(world, plan_id, 1)[0])
    assert receipt["status"] == 1
    assert [outcome.error for outcome in chain.send_many(signer, mints(world, plan_id, 2))] == [None] * 2
    assert read_balance(chain, plan_id, world.subscriber.address) == 1 + 3


def test_send_many__by_a_signer_that_fails_when_some_are_sent__tells_what_was_done(
    odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, chain = odd
    monkeypatch.setattr(shipments, "MOST_ON_THEIR_WAY", 5)
    plan_id = world.register()
    outcomes = chain.send_many(OddSigner(world.builder, 8), mints(world, plan_id, 10))
    assert [outcome.error for outcome in outcomes[:5]] == [None] * 5
    assert {type(outcome.error) for outcome in outcomes[5:]} == {NotSent}
    assert "the signer raised RuntimeError" in str(outcomes[-1].error)
    assert "unplugged" not in str(outcomes[-1].error)  # such a text may quote the key
    assert read_balance(chain, plan_id, world.subscriber.address) == 15


def test_send_many__by_a_signer_that_fails_at_the_first__raises_and_sends_nothing(odd: Odd) -> None:
    world, node, chain = odd
    plan_id = world.register()
    with pytest.raises(RuntimeError):
        chain.send_many(OddSigner(world.builder, 1), mints(world, plan_id, 2))
    assert SEND not in node.asked


def test_send_many__of_which_one_costs_more_than_there_is__sends_the_others(odd: Odd) -> None:
    world, _, chain = odd
    coin = chain.read_coin_balance(world.subscriber.address)
    calls = [Call("0x", world.other.address, value) for value in (coin + 1, 1, coin - 10**12, 2)]
    before = chain.read_coin_balance(world.other.address)
    outcomes = chain.send_many(world.subscriber, calls)
    told = [getattr(outcome.error, "required", None) for outcome in outcomes]
    assert [type(outcome.error) for outcome in outcomes] == [
        InsufficientCoin,
        type(None),
        InsufficientCoin,
        type(None),
    ]
    assert told[0] != told[2]
    assert chain.read_coin_balance(world.other.address) == before + 3
