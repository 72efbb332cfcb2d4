"""Usage as files: lines of CSV or of JSON, one for each request, written as they are read."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from nvm_chain.meter.usage import Usage

COLUMNS: Final = ("time", "service", "planId", "holder", "credits", "total", "requestId", "session", "seconds")
"""The fields of a line, in their order."""


class ExportFormat(StrEnum):
    """How usage is written. The values are those of options and queries."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def content_type(self) -> str:
        """The type of the content in HTTP."""
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "application/jsonl"


def format_second(second: int) -> str:
    """Return a Unix second as a date and a time.

    >>> format_second(1_800_000_000)
    '2027-01-15T08:00:00Z'
    """
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def write_usage(entries: Iterable[Usage], kind: ExportFormat, *, has_head: bool = True) -> Iterator[str]:
    """Yield the lines of some usage, each with its end.

    Args:
        entries: The usage.
        kind: How it is written.
        has_head: Whether the names of the columns come first. Lines of JSON have their names in them.
    """
    if kind is ExportFormat.JSONL:
        for entry in entries:
            yield json.dumps(dict(zip(COLUMNS, _list_values(entry), strict=True)), separators=(",", ":")) + "\n"
        return
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if has_head:
        writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow(_list_values(entry))
        yield _take(buffer)
    if rest := _take(buffer):
        yield rest


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _list_values(entry: Usage) -> tuple[str | int, ...]:
    """Return the values of a line. Credits are texts, because many programs read large numbers as fractions."""
    return (
        format_second(entry.ended_at),
        entry.service,
        str(entry.plan_id),
        entry.holder,
        str(entry.cost),
        str(entry.total),
        entry.request_id.hex(),
        entry.session.hex(),
        max(0, entry.ended_at - entry.opened_at),
    )
