"""A worker that makes one order for each line on standard input, and prints its time.

Each compared build has a worker of its own. The worker only uses functions that both builds have.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from eth_account import Account

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.operations.named_orders import order_once
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.tokens import approve_token_spending
from nvm_chain.operations.usage import pay_usage

ENOUGH = 10**12


class Worker:
    """One buyer on one build."""

    def __init__(self, stage: dict[str, Any]) -> None:
        """Take the node's URL, the contracts' addresses, the plans' ids and the buyer's key."""
        self._stage = stage
        self._near = self._connect(stage["near"])
        self._signer = Account.from_key(stage["key"])
        self._chain = self._connect(stage["far"])
        self._count = 0

    def _connect(self, url: str) -> Chain:
        chain = open_rpc(url)
        chain.use_credits(self._stage["credits"])
        chain.usdc = self._stage["usdc"]
        return chain

    def prepare(self, name: str, *, is_first: bool) -> Callable[[], object]:
        """Return a call to be timed, on a new connection or on the former one."""
        if is_first:
            self._chain = self._connect(self._stage["far"])
        self._count += 1
        plan, signer, chain = self._stage["plans"].get(name, self._stage["plans"]["token"]), self._signer, self._chain
        self._set_allowance(ENOUGH if name in ("allowance", "usage_allowance") else 0)
        if name == "named":
            return lambda: order_once(chain, signer, plan, f"order {self._count}")
        if name == "relayed":
            signed = sign_plan_order(self._near, signer, plan)
            return lambda: relay_order(chain, signer, signed)
        if name.startswith("usage"):
            usage, method = self._stage["plans"]["usage"], "allowance" if name == "usage_allowance" else "approve"
            return lambda: pay_usage(chain, signer, usage, payment_method=method)  # type: ignore[arg-type]
        chosen = name if name in ("allowance", "approve", "permit", "authorization") else None
        return lambda: order_plan(chain, signer, plan, payment_method=chosen)  # type: ignore[arg-type]

    def _set_allowance(self, amount: int) -> None:
        approve_token_spending(self._near, self._signer, self._stage["usdc"], amount)


def main() -> None:
    """Time one call for each line, which has the call's name and whether its connection is new."""
    worker = Worker(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        name, is_first = json.loads(line)
        call = worker.prepare(name, is_first=is_first)
        print("ready", flush=True)
        sys.stdin.readline()
        started = time.perf_counter()
        call()
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
