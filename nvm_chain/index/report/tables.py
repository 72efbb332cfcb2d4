"""Tables of a report. On narrow screens each row becomes a block, in which every cell has its column's title."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from nvm_chain.index.report.markup import Markup, element, join

SHOWN: Final = 20
"""Number of rows that are always visible. The others are folded."""
SPARE: Final = 5
"""So many more rows are visible too, because folding a few saves nothing."""


class Column(NamedTuple):
    """Column of a table. Numbers are aligned at the right."""

    title: str
    is_number: bool = True


Row = Sequence[str]
"""Cells of a row: texts, which are escaped, or markup."""


def build_table(columns: Sequence[Column], rows: Sequence[Row], more: str = "rows") -> Markup:
    """Build a table. Rows after the first twenty are folded, under a line that says how many ``more`` there are."""
    shown = len(rows) if len(rows) <= SHOWN + SPARE else SHOWN
    visible = _build_part(columns, rows[:shown])
    if shown == len(rows):
        return visible
    line = element("summary", f"{len(rows) - shown:,} more {more}")
    return join(visible, element("details", line, _build_part(columns, rows[shown:])))


def fold(line: str, columns: Sequence[Column], rows: Sequence[Row]) -> Markup:
    """Build a table that is folded as a whole, under a line that says what it has."""
    return element("details", element("summary", line), _build_part(columns, rows))


def _build_part(columns: Sequence[Column], rows: Sequence[Row]) -> Markup:
    titles = [element("th", each.title, class_=_align(each), scope="col", role="columnheader") for each in columns]
    head = element("thead", element("tr", *titles, role="row"), role="rowgroup")
    body = element("tbody", *(_build_row(columns, row) for row in rows), role="rowgroup")
    return element("table", head, body, role="table")


def _build_row(columns: Sequence[Column], row: Row) -> Markup:
    first, *others = zip(columns, row, strict=True)
    cells = [element("th", first[1], class_=_align(first[0]), scope="row", role="rowheader")]
    cells += [element("td", cell, class_=_align(each), data_label=each.title, role="cell") for each, cell in others]
    return element("tr", *cells, role="row")


def _align(column: Column) -> str | None:
    return "n" if column.is_number else None
