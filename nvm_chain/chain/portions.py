"""Division of a long list of items into transactions, each as large as the chain and the node allow."""

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
"""The largest data of one transaction, in bytes. Nodes refuse transactions above 128 KiB."""
TOO_MUCH: Final = (TooMuchGas, NotEnoughGas, OutOfGas, RevertedWithoutReason)
"""The errors of a gas estimate that may mean that the call has too many items."""


class Portion(NamedTuple):
    """A part of a list, from index ``first`` to index ``last``, both included. ``call`` has the part's gas limit."""

    first: int
    last: int
    call: Call


def divide(
    node: Node, sender: Sender, address: ChecksumAddress, count: int, build: Callable[[int, int], Call]
) -> list[Portion]:
    """Divide a list of items into calls that each fit into one transaction and one block.

    One request, and at least one more for each call.

    Args:
        node: The connection to the node.
        sender: Estimates the gas of each call.
        address: The account that the calls come from.
        count: The number of items, at least 1.
        build: A function that returns the call for a part. It gets the indexes of the part's first and last item.

    Raises:
        TooMuchGas: A single item needs more gas than a transaction or a block may use.
        TransactionError: A call would fail. The error is the contract's own.
        NetworkError: The node does not give a usable answer.
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
    """Return the largest number of items in one transaction.

    The number follows from the sizes of the calls for the last item and for the last two items.
    """
    if count < 2:
        return count
    one, two = (len(build(count - number, count - 1).data) // 2 for number in (1, 2))
    return max(1, min(count, (MOST_BYTES - one) // max(two - one, 1)))
