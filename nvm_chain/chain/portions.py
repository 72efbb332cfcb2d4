"""A long list in as many transactions as it takes: each as large as one transaction may be."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.chain.fees import read_gas_limit
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import Node
from nvm_chain.chain.ranges import read_ranges
from nvm_chain.chain.sending import Sender, limit_gas
from nvm_chain.errors import NotEnoughGas, OutOfGas, RevertedWithoutReason, RpcFailed, TooMuchGas

MOST_BYTES: Final = 120_000
"""Of the data of one transaction: nodes take none above 128 KiB."""
TOO_MUCH: Final = (TooMuchGas, NotEnoughGas, OutOfGas, RevertedWithoutReason)
"""How an estimate fails that may be about the number of items."""


class Portion(NamedTuple):
    """Items of a list from ``first`` to ``last``, both included, and the call for them with its gas."""

    first: int
    last: int
    call: Call


def divide(
    node: Node, sender: Sender, address: ChecksumAddress, count: int, build: Callable[[int, int], Call]
) -> list[Portion]:
    """Divide a list into calls that each fit into one transaction and one block. One request for each, and one.

    Args:
        node: Where they are to be sent.
        sender: What estimates.
        address: Who will send them.
        count: How many items there are, at least one.
        build: Returns the call for items from one place to another, both included.

    Raises:
        TooMuchGas: A single item needs too much.
        TransactionError: A call would fail, with the contract's own error.
        NetworkError: The node cannot be used.
    """
    block_gas_limit = read_gas_limit(node)

    def fit(first: int, last: int) -> Portion:
        call = build(first, last)
        if len(call.data) // 2 > MOST_BYTES and first < last:
            raise RpcFailed(f"no node takes {len(call.data) // 2} bytes in one transaction")
        try:
            estimate = sender.simulate(address, call.data, call.to, call.value)
            return Portion(first, last, replace(call, gas=limit_gas(estimate, call.extra_gas, block_gas_limit)))
        except TOO_MUCH as error:
            if first == last:
                raise
            raise RpcFailed(str(error)) from error

    return list(read_ranges(fit, 0, count - 1, most=_count_most(count, build)))


def _count_most(count: int, build: Callable[[int, int], Call]) -> int:
    """Return how many items may be in one transaction by their bytes, if all are as long as the last two."""
    if count < 2:
        return count
    one, two = (len(build(count - number, count - 1).data) // 2 for number in (1, 2))
    return max(1, min(count, (MOST_BYTES - one) // max(two - one, 1)))
