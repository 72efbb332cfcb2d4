"""Fixtures that several folders of tests share: a conftest imports those that its folder uses."""

from collections.abc import Iterator

import pytest
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import LABEL, deploy_all
from nvm_chain.enums import RedemptionRule
from tests.support.agents import Agents
from tests.support.anvil import open_anvil, run_anvil
from tests.support.gas import simulate
from tests.support.world import World

GAS_LIMIT = 10_000_000


@pytest.fixture(autouse=True)
def quick_estimates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare eth-tester the dozen runs by which it finds a gas limit: one shows whether a transaction would revert.

    Tests that are about estimates ask the node itself, see tests/support/gas.py. On anvil nothing is replaced.
    """
    if "base_chain" not in request.fixturenames:
        return
    chain: Chain = request.getfixturevalue("base_chain")

    def estimate_gas(sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0) -> int:
        simulate(chain, sender, data, to, value)
        return GAS_LIMIT

    if chain.label == LABEL:
        monkeypatch.setattr(chain, "estimate_gas", estimate_gas)


@pytest.fixture(scope="module")
def keeping_chain() -> Iterator[Chain]:
    """An anvil of the file's own that keeps the states of all blocks. One that prunes counts blocks that were undone, too."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield chain


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil of the file's own, with Credits and TestUSDC on it."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield World(chain)


@pytest.fixture
def staffed_plan(world: World) -> int:
    """A plan of the builder's, with one redeemer and one minter; the subscriber holds 10 credits of it."""
    plan_id = world.register(rule=RedemptionRule.REDEEMER)
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


@pytest.fixture
def agents(world: World) -> Agents:
    """The registry as freshly deployed."""
    return Agents(world)


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan of the builder's."""
    return world.register()


@pytest.fixture
def agent_id(agents: Agents, plan_id: int) -> int:
    """An agent of the builder's with that plan, at 1 to 5 credits; the partner is operator, the other is approved."""
    agent_id = agents.register((plan_id, 1, 5))
    world = agents.world
    world.send(world.builder, agents.functions.setApprovalForAll(world.partner.address, True))
    world.send(world.builder, agents.functions.approve(world.other.address, agent_id))
    return agent_id
