"""What the tests of the Python API share: requests counted, state compared, and a plan to buy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import settings
from web3.contract.contract import Contract
from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.client import Chain
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.operations.plans import register_plan
from nvm_chain.types.credits import get_dynamic_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.fixtures import keeping_chain as keeping_chain
from tests.support.fixtures import node as node
from tests.support.fixtures import skewed as skewed
from tests.support.fixtures import transferable_plan as transferable_plan
from tests.support.odd_node import OddNode, open_odd_chain
from tests.support.world import CREDITS, PRICE, World

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def plan(world: World) -> RegisteredPlan:
    """A plan of the builder's: 100 credits for 20 USDC, 1 to 10 credits per request."""
    assert world.chain.usdc is not None
    price = get_erc20_price_config(PRICE, world.chain.usdc, world.builder.address)
    return register_plan(world.chain, world.builder, price, get_dynamic_credits_config(CREDITS, 1, 10))


@pytest.fixture
def odd(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[World, OddNode, Chain]]:
    """A funded world on anvil, the odd node before it, and a chain that talks through it."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    world.fund(world.subscriber)
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        yield world, node, chain


@pytest.fixture
def requests_made(world: World) -> Iterator[list[str]]:
    """The methods of all requests that reach the chain from here on; those of a batch in brackets, as one."""
    made: list[str] = []
    under_way: list[str] = []  # eth-tester's provider asks itself for accounts while it answers

    class Counter(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Callable[[RPCEndpoint, Any], RPCResponse]:
            def request(method: RPCEndpoint, params: Any) -> RPCResponse:
                if not under_way:
                    made.append(method)
                under_way.append(method)
                try:
                    return make_request(method, params)
                finally:
                    under_way.pop()

            return request

        def wrap_make_batch_request(self, make_batch_request: Any) -> Callable[[Any], Any]:
            def request(batch: list[tuple[RPCEndpoint, Any]]) -> Any:
                made.append(f"[{', '.join(method for method, _ in batch)}]")
                return make_batch_request(batch)

            return request

    world.chain.web3.middleware_onion.inject(Counter, "counter", layer=0)
    yield made
    world.chain.web3.middleware_onion.remove("counter")


def read_state(world: World, account: LocalAccount, token: Contract) -> dict[str, int]:
    """Return what a transaction of an account could have changed for it."""
    return {
        "nonce": world.chain.web3.eth.get_transaction_count(account.address, "pending"),
        "coins": world.coins(account.address),
        "tokens": world.tokens(account.address, token),
        "allowance": int(world.read(token.functions.allowance(account.address, world.credits.address))),
    }


@pytest.fixture
def unchanged(world: World) -> Callable[..., AbstractContextManager[None]]:
    """A block that may leave nothing half done: accounts' nonces, coins, tokens, allowances and credits stay as they are."""

    @contextmanager
    def block(*accounts: LocalAccount, plan_ids: Sequence[int] = (), token: Contract | None = None) -> Iterator[None]:
        def look() -> list[Any]:
            credits = [world.balance(plan_id, account.address) for plan_id in plan_ids for account in accounts]
            return [[read_state(world, account, token or world.usdc) for account in accounts], credits]

        before = look()
        yield
        assert look() == before

    return block
