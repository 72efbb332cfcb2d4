"""The gas limits of many calls, each of which is tried before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.asking_many import ManyAsker, Question
from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.chain.sending import Sender, call_params, limit_gas
from nvm_chain.errors import NvmChainError

SPARE_PERCENT: Final = 5
"""What calls of one shape may use above the first of them before each is estimated by itself."""
Shape: TypeAlias = tuple[str | None, str, int, bool]
"""What calls have in common that mostly use the same gas: contract, function, length, and whether they carry coin."""


@dataclass(frozen=True, slots=True)
class Call:
    """Call data for an address, or creation code for nobody, that carries ``value`` wei.

    ``gas`` is the limit of the transaction. With it the call is not tried before it is sent, which is for a call that
    only succeeds after an earlier one. ``extra_gas`` is added to an estimate.
    """

    data: str
    to: ChecksumAddress | None = None
    value: int = 0
    gas: int | None = None
    extra_gas: int = 0

    @property
    def shape(self) -> Shape:
        """What it has in common with calls that mostly use the same gas."""
        return self.to, self.data[:10], len(self.data), self.value > 0


@dataclass
class GasLimits:
    """Finds gas limits. The first call of a shape is estimated; the others are called with as much gas, which is faster."""

    sender: Sender
    asker: ManyAsker
    known: dict[Shape, int] = field(default_factory=dict)

    def find(self, address: ChecksumAddress, calls: Sequence[Call], block_gas_limit: int) -> list[int | NvmChainError]:
        """Return each call's limit, or the error for which it would fail now. Never raises."""
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
