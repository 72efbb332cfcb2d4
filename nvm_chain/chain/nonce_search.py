"""Searches for the free nonces of an account, and for the transaction that was mined with a used nonce."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.dev_accounts import DEV_CHAINS
from nvm_chain.chain.journal_entries import Sent
from nvm_chain.chain.node import Node
from nvm_chain.chain.transport.ways import share_endpoint
from nvm_chain.chain.turns import Turn
from nvm_chain.errors import NetworkError

UNDOABLE_CHAINS: Final = DEV_CHAINS | {131277322940537}
"""The chain ids of development nodes and of eth-tester. Such a node can undo blocks, and loses their transactions."""
NEWEST_BLOCKS: Final = 64
"""The longest step back in the search for a nonce, in blocks.

The steps of 1, 2, 4, 8, 16, 32 and 64 blocks cover 127 blocks. Most nodes keep the states of 128 blocks.
"""
SETTLING_SECONDS: Final = 60
"""How long after a broadcast some machines of a gateway may still lack the transaction."""


def is_undoable(node: Node) -> bool:
    """Return whether the node can undo blocks, as development nodes can.

    A transaction that such a node does not show is lost.
    """
    return node.chain_id in UNDOABLE_CHAINS


def find_free_nonces(
    node: Node, address: ChecksumAddress, turn: Turn, has: Callable[[str], bool] | None = None
) -> Iterator[int]:
    """Yield the free nonces of an account: the node does not count them, and no transaction of this machine uses them.

    One request if the journal has no transaction with the counted nonce. Otherwise the count is read again.

    Args:
        node: The connection to the node.
        address: The account.
        turn: The account's turn, with the entries of the journal.
        has: A function that tells whether the node has the transaction with a hash. If not given, each transaction in
            the journal that may use a nonce takes one request.
    """
    nonce = node.count_sent(address, "pending")
    sent: dict[int, list[Sent]] = {}
    for each in turn.sent:
        sent.setdefault(each.nonce, []).append(each)
    if nonce in sent:  # the count may have been read ahead before this turn began, so it is read again
        count = partial(node.count_sent, address, "pending")
        node.read_ahead(count, partial(node.find_transaction, sent[nonce][-1].hash))
        nonce = count()
    has = has or (lambda transaction_hash: node.find_transaction(transaction_hash) is not None)
    while True:
        if not any(_is_on_its_way(node, each, has) for each in reversed(sent.get(nonce, []))):
            yield nonce
        nonce += 1


def _is_on_its_way(node: Node, sent: Sent, has: Callable[[str], bool]) -> bool:
    """Return whether a transaction may still be mined, because the node has it, or took it less than a minute ago."""
    if not sent.taken:
        return False
    if has(sent.hash):
        return True
    age = time.time() - sent.time
    is_ours = share_endpoint(sent.node, node.label)
    return is_ours and not is_undoable(node) and 0 <= age < SETTLING_SECONDS


class NonceSearch:
    """A search for mined transactions of an account by their nonces.

    Each answer of the node is kept for the next nonce, because neighbouring nonces are mostly in the same blocks. The
    answers grow old, so begin another search after a pause.
    """

    def __init__(self, node: Node, address: ChecksumAddress, confirmations: int = 0) -> None:
        """Take the node and the account. No request.

        The newest ``confirmations`` blocks are left out, because they may be undone.
        """
        self._node, self._address, self._confirmations = node, address, confirmations
        self._head: int | None = None
        self._counts: dict[int, int | None] = {}
        """By block, the number of used nonces, or None if the node does not have the state."""
        self._mined: dict[int, dict[int, str]] = {}
        """By block, the hashes of the account's transactions by their nonces."""

    def find(self, nonce: int) -> str | None:
        """Return the hash of the transaction that was mined with a nonce, or None if the node does not show it.

        The search begins with the newest blocks, because nodes drop old states. Up to two dozen requests.
        """
        with suppress(NetworkError):
            if self._head is None:
                self._head = max(self._node.read_block().number - self._confirmations, 0)
            block = _find_first(partial(self._is_used, nonce), self._head)
            return None if block is None else self._read_mined(block).get(nonce)
        return None

    def _is_used(self, nonce: int, block: int) -> bool | None:
        """Return whether the nonce is used in the state of a block, or None if the node does not have the state."""
        if block not in self._counts:
            self._counts[block] = None
            with suppress(NetworkError):
                self._counts[block] = self._node.count_sent(self._address, block)
        count = self._counts[block]
        return None if count is None else count > nonce

    def _read_mined(self, block: int) -> dict[int, str]:
        if block not in self._mined:
            self._mined[block] = self._node.read_sent_in(block, self._address)
        return self._mined[block]


def _find_first(is_used: Callable[[int], bool | None], last: int) -> int | None:
    """Return the number of the first block in whose state a nonce is used.

    If the node does not have the state before it, the result is the first such block whose state the node has. Returns
    None if the nonce is not used, or if the first such block is too old for the search.
    """
    forgotten, step = -1, 1
    if not is_used(last):
        return None
    while True:
        first = max(last - step, forgotten + 1)
        if step > NEWEST_BLOCKS:
            return None
        if first == last:
            return last
        used = is_used(first)
        if used is False:
            return _bisect(is_used, first, last)
        if used:
            last, step = first, 2 * step
        else:
            forgotten, step = first, max(step // 2, 1)


def _bisect(is_used: Callable[[int], bool | None], first: int, last: int) -> int:
    """Return the number of the first block in whose state a nonce is used, after ``first`` and not after ``last``."""
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (first, middle) if is_used(middle) else (middle, last)
    return last
