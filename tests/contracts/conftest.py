"""Plans that more than one file starts from, and gas limits without the search for them on eth-tester."""

import pytest
from eth_typing import ChecksumAddress

from nvm_chain.chain import Chain
from nvm_chain.embedded import LABEL
from nvm_chain.types import Rule
from tests.support.gas import simulate
from tests.support.world import World

GAS_LIMIT = 10_000_000


@pytest.fixture(autouse=True)
def quick_estimates(base_chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare eth-tester the dozen runs by which it finds a gas limit: one shows whether a transaction would revert.

    Tests that are about estimates ask the node itself, see tests/support/gas.py. On anvil nothing is replaced.
    """

    def estimate_gas(sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0) -> int:
        simulate(base_chain, sender, data, to, value)
        return GAS_LIMIT

    if base_chain.label == LABEL:
        monkeypatch.setattr(base_chain, "estimate_gas", estimate_gas)


@pytest.fixture
def staffed_plan(world: World) -> int:
    """A plan of the builder's, with one redeemer and one minter; the subscriber holds 10 credits of it."""
    plan_id = world.register(rule=Rule.REDEEMER)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.send(world.builder, world.credits.functions.setMinter(plan_id, world.minter.address, True))
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


@pytest.fixture
def transferable_plan(world: World) -> int:
    """A plan whose credits may be transferred; the subscriber holds 10 credits of it."""
    plan_id = world.register(transferable=True)
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id
