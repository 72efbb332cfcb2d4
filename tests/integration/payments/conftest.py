"""Payments of a builder, a subscriber and a stranger on one chain."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.payments import Payments
from tests.integration.conftest import node as node
from tests.integration.conftest import requests_made as requests_made
from tests.support.http_server import Server, run_server
from tests.support.world import World

USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
"""As the documents have it; on development chains TestUSDC is there."""
PRICE = 20_000_000


@pytest.fixture
def builder(world: World) -> Payments:
    """The Payments of who sells."""
    return Payments(world.chain, world.builder)


@pytest.fixture
def subscriber(world: World) -> Payments:
    """The Payments of who buys, with 1,000 USDC and nothing approved."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, 1_000_000_000))
    return Payments(world.chain, world.subscriber)


@pytest.fixture
def stranger(world: World) -> Payments:
    """The Payments of somebody else."""
    return Payments(world.chain, world.stranger)


@pytest.fixture
def usdc(world: World) -> str:
    """The address of USDC on this chain."""
    assert world.chain.usdc is not None
    return world.chain.usdc


@pytest.fixture
def credits_did(builder: Payments, usdc: str) -> str:
    """A plan of the builder's: 100 credits for 20 USDC."""
    return builder.create_credits_plan("Basic", "100 credits", PRICE, usdc, 100).did


@pytest.fixture
def time_did(builder: Payments, usdc: str) -> str:
    """A plan of the builder's: 30 days for 20 USDC."""
    return builder.create_time_plan("Month", "30 days", PRICE, usdc, 30).did


SERVICE: dict[str, Any] = {
    "service_type": "service",
    "name": "My Service",
    "description": "A sample service",
    "service_charge_type": "fixed",
    "auth_type": "none",
}
"""What `create_service` cannot do without, but for the plan."""


@pytest.fixture
def file_server() -> Iterator[Server]:
    """A web server for downloads."""
    with run_server() as server:
        yield server
