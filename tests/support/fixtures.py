"""Fixtures for several test folders. A conftest imports the ones that its folder uses."""

import time
from collections.abc import Iterator

import pytest
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import LABEL, deploy_all
from nvm_chain.enums import RedemptionRule
from tests.support.agents import Agents
from tests.support.anvil import open_anvil, run_anvil
from tests.support.gas import simulate
from tests.support.keeping_worlds import run_keeping_world
from tests.support.world import World

GAS_LIMIT = 10_000_000


@pytest.fixture(autouse=True)
def quick_estimates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace eth-tester's search for a gas limit, which takes a dozen runs, by one run that shows a revert.

    Tests about estimates ask the node itself, see tests/support/gas.py. On anvil nothing is replaced.
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
    """An anvil for one test file that keeps the states of all blocks."""
    with run_keeping_world() as world:
        yield world.chain


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil for one test file, with Credits and TestUSDC."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield World(chain)


@pytest.fixture
def skewed(funded: World, monkeypatch: pytest.MonkeyPatch, skew: int) -> World:
    """A funded world on whose machine the clock is wrong by so many seconds."""
    chain_time = funded.now
    monkeypatch.setattr(time, "time", lambda: float(chain_time + skew))
    return funded


@pytest.fixture
def staffed_plan(world: World) -> int:
    """A plan of the builder with one redeemer and one minter. The subscriber holds 10 credits of it."""
    plan_id = world.register(rule=RedemptionRule.REDEEMER)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.send(world.builder, world.credits.functions.setMinter(plan_id, world.minter.address, True))
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


@pytest.fixture
def transferable_plan(world: World) -> int:
    """A plan with transferable credits. The subscriber holds 10 credits of it."""
    plan_id = world.register(transferable=True)
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


@pytest.fixture
def agents(world: World) -> Agents:
    """A newly deployed registry."""
    return Agents(world)


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan of the builder."""
    return world.register()


@pytest.fixture
def agent_id(agents: Agents, plan_id: int) -> int:
    """An agent of the builder with this plan, at 1 to 5 credits a request.

    The partner is an operator of the builder, and the other account is approved for the agent.
    """
    agent_id = agents.register((plan_id, 1, 5))
    world = agents.world
    world.send(world.builder, agents.functions.setApprovalForAll(world.partner.address, True))
    world.send(world.builder, agents.functions.approve(world.other.address, agent_id))
    return agent_id
