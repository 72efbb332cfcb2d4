"""Changes of the books: each one says what it reads, and decides on the rows as they are when its turn comes.

A change either changes the desk and returns its outcome, or returns an error and changes nothing. It is never half done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from msgspec.structs import replace

from nvm_chain.errors import (
    AnswerNotKept,
    AuthorityUnknown,
    HoldOver,
    KeyReused,
    NvmChainError,
    RequestRunning,
    TooManyVouchers,
    ViewTooOld,
    VoucherBeforeRestore,
)
from nvm_chain.errors.fields import Credits, Seconds
from nvm_chain.meter.admission import Admitted, Case, Policy, admit, charge_request, release_request
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, AuthorityKind, open_request
from nvm_chain.meter.books import Account, block_credits
from nvm_chain.meter.idempotency import MAX_ANSWER, KeyedRequest, Verdict, judge
from nvm_chain.meter.store.desk import AccountKey, Desk, HoldState, Needs, StoredHold, StoredRequest
from nvm_chain.meter.store.schema import STORED_BITS
from nvm_chain.meter.view_changes import replace_view, roll_back
from nvm_chain.meter.views import View
from nvm_chain.meter.voucher_fronts import VoucherFront, put_ceiling
from nvm_chain.meter.windows import end_request
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.amounts import check_uint

MAX_VOUCHERS: Final = 16
"""How many vouchers of a holder are kept. More are needed only if deadlines fall while ceilings rise."""

Outcome_co = TypeVar("Outcome_co", covariant=True)


class Change(Protocol[Outcome_co]):
    """A change of one account, and of what belongs to it."""

    @property
    def key(self) -> AccountKey:
        """The account."""

    def add_needs(self, needs: Needs) -> None:
        """Name the rows that the change reads."""

    def decide(self, desk: Desk) -> Outcome_co | NvmChainError:
        """Change the desk, or return why not."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """An idempotency key of a request. ``scope`` names authority, service and key, and ``digest`` the request."""

    scope: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request that came before with the same key. Nothing is held for it, and the upstream is not called."""

    answer: bytes
    hold_id: bytes


@dataclass(frozen=True, slots=True)
class Work:
    """What a request needs of the books, whatever pays for it.

    ``seconds`` is how long the hold may stay open by the database's clock. ``max_view_age_seconds`` is how long ago the chain
    may have been read.
    """

    ask: Ask
    policy: Policy
    request: bytes
    owner: bytes
    seconds: Seconds
    max_view_age_seconds: Seconds = 300
    key: KeyUse | None = None

    def add_needs(self, needs: Needs) -> None:
        """Read the request that came before with the key."""
        if self.key is not None:
            needs.requests.add(self.key.scope)

    def find_kept(self, desk: Desk) -> KeptAnswer | NvmChainError | None:
        """Return what a request with a known key gets. None if the request has to be served."""
        if self.key is None:
            return None
        kept = desk.requests.get(self.key.scope)
        verdict = judge(None if kept is None else kept.keyed, self.key.digest, desk.now)
        if kept is None or verdict is Verdict.SERVE:
            return None
        if verdict is Verdict.REPEAT and kept.answer is not None:
            return KeptAnswer(kept.answer, kept.hold_id)
        if verdict is Verdict.REFUSE:
            return KeyReused()
        return RequestRunning() if verdict is Verdict.WAIT else AnswerNotKept(kept.hold_id.hex())

    def note_key(self, desk: Desk, hold_id: bytes) -> None:
        """Note that a request with a key is served."""
        if self.key is not None:
            desk.put_request(StoredRequest(KeyedRequest(self.key.scope, self.key.digest), hold_id))

    def find_old_view(self, desk: Desk) -> NvmChainError | None:
        """Return an error if the chain was read too long ago to serve anything on credit."""
        return find_old_view(desk, self.max_view_age_seconds)


def find_old_view(desk: Desk, max_seconds: Seconds) -> NvmChainError | None:
    """Return an error if the chain was read longer ago than some seconds."""
    age = desk.clock - desk.head_seen_at
    return ViewTooOld(age, max_seconds) if age > max_seconds else None


@dataclass(frozen=True, slots=True)
class AdmitVoucher:
    """Admit a request that a voucher of one use pays. The digest of the voucher is the id of the hold, so it is spent once."""

    signed: SignedVoucher
    digest: bytes
    work: Work

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.signed.voucher.plan_id, self.signed.voucher.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account, and the hold that the voucher opened before, if there is one."""
        needs.accounts.add(self.key)
        needs.holds.add(self.digest)
        self.work.add_needs(needs)

    def decide(self, desk: Desk) -> StoredHold | KeptAnswer | NvmChainError:
        """Keep the voucher and open a hold, or refuse."""
        if (kept := self.work.find_kept(desk)) is not None:
            return kept
        deadline = self.signed.voucher.deadline
        if deadline <= desk.closed_until:
            return VoucherBeforeRestore(deadline, desk.closed_until)
        if (old := self.work.find_old_view(desk)) is not None:
            return old
        stored = desk.account(self.key)
        front = stored.front.add(self.signed)
        if len(front.vouchers) > MAX_VOUCHERS:
            return refuse_more_vouchers(stored.account, self.work.ask.credits)
        authority = open_request(self.signed.voucher, self.digest, desk.now)
        before = desk.holds.get(self.digest)
        if is_spent(before):
            authority = replace(authority, used=1)
        account = put_ceiling(stored.account, front, desk.now)
        admitted = admit(Case(account, authority, self.work.ask, self.work.policy, desk.now))
        if not isinstance(admitted, Admitted):
            return admitted
        desk.put_account(self.key, replace(stored, account=admitted.account, front=front))
        attempt = 0 if before is None else before.attempt + 1
        return _open_hold(desk, self.key, self.digest, admitted, self.work, attempt)


def refuse_more_vouchers(account: Account, credits: int) -> TooManyVouchers:
    """Return why no more vouchers of an account are kept."""
    return TooManyVouchers(account.find_next_ceiling(credits), account.plan_id, account.holder, MAX_VOUCHERS)


def is_spent(hold: StoredHold | None) -> bool:
    """Return whether a voucher that opened a hold may not be presented again."""
    return hold is not None and hold.state is not HoldState.RETURNED


@dataclass(frozen=True, slots=True)
class AdmitUse:
    """Admit a request under an authority of many uses: a session, an allowance or a sign-in."""

    key: AccountKey
    authority_id: bytes
    hold_id: bytes
    work: Work

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority_id)
        self.work.add_needs(needs)

    def decide(self, desk: Desk) -> StoredHold | KeptAnswer | NvmChainError:
        """Open a hold, or refuse."""
        if (kept := self.work.find_kept(desk)) is not None:
            return kept
        if (old := self.work.find_old_view(desk)) is not None:
            return old
        stored = desk.account(self.key)
        account = put_ceiling(stored.account, stored.front, desk.now)
        authority = desk.find_authority(self.key, self.authority_id)
        if authority is None or desk.is_void(authority):
            return AuthorityUnknown(self.authority_id.hex())
        admitted = admit(Case(account, authority, self.work.ask, self.work.policy, desk.now))
        if not isinstance(admitted, Admitted):
            return admitted
        desk.put_account(self.key, replace(stored, account=admitted.account))
        desk.put_authority(admitted.authority)
        return _open_hold(desk, self.key, self.hold_id, admitted, self.work)


def _open_hold(
    desk: Desk, key: AccountKey, hold_id: bytes, admitted: Admitted, work: Work, attempt: int = 0
) -> StoredHold:
    opened = StoredHold(
        hold_id,
        key,
        admitted.hold,
        work.request,
        work.owner,
        opened_at=desk.now,
        until=desk.clock + work.seconds,
        attempt=attempt,
        scope=b"" if work.key is None else work.key.scope,
    )
    desk.open_hold(opened)
    work.note_key(desk, hold_id)
    return opened


@dataclass(frozen=True, slots=True)
class ChargeHold:
    """Charge for a request that was served. Sent again, it changes nothing and has the same outcome."""

    hold: StoredHold
    cost: Credits

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        _add_hold(needs, self.hold)

    def decide(self, desk: Desk) -> StoredHold | NvmChainError:
        """Charge, or refuse after the end of the hold. What others count as free is only what was released in the books."""
        found = desk.find_hold(self.hold)
        if found is not None and (found.state, found.cost) == (HoldState.CHARGED, self.cost):
            return found
        if found is None or found.state is not HoldState.OPEN or found.owner != self.hold.owner:
            return HoldOver(self.hold.hold_id.hex(), self.cost, self.hold.until)
        if desk.clock > found.until:
            return HoldOver(self.hold.hold_id.hex(), self.cost, self.hold.until)
        stored = desk.account(self.key)
        account, authority = charge_request(
            stored.account, _find_authority(desk, found), found.hold, self.cost, desk.now
        )
        if is_in_window(found):
            _leave_window(desk, found)
        if found.scope:
            _note_served(desk, found.scope)
        desk.put_account(self.key, replace(stored, account=account))
        return _end_hold(desk, replace(found, total=account.committed), authority, HoldState.CHARGED, self.cost)


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Release the hold of a request that was not served. ``was_sent`` says whether the upstream was called."""

    hold: StoredHold
    was_sent: bool

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        _add_hold(needs, self.hold)

    def decide(self, desk: Desk) -> StoredHold | NvmChainError:
        """Release. A hold that has ended before, or was never stored, stays as it is."""
        found = desk.find_hold(self.hold)
        if found is None or found.state is not HoldState.OPEN or found.owner != self.hold.owner:
            return found or self.hold
        return _release(desk, found, was_sent=self.was_sent)


@dataclass(frozen=True, slots=True)
class SweepHold:
    """Release an open hold whose end has passed, or whose owner has ended. Nobody knows whether the upstream was called.

    ``owner_is_gone`` says that the owner's process has ended, so that the end need not have passed.
    """

    hold: StoredHold
    owner_is_gone: bool = False

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        _add_hold(needs, self.hold)

    def decide(self, desk: Desk) -> StoredHold | NvmChainError | None:
        """Release it, if it is still open and its end has passed."""
        found = desk.find_hold(self.hold)
        if found is None or found.state is not HoldState.OPEN:
            return None
        if desk.clock <= found.until and not self.owner_is_gone:
            return None
        return _release(desk, found, was_sent=True)


def _release(desk: Desk, found: StoredHold, *, was_sent: bool) -> StoredHold:
    stored = desk.account(found.key)
    account, authority = release_request(stored.account, _find_authority(desk, found), found.hold, was_sent=was_sent)
    desk.put_account(found.key, replace(stored, account=account))
    if is_in_window(found):
        _leave_window(desk, found)
    if found.scope:
        desk.drop_request(found.scope)
    return _end_hold(desk, found, authority, HoldState.RELEASED if was_sent else HoldState.RETURNED, 0)


def _note_served(desk: Desk, scope: bytes) -> None:
    """Note that a request with a key was served. Its answer comes later, or never if the process ends before."""
    known = desk.requests.get(scope)
    if known is not None and known.keyed.answered_at is None:
        served = KeyedRequest(scope, known.keyed.digest, desk.now, MAX_ANSWER + 1)
        desk.put_request(replace(known, keyed=served))


def is_in_window(hold: StoredHold) -> bool:
    """Return whether a hold is that of a request in an access window. It sets no credits aside."""
    return hold.hold.credits == 0


def _leave_window(desk: Desk, hold: StoredHold) -> None:
    desk.put_window(hold.key, end_request(desk.window(hold.key)))


def _add_hold(needs: Needs, hold: StoredHold) -> None:
    needs.accounts.add(hold.key)
    if is_in_window(hold):
        needs.windows.add(hold.key)
    if hold.scope:
        needs.requests.add(hold.scope)
    needs.holds.add(hold.hold_id)
    if not _has_one_use(hold):
        needs.authorities.add(hold.hold.authority_id)


def _has_one_use(hold: StoredHold) -> bool:
    """Return whether a voucher of one use opened a hold. Its authority is the hold itself."""
    return hold.hold.authority_id == hold.hold_id


def _find_authority(desk: Desk, hold: StoredHold) -> Authority:
    if not _has_one_use(hold):
        return desk.authorities[hold.hold.authority_id]
    credits, key = hold.hold.credits, hold.key
    return Authority(
        hold.hold_id, AuthorityKind.REQUEST, *key, key.holder, start=0, end=0, uses=1, used=1, held=credits
    )


def _end_hold(desk: Desk, hold: StoredHold, authority: Authority, state: HoldState, cost: int) -> StoredHold:
    if not _has_one_use(hold):
        desk.put_authority(authority)
    ended = replace(hold, state=state, cost=cost, ended_at=desk.now)
    desk.end_hold(ended)
    return ended


@dataclass(frozen=True, slots=True)
class OpenAuthority:
    """Open a session, an allowance or a sign-in. Its voucher, if it has one, is kept for the settlement."""

    authority: Authority
    signed: SignedVoucher | None = None

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.authority.plan_id, self.authority.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account, and the authority if it was opened before."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority.authority_id)

    def decide(self, desk: Desk) -> Authority | NvmChainError:
        """Open it. An authority that was opened before stays as it is, with what it has spent."""
        stored = desk.account(self.key)
        if self.signed is not None:
            front = stored.front.add(self.signed)
            if len(front.vouchers) > MAX_VOUCHERS:
                return refuse_more_vouchers(stored.account, 0)
            desk.put_account(self.key, replace(stored, front=front))
        known = desk.authorities.get(self.authority.authority_id)
        if known is None:
            desk.put_authority(self.authority)
        return known or self.authority


@dataclass(frozen=True, slots=True)
class RevokeAuthority:
    """Revoke a session, an allowance or a sign-in. Requests that are running end as usual."""

    key: AccountKey
    authority_id: bytes

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority_id)

    def decide(self, desk: Desk) -> Authority | NvmChainError:
        """Revoke it."""
        authority = desk.find_authority(self.key, self.authority_id)
        if authority is None:
            return AuthorityUnknown(self.authority_id.hex())
        revoked = replace(authority, revoked=True)
        desk.put_authority(revoked)
        return revoked


@dataclass(frozen=True, slots=True)
class BlockCredits:
    """Block the credits of a refunded or disputed payment, or free them with a negative number."""

    key: AccountKey
    credits: int

    def add_needs(self, needs: Needs) -> None:
        """Read the account."""
        needs.accounts.add(self.key)

    def decide(self, desk: Desk) -> Account | NvmChainError:
        """Block them."""
        stored = desk.account(self.key)
        try:
            account = block_credits(stored.account, self.credits)
            check_uint(account.blocked, STORED_BITS, "blocked credits")
        except NvmChainError as error:
            return error
        desk.put_account(self.key, replace(stored, account=account))
        return account


@dataclass(frozen=True, slots=True)
class SeeView:
    """Replace the view of an account by a later one, or with ``rolls_back`` by that of an ancestor."""

    key: AccountKey
    views: tuple[View, ...]
    depth: int
    rolls_back: bool = False

    def add_needs(self, needs: Needs) -> None:
        """Read the account with its past views."""
        needs.accounts.add(self.key)
        needs.past.add(self.key)

    def decide(self, desk: Desk) -> Account | NvmChainError:
        """Put the views in, in their order."""
        stored = desk.account(self.key)
        account, views = stored.account, self.views
        try:
            if self.rolls_back:
                account, views = roll_back(account, views[0], depth=self.depth, now=desk.now), views[1:]
            for view in views:
                account = replace_view(account, view, depth=self.depth, now=desk.now)
        except NvmChainError as error:
            return error
        account = put_ceiling(account, stored.front, desk.now)
        desk.put_account(self.key, replace(stored, account=account, has_past=True))
        return account


@dataclass(frozen=True, slots=True)
class DropVouchers:
    """Drop the vouchers of an account that were over at a final block's time. Nothing can be settled with them any more."""

    key: AccountKey
    final_time: int

    def add_needs(self, needs: Needs) -> None:
        """Read the account."""
        needs.accounts.add(self.key)

    def decide(self, desk: Desk) -> VoucherFront:
        """Drop them, and return what is left."""
        stored = desk.account(self.key)
        front = stored.front.drop_over(self.final_time)
        if front != stored.front:
            desk.put_account(
                self.key, replace(stored, front=front, account=put_ceiling(stored.account, front, desk.now))
            )
        return front


def gather_needs(changes: Sequence[Change[Any]]) -> Needs:
    """Return what a group of changes reads."""
    needs = Needs()
    for change in changes:
        change.add_needs(needs)
    return needs
