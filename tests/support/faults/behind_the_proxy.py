"""Requests to the node itself, past the proxy with its faults."""

import json
from collections.abc import Sequence
from typing import Any, Final

from tests.support.anvil import wait_until
from tests.support.faults.stage import Stage

LONGEST_SECONDS: Final = 5
"""The longest wait for a transaction in seconds. After it, the transaction counts as not mined."""


def ask_all(stage: Stage, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
    """Send several requests in one batch. The result of a refused request is None."""
    batch = [
        {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
        for place, (method, params) in enumerate(asked)
    ]
    answers = json.loads(stage.node.forward(json.dumps(batch).encode()))
    return [each.get("result") for each in sorted(answers, key=lambda each: each["id"])]


def wait_until_mined(stage: Stage) -> None:
    """Wait until all broadcast transactions are in blocks.

    anvil answers before it mines. A snapshot in the middle of a block, or a return to one, would have half of the
    block.
    """
    wait_until(lambda: _count_waiting(stage) == 0, LONGEST_SECONDS)


def _count_waiting(stage: Stage) -> int:
    (pool,) = ask_all(stage, [("txpool_status", [])])
    return int(pool["pending"], 16)
