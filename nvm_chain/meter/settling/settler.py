"""The settler: it sends the batches that are due."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexFailure, NvmChainError
from nvm_chain.errors.fields import Credits, Quantity
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.batches import Batch, build_batches
from nvm_chain.meter.settling.rules import Owing, SettleRules
from nvm_chain.meter.store.owing import read_owing
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.times import find_now
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.signing.keys import Signer
from nvm_chain.types.receipts import SettlementReceipt

PAUSE_SECONDS: Final = 15
"""The pause between two looks for what is due."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a batch: a receipt, or an error. After an error, the same totals are sent again with the next batch."""

    batch: Batch
    receipt: SettlementReceipt | None
    error: NvmChainError | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be settled now: batches, and what is owed in all."""

    batches: tuple[Batch, ...]
    owed: Credits
    holders: Quantity


class Settler:
    """Settles what is due. Run one for each store: two would take nothing twice, but pay for gas twice."""

    def __init__(
        self, chain: Chain, signer: Signer, writer: Writer, settings: MeterSettings, rules: SettleRules | None = None
    ) -> None:
        """Take the redeemer's key, and the books.

        Args:
            chain: The connection to the chain of the books.
            signer: The redeemer's key.
            writer: The books.
            settings: What is served on which plans.
            rules: When to settle.
        """
        self._chain, self._signer, self._writer = chain, signer, writer
        self._settings, self.rules = settings, rules or SettleRules()

    def look(self, now: int | None = None) -> Outlook:
        """Return what would be settled now. Nothing is sent."""
        now = self._now() if now is None else now
        owing = list(self._read_owing())
        return Outlook(
            tuple(build_batches(owing, self.rules, now)), sum(each.account.owed for each in owing), len(owing)
        )

    def settle(self) -> list[Settled]:
        """Settle what is due, one transaction after the other. A batch that fails harms no other.

        The books learn what was taken from the chain, and not from the answer. So a transaction whose outcome is unknown,
        or which a reorganization drops, is settled again by itself.
        """
        return [self._send(batch) for batch in self.look().batches]

    def run(self, stop: threading.Event, tell: Callable[[Settled], None] | None = None) -> None:
        """Settle what is due again and again, until the event is set. While the books are away, it waits for them."""
        while not stop.is_set():
            try:
                for settled in self.settle():
                    if tell is not None:
                        tell(settled)
            except IndexFailure:
                pass
            stop.wait(PAUSE_SECONDS)

    def _send(self, batch: Batch) -> Settled:
        items = [item.item for item in batch.items]
        totals = [item.total for item in batch.items]
        try:
            receipt = settle_vouchers(self._chain, self._signer, batch.plan_id, items, totals=totals)
        except NvmChainError as error:
            return Settled(batch, None, error)
        return Settled(batch, receipt, None)

    def _now(self) -> int:
        return find_now(self._chain.read_time(), int(time.time()))

    def _read_owing(self) -> Iterator[Owing]:
        """Yield the accounts that owe credits, each with the policy of its plan that allows the most."""
        policies: dict[int, Policy] = {}
        for terms in self._settings.services.values():
            for plan_id, policy in terms.policies.items():
                known = policies.get(plan_id)
                if known is None or policy.exposure > known.exposure:
                    policies[plan_id] = policy
        for stored, oldest in self._writer.run(lambda store: read_owing(store, sorted(policies))):
            policy = policies[stored.account.plan_id]
            yield Owing(stored.account, stored.front, policy.exposure, policy.by_vouchers, oldest)
