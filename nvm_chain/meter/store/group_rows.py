"""The rows of a group of changes, read and locked, and what the changes make of them.

Each change belongs to one account. Whoever has locked the account's row may change its authorities and holds too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.meter.authorities import Authority, Hold
from nvm_chain.meter.books import Account
from nvm_chain.meter.idempotency import KeyedRequest
from nvm_chain.meter.limits import Counted, Limited, Usages
from nvm_chain.meter.notices import Notice, NoticeKind, NoticeRule
from nvm_chain.meter.openings import Opening
from nvm_chain.meter.voucher_fronts import MAX_SECONDS, VoucherFront
from nvm_chain.meter.windows import WindowAccount
from nvm_chain.signing.vouchers import SignedVoucher

AHEAD_SECONDS: Final = 60
"""How far the latest block's time may be ahead of the database's clock, and count."""
CLOSED_SECONDS: Final = MAX_SECONDS + AHEAD_SECONDS
"""How long books stay closed for older vouchers after a backup was restored: as long as one may live."""


class AccountKey(NamedTuple):
    """A plan and a holder."""

    plan_id: PlanId
    holder: ChecksumAddress


class HoldState(IntEnum):
    """What has become of a hold."""

    OPEN = 0
    CHARGED = 1
    RELEASED = 2
    """The request was not served, and its credential stays spent."""
    RETURNED = 3
    """The upstream was not called, so that a request voucher may be presented again."""


class StoredHold(Struct, frozen=True, gc=False):
    """A hold as the store keeps it. It stays after its end: charged holds are the first entries of the books.

    A hold of no credits is that of a request in an access window.

    ``authority`` is the authority of a request voucher, which has one use and no row of its own. ``request`` is the context of
    the binding that was computed from the request. ``until`` is the second of the database's clock after which the owner
    may not charge any more. ``total`` is all that was charged to the account, up to this charge. ``attempt`` counts how often
    the voucher was returned before, so that a late end of an earlier hold does not end this one. ``scope`` is that of the
    request's idempotency key, or empty. ``counted`` says where the credits count in a quota. ``limited`` says which limits count
    the request. Only the process that opened the hold knows it. ``service`` is the DID of the service that was asked.
    ``next_ceiling`` is the ceiling for one more request that costs as much, if this one costs all that is held. It is 0 for a
    hold that was not opened by a voucher, and only the process that opened the hold knows it.
    """

    hold_id: bytes
    key: AccountKey
    hold: Hold
    request: bytes
    owner: bytes
    opened_at: Time
    until: Time
    state: HoldState = HoldState.OPEN
    cost: Credits = 0
    ended_at: Time = 0
    total: Credits = 0
    attempt: int = 0
    scope: bytes = b""
    counted: Counted | None = None
    limited: Limited | None = None
    service: str = ""
    next_ceiling: Credits = 0


class StoredAccount(Struct, frozen=True, gc=False):
    """An account, its vouchers, and its counters of limits. ``has_past`` says whether its past views were read too."""

    account: Account
    front: VoucherFront = VoucherFront()
    has_past: bool = False
    usages: Usages = ()

    @property
    def is_new(self) -> bool:
        """Whether nothing is stored of the account: it has no view, and nothing was charged, blocked or signed."""
        account = self.account
        return not (
            account.view.block_number
            or account.past
            or account.committed
            or account.held
            or account.blocked
            or self.front.vouchers
            or self.usages
        )


class StoredRequest(Struct, frozen=True):
    """A request with an idempotency key, the hold that it opened, and its answer if that is kept."""

    keyed: KeyedRequest
    hold_id: bytes
    answer: bytes | None = None


@dataclass(slots=True)
class Needs:
    """What a group of changes reads: accounts to lock, and rows that belong to them."""

    accounts: set[AccountKey] = field(default_factory=set)
    past: set[AccountKey] = field(default_factory=set)
    windows: set[AccountKey] = field(default_factory=set)
    authorities: set[bytes] = field(default_factory=set)
    holds: set[bytes] = field(default_factory=set)
    requests: set[bytes] = field(default_factory=set)
    openings: set[tuple[AccountKey, bytes]] = field(default_factory=set)
    """Accounts on which an authority is opened, and its id: what the account and the authority have already is counted."""
    first_uses: set[AccountKey] = field(default_factory=set)
    """Windows that are opened on first use. What opens the one that is seen is read too, if it is closed."""
    window_ends: dict[AccountKey, set[Time]] = field(default_factory=dict)
    """The ends of windows that views of the group put into the books."""
    ended_openings: set[tuple[AccountKey, Time]] = field(default_factory=set)


@dataclass(slots=True)
class GroupRows:
    """The rows of a group.

    ``clock`` is the database's clock. ``now`` is the later of it and the latest block's time. Request vouchers that end until
    ``closed_until`` may be older than a restored backup, and are refused. ``head_seen_at`` is when the chain was last read.
    """

    now: Time
    clock: Time
    closed_until: Time = 0
    head_seen_at: Time = 0
    head_time: Time = 0
    accounts: dict[AccountKey, StoredAccount] = field(default_factory=dict)
    windows: dict[AccountKey, WindowAccount] = field(default_factory=dict)
    authorities: dict[bytes, Authority] = field(default_factory=dict)
    holds: dict[bytes, StoredHold] = field(default_factory=dict)
    requests: dict[bytes, StoredRequest] = field(default_factory=dict)
    changed_requests: set[bytes] = field(default_factory=set)
    dropped_requests: set[bytes] = field(default_factory=set)
    changed_accounts: dict[AccountKey, StoredAccount] = field(default_factory=dict)
    changed_windows: set[AccountKey] = field(default_factory=set)
    changed_authorities: set[bytes] = field(default_factory=set)
    opened_holds: set[bytes] = field(default_factory=set)
    ended_holds: set[bytes] = field(default_factory=set)
    new_tokens: list[tuple[bytes, bytes, AccountKey, Time]] = field(default_factory=list)
    refused_vouchers: dict[bytes, SignedVoucher] = field(default_factory=dict)
    """Vouchers by their digests whose signature their contract wallet no longer accepts."""
    openings: dict[tuple[AccountKey, Time], Opening] = field(default_factory=dict)
    changed_openings: set[tuple[AccountKey, Time]] = field(default_factory=set)
    places: dict[AccountKey, int] = field(default_factory=dict)
    token_counts: dict[bytes, int] = field(default_factory=dict)
    notice_rules: Mapping[PlanId, NoticeRule] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    ends: dict[tuple[AccountKey, NoticeKind], list[Notice]] = field(default_factory=dict)
    """Notices of ends to come, instead of those of the account that were not delivered yet."""

    @property
    def is_changed(self) -> bool:
        """Whether there is something to store."""
        changed = (self.changed_accounts, self.changed_windows, self.changed_authorities)
        return any(
            (
                *changed,
                self.changed_requests,
                self.dropped_requests,
                self.opened_holds,
                self.ended_holds,
                self.new_tokens,
                self.refused_vouchers,
                self.changed_openings,
            )
        )

    @property
    def written_accounts(self) -> set[AccountKey]:
        """The accounts for which something is stored."""
        authorities = (self.authorities[one] for one in self.changed_authorities)
        return {
            *self.changed_accounts,
            *self.changed_windows,
            *(AccountKey(authority.plan_id, authority.holder) for authority in authorities),
            *(self.holds[one].key for one in (*self.opened_holds, *self.ended_holds)),
            *(key for key, _ in self.changed_openings),
        }

    def is_void(self, authority: Authority) -> bool:
        """Return whether an authority was opened before a backup was restored."""
        return authority.start <= self.closed_until - CLOSED_SECONDS

    @property
    def latest_deadline(self) -> Time:
        """The latest deadline of a request voucher. One second of the database's clock later, `closed_until` would be after it.

        So nothing that was spent before a restored backup can be presented again, whatever a process's clock says.
        """
        return min(self.now, self.clock + AHEAD_SECONDS) + MAX_SECONDS

    def account(self, key: AccountKey) -> StoredAccount:
        """Return the account of a holder on a plan, which is empty if there is no row of it."""
        return self.accounts.get(key) or StoredAccount(Account(key.plan_id, key.holder))

    def find_authority(self, key: AccountKey, authority_id: bytes) -> Authority | None:
        """Return an authority of an account, or None. Other accounts of the group have authorities of their own."""
        found = self.authorities.get(authority_id)
        return found if found is not None and (found.plan_id, found.holder) == key else None

    def find_hold(self, hold: StoredHold) -> StoredHold | None:
        """Return a hold as it is now, or None if it is not stored. A later hold by the same voucher is another one."""
        found = self.holds.get(hold.hold_id)
        return found if found is not None and (found.key, found.attempt) == (hold.key, hold.attempt) else None

    def put_account(self, key: AccountKey, account: StoredAccount) -> None:
        """Replace an account. The first one that was read is kept, so that only what differs is written."""
        self.changed_accounts.setdefault(key, self.account(key))
        self.accounts[key] = account

    def window(self, key: AccountKey) -> WindowAccount:
        """Return the access window of a holder on a time plan, which is closed if there is no row of it."""
        return self.windows.get(key) or WindowAccount(*key)

    def put_window(self, key: AccountKey, window: WindowAccount) -> None:
        """Replace an access window."""
        self.windows[key] = window
        self.changed_windows.add(key)

    def put_opening(self, opening: Opening) -> None:
        """Replace an opening, or add it."""
        name = AccountKey(opening.plan_id, opening.holder), opening.seen
        self.openings[name] = opening
        self.changed_openings.add(name)

    def put_authority(self, authority: Authority) -> None:
        """Replace an authority, or add it."""
        self.authorities[authority.authority_id] = authority
        self.changed_authorities.add(authority.authority_id)

    def put_request(self, request: StoredRequest) -> None:
        """Replace a request with an idempotency key, or add it."""
        self.requests[request.keyed.scope] = request
        self.changed_requests.add(request.keyed.scope)
        self.dropped_requests.discard(request.keyed.scope)

    def drop_request(self, scope: bytes) -> None:
        """Forget a request that was not served, so that it may come again with its key."""
        if self.requests.pop(scope, None) is not None:
            self.changed_requests.discard(scope)
            self.dropped_requests.add(scope)

    def open_hold(self, hold: StoredHold) -> None:
        """Add a hold, or replace one that was returned."""
        self.holds[hold.hold_id] = hold
        self.opened_holds.add(hold.hold_id)

    def end_hold(self, hold: StoredHold) -> None:
        """Replace an open hold by its end."""
        self.holds[hold.hold_id] = hold
        if hold.hold_id not in self.opened_holds:
            self.ended_holds.add(hold.hold_id)
