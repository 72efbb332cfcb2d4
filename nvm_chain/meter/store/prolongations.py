"""Changes that let a hold stay open for longer, while the answer of its request is on its way."""

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import HoldOver, NvmChainError
from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.meter.prolonging import find_end_of_access, find_end_of_authority, find_last_second
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredHold
from nvm_chain.meter.store.hold_ends import add_hold, has_one_use, is_in_window


class Prolonged(Struct, frozen=True, gc=False):
    """A hold with its end as it is now, which is some seconds away."""

    hold: StoredHold
    seconds: Seconds


class ProlongHold(Struct, frozen=True, gc=False):
    """Let an open hold end some seconds from now. Its credits stay held, and nothing else changes.

    It ends before what it needs ends: access, the session, the credits, and the voucher that pays. ``most_seconds`` is how long
    a hold may be open in all. A hold that could end no later stays as it is.
    """

    hold: StoredHold
    seconds: Seconds
    most_seconds: Seconds
    by_vouchers: bool

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.hold.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the hold, and its authority."""
        add_hold(needs, self.hold)

    def decide(self, group: GroupRows) -> Prolonged | NvmChainError:
        """Put the end off, unless the hold has ended. A hold that has ended stays so, because others may have its credits."""
        found = self._find_open(group)
        if found is None:
            return HoldOver(self.hold.hold_id.hex(), 0, self.hold.until)
        ahead = group.now - group.clock  # a block may be later than the clock, by which holds end
        most = min(group.clock + self.seconds, found.opened_at - ahead + self.most_seconds)
        until = max(found.until, min(most, self._find_last(group, found) - ahead))
        if until > found.until:
            group.open_hold(replace(found, until=until))
        return Prolonged(replace(self.hold, until=until), until - group.clock)

    def _find_open(self, group: GroupRows) -> StoredHold | None:
        """Return the hold, or None if it is over. That of a tranche counts its charges, and is the same after each of them."""
        found = group.find_hold(self.hold) if has_one_use(self.hold) else group.holds.get(self.hold.hold_id)
        if found is None or found.state is not HoldState.OPEN or group.clock > found.until:
            return None
        return found if (found.key, found.owner) == (self.hold.key, self.hold.owner) else None

    def _find_last(self, group: GroupRows, found: StoredHold) -> Time:
        """Return the last second in which the hold may be open, whatever is asked."""
        if is_in_window(found):
            last = find_end_of_access(group.window(self.key))
        else:
            stored = group.account(self.key)
            last = find_last_second(stored.account, stored.front, group.now, by_vouchers=self.by_vouchers)
        return (
            last if has_one_use(found) else min(last, find_end_of_authority(group.authorities[found.hold.authority_id]))
        )
