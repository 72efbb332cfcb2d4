"""What is asked of the node itself, past the proxy, which does nothing wrong to it."""

import json
from collections.abc import Sequence
from typing import Any, Final

from tests.support.anvil import wait_until
from tests.support.faults.stage import Stage

LONGEST_SECONDS: Final = 5
"""A transaction that waits longer is one that is not mined."""


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
    wait_until(lambda: _count_waiting(stage) == 0, LONGEST_SECONDS)


def _count_waiting(stage: Stage) -> int:
    (pool,) = ask_all(stage, [("txpool_status", [])])
    return int(pool["pending"], 16)
