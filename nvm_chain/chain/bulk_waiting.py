"""The second half of `send_many`: read receipts, broadcast lost transactions again, and notice replaced blocks."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from web3.types import TxReceipt

from nvm_chain.chain.asking_many import Answer
from nvm_chain.chain.handing_over import broadcast
from nvm_chain.chain.nonce_search import NonceSearch
from nvm_chain.chain.receipts import FAILED, SUCCEEDED, describe_shallow, read_receipt
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.shipments import Outcome, Shipment, Slot
from nvm_chain.errors import NetworkError, NotMined, NotSent, OutcomeUnknown

MOST_LOOKED_AT: Final = 200
"""The largest number of transactions whose receipts are requested together."""
FEW: Final = 50
"""After fewer new receipts than this, the next look comes after a pause. More transactions are mined meanwhile."""
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 1.0
FIRST_STALL_SECONDS: Final = 0.5
"""How long nothing is mined before the first search for lost transactions. The time doubles after each search."""
MOST_DOUBTS: Final = 3
"""How many times all receipts are read again because the node does not show the newest block that they name."""
MOST_IN_VAIN: Final = 5
"""The number of used nonces without a receipt after which one search ends if it finds no other transactions for them."""


class Waiting:
    """Waits for the receipts of a shipment."""

    def __init__(self, shipment: Shipment) -> None:
        """Take the shipment. No request."""
        self._shipment = shipment
        self._node = shipment.node
        self._newest: tuple[int, str] = (-1, "")
        """The number and hash of the newest block that a receipt named."""
        self._doubts: Counter[tuple[int, str]] = Counter()

    def is_over(self) -> bool:
        """Return whether all outcomes are known, and the newest block with a receipt was not replaced.

        At most one request.
        """
        shipment = self._shipment
        return not shipment.waiting and not shipment.slots and not self._is_reopened()

    def await_some(self, enough: int) -> None:
        """Wait until at most ``enough`` transactions are under way, or nothing is mined for ``timeout_seconds``."""
        shipment = self._shipment
        pauses, started, stall = self._begin(), time.monotonic(), FIRST_STALL_SECONDS
        while len(shipment.slots) > enough:
            problem, new = "", 0
            try:
                new = self._look()
            except NetworkError as error:
                problem = str(getattr(error, "reason", error))
            if new:
                pauses, started, stall = self._begin(), time.monotonic(), FIRST_STALL_SECONDS
                shipment.tell()
                if new < FEW and shipment.slots:
                    pauses.wait()
                continue
            if time.monotonic() - started >= stall:
                stall *= 2
                with suppress(NetworkError):
                    if self._mend():
                        pauses, started, stall = self._begin(), time.monotonic(), FIRST_STALL_SECONDS
            if shipment.slots and not pauses.wait():
                self._give_up(problem)

    def _begin(self) -> Pauses:
        return Pauses(self._node.timeout_seconds, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    # ------------------------------------------------------------------ receipts

    def _look(self) -> int:
        """Read the receipts of the nonces that are used on the chain. Return the number of new receipts."""
        used, found = self._find_used(), []
        for first in range(0, len(used), MOST_LOOKED_AT):
            found = self._read_receipts(used[first : first + MOST_LOOKED_AT])
            if found:  # without receipts, transactions of other programs may have taken these nonces
                break
        if self._shipment.confirmations and found:
            head = self._node.read_block().number
            found = [each for each in found if head - each[2]["blockNumber"] >= self._shipment.confirmations]
        if found and not self._is_reopened():
            for slot, transaction_hash, receipt in found:
                self._accept(slot, transaction_hash, receipt)
        return len(found)

    def _find_used(self) -> list[Slot]:
        count, slots = self._node.count_sent(self._shipment.address, "latest"), self._shipment.slots
        return [slots[nonce] for nonce in sorted(slots) if nonce < count]

    def _read_receipts(self, slots: Sequence[Slot]) -> list[tuple[Slot, str, TxReceipt]]:
        """Return the complete receipts. Raises NetworkError if there are none, and at least one answer was an error."""
        asked = [(slot, parcel.signed.hash) for slot in slots for parcel in slot.parcels]
        answers = self._shipment.asker.ask([("eth_getTransactionReceipt", (each,)) for _, each in asked])
        found, problem = [], None
        for (slot, transaction_hash), answer in zip(asked, answers, strict=True):
            try:
                receipt = self._read(answer, transaction_hash)
            except NetworkError as error:
                problem = error
                continue
            if receipt is not None:
                found.append((slot, transaction_hash, receipt))
        if problem is not None and not found:
            raise problem
        return found

    def _read(self, answer: Answer, transaction_hash: str) -> TxReceipt | None:
        if answer.error is not None:
            raise answer.error
        with self._node.typed_errors():
            return read_receipt(answer.result, transaction_hash) if answer.result else None

    def _accept(self, slot: Slot, transaction_hash: str, receipt: TxReceipt) -> None:
        """Set the outcome of a call from the receipt of its transaction, or of the filler with the same nonce."""
        self._newest = max(self._newest, (receipt["blockNumber"], f"0x{bytes(receipt['blockHash']).hex()}"))
        if transaction_hash != slot.hash:
            outcome = Outcome(slot.hash, error=slot.parcel.error)
        elif receipt["status"] == SUCCEEDED:
            outcome = Outcome(slot.hash, receipt)
        elif receipt["status"] == FAILED:
            outcome = Outcome(slot.hash, error=self._node.find_reason(slot.transaction, receipt))
        else:
            outcome = Outcome(slot.hash, error=OutcomeUnknown(slot.hash, "its receipt has no status"))
        self._shipment.decide(slot, outcome)
        self._shipment.mined[slot.nonce] = slot

    def _is_reopened(self) -> bool:
        """Return whether the newest block with a receipt was replaced, and drop all receipts if it was.

        At most one request. The receipts are kept after the same block was in doubt three times.
        """
        number, block_hash = self._newest
        if not self._shipment.mined:
            return False
        [answer] = self._shipment.asker.ask([("eth_getBlockByNumber", (hex(number), False))])
        is_same = answer.result and _read_hash(answer.result).lower() == block_hash.lower()
        if answer.error is not None or is_same or self._doubts[self._newest] >= MOST_DOUBTS:
            return False
        self._doubts[self._newest] += 1
        self._newest = (-1, "")
        self._shipment.reopen()
        return True

    # ------------------------------------------------------------------ lost and late transactions

    def _mend(self) -> bool:
        """Give lost transactions to the node again, and search for other transactions that used the nonces.

        Return whether the outcome of a call is known now.
        """
        shipment = self._shipment
        parcels = [parcel for slot in shipment.slots.values() for parcel in slot.parcels[-1:]]
        parcels.sort(key=lambda parcel: parcel.signed.nonce)
        answers = shipment.asker.ask([("eth_getTransactionByHash", (parcel.signed.hash,)) for parcel in parcels])
        lost = [parcel for parcel, answer in zip(parcels, answers, strict=True) if not answer.result]
        shipment.asker.ask([broadcast(parcel.signed) for parcel in lost])
        search, under_way, in_vain = self._begin_search(), len(shipment.slots), 0
        for slot in self._find_used():
            if in_vain == MOST_IN_VAIN:
                break
            in_vain += not self._is_replaced(slot, search)
        return len(shipment.slots) < under_way

    def _begin_search(self) -> NonceSearch:
        return NonceSearch(self._node, self._shipment.address, self._shipment.confirmations)

    def _is_replaced(self, slot: Slot, search: NonceSearch) -> bool:
        """Return whether another transaction was mined with the nonce of a call. If so, set the call's outcome."""
        mined = search.find(slot.nonce)
        if mined is None or mined in {parcel.signed.hash for parcel in slot.parcels}:
            return False
        self._shipment.decide(slot, self._shipment.replaced(slot))
        return True

    def _give_up(self, problem: str) -> None:
        """Set the outcomes of all transactions under way after the time is over. The waiting calls are not sent."""
        shipment, search = self._shipment, self._begin_search()
        used: list[Slot] = []
        shallow: set[int] = set()
        with suppress(NetworkError):
            used = self._find_used()
            shallow = {slot.nonce for slot, _, _ in self._read_receipts(used)} if shipment.confirmations else set()
        for slot in list(shipment.slots.values()):
            unknown = describe_shallow(shipment.confirmations) if slot.nonce in shallow else problem
            if unknown:
                shipment.decide(slot, Outcome(slot.hash, error=OutcomeUnknown(slot.hash, unknown)))
            elif not (slot in used and self._is_replaced(slot, search)):
                late = NotMined(slot.hash, self._node.timeout_seconds)
                shipment.decide(slot, Outcome(slot.hash, error=late))
        if shipment.waiting:
            shipment.leave_out(NotSent("earlier transactions of the account are not mined"))


def _read_hash(block: object) -> str:
    """Return the hash of the block in an answer, as hex text."""
    found = block.get("hash") if isinstance(block, Mapping) else None
    return f"0x{bytes(found).hex()}" if isinstance(found, bytes) else str(found)
