"""What is asked of the node itself, past the proxy, which does nothing wrong to it."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.support.faults.stage import Stage

LONGEST_SECONDS: Final = 5
"""A transaction that waits longer is one that is not mined."""
PAUSE_SECONDS: Final = 0.001


def ask_all(stage: Stage, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
    """Ask several things in one batch; what is refused is None."""
    batch = [
        {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
        for place, (method, params) in enumerate(asked)
    ]
    answers = json.loads(stage.node.forward(json.dumps(batch).encode()))
    return [each.get("result") for each in sorted(answers, key=lambda each: each["id"])]


def wait_until_mined(stage: Stage) -> None:
    """Wait until what was handed over is in a block.

    anvil answers before it mines, and a state that is saved, or put back, in the middle of a block has half of it.
    """
    ends_at = time.monotonic() + LONGEST_SECONDS
    while _count_waiting(stage) and time.monotonic() < ends_at:
        time.sleep(PAUSE_SECONDS)


def _count_waiting(stage: Stage) -> int:
    (pool,) = ask_all(stage, [("txpool_status", [])])
    return int(pool["pending"], 16)
