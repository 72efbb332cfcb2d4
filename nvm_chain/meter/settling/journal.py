"""The settler's journal: a transaction is in the books before it is sent, and its outcome is looked up until it is final."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, Final

from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from msgspec.structs import replace

from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import SUCCEEDED, summarize, write_hash
from nvm_chain.meter.settling.opening_transactions import may_send_again, read_opened
from nvm_chain.meter.store.settlement_notices import add_failed
from nvm_chain.meter.store.settlements import (
    NO_BLOCK,
    SettledItem,
    Settlement,
    SettlementState,
    note_outcomes,
    note_signed,
    read_open,
)
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import KEPT_BLOCKS
from nvm_chain.operations.settlement import read_outcomes
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.vouchers import Voucher, voucher_digest

SETTLE: Final = "settle"
NOT_FINAL: Final = (SettlementState.OPEN, SettlementState.MINED, SettlementState.LOST)


@dataclass(frozen=True, slots=True)
class JournaledSigner:
    """A signer of settlements that writes each signed transaction into the books before anybody can send it.

    ``guard`` is called before a transaction is signed. It raises an error if this process may not send any more.
    """

    chain: Chain
    signer: Signer
    writer: Writer
    guard: Callable[[], None] = lambda: None

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""
        return self.signer.address

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign a transaction, and return it when it is in the books. Raises SecondSettler or IndexFailure."""
        self.guard()
        signed = self.signer.sign_transaction(transaction_dict)
        raw = bytes(signed.raw_transaction)
        found = self._read_items(HexBytes(transaction_dict.get("data", b"")))
        if found is not None:
            plan_id, items = found
            nonce, transaction_hash = int(transaction_dict["nonce"]), f"0x{keccak(raw).hex()}"
            settlement = Settlement(transaction_hash, plan_id, self.address, nonce, items, raw)
            self.writer.run(lambda store: note_signed(store, settlement))
        return signed

    def _read_items(self, data: bytes) -> tuple[int, tuple[SettledItem, ...]] | None:
        """Return the plan and the items of a settlement. None for a payment that only takes a nonce."""
        if not data:
            return None
        function, arguments = self.chain.credits.decode_function_input(data)
        if function.fn_name != SETTLE:
            return None
        plan_id, items = arguments.values()
        return plan_id, tuple(self._read_item(plan_id, item) for item in items)

    def _read_item(self, plan_id: int, item: Any) -> SettledItem:
        """Return an item, which web3 gives as a mapping or as a tuple."""
        holder, total, ceiling, context, deadline, signature = item.values() if isinstance(item, dict) else item
        if not signature:
            return SettledItem(holder, total)
        voucher = Voucher(plan_id, holder, self.address, ceiling, bytes(context), deadline)
        digest = voucher_digest(voucher, chain_id=self.chain.chain_id, contract=self.chain.credits.address)
        return SettledItem(holder, total, voucher=digest)


class Journal:
    """Looks up the transactions that are in the books, and writes what came of them. It sends those of its own key again."""

    def __init__(self, chain: Chain, address: ChecksumAddress | None, writer: Writer) -> None:
        """Take the chain, the key's address, and the books. Without an address, nothing is ever sent. No request."""
        self._chain, self._address, self._writer = chain, address, writer

    def look_up(self, states: Container[SettlementState] = NOT_FINAL) -> list[Settlement]:
        """Look each transaction up that is not final, and return those that are not final now.

        One of this key that a node has lost is sent again, byte for byte. One request, another for each key, and two or
        three for each transaction.

        Args:
            states: The states of the transactions to look up.

        Raises:
            NetworkError: The node does not give a usable answer.
            IndexFailure: The books cannot be written.
        """
        known = [each for each in self._writer.run(read_open) if each.state in states]
        if not known:
            return []
        head = self._chain.read_block().number
        used = {key: self._chain.count_sent(key, "latest") for key in {each.redeemer for each in known}}
        looked = [self._look_at(settlement, head, used[settlement.redeemer]) for settlement in known]
        changed = [new for old, new in zip(known, looked, strict=True) if new != old]
        if changed:
            self._writer.run(lambda store: note_outcomes(store, changed, add_failed))
        return [settlement for settlement in looked if settlement.state < SettlementState.DONE]

    def _look_at(self, settlement: Settlement, head: int, used: int) -> Settlement:
        receipt = self._chain.find_receipt(settlement.hash)
        if receipt is not None:
            return self._note_mined(settlement, receipt, head)
        is_ours = settlement.redeemer == self._address
        state = SettlementState.LOST
        if settlement.nonce >= used and self._is_sent(settlement, is_ours=is_ours):
            state = SettlementState.OPEN
        since = (settlement.block_number if settlement.state is state else 0) or head
        if state is SettlementState.LOST and head - since >= KEPT_BLOCKS and (is_ours or settlement.nonce < used):
            return replace(settlement, state=SettlementState.GONE, raw=b"")
        return _reopen(settlement, state, since)

    def _is_sent(self, settlement: Settlement, *, is_ours: bool) -> bool:
        """Return whether a node has a transaction that is not mined, after it was sent again if need be."""
        if self._chain.find_transaction(settlement.hash) is not None:
            return True
        if not is_ours or not may_send_again(self._chain, settlement):  # only the settler of a key sends with it
            return False
        ManyAsker(self._chain).ask([("eth_sendRawTransaction", (f"0x{settlement.raw.hex()}",))])
        sent = self._chain.find_transaction(settlement.hash) is not None
        return sent or self._chain.find_receipt(settlement.hash) is not None

    def _note_mined(self, settlement: Settlement, receipt: Any, head: int) -> Settlement:
        is_final = head - receipt["blockNumber"] >= KEPT_BLOCKS
        told = summarize(receipt)
        return replace(
            settlement,
            state=SettlementState.DONE if is_final else SettlementState.MINED,
            block_number=receipt["blockNumber"],
            block_hash=bytes.fromhex(write_hash(receipt["blockHash"])[2:]),
            gas=told.gas_used or 0,
            fee=told.fee_wei or 0,
            items=self._read_outcomes(settlement, receipt),
            raw=b"" if is_final else settlement.raw,
        )

    def _read_outcomes(self, settlement: Settlement, receipt: Any) -> tuple[SettledItem, ...]:
        if receipt["status"] != SUCCEEDED:
            return _clear(settlement)
        if settlement.opens_from is not None:
            return read_opened(settlement)
        outcomes = read_outcomes(self._chain, [item.holder for item in settlement.items], receipt)
        return tuple(
            replace(item, taken=outcome.amount, result=outcome.result)
            for item, outcome in zip(settlement.items, outcomes, strict=True)
        )


def _reopen(settlement: Settlement, state: SettlementState, block_number: int) -> Settlement:
    """Return a transaction that is not in any block. After a block was replaced, what it took counts no more."""
    items = _clear(settlement)
    return replace(settlement, state=state, block_number=block_number, block_hash=NO_BLOCK, gas=0, fee=0, items=items)


def _clear(settlement: Settlement) -> tuple[SettledItem, ...]:
    """Return the items of a transaction without outcomes."""
    return tuple(replace(item, taken=0, result=None) for item in settlement.items)
