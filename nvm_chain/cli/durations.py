"""Durations as options: `--age 30d`, `--age "12 hours"`."""

from typing import Any, Final

import click

from nvm_chain.cli.lazy import durations
from nvm_chain.cli.parameters import name_of

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Duration(click.ParamType):
    """A duration with its unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds. Raises InvalidAmount."""
        return durations.parse_duration(value, name_of(param)) if isinstance(value, str) else value
