"""Progress of downloads: a bar on stderr, for large files and for people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

LARGE_FILE: Final = 5_000_000
"""Bytes from which on a bar is shown."""


@contextmanager
def show_progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Yield what a download calls with the bytes that have come and that will; on a terminal a large file gets a bar."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(name, visible=False)

        def on_progress(size: int, total: int | None) -> None:
            is_large = max(size, total or 0) >= LARGE_FILE
            progress.update(task, completed=size, total=total, visible=is_large)

        yield on_progress
