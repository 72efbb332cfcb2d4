"""Starts: the block from which on an account is told, which is the last one that its books and the chain have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from nvm_chain.meter.feed.replaying import Page
from nvm_chain.meter.views import PastView


class Standing(Enum):
    """What the index says of a block that the books name."""

    KEPT = auto()
    REPLACED = auto()
    FORGOTTEN = auto()
    """The index does not have it any more: it is old, and had no events."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The blocks of an index in one snapshot: its head, the oldest one to which it can roll back, and some by number."""

    head: Page
    floor: int
    by_number: Mapping[int, Page]

    def judge(self, number: int, block_hash: bytes) -> Standing:
        """Say whether a block is still on the chain."""
        if number > self.head.number:
            return Standing.REPLACED
        page = self.by_number.get(number)
        if page is None:
            return Standing.FORGOTTEN
        return Standing.KEPT if page.hash == block_hash else Standing.REPLACED


@dataclass(frozen=True, slots=True)
class Start:
    """Where the views of an account begin. If it is ``told``, the view of this block is the first one."""

    page: Page
    is_told: bool
    rolls_back: bool


def find_start(past: Sequence[PastView], pages: Pages, find_page: Callable[[int | None], Page]) -> Start:
    """Return the start of an account.

    A block that the index has forgotten counts as kept, unless a later one was replaced. Then an earlier block is better that
    is known to be kept.

    Args:
        past: The views in the account's books, the latest last. Empty for a new account.
        pages: The blocks of the index. They have those of the views, as far as the index has them.
        find_page: Returns a block that is deep enough for a first view, and is not later than a number.
    """
    if not past:
        return Start(find_page(None), is_told=True, rolls_back=False)
    standings = [pages.judge(view.block_number, view.block_hash) for view in past]
    if Standing.REPLACED not in standings:
        return Start(_page_of(past[-1]), is_told=False, rolls_back=False)
    common = past[: standings.index(Standing.REPLACED)]
    kept = [view for view, standing in zip(common, standings, strict=False) if standing is Standing.KEPT]
    best = (kept or common)[-1:]
    page = _page_of(best[0]) if best else find_page(past[0].block_number)
    return Start(page, is_told=True, rolls_back=True)


def _page_of(view: PastView) -> Page:
    return Page(view.block_number, view.block_hash, view.time)
