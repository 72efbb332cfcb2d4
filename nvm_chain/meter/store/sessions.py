"""Sessions and accounts in the store: open a session with its token, find it again, and read an account."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from nvm_chain.errors import AuthorityRevoked, AuthorityUnknown, NvmChainError, TooManyTokens
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.admission import find_told_ceiling
from nvm_chain.meter.agreements import Ask, Question, find_end
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs
from nvm_chain.meter.store.notice_causes import note_session
from nvm_chain.meter.store.packing import read_kind, unpack_key
from nvm_chain.meter.store.places import MOST_AUTHORITIES, MOST_TOKENS, refuse_more_authorities
from nvm_chain.meter.store.store import Store
from nvm_chain.signing.vouchers import SignedVoucher


@dataclass(frozen=True, slots=True)
class KeepSession:
    """Open a session or an allowance, and keep the hash of a token for it. ``until`` is 0, or the last second of the token."""

    authority: Authority
    signed: SignedVoucher | None
    token_hash: bytes
    until: Time = 0

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.authority.plan_id, self.authority.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority, and count what the holder has."""
        OpenAuthority(self.authority, self.signed).add_needs(needs)
        needs.openings.add((self.key, self.authority.authority_id))

    def decide(self, group: GroupRows) -> Authority | NvmChainError:
        """Open it, and add the token."""
        authority_id = self.authority.authority_id
        known = group.authorities.get(authority_id)
        is_new = known is None
        if known is not None and known.revoked:
            return AuthorityRevoked(_find_ceiling(group, self.key, known), known.kind.value)
        if is_new and group.places[self.key] >= MOST_AUTHORITIES:
            return refuse_more_authorities(self.key)
        if group.token_counts[authority_id] >= MOST_TOKENS:
            return TooManyTokens(self.authority.kind.value, MOST_TOKENS)
        opened = OpenAuthority(self.authority, self.signed).decide(group)
        if isinstance(opened, Authority):
            group.new_tokens.append((self.token_hash, authority_id, self.key, self.until))
            group.places[self.key] += is_new
            group.token_counts[authority_id] += 1
            if is_new and group.notice_rules:
                note_session(group, opened)
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


@dataclass(frozen=True, slots=True)
class CheckAuthority:
    """Read an authority that has not ended."""

    key: AccountKey
    authority_id: bytes

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority_id)

    def decide(self, group: GroupRows) -> Authority | NvmChainError:
        """Return it, or the reason why it allows nothing."""
        authority = group.find_authority(self.key, self.authority_id)
        if authority is None:
            return AuthorityUnknown("of this token")
        next_ceiling = _find_ceiling(group, self.key, authority)
        return find_end(Question(authority, Ask(0, ""), group.now, next_ceiling)) or authority


def _find_ceiling(group: GroupRows, key: AccountKey, authority: Authority) -> Credits:
    """Return the next ceiling that a refusal says."""
    return find_told_ceiling(authority, group.account(key).account, 0)


class TokenOwner(NamedTuple):
    """What a token stands for: an authority of an account, and what opened it. ``until`` is 0, or the last second of the token."""

    key: AccountKey
    authority_id: bytes
    kind: AuthorityKind
    until: Time = 0


OWNER: Final = """
SELECT t.plan, t.holder, t.authority_id, a.kind, t.until FROM tokens t
JOIN authorities a ON a.authority_id = t.authority_id WHERE t.token_hash = ?
"""


def find_session(store: Store, token_hash: bytes) -> TokenOwner | None:
    """Return what a token stands for, or None."""
    with store.asking() as pen:
        rows = pen.ask(OWNER, (token_hash,))
    return next(
        (
            TokenOwner(unpack_key(plan, holder), bytes(authority), read_kind(kind), until)
            for plan, holder, authority, kind, until in rows
        ),
        None,
    )
