"""Sessions and accounts in the store: open a session with its token, find it again, and read an account."""

from dataclasses import dataclass

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.store import Store
from nvm_chain.signing.vouchers import SignedVoucher


@dataclass(frozen=True, slots=True)
class KeepSession:
    """Open a session or an allowance, and keep the hash of a token for it."""

    authority: Authority
    signed: SignedVoucher | None
    token_hash: bytes

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.authority.plan_id, self.authority.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority."""
        OpenAuthority(self.authority, self.signed).add_needs(needs)

    def decide(self, group: GroupRows) -> Authority | NvmChainError:
        """Open it, and add the token."""
        opened = OpenAuthority(self.authority, self.signed).decide(group)
        if isinstance(opened, Authority):
            group.new_tokens.append((self.token_hash, self.authority.authority_id, self.key))
        return opened


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """Read an account as the books have it."""

    key: AccountKey

    def add_needs(self, needs: Needs) -> None:
        """Read the account."""
        needs.accounts.add(self.key)

    def decide(self, group: GroupRows) -> Account:
        """Return it."""
        return group.account(self.key).account


def find_session(store: Store, token_hash: bytes) -> tuple[AccountKey, bytes] | None:
    """Return the account and the authority of a session token, or None."""
    with store.asking() as pen:
        rows = pen.ask("SELECT plan, holder, authority_id FROM tokens WHERE token_hash = ?", (token_hash,))
    return next(((unpack_key(plan, holder), bytes(authority)) for plan, holder, authority in rows), None)
