"""The second half of `send_many`: read receipts, broadcast lost transactions again, and notice replaced blocks."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from web3.types import TxReceipt

from nvm_chain.chain.asking_many import Answer
from nvm_chain.chain.handing_over import Fate, broadcast, look_for
from nvm_chain.chain.nonce_search import NonceSearch
from nvm_chain.chain.receipts import (
    FAILED,
    NO_RECEIPT,
    NOT_IN_CHAIN,
    SUCCEEDED,
    describe_shallow,
    read_receipt,
    write_hash,
)
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.replays import find_reason
from nvm_chain.chain.shipments import Outcome, Shipment, Slot
from nvm_chain.errors import NetworkError, NotMined, NotSent, OutcomeUnknown

MOST_LOOKED_AT: Final = 200
"""The largest number of transactions whose receipts are requested together."""
FEW: Final = 50
"""After fewer new receipts than this, there is a pause before the next look, so that more transactions are mined."""
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 1.0
FIRST_STALL_SECONDS: Final = 0.5
"""How long nothing is mined before the first search for lost transactions. The time doubles after each search."""
MOST_DOUBTS: Final = 3
"""How many times all receipts are read again because the node shows another block with the number that they name."""
MOST_DOUBTS_IN_ALL: Final = 30
"""How many times all receipts are read again, whatever blocks they name."""
MOST_IN_VAIN: Final = 5
"""A search for other transactions that used the nonces ends after this many nonces for which it found none."""


class Waiting:
    """Waits for the receipts of a shipment."""

    def __init__(self, shipment: Shipment) -> None:
        """Take the shipment. No request."""
        self._shipment = shipment
        self._node = shipment.node
        self._newest: tuple[int, str] = (-1, "")
        """The number and hash of the newest block that a receipt named."""
        self._doubts: Counter[int] = Counter()
        """How many times all receipts were read again, by the number of the newest block."""
        self._rounds = 0
        """How many times the transactions that replaced others were looked up again."""

    def is_over(self) -> bool:
        """Return whether all outcomes are known, and the blocks that decided them were not replaced.

        If the newest block was replaced, all calls with a receipt count as under way again. If a transaction that
        replaced a call's transaction is not mined any more, that call does. At most two requests.
        """
        shipment = self._shipment
        is_decided = not shipment.waiting and not shipment.slots
        return is_decided and not self._drop_replaced() and not self._reopen_replaced()

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
        """Read the receipts of transactions whose nonces are used on the chain. Return the number of new receipts."""
        used, found = self._find_used(), []
        for first in range(0, len(used), MOST_LOOKED_AT):
            found = self._read_receipts(used[first : first + MOST_LOOKED_AT])
            if found:  # without receipts, transactions of other programs may have taken these nonces
                break
        if self._shipment.confirmations and found:
            doubts = self._doubt([receipt for _, _, receipt in found])
            found = [each for each, doubt in zip(found, doubts, strict=True) if not doubt]
        if found and not self._drop_replaced():
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

    def _doubt(self, receipts: Sequence[TxReceipt]) -> list[str]:
        """Return for each receipt why it does not count yet, or an empty text. Requests for the head and each block.

        Without confirmations each receipt counts. One machine of a gateway may show a receipt from a block that the
        others have replaced, so the hash of each block is compared.

        Raises NetworkError.
        """
        confirmations = self._shipment.confirmations
        if not confirmations or not receipts:
            return [""] * len(receipts)
        deepest = self._node.read_block().number - confirmations
        numbers = sorted({receipt["blockNumber"] for receipt in receipts if receipt["blockNumber"] <= deepest})
        answers = self._shipment.asker.ask([("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
        for answer in answers:
            if answer.error is not None:
                raise answer.error
        hashes: dict[int, str] = {
            number: _read_hash(answer.result) for number, answer in zip(numbers, answers, strict=True)
        }
        return [_describe_doubt(receipt, hashes, confirmations) for receipt in receipts]

    def _accept(self, slot: Slot, transaction_hash: str, receipt: TxReceipt) -> None:
        """Set the outcome of a call from the receipt of its transaction, or of the filler with the same nonce."""
        self._newest = max(self._newest, (receipt["blockNumber"], write_hash(receipt["blockHash"])))
        if transaction_hash != slot.hash:
            outcome = Outcome(slot.hash, error=slot.parcel.error)
        elif receipt["status"] == SUCCEEDED:
            outcome = Outcome(slot.hash, receipt)
        elif receipt["status"] == FAILED:
            outcome = Outcome(slot.hash, error=find_reason(self._node, slot.transaction, receipt))
        else:
            outcome = Outcome(slot.hash, error=OutcomeUnknown(slot.hash, "its receipt has no status"))
        self._shipment.decide(slot, outcome)
        self._shipment.mined[slot.nonce] = slot

    def _drop_replaced(self) -> bool:
        """If the newest block with a receipt was replaced, drop all receipts. Return whether it was.

        At most one request. The receipts are kept after a block with the same number was in doubt three times.
        """
        number, block_hash = self._newest
        if not self._shipment.mined:
            return False
        [answer] = self._shipment.asker.ask([("eth_getBlockByNumber", (hex(number), False))])
        is_same = answer.result and _read_hash(answer.result) == block_hash
        if answer.error is not None or is_same or not self._may_doubt(number):
            return False
        self._newest = (-1, "")
        self._shipment.reopen()
        return True

    def _reopen_replaced(self) -> bool:
        """Count calls as under way again if the transaction that replaced theirs is not mined any more.

        Return whether there are any. At most one request, and at most three times.
        """
        replaced = list(self._shipment.replaced.values())
        if not replaced or self._rounds >= MOST_DOUBTS:
            return False
        self._rounds += 1
        answers = self._shipment.asker.ask([("eth_getTransactionReceipt", (rival,)) for _, rival in replaced])
        undone = [
            slot
            for (slot, _), answer in zip(replaced, answers, strict=True)
            if answer.error is None and not answer.result
        ]
        self._shipment.reopen_replaced(undone)
        return bool(undone)

    def _may_doubt(self, number: int) -> bool:
        """Count a doubt about a block, and return whether its receipts may be read again because of it."""
        if self._doubts[number] >= MOST_DOUBTS or self._doubts.total() >= MOST_DOUBTS_IN_ALL:
            return False
        self._doubts[number] += 1
        return True

    # ------------------------------------------------------------------ lost and late transactions

    def _mend(self) -> bool:
        """Give lost transactions to the node again, and search for other transactions that used the calls' nonces.

        Before that, if the newest block with a receipt was replaced, count the mined transactions as under way again.
        Return whether the search decided the outcome of a call.
        """
        shipment = self._shipment
        self._drop_replaced()
        slots = sorted(shipment.slots.values(), key=lambda slot: slot.nonce)
        newest = [slot.parcels[-1].signed for slot in slots]
        answers = shipment.asker.ask([("eth_getTransactionByHash", (signed.hash,)) for signed in newest])
        pairs = list(zip(slots, answers, strict=True))
        lost = [slot.parcels[-1] for slot, answer in pairs if not answer.result]
        shipment.asker.ask([broadcast(parcel.signed) for parcel in lost if parcel.fate is not Fate.REFUSED])
        gone = {slot.nonce for slot, answer in pairs if answer.error is None and not answer.result}
        search, under_way, in_vain = self._begin_search(), len(shipment.slots), 0
        for slot in self._find_used():
            if in_vain == MOST_IN_VAIN:
                break
            if slot.nonce in gone:
                in_vain += not self._note_replaced(slot, search)
        return len(shipment.slots) < under_way

    def _begin_search(self) -> NonceSearch:
        return NonceSearch(self._node, self._shipment.address, self._shipment.confirmations)

    def _note_replaced(self, slot: Slot, search: NonceSearch) -> bool:
        """If another transaction used the nonce of a call, set the outcome of the call. Return whether it did."""
        mined = search.find(slot.nonce)
        if mined is None or mined in {parcel.signed.hash for parcel in slot.parcels}:
            return False
        if slot.filler is None:
            self._shipment.replace(slot, mined)
        else:
            self._shipment.decide(slot, Outcome(slot.hash, error=slot.parcel.error))
        return True

    def _give_up(self, problem: str) -> None:
        """When the time is over, set the outcomes of all transactions under way. The waiting calls are not sent."""
        shipment, search = self._shipment, self._begin_search()
        used: dict[int, bool | None] = {}
        doubts: dict[int, str] = {}
        with suppress(NetworkError):
            slots = self._find_used()
            used = dict.fromkeys(slot.nonce for slot in slots)
            doubts = self._find_doubts(slots)
            seen = look_for(shipment.asker, [slot.hash for slot in slots])
            used = {slot.nonce: is_there for slot, is_there in zip(slots, seen, strict=True)}
        for slot in list(shipment.slots.values()):
            unknown = doubts.get(slot.nonce, "" if slot.filler else problem)
            if not unknown and slot.filler is None and slot.nonce in used and search.find(slot.nonce) == slot.hash:
                unknown = NO_RECEIPT
            if unknown:
                shipment.decide(slot, Outcome(slot.hash, error=OutcomeUnknown(slot.hash, unknown)))
            elif slot.filler is not None:
                shipment.decide(slot, Outcome(slot.hash, error=slot.parcel.error))
            elif used.get(slot.nonce) is not False or not self._note_replaced(slot, search):
                late = NotMined(slot.hash, self._node.timeout_seconds)
                shipment.decide(slot, Outcome(slot.hash, error=late))
        if shipment.waiting:
            shipment.leave_out(NotSent("earlier transactions of the account are not mined"))

    def _find_doubts(self, slots: Sequence[Slot]) -> dict[int, str]:
        """Return why the mined transactions of calls do not count yet, by nonce. Without confirmations, no request."""
        confirmations = self._shipment.confirmations
        found = self._read_receipts(slots) if confirmations else []
        doubts = [""] * len(found)
        with suppress(NetworkError):
            doubts = self._doubt([receipt for _, _, receipt in found])
        return {
            slot.nonce: doubt or describe_shallow(confirmations)
            for (slot, transaction_hash, _), doubt in zip(found, doubts, strict=True)
            if transaction_hash == slot.hash
        }


def _read_hash(block: object) -> str:
    """Return the hash of the block in an answer, as hex text."""
    found = block.get("hash") if isinstance(block, Mapping) else None
    return f"0x{bytes(found).hex()}" if isinstance(found, bytes) else str(found).lower()


def _describe_doubt(receipt: TxReceipt, hashes: Mapping[int, str], confirmations: int) -> str:
    """Return why a receipt does not count yet, or an empty text. ``hashes`` has the hashes of blocks that are deep."""
    number = receipt["blockNumber"]
    if number not in hashes:
        return describe_shallow(confirmations)
    return "" if hashes[number] == write_hash(receipt["blockHash"]) else NOT_IN_CHAIN
