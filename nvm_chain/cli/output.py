"""What a command says: its answer on stdout, as text or as one JSON value, and progress on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.lazy import rich_console, rich_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

PLAN_ID_FIELDS: Final = ("plan_id", "token_id")
MONEY_FIELDS: Final = ("price", "paid", "price_paid", "max_cost", "cost", "fee_wei", "gas_paid_wei", "receivers")
"""Fields that hold base units of a token or of the coin: JSON has them as text, as many parsers round above 2**53."""

Rows = list[tuple[str, object]]
"""Labels and values, in the order people read them."""


def open_console(*, stderr: bool = False) -> "Console":
    """Return a console that writes what it is given: no markup, no wrapping, no colour where none is wanted."""
    return rich_console.Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


def clean(text: object) -> str:
    """Return text without line breaks and control characters, which a token or a node could have put there."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def print_json(data: object) -> None:
    """Print one JSON value on stdout."""
    sys.stdout.write(json.dumps(to_json(data), indent=2) + "\n")


def print_rows(rows: Iterable[tuple[str, object]], *, stderr: bool = False) -> None:
    """Print labels and values, the values in one column; a terminal gets long ones wrapped, everything else whole lines."""
    shown = [(label, clean(value)) for label, value in rows]
    indent = max(len(label) for label, _ in shown) + 2
    console = open_console(stderr=stderr)
    for label, value in shown:
        lines = wrap(value, console.width - indent, break_long_words=False) if console.is_terminal else [value]
        first, *more = lines or [""]
        console.print(rich_text.Text(label.ljust(indent), style="dim").append(rich_text.Text(first, style="not dim")))
        for line in more:
            console.print(" " * indent + line)


def fields_of(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields by name, one level deep."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def to_json(value: object) -> Any:
    """Turn an answer into what JSON has: plan ids and bytes as hexadecimal text, money as decimal text, credits as integers."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(fields_of(value))
    if isinstance(value, Mapping):
        return {str(key): _field_to_json(str(key), item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _field_to_json(name: str, value: object) -> Any:
    if name in PLAN_ID_FIELDS and value is not None:
        return format_plan_id(value)
    return format_money(value) if name in MONEY_FIELDS else to_json(value)


def format_money(value: Any) -> Any:
    """Write base units as decimal text, also those in a mapping.

    >>> format_money(2**64), format_money({"0xAb": 5})
    ('18446744073709551616', {'0xAb': '5'})
    """
    if isinstance(value, Mapping):
        return {str(key): format_money(item) for key, item in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else to_json(value)


def count(number: int, noun: str) -> str:
    """Write how many there are of something.

    >>> count(1, "credit"), count(100, "credit")
    ('1 credit', '100 credits')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_plan_id(plan_id: object) -> str:
    """Write a plan id as 0x and 64 hexadecimal digits, which no JSON parser rounds."""
    return f"{plan_id:#066x}" if isinstance(plan_id, int) else str(plan_id)


class Progress:
    """Says on stderr what a command waits for: a spinner in a terminal, plain lines elsewhere, nothing if quiet."""

    def __init__(self, *, quiet: bool) -> None:
        """Say nothing yet."""
        self._quiet = quiet
        self._console = open_console(stderr=True)
        self._status: Status | None = None

    def say(self, sentence: str) -> None:
        """Show a sentence until the next one."""
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._console.print(clean(sentence))
        elif self._status is None:
            self._status = self._console.status(rich_text.Text(clean(sentence)))
            self._status.start()
        else:
            self._status.update(rich_text.Text(clean(sentence)))

    def stop(self) -> None:
        """Clear the spinner, before a question or an answer."""
        if self._status is not None:
            self._status.stop()
            self._status = None
