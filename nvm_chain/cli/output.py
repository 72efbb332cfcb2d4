"""Output of a command: the answer on stdout, as text or as one JSON value, and progress on stderr."""

import json
import sys
from collections.abc import Iterable
from textwrap import wrap
from typing import TYPE_CHECKING

from nvm_chain.cli.lazy import formatting, json_values, rich_console, rich_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

Rows = list[tuple[str, object]]
"""Labels and values of a text answer, in order."""


def open_console(*, stderr: bool = False) -> "Console":
    """Return a console that prints text unchanged, without markup or wrapping."""
    return rich_console.Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


def print_json(data: object) -> None:
    """Print one JSON value on stdout."""
    sys.stdout.write(json.dumps(json_values.to_json(data), indent=2) + "\n")


def print_rows(rows: Iterable[tuple[str, object]], *, stderr: bool = False) -> None:
    """Print labels and values in two columns. Long values are wrapped on a terminal only."""
    shown = [(label, formatting.clean(value)) for label, value in rows]
    indent = max(len(label) for label, _ in shown) + 2
    console = open_console(stderr=stderr)
    for label, value in shown:
        lines = wrap(value, console.width - indent, break_long_words=False) if console.is_terminal else [value]
        first, *more = lines or [""]
        console.print(rich_text.Text(label.ljust(indent), style="dim").append(rich_text.Text(first, style="not dim")))
        for line in more:
            console.print(" " * indent + line)


class Progress:
    """Progress of a command on stderr: a spinner on a terminal, plain lines elsewhere, nothing if quiet."""

    def __init__(self, *, quiet: bool) -> None:
        """Store the console and the mode, and print nothing."""
        self._quiet = quiet
        self._console = open_console(stderr=True)
        self._status: Status | None = None

    def say(self, sentence: str) -> None:
        """Show a sentence until the next call replaces the sentence."""
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._console.print(formatting.clean(sentence))
        elif self._status is None:
            self._status = self._console.status(rich_text.Text(formatting.clean(sentence)))
            self._status.start()
        else:
            self._status.update(rich_text.Text(formatting.clean(sentence)))

    def warn(self, sentence: str) -> None:
        """Print a warning, which stays on the screen."""
        if self._quiet:
            return
        self.stop()
        self._console.print(rich_text.Text("Warning: ", style="yellow").append(formatting.clean(sentence)))

    def stop(self) -> None:
        """Clear the spinner. Call this before a question or an answer."""
        if self._status is not None:
            self._status.stop()
            self._status = None
