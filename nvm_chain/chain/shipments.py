"""The state of `send_many`: which calls wait, which transactions are under way or mined, and the outcomes."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from eth_typing import ChecksumAddress
from web3.types import TxParams, TxReceipt

from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.handing_over import Fate, Parcel
from nvm_chain.chain.node import Node
from nvm_chain.chain.progress import tell
from nvm_chain.errors import NvmChainError, TransactionReplaced

MOST_ON_THEIR_WAY: Final = 500
"""The largest number of transactions of one account that are under way at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call of `Chain.send_many`: ``receipt`` if it is mined and succeeded, else ``error``.

    ``error`` is the error that `Chain.send` would raise for the call, or NotSent. ``transaction_hash`` is None if no
    transaction was sent for the call.
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
    """A nonce and its transactions: the transaction of a call, and a filler if the node refused that transaction.

    ``place`` is the index of the call. A filler is a payment of 0 from the account to itself.
    """

    place: int
    transaction: TxParams
    parcel: Parcel
    filler: Parcel | None = None

    @property
    def nonce(self) -> int:
        """The nonce of the call's transaction and of the filler."""
        return self.parcel.signed.nonce

    @property
    def hash(self) -> str:
        """The hash of the call's transaction."""
        return self.parcel.signed.hash

    @property
    def parcels(self) -> list[Parcel]:
        """The transactions that may be mined with the nonce."""
        return [self.parcel] if self.filler is None else [self.parcel, self.filler]

    @property
    def is_refused(self) -> bool:
        """Whether the node refused the call's transaction, and does not have it."""
        return self.parcel.fate is Fate.REFUSED

    @property
    def cost(self) -> int:
        """The highest cost of the transaction in wei, without the L1 fee of a rollup."""
        return count_cost(self.transaction)


class Shipment:
    """A list of calls of one account, and their state.

    ``waiting`` has the indexes of calls that are not broadcast yet.
    """

    def __init__(
        self,
        node: Node,
        address: ChecksumAddress,
        calls: Sequence[Call],
        confirmations: int = 0,
        on_progress: Callable[[int], object] | None = None,
    ) -> None:
        """Take the node, the account, the calls, the confirmations and the progress function of `Chain.send_many`."""
        self.node, self.address, self.calls = node, address, calls
        self.asker, self.confirmations = ManyAsker(node), confirmations
        self.waiting = deque(range(len(calls)))
        self.slots: dict[int, Slot] = {}
        """The slots under way, by nonce."""
        self.mined: dict[int, Slot] = {}
        """The slots with a receipt, by nonce."""
        self.replaced: dict[int, tuple[Slot, str]] = {}
        """By nonce, the slots whose nonce another transaction used, and the hash of that transaction."""
        self.outcomes: dict[int, Outcome] = {}
        self._on_progress, self._told = on_progress, 0

    @property
    def room(self) -> int:
        """The number of transactions that may be broadcast now."""
        return MOST_ON_THEIR_WAY - len(self.slots)

    def decide(self, slot: Slot, outcome: Outcome) -> None:
        """Set the outcome of a call, and remove its slot from those under way."""
        self.slots.pop(slot.nonce, None)
        self.outcomes[slot.place] = outcome

    def leave_out(self, error: NvmChainError, places: Iterable[int] | None = None) -> None:
        """Set an error as the outcome of calls that are not sent. Without ``places`` these are all waiting calls."""
        for place in [*self.waiting] if places is None else places:
            self.outcomes[place] = Outcome(None, error=error)
        if places is None:
            self.waiting.clear()

    def put_back(self, places: Sequence[int]) -> None:
        """Put calls without an outcome back to the front of the waiting list, in order."""
        self.waiting.extendleft(place for place in reversed(places) if place not in self.outcomes)

    def reopen(self) -> None:
        """Count all mined transactions as under way again, and drop their outcomes."""
        self.slots = {**self.mined, **self.slots}
        for slot in self.mined.values():
            self.outcomes.pop(slot.place, None)
        self.mined = {}

    def replace(self, slot: Slot, rival: str | None = None) -> None:
        """Set the outcome of a call whose nonce was used by another mined transaction of the account.

        With the hash of that transaction, ``rival``, the call is kept in `replaced`.
        """
        self.decide(slot, Outcome(slot.hash, error=TransactionReplaced(slot.hash, self.address, slot.nonce)))
        if rival is not None:
            self.replaced[slot.nonce] = slot, rival

    def reopen_replaced(self, slots: Iterable[Slot]) -> None:
        """Count some calls of `replaced` as under way again, and drop their outcomes."""
        for slot in slots:
            del self.replaced[slot.nonce]
            self.slots[slot.nonce] = slot
            self.outcomes.pop(slot.place, None)

    def tell(self) -> None:
        """Call ``on_progress`` with the number of known outcomes if it has grown."""
        if self._on_progress is not None and len(self.outcomes) > self._told:
            self._told = len(self.outcomes)
            tell(self._on_progress, self._told)


def count_cost(transaction: TxParams) -> int:
    """Return the highest cost of a transaction in wei: its value, and its gas limit at the highest price."""
    price = transaction["maxFeePerGas"] if "maxFeePerGas" in transaction else transaction["gasPrice"]
    return int(transaction["value"]) + int(transaction["gas"]) * int(price)
