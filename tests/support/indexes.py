"""Indexes for commands: made beforehand, and followers that end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.cli.conftest import Shell

SECONDS = 1.5


def make_indexes(shell: Shell) -> None:
    """Make an index in a state folder of the test's own, and one in the file shop.db."""
    shell.environment["NVM_CHAIN_STATE"] = str(shell.folder / "state")
    for place in ((), ("--index", "shop.db")):
        ran = shell("index", "run", "--once", *place)
        assert ran.exit_code == 0, ran.stderr


@contextmanager
def interrupted_if(follows: bool) -> Iterator[None]:
    """Press Ctrl-C after a moment, if a command follows the chain."""
    if follows:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
