"""Contract wallets that change their mind: each one is asked before its voucher is sent, and a refused voucher is given up."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from nvm_chain.chain.client import Chain
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import AnswerUnreadable, NvmChainError, RpcFailed, WalletChangedItsMind
from nvm_chain.errors.fields import Number
from nvm_chain.meter.settling.batches import Batch, Item
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.refused_vouchers import RefuseVoucher, read_front
from nvm_chain.meter.store.settlements import Settlement
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.settlement_simulations import simulate_settlement
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.vouchers import SignedVoucher, voucher_digest


class Sifted(NamedTuple):
    """A batch without the items that are not sent now, and why some of those are not."""

    batch: Batch | None
    left_out: tuple[tuple[Item, NvmChainError], ...] = ()


@dataclass(frozen=True, slots=True)
class Wallets:
    """Asks contract wallets whether they still accept the vouchers that they signed.

    ``depth`` is how many blocks have to follow the block in which a wallet changed its mind. Until then nothing is sent and
    nothing is given up, because a reorganization could take the change back.
    """

    chain: Chain
    writer: Writer
    depth: Number

    def sift(self, batch: Batch) -> Sifted:
        """Simulate the settlement of each item of a batch of contract wallets. One or two requests for each item.

        A voucher that its wallet does not accept is given up: it leaves the books, and its session is closed. If the node
        does not simulate, nothing is given up.

        Raises:
            TransactionError: The settlement would be refused as a whole.
            InsufficientCoin: The node wants the redeemer to pay for the gas of the call, and the redeemer cannot.
            ConnectionFailed: The node does not answer.
            IndexFailure: The books cannot be written.
        """
        head = self.chain.read_block().number
        accepted: list[Item] = []
        left_out: list[tuple[Item, NvmChainError]] = []
        for item in batch.items:
            try:
                if not isinstance(item.item, SignedVoucher) or self._accepts(item.item, head):
                    accepted.append(item)
                elif head >= item.seen_block and not self._accepts(item.item, max(0, head - self.depth)):
                    left_out.append((item, self.refuse(item.item)))
            except (RpcFailed, AnswerUnreadable) as error:
                left_out.append((item, error))
        kept = replace(batch, items=tuple(accepted)) if accepted else None
        return Sifted(kept, tuple(left_out))

    def refuse_mined(self, known: Iterable[Settlement]) -> None:
        """Give up vouchers that a wallet did not accept in a transaction, if that is deep enough in the chain.

        Such a wallet answers a simulation in another way than a transaction.

        Raises:
            NetworkError: The node does not give a usable answer.
            IndexFailure: The books cannot be read or written.
        """
        refused = {
            (AccountKey(settlement.plan_id, item.holder), item.voucher): settlement.block_number
            for settlement in known
            for item in settlement.items
            if item.voucher and item.result is SettlementResult.NOT_SIGNED
        }
        if not refused:
            return
        head = self.chain.read_block().number
        for (key, digest), block_number in refused.items():
            for signed in self.writer.run(partial(read_front, key=key)).vouchers:
                if head - block_number >= self.depth and self.find_digest(signed) == digest:
                    self.refuse(signed)

    def _accepts(self, signed: SignedVoucher, block: Number) -> bool:
        """Return whether a settlement behind a block would accept the signature of a voucher."""
        result = simulate_settlement(self.chain, unwrap_signature(signed), block=block).result
        return result is not SettlementResult.NOT_SIGNED

    def find_digest(self, signed: SignedVoucher) -> bytes:
        """Return the digest of a voucher, which is the id of the session that it opened."""
        return voucher_digest(signed.voucher, chain_id=self.chain.chain_id, contract=self.chain.credits.address)

    def refuse(self, signed: SignedVoucher) -> WalletChangedItsMind:
        """Give a voucher up, in one durable change. Return what to say about it. Raises IndexFailure."""
        change = RefuseVoucher(signed, self.find_digest(signed))
        (account,) = self.writer.run(lambda store: store.run([change]))
        if isinstance(account, NvmChainError):
            raise account
        return WalletChangedItsMind(account.find_next_ceiling(0), "voucher", signed.voucher.holder)
