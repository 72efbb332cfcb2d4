"""Tables of many rows: columns for people, and CSV for programs."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from nvm_chain.cli.lazy import formatting, statements_formats

INDENT: Final = "  "


def write_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()
) -> Iterator[str]:
    """Yield the lines of a table with headings. ``right`` are the columns of numbers, which end at the same place."""
    shown = [tuple(headings), *(tuple(formatting.clean(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    numbers = frozenset(right)
    for row in shown:
        cells = (
            cell.rjust(width) if number in numbers else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (INDENT + INDENT.join(cells)).rstrip()


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows as CSV (RFC 4180), with a heading. A text that spreadsheets read as a formula gets an apostrophe."""
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _write_cell(row.get(column)) for column in columns})


def _write_cell(value: object) -> object:
    return statements_formats.neutralize(value) if isinstance(value, str) else value
