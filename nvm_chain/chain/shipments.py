"""A list of calls on its way: what is handed over, what is mined, and what became of each."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from eth_typing import ChecksumAddress
from web3.types import TxParams, TxReceipt

from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.handing_over import Parcel
from nvm_chain.chain.node import Node
from nvm_chain.errors import NvmChainError, TransactionReplaced

MOST_ON_THEIR_WAY: Final = 500
"""Transactions of one account that are handed over before some of them are mined."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call of many: ``receipt`` if it is mined and succeeded, else ``error``.

    ``error`` is what sending the call by itself would raise, or NotSent. ``transaction_hash`` is None if nothing was sent.
    """

    transaction_hash: str | None
    receipt: TxReceipt | None = None
    error: NvmChainError | None = None

    def read(self) -> TxReceipt:
        """Return the receipt, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast(TxReceipt, self.receipt)


@dataclass(slots=True)
class Slot:
    """A nonce, and what was handed over with it: a call's transaction, and if that was refused what takes its place."""

    place: int
    transaction: TxParams
    parcel: Parcel
    filler: Parcel | None = None

    @property
    def nonce(self) -> int:
        """The nonce."""
        return self.parcel.signed.nonce

    @property
    def hash(self) -> str:
        """The hash of the call's transaction."""
        return self.parcel.signed.hash

    @property
    def parcels(self) -> list[Parcel]:
        """What may be mined with the nonce."""
        return [self.parcel] if self.filler is None else [self.parcel, self.filler]

    @property
    def cost(self) -> int:
        """What the transaction may cost at most, in wei, without what a rollup adds."""
        return count_cost(self.transaction)


class Shipment:
    """One list of calls of one account. ``waiting`` are the places of those that are not handed over yet."""

    def __init__(
        self,
        node: Node,
        address: ChecksumAddress,
        calls: Sequence[Call],
        confirmations: int = 0,
        on_progress: Callable[[int], object] | None = None,
    ) -> None:
        """Take the calls, how many blocks have to be on top of each receipt's, and what is called with the number of outcomes."""
        self.node, self.address, self.calls = node, address, calls
        self.asker, self.confirmations = ManyAsker(node), confirmations
        self.waiting = deque(range(len(calls)))
        self.slots: dict[int, Slot] = {}
        """By nonce, what is on its way."""
        self.mined: dict[int, Slot] = {}
        """By nonce, what has a receipt."""
        self.outcomes: dict[int, Outcome] = {}
        self._on_progress, self._told = on_progress, 0

    @property
    def room(self) -> int:
        """How many more may be handed over now."""
        return MOST_ON_THEIR_WAY - len(self.slots)

    def decide(self, slot: Slot, outcome: Outcome) -> None:
        """Set what became of a call that was on its way."""
        self.slots.pop(slot.nonce, None)
        self.outcomes[slot.place] = outcome

    def leave_out(self, error: NvmChainError, places: Iterable[int] | None = None) -> None:
        """Set for calls that nothing was sent, and why; for all that wait if not given."""
        for place in [*self.waiting] if places is None else places:
            self.outcomes[place] = Outcome(None, error=error)
        if places is None:
            self.waiting.clear()

    def reopen(self) -> None:
        """Forget what was mined: it is on its way again."""
        self.slots = {**self.mined, **self.slots}
        for slot in self.mined.values():
            self.outcomes.pop(slot.place, None)
        self.mined = {}

    def replaced(self, slot: Slot) -> Outcome:
        """Return the outcome of a call with whose nonce another transaction of the account was mined."""
        return Outcome(slot.hash, error=TransactionReplaced(slot.hash, self.address, slot.nonce))

    def tell(self) -> None:
        """Say how many outcomes are known."""
        if self._on_progress is not None and len(self.outcomes) > self._told:
            self._told = len(self.outcomes)
            self._on_progress(self._told)


def count_cost(transaction: TxParams) -> int:
    """Return what a transaction may cost at most, in wei: what it carries, and its gas."""
    price = transaction["maxFeePerGas"] if "maxFeePerGas" in transaction else transaction["gasPrice"]
    return int(transaction["value"]) + int(transaction["gas"]) * int(price)
