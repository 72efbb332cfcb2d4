"""Statements as JSON and CSV. The columns are stable."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.statements.types import Movement, Statement
from nvm_chain.types.json_values import fields_of
from nvm_chain.types.revenue import Revenue

MOVEMENT_COLUMNS: Final = (
    *("time", "timestamp", "block", "transaction", "log_index", "plan_id", "holder", "kind", "amount", "balance"),
    *("party", "quantity", "cost", "token", "context", "context_text", "access_until"),
)
REVENUE_COLUMNS: Final = ("plan_id", "token", "receiver", "shares", "fees", "forgone", "total", "sales")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of a text that spreadsheets read as a formula, with their full-width forms."""


def describe_statement(statement: Statement) -> dict[str, Any]:
    """Return a statement as a JSON object.

    Plan ids and bytes are hexadecimal text, and kinds are names. Money is a decimal text: a whole number of base units.
    Credits are integers.
    """
    described = fields_of(statement)
    for item, revenue in zip(described["revenue"], statement.revenue, strict=True):
        item["total"] = str(revenue.total)
    return described


def format_statement_json(statement: Statement) -> str:
    """Format a statement as one JSON object."""
    return json.dumps(describe_statement(statement), indent=2)


def format_movements_csv(statement: Statement) -> str:
    """Format movements as CSV (RFC 4180), with a heading. Each plan has an opening and a closing line.

    The columns are `MOVEMENT_COLUMNS`. ``context_text`` is the context if it is printable text. A text that
    spreadsheets read as a formula gets an apostrophe in front.
    """
    return _write(MOVEMENT_COLUMNS, _movement_lines(statement))


def format_revenue_csv(statement: Statement) -> str:
    """Format revenue as CSV (RFC 4180) with a heading, in base units. The columns are `REVENUE_COLUMNS`."""
    return _write(REVENUE_COLUMNS, map(_revenue_line, statement.revenue))


def format_context(context: bytes | None) -> str:
    r"""Return a context as text if it is printable, else an empty text.

    >>> format_context(b"request-1".ljust(32, b"\0")), format_context(bytes(31) + b"x")
    ('request-1', '')
    """
    try:
        text = (context or b"").rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _movement_lines(statement: Statement) -> Iterable[Mapping[str, object]]:
    period = statement.period
    for plan in statement.plans:
        yield _end_line("opening", plan.plan_id, period.first_second, plan.opening)
    yield from map(_movement_line, statement.movements)
    for plan in statement.plans:
        yield _end_line("closing", plan.plan_id, period.end_second, plan.closing)


def _end_line(kind: str, plan_id: int, second: int, balance: int) -> dict[str, object]:
    return {
        "time": format_time(second),
        "timestamp": second,
        "plan_id": format_plan_id(plan_id),
        "kind": kind,
        "balance": balance,
    }


def _movement_line(movement: Movement) -> dict[str, object]:
    line = {column: getattr(movement, column, None) for column in MOVEMENT_COLUMNS}
    return line | {
        "time": format_time(movement.timestamp),
        "block": movement.block_number,
        "plan_id": format_plan_id(movement.plan_id),
        "kind": movement.kind.value,
        "quantity": movement.quantity or None,
        "cost": movement.cost if movement.quantity else None,
        "context": None if movement.context is None else "0x" + movement.context.hex(),
        "context_text": neutralize(format_context(movement.context)),
    }


def _revenue_line(revenue: Revenue) -> dict[str, object]:
    return {column: getattr(revenue, column) for column in REVENUE_COLUMNS} | {
        "plan_id": format_plan_id(revenue.plan_id)
    }


def neutralize(text: str) -> str:
    """Return a text with an apostrophe in front if spreadsheets would read it as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def format_time(second: int) -> str:
    """Format a Unix second as ISO 8601 in UTC. Empty for a second beyond the calendar."""
    try:
        return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return ""


def _write(columns: Iterable[str], lines: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
