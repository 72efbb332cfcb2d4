"""Random histories of one holder in a store: each step is a change in a group, and the model says what it has to come to."""

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.account_changes import BlockCredits, DropVouchers, OpenAuthority, RevokeAuthority, SeeView
from nvm_chain.meter.store.admissions import AdmitUse, AdmitVoucher
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold, SweepHold
from nvm_chain.meter.store.packing import unpack_authority
from nvm_chain.meter.store.sessions import ReadAccount
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.works import Work
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.addresses import parse_address
from tests.meter.histories import CONTEXTS, HOLDER, REDEEMER, SERVICES, Difference, History, Meter
from tests.meter.model import Terms, replay
from tests.meter.model import Work as ModelWork
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_stores import find_digest

METER = Meter()
KEY = AccountKey(255, parse_address(HOLDER))
OWNER = b"owner of history"
MOST_IN_GROUP = 8


class StoreHistory(History):
    """A history whose account and authorities are in a store. ``open_stores`` opens all stores of the books anew.

    What happens at the same second gathers until a group is full, or until somebody has to look at the account.
    """

    def __init__(self, seed: int, open_stores: Callable[[], Sequence[Store]], *, is_honest: bool = False) -> None:
        self._open_stores = open_stores
        self.stores = open_stores()
        self._account = Account(*KEY)
        self._pending: list[tuple[Change[Any], Callable[[Any], None]]] = []
        self._second, self._size, self._draws = 0, 1, Random(seed + 1)
        self._shown: list[tuple[SignedVoucher, Terms]] = []
        self.groups = self.restarts = self.refusals = 0
        super().__init__(seed, METER, is_honest=is_honest)

    @property
    def weights(self) -> dict[str, float]:
        return {**super().weights, "present": 12, "sweep": 1, "restart": 1}

    # ------------------------------------------------------------------ groups

    @property
    def account(self) -> Account:
        """The account as the store has it, after all that was given to it."""
        self.flush()
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self._account = account  # of the beginning, where nothing is stored

    def give(self, change: Change[Any], check: Callable[[Any], None]) -> None:
        """Let a change happen in the next group, and look at its outcome then."""
        if self._second != self.now:
            self.flush()
            self._second = self.now
        self._pending.append((change, check))

    def flush(self) -> None:
        """Store the group, look at its outcomes, and read the rows again."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        store = self._draws.choice(self.stores)
        store.note_head(1, bytes(32), self._second, int(time.time()))
        outcomes = store.run([change for change, _ in pending])
        for (_, check), outcome in zip(pending, outcomes, strict=True):
            check(outcome)
        self.groups, self._size = self.groups + 1, self._draws.randint(1, MOST_IN_GROUP)
        self._read(self._draws.choice(self.stores))

    def _read(self, store: Store) -> None:
        check_books(store)
        (self._account,) = store.run([ReadAccount(KEY)])
        rows = {row[0]: row for row in read_rows(store, "SELECT * FROM authorities")}
        self.authorities = [
            (unpack_authority(rows[authority.authority_id], KEY), terms)
            if authority.authority_id in rows
            else (authority, terms)
            for authority, terms in self.authorities
        ]

    def compare(self, step: str) -> None:
        if len(self._pending) >= self._size or step == "the end":
            self.flush()
            super().compare(step)

    def finish(self) -> None:
        self.flush()
        super().finish()

    def restart(self) -> None:
        """Close the stores, and open them again."""
        self.flush()
        self.close()
        self.stores = self._open_stores()
        self.restarts += 1

    def close(self) -> None:
        """Close the stores."""
        for store in self.stores:
            store.close()

    # ------------------------------------------------------------------ views

    def take_view(self, number: int) -> None:
        state, now = self.replay(number), self.now
        self.give(SeeView(KEY, (self.build_view(state),), self.depth), self._expect_account)
        self.model.see(state, now)

    def roll_back(self, number: int) -> None:
        state, now = self.replay(number), self.now
        self.give(SeeView(KEY, (self.build_view(state),), self.depth, rolls_back=True), self._expect_account)
        self.model.roll_back(state, now)

    def replay(self, number: int) -> Any:
        """Return what the chain says after a block."""
        return replay(self.blocks[:number])

    @staticmethod
    def _expect_account(outcome: Any) -> None:
        if not isinstance(outcome, Account):
            raise Difference(f"{outcome!r} and no account")

    # ------------------------------------------------------------------ credentials

    def sign(self) -> None:
        """A voucher for later requests, as a session brings one. It is counted from the next admission on."""
        signed = self.draw_voucher(bytes(32))
        self.give(DropVouchers(KEY, self.now), lambda _: None)
        number = len(self.authorities) - 1
        self.give(OpenAuthority(self.authorities[number][0], signed), self._expect_no_error)
        self.model.vouchers.append((signed.voucher.ceiling, signed.voucher.deadline))

    def draw_voucher(self, context: bytes) -> SignedVoucher:
        """Return a voucher for the next request, or for more, until some time."""
        ceiling = max(1, self.model.next_ceiling(self.random.randint(1, 60)))
        deadline = self.now + self.random.randint(0, 400)
        voucher = Voucher(*KEY, parse_address(REDEEMER), ceiling, context, deadline)
        return SignedVoucher(voucher, self.random.randbytes(8))

    def note_ceiling(self) -> None:
        self.model.note_ceiling(self.now)  # the store does it by itself, with each admission

    def open_authority(self) -> None:
        super().open_authority()
        self.give(OpenAuthority(self.authorities[-1][0]), self._expect_no_error)

    def revoke(self) -> None:
        authority, terms = self.random.choice(self.authorities)
        terms.is_revoked = True
        self.give(RevokeAuthority(KEY, authority.authority_id), self._expect_no_error)

    def dispute(self) -> None:
        self.model.disputes.append(self.random.randint(1, 8))
        self.give(BlockCredits(KEY, self.model.disputes[-1]), self._expect_account)
        if self.random.random() < 0.9:
            self.give(BlockCredits(KEY, -self.model.disputes.pop(0)), self._expect_account)

    @staticmethod
    def _expect_no_error(outcome: Any) -> None:
        if isinstance(outcome, NvmChainError):
            raise Difference(repr(outcome))

    # ------------------------------------------------------------------ requests

    def admit(self) -> None:
        number = self.random.randrange(max(0, len(self.authorities) - 4), len(self.authorities))
        authority, terms = self.authorities[number]
        service, context = (SERVICES[0], terms.context) if self.random.random() < 0.8 else (SERVICES[1], CONTEXTS[0])
        work = self.build_work(self.draw_credits(), service, context)
        self.expect(AdmitUse(KEY, authority.authority_id, self.random.randbytes(16), work), terms)

    def present(self) -> None:
        """Present a voucher of one use: a new one, or one of the last once more."""
        if self._shown and self.random.random() < 0.4:
            signed, terms = self.random.choice(self._shown[-6:])
        else:
            signed = self.draw_voucher(self.random.choice(CONTEXTS))
            terms = Terms(self.now, signed.voucher.deadline, uses=1, context=signed.voucher.context)
            self._shown.append((signed, terms))
        context = signed.voucher.context if self.random.random() < 0.9 else CONTEXTS[0]
        before = list(self.model.vouchers)
        self.model.vouchers.append((signed.voucher.ceiling, signed.voucher.deadline))
        self.give(DropVouchers(KEY, self.now), lambda _: None)
        work = self.build_work(self.draw_credits(), SERVICES[0], context)
        if not self.expect(AdmitVoucher(signed, find_digest(signed), work), terms):
            self.model.vouchers = before  # a voucher that was refused is not kept

    def draw_credits(self) -> int:
        """Return some credits, or as many as there are, or one more."""
        return self.random.randint(1, 7) if self.random.random() < 0.7 else self.draw_boundary(self.now)

    def build_work(self, credits: int, service: str, context: bytes) -> Work:
        """Return what a request needs. Its hold may stay open for ever."""
        return Work(Ask(credits, service, context), self.policy, context, OWNER, seconds=10**9)

    def expect(self, change: AdmitUse | AdmitVoucher, terms: Terms) -> bool:
        """Give an admission, and return whether the model admits it."""
        ask, now, model = change.work.ask, self.now, self.model
        model.note_ceiling(now)
        allows = model.allows(ask.credits, now, self.by_vouchers)
        may = allows and terms.allows(ask.credits, ask.service, ask.context, now)
        ceiling = model.next_ceiling(ask.credits) if model.committed >= model.state.ours else None
        work = ModelWork(ask.credits, terms.period_at(now))

        def check(outcome: Any) -> None:
            if isinstance(outcome, StoredHold) != may:
                raise Difference(f"{outcome!r}, and the model says {may}")
            if may:
                self.open.append((0, outcome, work))
                return
            self.refusals += 1
            if ceiling not in (None, outcome.next_ceiling):
                raise Difference(f"next ceiling {outcome.next_ceiling}, not {ceiling}")

        self.give(change, check)
        if may:
            terms.works.append(work)
            model.works.append(work)
        return may

    def charge(self) -> None:
        """Charge, some of them twice: in the same group, or in a later one."""
        if not self.open:
            self.flush()
        if not self.open:
            return
        _, hold, work = self.open.pop(self.random.randrange(len(self.open)))
        cost, now = self.random.randint(0, work.credits), self.now
        self.model.charge(work, cost, now)
        total = self.model.committed

        def check(outcome: Any) -> None:
            if not isinstance(outcome, StoredHold) or (outcome.cost, outcome.total) != (cost, total):
                raise Difference(f"charged {outcome!r}, not {cost} with the total {total}")

        for _ in range(1 if self.random.random() < 0.7 else 2):
            self.give(ChargeHold(hold, cost), check)

    def release(self) -> None:
        self._release(lambda hold, was_sent: ReleaseHold(hold, was_sent=was_sent), self.random.random() < 0.5)

    def sweep(self) -> None:
        """Release the hold of an owner that has ended. Its credential stays spent."""
        self._release(lambda hold, _: SweepHold(hold, owner_is_gone=True), was_sent=True)

    def _release(self, end: Callable[[StoredHold, bool], Change[Any]], was_sent: bool) -> None:
        if self.open:
            _, hold, work = self.open.pop(self.random.randrange(len(self.open)))
            self.give(end(hold, was_sent), self._expect_no_error)
            self.model.release(work, was_sent)
