"""Tables and facts of the page of sellers as HTML. Cells are HTML already: whoever builds them has escaped what others wrote."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple


class Column(NamedTuple):
    """A column of a table. Numbers stand at its end. A column of sentences, ``is_long``, is as wide as they need."""

    name: str
    is_number: bool = False
    is_long: bool = False


class Fact(NamedTuple):
    """A fact with its name, its value, and what has to be said of it. The value and the note are HTML."""

    name: str
    value: str
    note: str = ""


def write_table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], name: str = "") -> str:
    """Return a table, which scrolls by itself if it is wider than the screen.

    Args:
        caption: What the table shows.
        columns: Its columns. The first one names each row.
        rows: The cells as HTML.
        name: An id for scripts.
    """
    head = "".join(f'<th scope="col"{_style(column)}>{escape(column.name)}</th>' for column in columns)
    body = "".join(_write_row(columns, row) for row in rows)
    named = f' id="{name}"' if name else ""
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table{named}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _write_row(columns: Sequence[Column], row: Sequence[str]) -> str:
    first, *rest = row
    cells = "".join(f"<td{_style(column)}>{cell}</td>" for column, cell in zip(columns[1:], rest, strict=True))
    return f'<tr><th scope="row">{first}</th>{cells}</tr>'


def _style(column: Column) -> str:
    name = "number" if column.is_number else "long" if column.is_long else ""
    return f' class="{name}"' if name else ""


def write_facts(facts: Iterable[Fact]) -> str:
    """Return tiles with a fact on each."""
    return f'<dl class="tiles">{"".join(map(_write_fact, facts))}</dl>'


def _write_fact(fact: Fact) -> str:
    note = f'<dd class="hint">{fact.note}</dd>' if fact.note else ""
    return f'<div><dt>{escape(fact.name)}</dt><dd class="value">{fact.value}</dd>{note}</div>'


def write_section(name: str, title: str, *parts: str) -> str:
    """Return a section of the page with its title. ``name`` is the id of the title."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}" tabindex="-1">{escape(title)}</h2>{"".join(parts)}</section>'


def write_hint(text: str) -> str:
    """Return a sentence of this package that explains something."""
    return f'<p class="hint">{escape(text)}</p>'
