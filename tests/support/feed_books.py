"""Books of a meter in memory, for a feed: the same changes as in a store, decided by the same pure core."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.books import Account, charge
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.views import PastView
from nvm_chain.meter.windows import WindowAccount, WindowView, replace_window, roll_back_window
from nvm_chain.types.events import Block


class MemoryBooks:
    """The books of credits plans. ``now`` is the second of the next changes."""

    def __init__(self) -> None:
        self.group = GroupRows(now=0, clock=0)
        self.head: Block | None = None
        self.seen: list[SeeView] = []
        self.fails: NvmChainError | None = None

    def account(self, key: AccountKey) -> Account:
        """Return an account."""
        return self.group.account(key).account

    def charge(self, key: AccountKey, cost: int) -> None:
        """Charge some credits, whether or not there are any."""
        stored = self.group.account(key)
        self.group.put_account(key, replace(stored, account=charge_at_once(stored.account, cost, self.group.now)))

    # ------------------------------------------------------------------ a sink

    def read_head(self) -> Block | None:
        """Return the block of the last `note_head`."""
        return self.head

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[PastView]]:
        """Return the past views of accounts."""
        return {key: self.account(key).past for key in keys if key in self.group.accounts}

    def list_later(self, block_number: int) -> list[AccountKey]:
        """Return the accounts whose latest view is of a later block."""
        return [key for key in self.group.accounts if self.account(key).view.block_number > block_number]

    def see(self, changes: Sequence[SeeView]) -> None:
        """Put views into the books."""
        if self.fails is not None:
            raise self.fails
        self.seen += changes
        for change in changes:
            outcome = change.decide(self.group)
            if isinstance(outcome, NvmChainError):
                raise outcome

    def note_head(self, block: Block, seen_at: int) -> None:
        """Note the head."""
        self.head = block


class MemoryWindows:
    """The books of time plans."""

    def __init__(self) -> None:
        self.windows: dict[AccountKey, WindowAccount] = {}

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[WindowView]]:
        """Return the past views of windows."""
        return {key: self.windows[key].past for key in keys if key in self.windows}

    def list_later(self, block_number: int) -> list[AccountKey]:
        """Return the windows whose latest view is of a later block."""
        return [key for key, window in self.windows.items() if window.past[-1].block_number > block_number]

    def see(self, changes: Sequence[SeeWindow]) -> None:
        """Put views into the books."""
        for change in changes:
            window, views = self.windows.get(change.key) or WindowAccount(*change.key), change.views
            if change.rolls_back:
                window, views = roll_back_window(window, views[0], depth=change.depth), views[1:]
            for view in views:
                window = replace_window(window, view, depth=change.depth)
            self.windows[change.key] = window


def charge_at_once(account: Account, cost: int, now: int) -> Account:
    """Hold some credits and charge them, whether or not there are any."""
    return charge(replace(account, held=account.held + cost), cost, cost, now)
