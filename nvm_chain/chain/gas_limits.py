"""Gas limits of many calls, from a simulation of each call."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress
from eth_utils.address import is_checksum_address

from nvm_chain.chain.asking_many import ManyAsker, Question
from nvm_chain.chain.call_forms import CALL, HIGH, Form, build_parameters, find_form, recall_form
from nvm_chain.chain.fees import MOST_GAS, read_fees
from nvm_chain.chain.node import Node
from nvm_chain.chain.purses import Fields
from nvm_chain.chain.sending import Sender, call_params, limit_gas
from nvm_chain.errors import InvalidConfig, NvmChainError

SPARE_PERCENT: Final = 5
"""The margin on the gas of the first call of a shape. A later call that needs more gas is estimated too."""
Shape: TypeAlias = tuple[str | None, str, int, bool]
"""What calls that mostly use equal gas have in common: contract, function, data length, and whether coin is sent."""


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
        """The call's shape. Calls with the same shape mostly use equal gas."""
        return self.to, self.data[:10], len(self.data), self.value > 0


def check_call(call: Call, place: int) -> None:
    """Raise InvalidConfig if a field of a call is malformed. ``place`` is the call's index in its list."""
    fields = {
        "data": (_is_data(call.data), "0x and two hexadecimal digits for each byte"),
        "to": (call.to is None or _is_address(call.to), "an address with its checksum, or None"),
        "value": (_is_number(call.value), "a whole number of wei, at least 0"),
        "gas": (call.gas is None or (_is_number(call.gas) and call.gas > 0), "a whole number above 0, or None"),
        "extra_gas": (_is_number(call.extra_gas), "a whole number, at least 0"),
    }
    for name, (is_right, expected) in fields.items():
        if not is_right:
            raise InvalidConfig(f"The {name} of call {place} is not {expected}")


def _is_data(data: object) -> bool:
    return isinstance(data, str) and len(data) % 2 == 0 and re.fullmatch("0x[0-9a-fA-F]*", data) is not None


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _has_checksum(value)


@lru_cache(maxsize=4096)
def _has_checksum(text: str) -> bool:
    """Return whether a text is an address with its checksum. Calls repeat few addresses, so results are cached."""
    return is_checksum_address(text)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 256


@dataclass
class GasLimits:
    """Finds gas limits of calls.

    Calls with the same contract, function and data length (a shape) mostly need equal gas. The first is estimated. The
    others are tried with that gas plus 5 %, which is faster; one that fails is estimated too.
    """

    node: Node
    sender: Sender
    asker: ManyAsker
    known: dict[Shape, int] = field(default_factory=dict)

    def find(self, address: ChecksumAddress, calls: Sequence[Call], block_gas_limit: int) -> list[int | NvmChainError]:
        """Return the gas limit of each call, or the error with which the call would fail now.

        The errors are not raised. A limit that the call names is not changed.
        """
        found: dict[int, int | NvmChainError] = {}
        for place, call in enumerate(calls):
            if call.gas is not None:
                found[place] = call.gas
            elif call.shape not in self.known:
                found[place] = self._estimate(address, call, block_gas_limit)
        tried = [place for place in range(len(calls)) if place not in found]
        fits = self._try(address, [calls[place] for place in tried])
        for place, fit in zip(tried, fits, strict=True):
            call = calls[place]
            found[place] = (
                limit_gas(self.known[call.shape], call.extra_gas, block_gas_limit)
                if fit
                else self._estimate(address, call, block_gas_limit)
            )
        return [found[place] for place in range(len(calls))]

    def _try(self, address: ChecksumAddress, calls: Sequence[Call]) -> list[bool]:
        """Return for each call whether it succeeds with the known gas of its shape.

        If one fails, the node may have refused the form of all, so they are tried again in the form that it accepts.
        """
        form = recall_form(self.node, CALL, address) if calls else None
        fits = self._try_in(form or HIGH, address, calls)
        if form is None and not all(fits):
            form = find_form(self.node, CALL, address)
            return fits if form == HIGH else self._try_in(form, address, calls)
        return fits

    def _try_in(self, form: Form, address: ChecksumAddress, calls: Sequence[Call]) -> list[bool]:
        prices = read_fees(self.node).params() if form.price == "read" and calls else {}
        answers = self.asker.ask([self._build_trial(address, call, form, prices) for call in calls])
        return [answer.error is None and isinstance(answer.result, str) for answer in answers]

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

    def _build_trial(self, address: ChecksumAddress, call: Call, form: Form, prices: Fields) -> Question:
        told = {**call_params(address, call.data, call.to, call.value), "gas": self.known[call.shape], **prices}
        return CALL, build_parameters(self.node, told, form)
