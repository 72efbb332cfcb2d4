"""Changes that end a hold: a charge, a release, and a sweep."""

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import (
    HoldOver,
    NvmChainError,
)
from nvm_chain.errors.fields import Credits
from nvm_chain.meter.admission import charge_request, release_request
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account, charge
from nvm_chain.meter.idempotency import MAX_ANSWER, KeyedRequest
from nvm_chain.meter.store.counting import count_back, count_unserved
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredAccount, StoredHold
from nvm_chain.meter.store.notice_causes import note_low_balance
from nvm_chain.meter.windows import end_request


class ChargeHold(Struct, frozen=True, gc=False):
    """Charge for a request that was served. Sent again, it changes nothing and has the same outcome."""

    hold: StoredHold
    cost: Credits

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        add_hold(needs, self.hold)

    def decide(self, group: GroupRows) -> StoredHold | NvmChainError:
        """Charge, or refuse after the end of the hold. What others count as free is only what was released in the books."""
        found = group.find_hold(self.hold)
        if found is not None and (found.state, found.cost) == (HoldState.CHARGED, self.cost):
            return found
        if found is None or found.state is not HoldState.OPEN or found.owner != self.hold.owner:
            return HoldOver(self.hold.hold_id.hex(), self.cost, self.hold.until)
        if group.clock > found.until:
            return HoldOver(self.hold.hold_id.hex(), self.cost, self.hold.until)
        stored = group.account(self.key)
        account = _charge(group, stored.account, found, self.cost)
        if is_in_window(found):
            _leave_window(group, found)
        if found.scope:
            _note_served(group, found.scope)
        if group.notice_rules:
            note_low_balance(group, self.key, stored.account, account)
        group.put_account(self.key, replace(count_back(stored, found, self.cost), account=account))
        return _end_hold(group, replace(found, total=account.committed), HoldState.CHARGED, self.cost)


def _charge(group: GroupRows, account: Account, found: StoredHold, cost: int) -> Account:
    """Charge the account and the authority, and return the account. The authority of one use is the hold itself."""
    if has_one_use(found):
        return charge(account, found.hold.credits, cost, group.now)
    account, authority = charge_request(
        account, group.authorities[found.hold.authority_id], found.hold, cost, group.now
    )
    group.put_authority(authority)
    return account


class ReleaseHold(Struct, frozen=True, gc=False):
    """Release the hold of a request that was not served. ``was_sent`` says whether the upstream was called."""

    hold: StoredHold
    was_sent: bool

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        add_hold(needs, self.hold)

    def decide(self, group: GroupRows) -> StoredHold | NvmChainError:
        """Release. A hold that has ended before, or was never stored, stays as it is."""
        found = group.find_hold(self.hold)
        if found is None or found.state is not HoldState.OPEN or found.owner != self.hold.owner:
            return found or self.hold
        counted = count_unserved(group.account(self.key), self.hold, group.now, was_sent=self.was_sent)
        return _release(group, counted, found, was_sent=self.was_sent)


class SweepHold(Struct, frozen=True):
    """Release an open hold whose end has passed, or whose owner has ended. Nobody knows whether the upstream was called.

    Its credits count no more in a quota. It does not count as a release, because that is not the holder's fault.
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
        add_hold(needs, self.hold)

    def decide(self, group: GroupRows) -> StoredHold | NvmChainError | None:
        """Release it, if it is still open and its end has passed."""
        found = group.find_hold(self.hold)
        if found is None or found.state is not HoldState.OPEN:
            return None
        if group.clock <= found.until and not self.owner_is_gone:
            return None
        return _release(group, count_back(group.account(self.key), found), found, was_sent=True)


def _release(group: GroupRows, stored: StoredAccount, found: StoredHold, *, was_sent: bool) -> StoredHold:
    account, authority = release_request(stored.account, _find_authority(group, found), found.hold, was_sent=was_sent)
    if not has_one_use(found):
        group.put_authority(authority)
    group.put_account(found.key, replace(stored, account=account))
    if is_in_window(found):
        _leave_window(group, found)
    if found.scope:
        group.drop_request(found.scope)
    return _end_hold(group, found, HoldState.RELEASED if was_sent else HoldState.RETURNED, 0)


def _note_served(group: GroupRows, scope: bytes) -> None:
    """Note that a request with a key was served. Its answer comes later, or never if the process ends before."""
    known = group.requests.get(scope)
    if known is not None and known.keyed.answered_at is None:
        served = KeyedRequest(scope, known.keyed.digest, group.now, MAX_ANSWER + 1)
        group.put_request(replace(known, keyed=served))


def is_in_window(hold: StoredHold) -> bool:
    """Return whether a hold is that of a request in an access window. It sets no credits aside."""
    return hold.hold.credits == 0


def _leave_window(group: GroupRows, hold: StoredHold) -> None:
    group.put_window(hold.key, end_request(group.window(hold.key)))


def add_hold(needs: Needs, hold: StoredHold) -> None:
    """Read a hold, and all that its end changes."""
    needs.accounts.add(hold.key)
    if is_in_window(hold):
        needs.windows.add(hold.key)
    if hold.scope:
        needs.requests.add(hold.scope)
    needs.holds.add(hold.hold_id)
    if not has_one_use(hold):
        needs.authorities.add(hold.hold.authority_id)


def has_one_use(hold: StoredHold) -> bool:
    """Return whether a voucher of one use opened a hold. Its authority is the hold itself."""
    return hold.hold.authority_id == hold.hold_id


def _find_authority(group: GroupRows, hold: StoredHold) -> Authority:
    if not has_one_use(hold):
        return group.authorities[hold.hold.authority_id]
    credits, key = hold.hold.credits, hold.key
    return Authority(
        hold.hold_id, AuthorityKind.REQUEST, *key, key.holder, start=0, end=0, uses=1, used=1, held=credits
    )


def _end_hold(group: GroupRows, hold: StoredHold, state: HoldState, cost: int) -> StoredHold:
    ended = replace(hold, state=state, cost=cost, ended_at=group.now, next_ceiling=0)
    group.end_hold(ended)
    return ended
