"""How fast balances of many are read: `read_balances`, and web3's own calls, in turn on one anvil.

`python -m tests.bench.balances --json` prints one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from eth_utils.address import to_checksum_address

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.credits import read_balances
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World

COUNT: Final = 10_000
SINGLE: Final = 200
"""Single calls that are timed; the rest is taken to be as slow."""
ROUNDS: Final = 5


def time_of(do: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def measure() -> dict[str, dict[str, Any]]:
    """Return how many times as long web3 takes, by its batch and by single calls; medians of rounds in turn."""
    with run_anvil("--gas-limit", "1000000000") as url:  # web3 asks for all in one call
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        plan_id = world.register()
        holders = [to_checksum_address(f"0x{(0x51 << 152) + number:040x}") for number in range(COUNT)]
        world.grant(plan_id, holders[-1], 7)
        pairs = [(plan_id, holder) for holder in holders]
        functions = chain.credits.functions
        ours, batch, single = [], [], []
        for _ in range(ROUNDS):
            ours.append(time_of(lambda: read_balances(chain, pairs)))
            batch.append(time_of(lambda: functions.balanceOfBatch(holders, [plan_id] * COUNT).call()))
            single.append(
                time_of(lambda: [functions.balanceOf(holder, plan_id).call() for holder in holders[:SINGLE]])
                * (COUNT / SINGLE)
            )
        assert read_balances(chain, pairs) == functions.balanceOfBatch(holders, [plan_id] * COUNT).call()
    return {
        "read_balances": {"value": round(median(ours), 4), "unit": "s for 10,000", "aim": ""},
        "against_batch": {"value": round(median(batch) / median(ours), 1), "unit": "x web3 batch", "aim": ">= 20"},
        "against_single": {"value": round(median(single) / median(ours), 1), "unit": "x web3 single", "aim": ">= 400"},
    }


def main() -> int:
    """Print the figures."""
    figures = measure()
    if "--json" in sys.argv:
        print(json.dumps({"suite": "balances", "figures": figures}))
        return 0
    for name, figure in figures.items():
        print(f"{name:16} {figure['value']:>10} {figure['unit']:18} {figure['aim']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
