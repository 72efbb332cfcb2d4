"""Which nonces of an account are free, and which transaction was mined with one that is not."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.dev_accounts import DEV_CHAINS
from nvm_chain.chain.node import Node
from nvm_chain.chain.nonces import Sent, Turn
from nvm_chain.chain.transport.ways import share_endpoint
from nvm_chain.errors import NetworkError

UNDOABLE_CHAINS: Final = DEV_CHAINS | {131277322940537}
"""Those of development nodes, and eth-tester's own: what was mined there can be undone, so a transaction that such a node does not know is lost."""
NEWEST_BLOCKS: Final = 64
"""How wide the last step back is when a nonce is looked for: most nodes have the state of twice as many blocks."""
SETTLING_SECONDS: Final = 60
"""How long a node elsewhere may not know what another has taken."""


def is_undoable(node: Node) -> bool:
    """Return whether what is mined can be undone, so that what the node does not know is lost."""
    return node.chain_id in UNDOABLE_CHAINS


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
    two dozen requests.
    """

    def is_used(block: int) -> bool | None:
        """Return whether the nonce is used in the state of a block; None if the node does not know that state."""
        with suppress(NetworkError):
            return node.count_sent(address, block) > nonce
        return None

    with suppress(NetworkError):
        head = max(node.read_block().number - confirmations, 0)
        block = _find_first(is_used, head)
        return None if block is None else node.find_in_block(block, address, nonce)
    return None


def _find_first(is_used: Callable[[int], bool | None], last: int) -> int | None:
    """Return the first block in whose state a nonce is used. None if it is not used, or was long ago."""
    forgotten, step = -1, 1
    if not is_used(last):
        return None
    while True:
        first = max(last - step, forgotten + 1)
        if step > NEWEST_BLOCKS or first == last:
            return None
        used = is_used(first)
        if used is False:
            return _bisect(is_used, first, last)
        if used:
            last, step = first, 2 * step
        else:
            forgotten, step = first, max(step // 2, 1)


def _bisect(is_used: Callable[[int], bool | None], first: int, last: int) -> int:
    """Return the first block in whose state a nonce is used, between one in which it is not and one in which it is."""
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (first, middle) if is_used(middle) else (middle, last)
    return last
