"""Views of windows: until when holders of time plans have access after each of the last blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from nvm_chain.meter.feed.accounts import Telling, find_first, find_recent_changes
from nvm_chain.meter.feed.asking import find_page, read_changes, read_pages, split_keys
from nvm_chain.meter.feed.starts import Pages
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.windows import WindowView


class WindowReader:
    """Reader of the views of windows.

    It tells all views of the last blocks again each time, because a view of a window does not say which chain it is of.
    """

    def __init__(self, depth: int) -> None:
        """Take the number of blocks that follow a purchase."""
        self._depth = depth

    def read(
        self, connection: Connection, label: str, books: Mapping[AccountKey, Sequence[WindowView]]
    ) -> list[Telling[SeeWindow]]:
        """Return what to change in the books of windows, so that they are at the head of the snapshot.

        Args:
            connection: A snapshot of the index.
            label: The name of the index, for messages.
            books: The views in the books of each window, the latest last.

        Raises:
            IndexBehind: The index is empty.
        """
        pages = read_pages(connection, label, ())
        first = find_page(connection, find_first(pages, self._depth)).number
        return [
            self._tell(key, past, rows[key], (first, pages))
            for keys in split_keys(books)
            for rows in [_read_rows(connection, keys, first)]
            for key, past in ((key, books[key]) for key in keys)
        ]

    def _tell(
        self,
        key: AccountKey,
        past: Sequence[WindowView],
        rows: Sequence[tuple[int | None, Any]],
        span: tuple[int, Pages],
    ) -> Telling[SeeWindow]:
        first, pages = span
        begins = [first, *(block for block, _ in rows if block is not None)]
        ends = [(row.access_until or 0, int(row.balance or 0)) for _, row in rows]
        if len(ends) < len(begins):  # an account that nobody has now
            ends.append((0, 0))
        views = [WindowView(number, *end) for number, end in zip(begins, ends, strict=True)]
        if begins[-1] < pages.head.number:
            views.append(WindowView(pages.head.number, *ends[-1]))
        rolls_back = bool(past) and past[-1].block_number >= first
        change = SeeWindow(key, tuple(views), self._depth, rolls_back)
        return Telling(change, find_recent_changes(begins[1:], pages, self._depth))


def _read_rows(
    connection: Connection, keys: Sequence[AccountKey], first: int
) -> dict[AccountKey, list[tuple[int | None, Any]]]:
    found: dict[AccountKey, list[tuple[int | None, Any]]] = {key: [] for key in keys}
    for key, block, row in read_changes(connection, keys, first):
        found[key].append((block, row))
    return found
