"""Sending a list that may not fit into one transaction: in several, many on their way at once, and what became of each."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.errors import BatchIncomplete, NvmChainError, TooMuchGas
from nvm_chain.signing.keys import Signer

Result = TypeVar("Result")
FEW: Final = 100
"""So many items fit into one transaction, or it is found out by its estimate."""


@dataclass
class Parts(Generic[Result]):
    """What became of the items of a list: the results of the transactions that are done, and the others with their errors."""

    results: list[Result] = field(default_factory=list)
    failures: list[tuple[tuple[Any, ...], NvmChainError]] = field(default_factory=list)

    def join(self, items: Sequence[Any], join: Callable[[Sequence[Result]], Result]) -> Result:
        """Return the results as one. Raises BatchIncomplete, with the results that there are, if a transaction is not done."""
        if not self.failures:
            return join(self.results)
        lost = sum(len(left_out) for left_out, _ in self.failures)
        incomplete = BatchIncomplete(len(items) - lost, len(items), self.failures[0][1].problem)
        raise incomplete.keep(join(self.results) if self.results else None, tuple(self.failures))


def send_in_parts(
    chain: Chain,
    signer: Signer,
    items: Sequence[Any],
    build: Callable[[int, int], Call],
    read: Callable[[int, int, TxReceipt], Result],
) -> Parts[Result]:
    """Send the call for a list of items, in several transactions if it is too large for one.

    Args:
        chain: Where to send.
        signer: Who sends.
        items: The list, not empty.
        build: Returns the call for the items from one place to another, both included.
        read: Returns what the transaction for these items did. It may raise an error of this package.

    Raises:
        NvmChainError: As `Chain.send`, if one transaction is enough, or if nothing was sent.
    """
    last = len(items) - 1
    if len(items) <= FEW:
        with suppress(TooMuchGas):
            call = build(0, last)
            receipt = chain.send_data(signer, call.data, to=call.to, extra_gas=call.extra_gas)
            return Parts([read(0, last, receipt)])
    portions = chain.divide(signer.address, len(items), build)
    outcomes = chain.send_many(signer, [portion.call for portion in portions])
    parts: Parts[Result] = Parts()
    for portion, outcome in zip(portions, outcomes, strict=True):
        try:
            parts.results.append(read(portion.first, portion.last, outcome.read()))
        except NvmChainError as error:
            if len(portions) == 1:
                raise
            parts.failures.append((tuple(items[portion.first : portion.last + 1]), error))
    return parts
