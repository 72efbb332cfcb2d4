"""Progress of downloads: a bar on stderr for each large file, on a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nvm_chain.storage import downloads

LARGE_FILE: Final = 5_000_000
"""Smallest file size in bytes that gets a bar."""


@contextmanager
def show_progress() -> Iterator[Callable[[str], downloads.Progress]]:
    """Yield a function that takes the name of a file, and returns its `nvm_chain.storage.downloads.Progress` callback.

    The callback shows a bar if the file is large and stderr is a terminal.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:

        def show(name: str) -> downloads.Progress:
            task = progress.add_task(name, visible=False)

            def on_progress(size: int, total: int | None) -> None:
                is_large = max(size, total or 0) >= LARGE_FILE
                progress.update(task, completed=size, total=total, visible=is_large)

            return on_progress

        yield show
