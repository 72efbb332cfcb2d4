"""Time of many reads: our bulk readers against plain web3, in turn on one anvil.

`python -m tests.bench balances --json` prints one JSON object.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress
from web3 import HTTPProvider, Web3

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.bulk_reads import read_accounts, read_balances, read_plans
from nvm_chain.types.addresses import format_address
from tests.bench.figures import Figure
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World

COUNT: Final = 10_000
SINGLE: Final = 40
"""The number of single calls that a round times. The time of the others is calculated from these."""
PLANS: Final = 50
"""The number of plans. The bench reads them again and again."""
ROUNDS: Final = 5
TRIES: Final = 10
"""The number of our reads in a round. One read takes a tenth of a second, and other work on the machine disturbs it."""


@dataclass(frozen=True)
class Stage:
    """A chain with holders, our connection to it, and Credits as a web3 contract."""

    chain: Chain
    credits: Any
    plan_ids: list[int]
    holders: list[ChecksumAddress]

    @property
    def pairs(self) -> list[tuple[int, ChecksumAddress]]:
        """A pair of each holder and the first plan."""
        return [(self.plan_ids[0], holder) for holder in self.holders]


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Run an anvil with plans and holders. A tenth of the holders has credits."""
    with run_anvil("--gas-limit", "1000000000") as url:  # web3 requests all balances in one call
        world = World(open_anvil(url))
        deploy_all(world.chain, world.chain.accounts[0])
        plan_ids = [world.register() for _ in range(PLANS)]
        holders = [format_address(hashlib.sha256(str(number).encode()).digest()[:20]) for number in range(COUNT)]
        mint = world.credits.functions.mintBatch
        for first in range(0, COUNT, 2_500):
            world.send(world.builder, mint(plan_ids[0], holders[first : first + 2_500 : 10], [7] * 250))
        chain = open_rpc(url)
        chain.use_credits(world.credits.address)
        credits = Web3(HTTPProvider(url)).eth.contract(chain.credits.address, abi=chain.credits.abi)
        yield Stage(chain, credits, plan_ids, holders)


def build_ways(stage: Stage) -> dict[str, tuple[float, Callable[[], object]]]:
    """Return the ways to measure, by name, and how many times each must run to read about 10,000 items."""
    call, pairs, plan_id = stage.credits.functions, stage.pairs, stage.plan_ids[0]
    few, plans = stage.holders[:SINGLE], (stage.plan_ids * (COUNT // PLANS))[: COUNT // 10]
    return {
        "balances": (1, lambda: read_balances(stage.chain, pairs)),
        "web3 batch": (1, lambda: call.balanceOfBatch(stage.holders, [plan_id] * COUNT).call()),
        "web3 balances": (COUNT / SINGLE, lambda: [call.balanceOf(holder, plan_id).call() for holder in few]),
        "accounts": (1, lambda: read_accounts(stage.chain, pairs)),
        "web3 accounts": (COUNT / SINGLE, lambda: [call.accountOf(plan_id, holder).call() for holder in few]),
        "plans": (COUNT / len(plans), lambda: read_plans(stage.chain, plans)),
        "web3 plans": (COUNT / 10, lambda: [_read_plan(call, plan_id) for plan_id in stage.plan_ids[:10]]),
    }


def _read_plan(call: Any, plan_id: int) -> tuple[Any, ...]:
    return call.stateOf(plan_id).call(), call.termsOf(plan_id).call(), call.uri(plan_id).call()


def measure() -> dict[str, Figure]:
    """Return web3's time as a multiple of ours, from the fastest of some rounds in turn."""
    with open_stage() as stage:
        ways = build_ways(stage)
        _check_equal(stage)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (repeats, do) in ways.items():
                for _ in range(1 if name.startswith("web3") else TRIES):
                    started = time.perf_counter()
                    do()
                    times[name].append((time.perf_counter() - started) * repeats)
    return _compare({name: min(taken) for name, taken in times.items()})


def _check_equal(stage: Stage) -> None:
    """Stop unless all ways return the same values."""
    call, plan_id, few = stage.credits.functions, stage.plan_ids[0], slice(0, 20)
    balances = call.balanceOfBatch(stage.holders, [plan_id] * COUNT).call()
    assert read_balances(stage.chain, stage.pairs) == balances
    assert sum(balances) == 7 * COUNT // 10
    accounts = [call.accountOf(plan_id, holder).call() for holder in stage.holders[few]]
    assert [(each.balance, each.settled) for each in read_accounts(stage.chain, stage.pairs)[few]] == [
        tuple(account[:2]) for account in accounts
    ]


def _compare(seconds: dict[str, float]) -> dict[str, Figure]:
    """Return the figures to print."""

    def ratio(ours: str, theirs: str, unit: str, aim: str) -> Figure:
        return {"value": round(seconds[theirs] / seconds[ours], 1), "unit": unit, "aim": aim}

    return {
        "read_balances": {"value": round(seconds["balances"], 4), "unit": "s for 10,000", "aim": ""},
        "against_batch": ratio("balances", "web3 batch", "x web3 batch", ">= 20"),
        "against_single": ratio("balances", "web3 balances", "x web3 single", ">= 400"),
        "read_accounts": {"value": round(seconds["accounts"], 4), "unit": "s for 10,000", "aim": ""},
        "accounts_against_single": ratio("accounts", "web3 accounts", "x web3 single", ""),
        "read_plans": {"value": round(seconds["plans"], 4), "unit": "s for 10,000", "aim": ""},
        "plans_against_single": ratio("plans", "web3 plans", "x web3 single", ""),
    }
