"""Changes that admit a request on credits, by a voucher of one use or under an authority of many uses."""

from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityUnknown,
    DeadlineOutOfRange,
    NvmChainError,
    RequestRefused,
    TooManyVouchers,
    VoucherBeforeRestore,
)
from nvm_chain.errors.fields import Credits
from nvm_chain.meter.admission import Admitted, Case, admit
from nvm_chain.meter.authorities import Hold, open_request
from nvm_chain.meter.books import Account
from nvm_chain.meter.limits import find_counted
from nvm_chain.meter.store.counting import count_in
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredAccount, StoredHold
from nvm_chain.meter.store.works import KeptAnswer, Work
from nvm_chain.meter.voucher_fronts import MIN_SECONDS, put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher

MAX_VOUCHERS: Final = 16
"""How many vouchers of a holder are kept. More are needed only if deadlines fall while ceilings rise."""


class AdmitVoucher(Struct, frozen=True, gc=False):
    """Admit a request that a voucher of one use pays. The digest of the voucher is the id of the hold, so it is spent once.

    ``is_fresh`` says that the deadline may be a day away at most, by the database's clock. So it is for all that is served.
    """

    signed: SignedVoucher
    digest: bytes
    work: Work
    is_fresh: bool = False

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.signed.voucher.plan_id, self.signed.voucher.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account, and the hold that the voucher opened before, if there is one."""
        needs.accounts.add(self.key)
        needs.holds.add(self.digest)
        self.work.add_needs(needs)

    def decide(self, group: GroupRows) -> StoredHold | KeptAnswer | NvmChainError:
        """Keep the voucher and open a hold, or refuse."""
        if (kept := self.work.find_kept(group)) is not None:
            return kept
        if (wrong := self._find_wrong_deadline(group)) is not None:
            return wrong
        if (old := self.work.find_old_view(group)) is not None:
            return old
        stored = group.account(self.key)
        front = stored.front.add(self.signed)
        if len(front.vouchers) > MAX_VOUCHERS:
            return refuse_more_vouchers(stored.account, stored.account.find_next_ceiling(self.work.ask.credits))
        authority = open_request(self.signed.voucher, self.digest, group.now)
        before = group.holds.get(self.digest)
        if is_spent(before):
            authority = replace(authority, used=1)
        account = put_ceiling(stored.account, front, group.now)
        case = Case(account, authority, self.work.ask, self.work.policy, group.now)
        admitted = admit(case)
        if not isinstance(admitted, Admitted):
            return admitted
        attempt = 0 if before is None else before.attempt + 1
        held = replace(stored, account=admitted.account, front=front)
        opening = Opening(self.digest, admitted.hold, self.work, case.next_ceiling, attempt, by_voucher=True)
        return _open_hold(group, held, opening)

    def _find_wrong_deadline(self, group: GroupRows) -> NvmChainError | None:
        """Return an error for a voucher that may be older than a restored backup, or could be after the next restore."""
        deadline = self.signed.voucher.deadline
        if deadline <= group.closed_until:
            return VoucherBeforeRestore(deadline, group.closed_until)
        if self.is_fresh and deadline > group.latest_deadline:
            return DeadlineOutOfRange(deadline, group.now + MIN_SECONDS, group.latest_deadline)
        return None


def refuse_more_vouchers(account: Account, next_ceiling: Credits) -> TooManyVouchers:
    """Return why no more vouchers of an account are kept."""
    return TooManyVouchers(next_ceiling, account.plan_id, account.holder, MAX_VOUCHERS)


def is_spent(hold: StoredHold | None) -> bool:
    """Return whether a voucher that opened a hold may not be presented again."""
    return hold is not None and hold.state is not HoldState.RETURNED


class AdmitUse(Struct, frozen=True, gc=False):
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

    def decide(self, group: GroupRows) -> StoredHold | KeptAnswer | NvmChainError:
        """Open a hold, or refuse."""
        if (kept := self.work.find_kept(group)) is not None:
            return kept
        case = find_case(group, self.key, self.authority_id, self.work)
        if not isinstance(case, Case):
            return case
        admitted = admit(case)
        if not isinstance(admitted, Admitted):
            return admitted
        held = replace(group.account(self.key), account=admitted.account)
        opened = _open_hold(group, held, Opening(self.hold_id, admitted.hold, self.work, case.next_ceiling))
        if isinstance(opened, StoredHold):
            group.put_authority(admitted.authority)
        return opened


def find_case(group: GroupRows, key: AccountKey, authority_id: bytes, work: Work) -> Case | NvmChainError:
    """Return what decides about a request under an authority of many uses, or why it need not be decided."""
    if (old := work.find_old_view(group)) is not None:
        return old
    stored = group.account(key)
    account = put_ceiling(stored.account, stored.front, group.now)
    authority = group.find_authority(key, authority_id)
    if authority is None or group.is_void(authority):
        return AuthorityUnknown(authority_id.hex())
    return Case(account, authority, work.ask, work.policy, group.now)


class Opening(NamedTuple):
    """A hold that is about to be opened. ``next_ceiling`` is what a refusal says, and ``attempt`` counts for a voucher."""

    hold_id: bytes
    hold: Hold
    work: Work
    next_ceiling: Credits
    attempt: int = 0
    by_voucher: bool = False


def _open_hold(group: GroupRows, stored: StoredAccount, opening: Opening) -> StoredHold | RequestRefused:
    """Put the account as it is after the admission, and open the hold, unless a limit of the holder is reached."""
    work, account, limited = opening.work, stored.account, opening.work.limited
    if limited is not None:
        counted = count_in(stored, limited, work.ask.credits, group.now, next_ceiling=opening.next_ceiling)
        if isinstance(counted, RequestRefused):
            return counted
        stored = counted
    key = AccountKey(account.plan_id, account.holder)
    group.put_account(key, stored)
    opened = StoredHold(
        opening.hold_id,
        key,
        opening.hold,
        work.request,
        work.owner,
        opened_at=group.now,
        until=group.clock + work.seconds,
        attempt=opening.attempt,
        scope=b"" if work.key is None else work.key.scope,
        counted=None if limited is None else find_counted(stored.usages, limited),
        limited=limited,
        service=work.ask.service,
        next_ceiling=account.find_next_ceiling(work.ask.credits) if opening.by_voucher else 0,
    )
    group.open_hold(opened)
    work.note_key(group, opening.hold_id)
    return opened
