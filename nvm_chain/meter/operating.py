"""What the operator of a meter does beside serving: open the books, see how they stand, settle, and note a restored backup."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Credits
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.first_use import PendingOpening, list_pending
from nvm_chain.meter.settling.journal import Journal
from nvm_chain.meter.settling.keys import AccountAndFront, KeyDebt, find_debts
from nvm_chain.meter.settling.losses import Loss, list_losses
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.existing import BooksState, open_existing_store, read_books_state
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.owing import list_accounts, list_plans
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.settlements import Settlement, list_redeemers, read_open
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.times import find_now
from nvm_chain.operations.plans import read_terms
from nvm_chain.operations.settlement_simulations import may_settle_unsigned
from nvm_chain.signing.keys import Signer

UNLIMITED: Final = 2**62
"""The exposure of a settler that is not told any."""
SETTLER_ALONE: Final = "settler without a service"


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """How a meter stands: its books, what is owed to each key of the seller, and transactions whose outcome is not final.

    ``unseen`` are credits that transactions took and that are still owed by the books, because these have not read the block
    yet. ``losses`` are what is owed and cannot be taken any more. ``openings`` are of access that requests wait for.
    """

    books: BooksState
    keys: tuple[KeyDebt, ...]
    open_settlements: tuple[Settlement, ...]
    unseen: Credits = 0
    losses: tuple[Loss, ...] = ()
    openings: tuple[PendingOpening, ...] = ()


@contextmanager
def open_books(where: str | Path, chain: Chain | None = None) -> Iterator[Writer]:
    """Open the books of a meter for the block of a ``with``. They have to exist.

    Args:
        where: The path of a file of SQLite that no other process has open, or a URL of PostgreSQL.
        chain: If given, the books have to belong to this chain and its Credits.

    Raises:
        WrongDatabase: The database has no books.
        OtherChain: The books belong to another chain or another Credits.
        IndexUnavailable: The database does not answer, the file does not exist, or another process has it.
    """
    origin = (None, None) if chain is None else (chain.chain_id, chain.credits.address)
    writer = Writer(open_existing_store(where, chain_id=origin[0], credits=origin[1]))
    try:
        yield writer
    finally:
        writer.close()


def read_status(writer: Writer, chain: Chain | None = None) -> MeterStatus:
    """Return how a meter stands. A key to which nothing is owed any more can be given up.

    Args:
        writer: The books.
        chain: If given, the outcomes of transactions are looked up first, and written down. Nothing is sent.

    Raises:
        NetworkError: The node does not give a usable answer.
        IndexFailure: The books cannot be read, or an outcome cannot be written.
    """
    if chain is not None:
        Journal(chain, None, writer).look_up()
    known = writer.run(read_open)
    taken: dict[AccountKey, list[tuple[int, Credits]]] = {}
    for settlement in known:
        for item in settlement.items if settlement.opens_from is None else ():
            key = AccountKey(settlement.plan_id, item.holder)
            taken.setdefault(key, []).append((settlement.block_number, item.taken))
    unseen = 0

    def read_books() -> Iterator[AccountAndFront]:
        nonlocal unseen
        for part in list_accounts(writer):
            for key, stored in part:
                seen = stored.account.view.block_number
                unseen += sum(credits for number, credits in taken.get(key, ()) if number > seen)
                yield stored.account, stored.front

    state = writer.run(read_books_state)
    now = find_now(state.head_time, int(time.time()))
    keys = tuple(find_debts(read_books(), now))
    losses = tuple(writer.run(lambda store: list_losses(store, now)))
    return MeterStatus(state, keys, tuple(known), unseen, losses, list_pending(writer))


def find_keys(writer: Writer, more: Sequence[ChecksumAddress] = ()) -> tuple[ChecksumAddress, ...]:
    """Return all keys of the seller of which the books know: those of vouchers and of settlements, and some more.

    Raises:
        IndexFailure: The books cannot be read.
    """
    vouchers = {
        signed.voucher.redeemer
        for part in list_accounts(writer)
        for _, stored in part
        for signed in stored.front.vouchers
    }
    return tuple(sorted({*vouchers, *writer.run(list_redeemers), *more}))


def build_settler(
    chain: Chain,
    signer: Signer,
    writer: Writer,
    rules: SettleRules | None = None,
    *,
    exposure: int = UNLIMITED,
    plan_ids: Sequence[int] = (),
    waits: bool = False,
) -> Settler:
    """Return a settler for a process that does not serve. The plans' rules are read from the chain.

    Args:
        chain: The connection to the chain of the books.
        signer: A key of the seller. It settles what its own vouchers allow, so this is right for an old key too.
        writer: The books.
        rules: When to settle.
        exposure: The credits of one holder that the seller risks. Part of it makes credits due, see the rules.
        plan_ids: The plans to settle. All plans of the books if not given, also those that come later.
        waits: Whether to take books without a credits plan, because one may come.

    Raises:
        InvalidConfig: The books have no credits plan yet.
        NetworkError: The node does not give a usable answer.
        IndexFailure: The books cannot be read.
    """
    known: dict[int, Policy | None] = {}
    final: set[int] = set()

    def read_settings() -> MeterSettings:
        for plan_id in plan_ids or writer.run(list_plans):
            if plan_id not in final:
                known[plan_id], is_final = _read_policy(chain, plan_id, signer.address, exposure)
                final.update((plan_id,) if is_final else ())
        policies = {plan_id: policy for plan_id, policy in known.items() if policy is not None}
        services = {SETTLER_ALONE: ServiceTerms(SETTLER_ALONE, policies)}
        return MeterSettings(chain.chain_id, chain.credits.address, signer.address, services)

    settings = read_settings()
    if not (settings.policies or waits or list_pending(writer)):
        raise InvalidConfig("the books have no account on a credits plan yet", "settle when requests were served")
    return Settler(chain, signer, writer, settings, rules, renew=read_settings)


def _read_policy(chain: Chain, plan_id: int, redeemer: ChecksumAddress, exposure: int) -> tuple[Policy | None, bool]:
    """Return the policy of a credits plan, or None for another one, and whether it stays so.

    The key may become a redeemer later. Until then it needs vouchers, although the plan's rule needs none.
    """
    terms = read_terms(chain, plan_id)
    if terms.kind is not PlanKind.CREDITS:
        return None, True
    by_vouchers = not may_settle_unsigned(chain, plan_id, redeemer)
    return Policy(exposure, by_vouchers), not by_vouchers or terms.rule is RedemptionRule.HOLDER


def note_restored(writer: Writer) -> BooksState:
    """Note that books come from a backup, and return how they stand. See `nvm_chain.meter.store.restoring.note_restore`.

    Raises:
        IndexFailure: The books cannot be written.
    """
    writer.run(note_restore)
    return writer.run(read_books_state)
