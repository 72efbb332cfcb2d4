"""Sinks: where the feed puts the views, and what it asks about the books."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.views import PastView
from nvm_chain.meter.windows import WindowView
from nvm_chain.types.events import Block


class ViewSink(Protocol):
    """The books of credits plans. The feed's thread calls them, and waits for them."""

    def read_head(self) -> Block | None:
        """Return the block of the last `note_head`, or None."""

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[PastView]]:
        """Return the views in the books of accounts, the latest last. Accounts without books are left out."""

    def list_later(self, block_number: int) -> Iterable[AccountKey]:
        """Yield the accounts whose latest view is of a later block."""

    def see(self, changes: Sequence[SeeView]) -> None:
        """Put views into the books, and return when they are durable. Raises NvmChainError if some are not stored."""

    def note_head(self, block: Block, seen_at: int) -> None:
        """Note that the books have all views up to a block, which was the latest at the Unix second ``seen_at``."""


class WindowSink(Protocol):
    """The books of time plans."""

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[WindowView]]:
        """Return the views in the books of windows, the latest last. Those without books are left out."""

    def list_later(self, block_number: int) -> Iterable[AccountKey]:
        """Yield the windows whose latest view is of a later block."""

    def see(self, changes: Sequence[SeeWindow]) -> None:
        """Put views into the books, and return when they are durable. Raises NvmChainError if some are not stored."""
