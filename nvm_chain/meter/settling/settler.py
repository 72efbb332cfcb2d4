"""The settler: it sends the batches that are due, one process at a time, and keeps a journal of what it sends."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexFailure, InvalidConfig, MeterClosed, NetworkError, NvmChainError, SecondSettler
from nvm_chain.errors.fields import Credits, Quantity
from nvm_chain.meter.feed.store_sink import put_all
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.batches import Batch, Choice
from nvm_chain.meter.settling.journal import Journal, JournaledSigner
from nvm_chain.meter.settling.reading import list_owing
from nvm_chain.meter.settling.rules import Owing, SettleRules
from nvm_chain.meter.store.account_changes import DropVouchers
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.leases import give_lease_back, take_lease
from nvm_chain.meter.store.owing import list_over
from nvm_chain.meter.store.settlements import Settlement, find_waiting, read_failed, read_open
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


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be settled now, and what would be left.

    ``owed`` is what is owed in all, by ``holders``. ``takeable`` is what this key, vouchers and balances allow to take now. The
    rest waits for a better voucher or for credits, or is lost, or another key has to take it. ``waiting`` is what is owed by
    holders with a transaction that is not mined, or not in the books yet.
    """

    batches: tuple[Batch, ...]
    owed: Credits
    takeable: Credits
    waiting: Credits
    holders: Quantity

    @property
    def closes(self) -> Credits:
        """The credits that the batches take. By so many the seller's exposure becomes smaller."""
        return sum(batch.credits for batch in self.batches)

    @property
    def gas(self) -> Quantity:
        """The gas of all batches, from measured settlements."""
        return sum(batch.gas for batch in self.batches)


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
        self._chain, self._writer = chain, writer
        self._signer = JournaledSigner(chain, signer, writer)
        self._journal = Journal(chain, signer.address, writer)
        self._settings, self.rules, self._renew = settings, rules or SettleRules(), renew
        self._owner = secrets.token_bytes(16)
        self._next_drop = 0.0

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
        waits = self._find_waiting(now)
        choice = self._begin(now)
        owed = takeable = waiting = holders = 0
        for credits, owing in list_owing(self._writer, self._settings, self._signer.address, now):
            owed, holders = owed + credits, holders + 1
            if owing is None:
                continue
            if _has_to_wait(owing, waits):
                waiting += credits
            else:
                takeable += choice.add(owing)
        return Outlook(tuple(choice.list_batches()), owed, takeable, waiting, holders)

    def choose(self, now: int | None = None) -> list[Batch]:
        """Return the batches of `look`, and read only those accounts as a whole that are due, or near to it."""
        now = self._now() if now is None else now
        waits, choice = self._find_waiting(now), self._begin(now)
        for _, owing in list_owing(self._writer, self._settings, self._signer.address, now, self.rules):
            if owing is not None and not _has_to_wait(owing, waits):
                choice.add(owing)
        return choice.list_batches()

    def _begin(self, now: int) -> Choice:
        return Choice(self.rules, now, self._is_by_wallet)

    def _find_waiting(self, now: int) -> dict[AccountKey, int]:
        since = now - self.rules.retry_seconds
        known = self._writer.run(lambda store: [*read_open(store), *read_failed(store, since)])
        return dict(find_waiting(known))

    def _is_by_wallet(self, signed: SignedVoucher) -> bool:
        settings = self._settings
        signer = recover_signer(signed, chain_id=settings.chain_id, contract=settings.credits)
        return signer != signed.voucher.holder

    def _now(self) -> int:
        return find_now(self._chain.read_time(), int(time.time()))

    # ------------------------------------------------------------------ settle

    def settle(self) -> list[Settled]:
        """Settle what is due, one transaction after the other. A batch that fails harms no other.

        First the outcomes of earlier transactions are looked up. The books learn what was taken from the chain, and not from
        an answer. So a transaction whose outcome is unknown, or which a reorganization drops, is settled again by itself.

        Raises:
            SecondSettler: Another process settles with this key.
            NetworkError: The node does not give a usable answer. Nothing was sent.
            IndexFailure: The books cannot be read or written.
        """
        if self._renew is not None:
            self._settings = self._renew()
        with self._leasing():
            self.look_up()
            self._drop_vouchers()
            return [self._send(batch) for batch in self.choose()]

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
        tell: Callable[[Settled | NvmChainError], None] | None = None,
        *,
        pause_seconds: int | None = None,
    ) -> None:
        """Settle what is due again and again, until the event is set. While the books or the node are away, it waits.

        Args:
            stop: Ends the settler before its next look.
            tell: Called with each batch, and with each error after which the settler tries again.
            pause_seconds: The pause between two looks. Looks that take long have longer pauses between them.

        Raises:
            MeterClosed: The books were closed.
        """
        pause = PAUSE_SECONDS if pause_seconds is None else pause_seconds
        while not stop.is_set():
            began = time.monotonic()
            try:
                for settled in self.settle():
                    if tell is not None:
                        tell(settled)
            except (IndexFailure, NetworkError) as error:
                if tell is not None:
                    tell(error)
            stop.wait(max(pause, SHARE_OF_LOOKS * (time.monotonic() - began)))

    def _send(self, batch: Batch) -> Settled:
        items = [item.item for item in batch.items]
        totals = [item.total for item in batch.items]
        try:
            self._take_lease()
            receipt = settle_vouchers(self._chain, self._signer, batch.plan_id, items, totals=totals)
        except MeterClosed:
            raise
        except NvmChainError as error:
            return Settled(batch, None, error)
        return Settled(batch, receipt, None)

    def _drop_vouchers(self) -> None:
        """Drop, now and then, the vouchers that were over at the time of a block that is not replaced any more."""
        if time.monotonic() < self._next_drop:
            return
        final = self._chain.read_block().number - KEPT_BLOCKS
        if final >= 0:
            final_time = self._chain.read_block(final).timestamp
            put_all(self._writer, [DropVouchers(key, final_time) for key in list_over(self._writer, final_time)])
        self._next_drop = time.monotonic() + DROP_SECONDS

    # ------------------------------------------------------------------ the lease

    @property
    def _lease(self) -> str:
        return f"settle with {self._signer.address}"

    @contextmanager
    def _leasing(self) -> Iterator[None]:
        self._take_lease()
        try:
            yield
        finally:
            self._writer.run(lambda store: give_lease_back(store, self._lease, self._owner))

    def _take_lease(self) -> None:
        """Take the lease, or take it for longer. Raises SecondSettler."""
        seconds = self._chain.timeout_seconds + LEASE_SPARE_SECONDS
        until = self._writer.run(lambda store: take_lease(store, self._lease, self._owner, seconds))
        if until is not None:
            raise SecondSettler(self._signer.address, until)


def _has_to_wait(owing: Owing, waits: Mapping[AccountKey, int]) -> bool:
    """Return whether a transaction with an account is not mined, or its view does not have it yet."""
    account = owing.account
    return waits.get(AccountKey(account.plan_id, account.holder), 0) > account.view.block_number
