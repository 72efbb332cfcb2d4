"""Changes that admit a request on credits, by a voucher of one use or under an authority of many uses."""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityUnknown,
    NvmChainError,
    TooManyVouchers,
    VoucherBeforeRestore,
)
from nvm_chain.meter.admission import Admitted, Case, admit
from nvm_chain.meter.authorities import open_request
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredHold
from nvm_chain.meter.store.works import KeptAnswer, Work
from nvm_chain.meter.voucher_fronts import put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher

MAX_VOUCHERS: Final = 16
"""How many vouchers of a holder are kept. More are needed only if deadlines fall while ceilings rise."""


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

    def decide(self, group: GroupRows) -> StoredHold | KeptAnswer | NvmChainError:
        """Keep the voucher and open a hold, or refuse."""
        if (kept := self.work.find_kept(group)) is not None:
            return kept
        deadline = self.signed.voucher.deadline
        if deadline <= group.closed_until:
            return VoucherBeforeRestore(deadline, group.closed_until)
        if (old := self.work.find_old_view(group)) is not None:
            return old
        stored = group.account(self.key)
        front = stored.front.add(self.signed)
        if len(front.vouchers) > MAX_VOUCHERS:
            return refuse_more_vouchers(stored.account, self.work.ask.credits)
        authority = open_request(self.signed.voucher, self.digest, group.now)
        before = group.holds.get(self.digest)
        if is_spent(before):
            authority = replace(authority, used=1)
        account = put_ceiling(stored.account, front, group.now)
        admitted = admit(Case(account, authority, self.work.ask, self.work.policy, group.now))
        if not isinstance(admitted, Admitted):
            return admitted
        group.put_account(self.key, replace(stored, account=admitted.account, front=front))
        attempt = 0 if before is None else before.attempt + 1
        return _open_hold(group, self.key, self.digest, admitted, self.work, attempt)


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

    def decide(self, group: GroupRows) -> StoredHold | KeptAnswer | NvmChainError:
        """Open a hold, or refuse."""
        if (kept := self.work.find_kept(group)) is not None:
            return kept
        if (old := self.work.find_old_view(group)) is not None:
            return old
        stored = group.account(self.key)
        account = put_ceiling(stored.account, stored.front, group.now)
        authority = group.find_authority(self.key, self.authority_id)
        if authority is None or group.is_void(authority):
            return AuthorityUnknown(self.authority_id.hex())
        admitted = admit(Case(account, authority, self.work.ask, self.work.policy, group.now))
        if not isinstance(admitted, Admitted):
            return admitted
        group.put_account(self.key, replace(stored, account=admitted.account))
        group.put_authority(admitted.authority)
        return _open_hold(group, self.key, self.hold_id, admitted, self.work)


def _open_hold(
    group: GroupRows, key: AccountKey, hold_id: bytes, admitted: Admitted, work: Work, attempt: int = 0
) -> StoredHold:
    opened = StoredHold(
        hold_id,
        key,
        admitted.hold,
        work.request,
        work.owner,
        opened_at=group.now,
        until=group.clock + work.seconds,
        attempt=attempt,
        scope=b"" if work.key is None else work.key.scope,
    )
    group.open_hold(opened)
    work.note_key(group, hold_id)
    return opened
