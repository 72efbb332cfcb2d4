"""Which nonces of an account are free, and which transaction was mined with one that is not."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.node import Node
from nvm_chain.chain.nonces import Sent, Turn
from nvm_chain.chain.transport.ways import share_endpoint
from nvm_chain.errors import NetworkError

DEVELOPMENT_CHAINS: Final = frozenset({1337, 31337, 131277322940537})
"""anvil, Ape's and eth-tester's own: what was mined there can be undone, so a transaction that such a node does not know is lost."""
NEWEST_BLOCKS: Final = 64
"""How wide the last step back is when a nonce is looked for: most nodes have the state of twice as many blocks."""
SETTLING_SECONDS: Final = 60
"""How long a node elsewhere may not know what another has taken."""


def is_undoable(node: Node) -> bool:
    """Return whether what is mined can be undone, so that what the node does not know is lost."""
    return node.chain_id in DEVELOPMENT_CHAINS


def find_free_nonces(
    node: Node, address: ChecksumAddress, turn: Turn, has: Callable[[str], bool] | None = None
) -> Iterator[int]:
    """Yield the nonces that are neither counted by the node nor have a transaction of this machine on its way.

    One request, and one for each nonce that this machine has used and the node does not count; or ``has`` tells whether the
    node has a transaction.
    """
    nonce = node.count_sent(address, "pending")
    sent: dict[int, list[Sent]] = {}
    for each in turn.sent:
        sent.setdefault(each.nonce, []).append(each)
    if nonce in sent:  # the count may have been read ahead, before this turn
        count = partial(node.count_sent, address, "pending")
        node.read_ahead(count, partial(node.find_transaction, sent[nonce][-1].hash))
        nonce = count()
    has = has or (lambda transaction_hash: node.find_transaction(transaction_hash) is not None)
    while True:
        if not any(_is_on_its_way(node, each, has) for each in reversed(sent.get(nonce, []))):
            yield nonce
        nonce += 1


def _is_on_its_way(node: Node, sent: Sent, has: Callable[[str], bool]) -> bool:
    """Return whether a transaction may still be mined: the node has it, or took it a moment ago and may be behind."""
    if not sent.taken:
        return False
    if has(sent.hash):
        return True
    age = time.time() - sent.time
    is_ours = share_endpoint(sent.node, node.label)
    return is_ours and not is_undoable(node) and 0 <= age < SETTLING_SECONDS


def find_with_nonce(node: Node, address: ChecksumAddress, nonce: int, confirmations: int = 0) -> str | None:
    """Return the hash of the transaction that was mined with an account's nonce; None if the node does not show it.

    Only a block with so many ``confirmations`` on top is a proof. Newest blocks come first: nodes forget old states. Up to
    sixteen requests.
    """
    with suppress(NetworkError):
        last = max(node.read_block().number - confirmations, 0)
        first, step = last, 1
        while node.count_sent(address, first) > nonce:
            if step > NEWEST_BLOCKS or not first:
                return None
            last, first, step = first, max(first - step, 0), 2 * step
        if first == last:  # the nonce is not used yet
            return None
        while last - first > 1:
            middle = (first + last) // 2
            is_used = node.count_sent(address, middle) > nonce
            first, last = (first, middle) if is_used else (middle, last)
        return node.find_in_block(last, address, nonce)
    return None
