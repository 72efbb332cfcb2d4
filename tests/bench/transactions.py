"""Transactions per second: `Chain.send_many` against web3's usual way one by one, in turn on one anvil.

`python -m tests.bench transactions --json` prints one JSON object. First, the bench checks that all transactions are
mined, even if the node loses one of them.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.rpc import NodeProvider, build_web3
from nvm_chain.chain.state_folder import STATE_VARIABLE
from tests.bench.figures import Figure
from tests.support.anvil import open_anvil, run_anvil
from tests.support.kept_session import KeptSession
from tests.support.world import World

COUNT: Final = 1_500
USUAL: Final = 60
"""The number of transactions that a round times in web3's usual way."""
HOLDERS: Final = 100
CREDITS: Final = 5
ROUNDS: Final = 5


class LosingProvider(NodeProvider):
    """A node that loses the tenth transaction it receives."""

    def __init__(self, url: str) -> None:
        super().__init__(url, patience_seconds=20, session=KeptSession())
        self.lost = 0

    def make_batch_request(self, batch_requests: Any) -> Any:
        """Lose one transaction, and answer as if the node had taken it."""
        if self.lost or batch_requests[0][0] != "eth_sendRawTransaction":
            return super().make_batch_request(batch_requests)
        self.lost += 1
        batch = list(batch_requests)
        batch[9] = ("web3_clientVersion", [])
        return super().make_batch_request(batch)


class Mints:
    """Calls that give credits to a hundred holders in turn. More holders would make anvil's blocks slower."""

    def __init__(self, chain: Chain, plan_id: int) -> None:
        self.chain, self.plan_id, self.count = chain, plan_id, 0
        self.holders = [to_checksum_address(f"0x{(0x51 << 152) + number:040x}") for number in range(HOLDERS)]

    def functions(self, count: int) -> list[Any]:
        """Return the next calls as web3 functions."""
        self.count += count
        mint = self.chain.credits.functions.mint
        return [mint(self.plan_id, self.holders[place % HOLDERS], CREDITS) for place in range(count)]

    def calls(self, count: int) -> list[Call]:
        """Return the next calls as `Call` objects."""
        return [Call(encode_call(function), self.chain.credits.address) for function in self.functions(count)]


def send_as_usual(web3: Web3, account: LocalAccount, functions: list[Any]) -> None:
    """Send one by one as web3's documentation does: build, sign, send, wait. This function must not change."""
    for function in functions:
        transaction = function.build_transaction(
            {"from": account.address, "nonce": web3.eth.get_transaction_count(account.address)}
        )
        signed = account.sign_transaction(transaction)
        transaction_hash = web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = web3.eth.wait_for_transaction_receipt(transaction_hash, poll_latency=0.001)
        assert receipt["status"] == 1


def send_all(chain: Chain, account: LocalAccount, calls: list[Call]) -> None:
    """Send many calls, and check that all are mined in order."""
    receipts = [outcome.read() for outcome in chain.send_many(account, calls)]
    places = [(receipt["blockNumber"], receipt["transactionIndex"]) for receipt in receipts]
    assert len(receipts) == len(calls)
    assert places == sorted(set(places))


def time_of(do: Callable[[], object]) -> float:
    """Return the time of a function in seconds."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def check_stranded(chain: Chain, account: LocalAccount, calls: list[Call]) -> None:
    """Send many calls through a node that loses one transaction. The later transactions then wait for it."""
    provider = LosingProvider(chain.label)
    losing = Chain(build_web3(provider), chain.label)
    losing.use_credits(chain.credits.address)
    send_all(losing, account, calls)
    assert provider.lost == 1


def measure() -> dict[str, Figure]:
    """Return our transactions per second, and the multiple of web3's usual way. Both are medians of some rounds."""
    with run_anvil() as url, TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = folder
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        mints, account = Mints(chain, world.register()), world.builder
        web3 = Web3(HTTPProvider(url))
        usual_contract = web3.eth.contract(chain.credits.address, abi=chain.credits.abi)
        check_stranded(chain, account, mints.calls(100))
        ours, usual = [], []
        for _ in range(ROUNDS):
            ours.append(COUNT / time_of(partial(send_all, chain, account, mints.calls(COUNT))))
            theirs = [usual_contract.functions.mint(*function.args) for function in mints.functions(USUAL)]
            usual.append(USUAL / time_of(partial(send_as_usual, web3, account, theirs)))
        mined = sum(world.balance(mints.plan_id, holder) for holder in mints.holders)
        assert mined == CREDITS * mints.count
        assert chain.count_pending(account.address) == 0
    return {
        "send_many": {"value": round(median(ours)), "unit": "transactions/s", "aim": ""},
        "usual": {"value": round(median(usual), 1), "unit": "transactions/s", "aim": ""},
        "against_usual": {"value": round(median(ours) / median(usual), 1), "unit": "x web3 usual", "aim": ">= 25"},
        "lost_when_stranded": {"value": 0, "unit": "transactions", "aim": "0"},
    }
