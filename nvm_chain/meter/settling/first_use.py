"""Access on first use: a settler opens the windows that requests have asked for, each by one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import AccessNotOpened, ContractError, MeterClosed, NvmChainError
from nvm_chain.errors.fields import Quantity, Seconds
from nvm_chain.meter.feed.store_sink import put_all
from nvm_chain.meter.openings import PAUSE_SECONDS, Opening, OpeningState
from nvm_chain.meter.settling.gas import GAS_OF_OPENING
from nvm_chain.meter.settling.opening_transactions import OpeningSigner, build_call, index_openings
from nvm_chain.meter.store.openings import EndOpening, WantedOpening, read_wanted
from nvm_chain.meter.store.settlements import SettlementState
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.bulk_reads import read_accounts
from nvm_chain.signing.keys import Signer
from nvm_chain.types.receipts import Transaction

AT_ONCE: Final = 100
"""How many transactions that open access are under way at once."""
OTHER_WINDOW: Final = "access was opened or changed in another way"
REVERTED: Final = "the transaction failed"
NO_PERIODS: Final = "the holder has too few unopened periods left"


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of an opening: a receipt, or an error. After an error, it is tried again, or given back to its sign-in."""

    opening: Opening
    receipt: Transaction | None
    error: NvmChainError | None


@dataclass(frozen=True, slots=True)
class PendingOpening:
    """An opening that is not done. ``is_sent`` says that a transaction for it is under way, or mined and not seen yet."""

    opening: Opening
    is_sent: bool

    @property
    def gas(self) -> Quantity:
        """The gas that it still needs, from measured openings."""
        return 0 if self.is_sent else GAS_OF_OPENING


def list_pending(writer: Writer) -> tuple[PendingOpening, ...]:
    """Return the openings that are not done, the oldest first. Raises IndexFailure if the books cannot be read."""
    return tuple(PendingOpening(each.opening, bool(each.live)) for each in writer.run(read_wanted))


class FirstUses:
    """Opens access with one key of the seller. Only for a settler with the lease of the key, after it has looked up its transactions."""

    def __init__(self, chain: Chain, signer: Signer, writer: Writer, guard: Callable[[], None]) -> None:
        """Take the key. ``guard`` raises an error if another process has its lease now. No request."""
        self._chain, self._signer, self._writer, self._guard = chain, signer, writer, guard

    def open(self) -> list[Opened]:
        """End the openings that are done or cannot be done, and send a transaction for each other one that lacks one.

        Returns:
            What came of each opening for which something was to be sent.

        Raises:
            NetworkError: The node does not give a usable answer. Nothing was sent.
            IndexFailure: The books cannot be read or written.
        """
        wanted = self._writer.run(read_wanted)
        ends = [end for each in wanted if (end := find_end(each)) is not None]
        put_all(self._writer, ends)
        ended = {id(end.opening) for end in ends}
        due = [
            each.opening
            for each in wanted
            if id(each.opening) not in ended and not each.live and each.opening.redeemer == self._signer.address
        ]
        parts = (due[start : start + AT_ONCE] for start in range(0, len(due), AT_ONCE))
        return [opened for part in parts for opened in self._open_some(part)]

    def _open_some(self, due: Sequence[Opening]) -> list[Opened]:
        """Open access where the chain shows the window that was seen, and periods to open."""
        accounts = read_accounts(self._chain, [(opening.plan_id, opening.holder) for opening in due])
        refused = {
            opening: OTHER_WINDOW if account.access_until != opening.seen else NO_PERIODS
            for opening, account in zip(due, accounts, strict=True)
            if account.access_until != opening.seen or account.balance < opening.periods
        }
        opened = [self._give_back(opening, reason) for opening, reason in refused.items()]
        sendable = [opening for opening in due if opening not in refused]
        return opened + (self._send(sendable) if sendable else [])

    def _send(self, due: Sequence[Opening]) -> list[Opened]:
        signer = OpeningSigner(self._signer, self._writer, self._guard, index_openings(self._chain, due))
        try:
            outcomes = self._chain.send_many(signer, [build_call(self._chain, opening) for opening in due])
        except MeterClosed:
            raise
        except NvmChainError as error:
            return [Opened(opening, None, error) for opening in due]
        opened = list[Opened]()
        for opening, outcome in zip(due, outcomes, strict=True):
            if outcome.receipt is not None:
                opened.append(Opened(opening, summarize(outcome.receipt), None))
            elif isinstance(outcome.error, ContractError) and outcome.transaction_hash is None:
                opened.append(self._give_back(opening, f"the chain refuses it with {type(outcome.error).__name__}"))
            else:
                opened.append(Opened(opening, None, outcome.error))
        return opened

    def _give_back(self, opening: Opening, reason: str) -> Opened:
        put_all(self._writer, [_return(opening, reason, PAUSE_SECONDS)])
        return Opened(opening, None, _explain(opening, reason))


def find_end(wanted: WantedOpening) -> EndOpening | None:
    """Return how an opening has ended, or None if it goes on.

    It is done when the books show another window, and one of its transactions has opened access. While a transaction could
    still do that, it has not ended. Else it is given back, if its sign-in or its window are not what they were.
    """
    opening = wanted.opening
    if wanted.has_opened:
        return None if wanted.is_seen else EndOpening(opening, OpeningState.DONE)
    if wanted.live:
        return None
    if not wanted.is_seen:
        return _return(opening, OTHER_WINDOW)
    if any(each.state is SettlementState.DONE and each.signed_at >= opening.asked_at for each in wanted.transactions):
        return _return(opening, REVERTED, PAUSE_SECONDS)
    return _return(opening, wanted.refusal) if wanted.refusal else None


def _return(opening: Opening, reason: str, pause_seconds: Seconds = 0) -> EndOpening:
    return EndOpening(opening, OpeningState.RETURNED, reason, pause_seconds)


def _explain(opening: Opening, reason: str) -> AccessNotOpened:
    return AccessNotOpened(0, opening.plan_id, opening.holder, reason, PAUSE_SECONDS)
