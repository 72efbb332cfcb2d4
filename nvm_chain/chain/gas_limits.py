"""Gas limits of many calls, from a simulation of each call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.asking_many import ManyAsker, Question
from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.chain.sending import Sender, call_params, limit_gas
from nvm_chain.errors import NvmChainError

SPARE_PERCENT: Final = 5
"""The margin on the gas of the first call of a shape. A later call that needs more gas is estimated by itself."""
Shape: TypeAlias = tuple[str | None, str, int, bool]
"""A group of calls that mostly use the same gas: contract, function selector, data length, and whether coin is sent."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: ``data`` for the address ``to``, with ``value`` wei.

    Without ``to``, ``data`` is a contract's creation code. ``gas`` is the gas limit of the transaction. A call with a
    gas limit is not simulated before it is sent. This suits a call that only succeeds after an earlier one.
    ``extra_gas`` is added to the estimate of a simulated call.
    """

    data: str
    to: ChecksumAddress | None = None
    value: int = 0
    gas: int | None = None
    extra_gas: int = 0

    @property
    def shape(self) -> Shape:
        """The group of calls that mostly use as much gas as this call."""
        return self.to, self.data[:10], len(self.data), self.value > 0


@dataclass
class GasLimits:
    """Finds gas limits of calls.

    The first call of a shape is estimated. Later calls of the shape run in `eth_call` with that gas and a margin, which
    is faster than an estimate.
    """

    sender: Sender
    asker: ManyAsker
    known: dict[Shape, int] = field(default_factory=dict)

    def find(self, address: ChecksumAddress, calls: Sequence[Call], block_gas_limit: int) -> list[int | NvmChainError]:
        """Return the gas limit of each call, or the error with which the call would fail now.

        The errors are not raised.
        """
        found: dict[int, int | NvmChainError] = {}
        for place, call in enumerate(calls):
            if call.gas is not None:
                found[place] = call.gas
            elif call.shape not in self.known:
                found[place] = self._estimate(address, call, block_gas_limit)
        tried = [place for place in range(len(calls)) if place not in found]
        answers = self.asker.ask([self._build_trial(address, calls[place]) for place in tried])
        for place, answer in zip(tried, answers, strict=True):
            call = calls[place]
            fits = answer.error is None and isinstance(answer.result, str)
            found[place] = (
                limit_gas(self.known[call.shape], call.extra_gas, block_gas_limit)
                if fits
                else self._estimate(address, call, block_gas_limit)
            )
        return [found[place] for place in range(len(calls))]

    def _estimate(self, address: ChecksumAddress, call: Call, block_gas_limit: int) -> int | NvmChainError:
        try:
            estimate = self.sender.simulate(address, call.data, call.to, call.value)
            limit = limit_gas(estimate, call.extra_gas, block_gas_limit)
        except NvmChainError as error:
            return error
        spare = estimate * (100 + SPARE_PERCENT) // 100
        if call.to is not None and 2 * spare <= min(MOST_GAS, block_gas_limit):
            self.known.setdefault(call.shape, spare)
        return limit

    def _build_trial(self, address: ChecksumAddress, call: Call) -> Question:
        told = call_params(address, call.data, call.to, call.value)
        return "eth_call", ({**told, "value": hex(call.value), "gas": hex(self.known[call.shape])}, "latest")
