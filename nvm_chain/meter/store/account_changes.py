"""Changes of an account: authorities, disputed credits, views, and vouchers that are over."""

from dataclasses import dataclass

from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityUnknown,
    NvmChainError,
)
from nvm_chain.meter.admission import find_told_ceiling
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.books import Account, block_credits
from nvm_chain.meter.store.admissions import MAX_VOUCHERS, refuse_more_vouchers
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs
from nvm_chain.meter.store.notice_causes import note_lots, note_low_balance
from nvm_chain.meter.store.places import MOST_AUTHORITIES, refuse_more_authorities
from nvm_chain.meter.store.schema import STORED_BITS
from nvm_chain.meter.view_changes import replace_view, roll_back
from nvm_chain.meter.views import View
from nvm_chain.meter.voucher_fronts import VoucherFront, put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.amounts import check_uint


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

    def decide(self, group: GroupRows) -> Authority | NvmChainError:
        """Open it. An authority that was opened before stays as it is, with what it has spent.

        It starts by the database's clock at the latest, which decides what a restored backup makes void.
        """
        stored = group.account(self.key)
        if self.signed is not None:
            front = stored.front.add(self.signed)
            if len(front.vouchers) > MAX_VOUCHERS:
                return refuse_more_vouchers(stored.account, find_told_ceiling(self.authority, stored.account, 0))
            group.put_account(self.key, replace(stored, front=front))
        known = group.authorities.get(self.authority.authority_id)
        if known is not None:
            return known
        opened = replace(self.authority, start=min(self.authority.start, group.clock))
        group.put_authority(opened)
        return opened


@dataclass(frozen=True, slots=True)
class RevokeAuthority:
    """Revoke a session, an allowance or a sign-in. Requests that are running end as usual.

    ``unopened`` is the authority as it would be opened. It is kept as revoked then, without its voucher, so that nobody opens it later.
    """

    key: AccountKey
    authority_id: bytes
    unopened: Authority | None = None

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority, and count what the holder has."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority_id)
        if self.unopened is not None:
            needs.openings.add((self.key, self.authority_id))

    def decide(self, group: GroupRows) -> Authority | NvmChainError:
        """Revoke it."""
        authority = group.find_authority(self.key, self.authority_id)
        if authority is None:
            if self.unopened is None:
                return AuthorityUnknown(self.authority_id.hex())
            if group.places[self.key] >= MOST_AUTHORITIES:
                return refuse_more_authorities(self.key)
            group.places[self.key] += 1
            authority = replace(self.unopened, start=min(self.unopened.start, group.clock))
        revoked = replace(authority, revoked=True)
        group.put_authority(revoked)
        return revoked


@dataclass(frozen=True, slots=True)
class BlockCredits:
    """Block the credits of a refunded or disputed payment, or free them with a negative number."""

    key: AccountKey
    credits: int

    def add_needs(self, needs: Needs) -> None:
        """Read the account."""
        needs.accounts.add(self.key)

    def decide(self, group: GroupRows) -> Account | NvmChainError:
        """Block them."""
        stored = group.account(self.key)
        try:
            account = block_credits(stored.account, self.credits)
            check_uint(account.blocked, STORED_BITS, "blocked credits")
        except NvmChainError as error:
            return error
        group.put_account(self.key, replace(stored, account=account))
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

    def decide(self, group: GroupRows) -> Account | NvmChainError:
        """Put the views in, in their order. Empty views of an account without books are left out, because anybody has those."""
        stored = group.account(self.key)
        account, views = stored.account, self.views
        if stored.is_new and all(view.is_empty for view in views):
            return account
        try:
            if self.rolls_back:
                account, views = roll_back(account, views[0], depth=self.depth, now=group.now), views[1:]
            for view in views:
                account = replace_view(account, view, depth=self.depth, now=group.now)
        except NvmChainError as error:
            return error
        account = put_ceiling(account, stored.front, group.now)
        note_low_balance(group, self.key, stored.account, account, since=stored.account.view.time)
        note_lots(group, account)
        group.put_account(self.key, replace(stored, account=account, has_past=True))
        return account


@dataclass(frozen=True, slots=True)
class DropVouchers:
    """Drop the vouchers of an account that were over at a final block's time. Nothing can be settled with them any more."""

    key: AccountKey
    final_time: int

    def add_needs(self, needs: Needs) -> None:
        """Read the account."""
        needs.accounts.add(self.key)

    def decide(self, group: GroupRows) -> VoucherFront:
        """Drop them, and return what is left."""
        stored = group.account(self.key)
        front = stored.front.drop_over(self.final_time)
        if front != stored.front:
            group.put_account(
                self.key, replace(stored, front=front, account=put_ceiling(stored.account, front, group.now))
            )
        return front
