"""Long lists of items: send one transaction if the list fits into it, or several transactions at the same time."""

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
"""The largest number of items to try in one transaction first. A longer list is divided at once."""


@dataclass
class Parts(Generic[Result]):
    """The outcome of a list: the results of successful transactions, and the failed items with their errors."""

    results: list[Result] = field(default_factory=list)
    failures: list[tuple[tuple[Any, ...], NvmChainError]] = field(default_factory=list)

    def join(self, items: Sequence[Any], join: Callable[[Sequence[Result]], Result]) -> Result:
        """Return all results as one. Raises BatchIncomplete, with the successful results, if a transaction failed."""
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
        chain: The connection to the chain.
        signer: The account that sends.
        items: The list, which must not be empty.
        build: A function that gets the first and the last index of a part, both included, and returns the part's call.
        read: A function that gets the same indexes and the receipt, and returns the result. It may raise an
            NvmChainError.

    Raises:
        NvmChainError: The only transaction failed, or no transaction was sent.
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
