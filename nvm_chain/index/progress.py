"""What a follower tells while it works: how far it is, how fast, and what it waits for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from nvm_chain.errors import NvmChainError
from nvm_chain.types.events import Block


class Phase(StrEnum):
    """What a follower does."""

    SYNC = "sync"
    """It reads old blocks, many at once."""
    FOLLOW = "follow"
    """It has reached the newest blocks, and reads each block with its header."""
    REORG = "reorg"
    """It has rolled back blocks that the chain replaced."""
    BEHIND = "behind"
    """The node has fewer blocks than the index, and those are the same. It waits for the node."""
    WAIT = "wait"
    """The node or the database does not answer, or another process follows. It tries again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a follower. What it tells of is committed.

    ``head`` is the last block in the index, or None if it is empty, and ``target`` is the last block to read, as far as
    it is known. ``logs`` is the number of logs that this follower has stored. ``seconds_left`` is an estimate, and None
    without one. ``error`` is what the follower waits out.
    """

    phase: Phase
    head: Block | None
    target: int
    logs: int
    logs_per_second: int
    seconds_left: int | None = None
    error: NvmChainError | None = None


OnProgress: TypeAlias = Callable[[Progress], object]


class Meter:
    """Measures the speed of a follower since its start."""

    def __init__(self) -> None:
        """Start now."""
        self._began, self.logs = time.monotonic(), 0
        self._first: int | None = None

    def measure(
        self, phase: Phase, head: Block | None, target: int | None, error: NvmChainError | None = None
    ) -> Progress:
        """Return the progress after a step."""
        seconds = max(time.monotonic() - self._began, 1e-6)
        number = -1 if head is None else head.number
        if self._first is None:
            self._first = number
        end, done = max(number, target or 0), number - self._first
        left = int((end - number) * seconds / done) if done > 0 else None
        return Progress(phase, head, end, self.logs, int(self.logs / seconds), left, error)
