"""The settler: it sends the batches that are due, one process at a time, and keeps a journal of what it sends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    AccountBusy,
    IndexFailure,
    InvalidConfig,
    MeterClosed,
    NetworkError,
    NotMined,
    NotSent,
    NvmChainError,
)
from nvm_chain.meter.feed.store_sink import put_all
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.batches import Batch, Choice
from nvm_chain.meter.settling.first_use import FirstUses, Opened, list_pending
from nvm_chain.meter.settling.journal import Journal, JournaledSigner
from nvm_chain.meter.settling.leasing import KeyLease
from nvm_chain.meter.settling.outlooks import Outlook, Sums
from nvm_chain.meter.settling.reading import list_owing
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.stuck import replace_stuck
from nvm_chain.meter.settling.waiting import Waits, find_waits
from nvm_chain.meter.settling.wallets import Wallets
from nvm_chain.meter.store.account_changes import DropVouchers
from nvm_chain.meter.store.owing import list_over
from nvm_chain.meter.store.settlements import Settlement, SettlementState, read_failed, read_open
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.times import find_now
from nvm_chain.meter.views import KEPT_BLOCKS
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.vouchers import SignedVoucher, recover_signer
from nvm_chain.types.receipts import SettlementReceipt

PAUSE_SECONDS: Final = 15
"""The shortest pause between two looks for what is due. Looks that take long have longer pauses between them."""
SHARE_OF_LOOKS: Final = 10
"""A pause is at least so many times as long as the look before it, so that looks leave most of a processor to others."""
LEASE_SPARE_SECONDS: Final = 60
"""How much longer the lease is than the longest wait for a transaction."""
DROP_SECONDS: Final = 3_600
"""How often vouchers are dropped whose deadline is over for good."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a batch: a receipt, or an error. After an error, the same totals are sent again with the next batch."""

    batch: Batch
    receipt: SettlementReceipt | None
    error: NvmChainError | None


class Settler:
    """Settles what is due with one key of the seller. One process at a time settles with a key: the others are refused.

    After a rotation, run a second one with the old key, until `find_debts` says that nothing is owed to it.
    """

    def __init__(
        self,
        chain: Chain,
        signer: Signer,
        writer: Writer,
        settings: MeterSettings,
        rules: SettleRules | None = None,
        *,
        renew: Callable[[], MeterSettings] | None = None,
    ) -> None:
        """Take one of the seller's keys, and the books.

        Args:
            chain: The connection to the chain of the books.
            signer: The redeemer's key, or one of the former ones.
            writer: The books.
            settings: What is served on which plans.
            rules: When to settle.
            renew: Returns the settings for each settlement, where plans may come while the settler runs.

        Raises:
            InvalidConfig: The key is not one of the settings.
        """
        if signer.address not in settings.keys:
            raise InvalidConfig(
                f"{signer.address} is not a redeemer of these settings",
                "give the key of `redeemer` or of one of `former_redeemers`",
            )
        self._chain, self._writer, self._key = chain, writer, signer
        self._lease = KeyLease(writer, signer.address, chain.timeout_seconds + LEASE_SPARE_SECONDS)
        self._signer = JournaledSigner(chain, signer, writer, self._lease.take)
        self._journal = Journal(chain, signer.address, writer)
        self._first_uses = FirstUses(chain, signer, writer, self._lease.take)
        self._wallets = Wallets(chain, writer, settings.depth)
        self._settings, self.rules, self._renew = settings, rules or SettleRules(), renew
        self._next_drop = 0.0
        self._looked_seconds = 0.0

    # ------------------------------------------------------------------ look

    def look(self, now: int | None = None) -> Outlook:
        """Return what would be settled now. Nothing is sent or written. At most two requests.

        Args:
            now: The Unix second of the question. If not given, the later of the chain's time and this machine's clock.

        Raises:
            IndexFailure: The books cannot be read.
            NetworkError: The node does not tell its time.
        """
        now = self._now() if now is None else now
        waits, choice, sums = self._find_waits(now), self._begin(now), Sums(self.rules, now)
        owed = takeable = waiting = holders = 0
        for credits, owing in list_owing(self._writer, self._settings, self._signer.address, now):
            owed, holders = owed + credits, holders + 1
            if owing is None:
                sums.add_other_key(credits)
            elif waits.hold(owing):
                waiting += credits
            else:
                taken = choice.add(owing, waits.find_most(owing))
                sums.add(owing, taken)
                takeable += taken
        batches = tuple(choice.list_batches())
        openings = tuple(each for each in list_pending(self._writer) if each.opening.redeemer == self._key.address)
        return Outlook(batches, owed, takeable, waiting, holders, sums.hindered, sums.next_due, openings)

    def choose(self, now: int | None = None) -> list[Batch]:
        """Return the batches of `look`, and read only those accounts as a whole that are due, or near to it."""
        now = self._now() if now is None else now
        waits, choice = self._find_waits(now), self._begin(now)
        for _, owing in list_owing(self._writer, self._settings, self._signer.address, now, self.rules):
            if owing is not None and not waits.hold(owing):
                choice.add(owing, waits.find_most(owing))
        return choice.list_batches()

    def _begin(self, now: int) -> Choice:
        return Choice(self.rules, now, self._is_by_wallet)

    def _find_waits(self, now: int) -> Waits:
        since = now - self.rules.retry_seconds
        known = self._writer.run(lambda store: [*read_open(store), *read_failed(store, since)])
        return find_waits(known, now, since, self._wallets.find_digest)

    def _is_by_wallet(self, signed: SignedVoucher) -> bool:
        settings = self._settings
        signer = recover_signer(signed, chain_id=settings.chain_id, contract=settings.credits)
        return signer != signed.voucher.holder

    def _now(self) -> int:
        return find_now(self._chain.read_time(), int(time.time()))

    # ------------------------------------------------------------------ settle

    def settle(self, tell: Callable[[Opened], object] | None = None) -> list[Settled]:
        """Settle what is due, one transaction after the other. A batch that fails harms no other.

        First the outcomes of earlier transactions are looked up. The books learn what was taken from the chain, and not from
        an answer. So a transaction whose outcome is unknown, or which a reorganization drops, is settled again by itself. Then
        access is opened for the holders who wait for it.

        Args:
            tell: Called with each holder's access that was to be opened.

        Raises:
            SecondSettler: Another process settles with this key.
            NetworkError: The node does not give a usable answer. Nothing was sent.
            IndexFailure: The books cannot be read or written.
        """
        if self._renew is not None:
            self._settings = self._renew()
        began = time.monotonic()
        with self._lease.hold():
            known = self.look_up()
            self._wallets.refuse_mined(known)
            self._replace_stuck(known)
            self._drop_vouchers()
            batches = self.choose()
            self._looked_seconds = time.monotonic() - began
            self._open_windows(tell)
            return list(self._send_all(batches))

    def _open_windows(self, tell: Callable[[Opened], object] | None) -> None:
        """Open access for those who wait for it, and write down what came of it."""
        opened = self._first_uses.open()
        if tell is not None:
            for each in opened:
                tell(each)
        if opened:
            with suppress(NetworkError, IndexFailure):  # the next look tries it again
                self._journal.look_up((SettlementState.OPEN,))

    def look_up(self) -> list[Settlement]:
        """Look up what came of earlier transactions of all keys, and return those whose outcome is not final.

        Raises:
            NetworkError: The node does not give a usable answer.
            IndexFailure: The books cannot be read or written.
        """
        return self._journal.look_up()

    def run(
        self,
        stop: threading.Event,
        tell: Callable[[Settled | Opened | NvmChainError], None] | None = None,
        *,
        pause_seconds: int | None = None,
    ) -> None:
        """Settle what is due again and again, until the event is set. While the books or the node are away, it waits.

        Args:
            stop: Ends the settler before its next look.
            tell: Called with each batch, each opening of access, and each error after which the settler tries again.
            pause_seconds: The pause between two looks. Looks that take long have longer pauses between them.

        Raises:
            MeterClosed: The books were closed.
        """
        pause = PAUSE_SECONDS if pause_seconds is None else pause_seconds
        while not stop.is_set():
            try:
                for settled in self.settle(tell):
                    if tell is not None:
                        tell(settled)
            except (IndexFailure, NetworkError) as error:
                if tell is not None:
                    tell(error)
            stop.wait(max(pause, SHARE_OF_LOOKS * self._looked_seconds))

    def _replace_stuck(self, known: list[Settlement]) -> None:
        """Replace the transaction that the key waits for. While somebody else sends with the key, that can wait."""
        with suppress(AccountBusy, NotSent):
            replace_stuck(self._chain, self._key, self._writer, self.rules, known, self._lease.take)

    def _send_all(self, batches: list[Batch]) -> Iterator[Settled]:
        """Send batches, and write down what came of them. Behind a transaction that is not mined, others would only wait."""
        for batch in batches:
            told = list(self._send(batch))
            yield from told
            with suppress(NetworkError, IndexFailure):  # the next look tries it again
                self._journal.look_up((SettlementState.OPEN,))
            if any(isinstance(settled.error, NotMined) for settled in told):
                return

    def _send(self, batch: Batch) -> Iterator[Settled]:
        try:
            self._lease.take()
            if batch.has_wallets:
                kept, left_out = self._wallets.sift(batch)
                for item, error in left_out:
                    yield Settled(replace(batch, items=(item,)), None, error)
                if kept is None:
                    return
                batch = kept
            items, totals = [item.item for item in batch.items], [item.total for item in batch.items]
            receipt = settle_vouchers(self._chain, self._signer, batch.plan_id, items, totals=totals)
        except MeterClosed:
            raise
        except NvmChainError as error:
            yield Settled(batch, None, error)
        else:
            yield Settled(batch, receipt, None)

    def _drop_vouchers(self) -> None:
        """Drop, now and then, the vouchers that were over at the time of a block that is not replaced any more."""
        if time.monotonic() < self._next_drop:
            return
        final = self._chain.read_block().number - KEPT_BLOCKS
        if final >= 0:
            final_time = self._chain.read_block(final).timestamp
            put_all(self._writer, [DropVouchers(key, final_time) for key in list_over(self._writer, final_time)])
        self._next_drop = time.monotonic() + DROP_SECONDS
