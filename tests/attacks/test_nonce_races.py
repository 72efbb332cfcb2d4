"""Nonce races: many threads and processes send with one key at once, and the attacker hopes that one payment counts for two.

The client keeps no queue of nonces: it asks the node for the next one, and of those who got the same one the node takes one. The others
are told so: by a NetworkError, after which nothing of theirs was sent, or where theirs is the same in every byte by an OutcomeUnknown
that names it, so that each transaction counts once by its hash. One that was sent and then displaced by another with the same nonce is
named in NotMined; looked up, it is nowhere, and can be sent again. A success is one transaction, mined (P1).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NetworkError, NotMined, OutcomeUnknown, RpcFailed
from tests.support.anvil import open_anvil
from tests.support.compiled import read_abi
from tests.support.world import World

THREADS, SENDS = 8, 4
PROCESSES, SENDS_EACH = 3, 4
PATIENCE_SECONDS = 3
ROOT = Path(__file__).parents[2]


def send_until_done(chain: Chain, token_address: str, sends: int) -> tuple[list[str], int]:
    """Mint one base unit to the subscriber so often, each time until it is done; return the hashes and how often it was refused.

    Every call is the same in every byte, so that two with one nonce are one and the same transaction, which counts for one.
    """
    sender, chain.timeout_seconds = World(chain).subscriber, PATIENCE_SECONDS
    mint = chain.bind(token_address, read_abi("TestUSDC")).functions.mint(sender.address, 1)  # type: ignore[arg-type]
    hashes: list[str] = []
    refused = 0
    while len(hashes) < sends:
        try:
            receipt = chain.send(sender, mint)
        except (NetworkError, OutcomeUnknown):
            refused += 1
        except NotMined as error:
            if is_mined_after_all(chain, error.transaction_hash):
                hashes.append(error.transaction_hash)
        else:
            hashes.append("0x" + bytes(receipt["transactionHash"]).hex())
    return hashes, refused


def is_mined_after_all(chain: Chain, transaction_hash: str) -> bool:
    """Look a transaction up as NotMined says, until it is mined or gone; an anvil at its limits has to be asked to mine."""
    while True:
        chain.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        with contextlib.suppress(RpcFailed):
            return chain.read_transaction(transaction_hash).hash == transaction_hash
        try:
            chain.read_sent_transaction(transaction_hash)
        except RpcFailed:
            return False


def check_exactly_once(node: World, first_nonce: int, tokens: int, hashes: list[str]) -> None:
    """Every success is a transaction of its own, and nothing else was sent: no gap, no duplicate."""
    sender = node.subscriber.address
    eth = node.chain.web3.eth
    assert len(hashes) == len(set(hashes))
    nonces = sorted(eth.get_transaction(each)["nonce"] for each in hashes)  # type: ignore[arg-type]
    assert nonces == list(range(first_nonce, first_nonce + len(hashes)))
    assert eth.get_transaction_count(sender, "pending") == first_nonce + len(hashes)
    assert node.tokens(sender) - tokens == len(hashes)


def test_send__by_many_threads_with_one_key__is_each_a_transaction_of_its_own(node: World) -> None:
    """P1."""
    sender, found, lock = node.subscriber.address, [], threading.Lock()
    first, tokens = node.chain.web3.eth.get_transaction_count(sender), node.tokens(sender)

    def work() -> None:
        hashes, _ = send_until_done(open_anvil(node.chain.label), node.usdc.address, SENDS)
        with lock:
            found.extend(hashes)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == THREADS * SENDS
    check_exactly_once(node, first, tokens, found)


def start_process(node: World, sends: int) -> subprocess.Popen[str]:
    """Start a process that sends with the same key and prints the hashes it was told of."""
    program = (
        "import json, sys\n"
        "from tests.attacks.test_nonce_races import send_until_done\n"
        "from tests.support.anvil import open_anvil\n"
        "chain = open_anvil(sys.argv[1])\n"
        "for _ in range(int(sys.argv[3])):\n"
        "    print(json.dumps(send_until_done(chain, sys.argv[2], 1)[0]), flush=True)\n"
    )
    command = [sys.executable, "-c", program, node.chain.label, node.usdc.address, str(sends)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)


def test_send__by_processes_with_one_key_of_which_one_is_killed__leaves_no_gap(node: World) -> None:
    """P1: kill -9 in the middle. What the dead one had sent is mined or not, and the others go on behind it."""
    sender = node.subscriber.address
    first, tokens = node.chain.web3.eth.get_transaction_count(sender), node.tokens(sender)
    doomed = start_process(node, 10_000)
    assert doomed.stdout is not None
    told = json.loads(doomed.stdout.readline())
    others = [start_process(node, SENDS_EACH) for _ in range(PROCESSES - 1)]
    for other in others:
        assert other.stdout is not None
        other.stdout.readline()
    doomed.send_signal(signal.SIGKILL)
    rest, _ = doomed.communicate(timeout=60)
    assert doomed.returncode == -signal.SIGKILL
    for other in others:
        other.communicate(timeout=120)
        assert other.returncode == 0
    count = node.chain.web3.eth.get_transaction_count(sender) - first
    told += [found for line in rest.splitlines() if line.endswith("]") for found in json.loads(line)]
    promised = len(told) + len(others) * SENDS_EACH
    assert promised <= count <= promised + 1  # one that the dead one sent and did not hear of
    assert node.tokens(sender) - tokens == count
    assert node.chain.count_pending(sender) == 0
    again, _ = send_until_done(node.chain, node.usdc.address, 1)
    check_exactly_once(node, first + count, tokens + count, again)
