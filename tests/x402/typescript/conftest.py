"""One packed package for each test process, and a gateway for each file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.processes import find_port
from tests.gateway.serving import Upstream, served
from tests.gateway.shop import Gate, Shop, run_shop
from tests.x402.typescript.workspace import Workspace, build_workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A buyer's folder with our package and the official ones."""
    return build_workspace(tmp_path_factory.mktemp("typescript"))


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    """A chain with a seller's plans."""
    with run_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    """A seller's service."""
    return Upstream()


@pytest.fixture(scope="module")
def upstream_url(upstream: Upstream) -> Iterator[str]:
    """Where the seller's service is."""
    with served(upstream) as url:
        yield url


@pytest.fixture(scope="module")
def gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway that knows its own address, in front of the service."""
    port = find_port()
    folder: Path = tmp_path_factory.mktemp("gateway")
    with shop.open(folder, upstream_url, port=port, url=f"http://127.0.0.1:{port}") as gate:
        gate.wait_until_ready()
        yield gate


@pytest.fixture
def settings(gate: Gate) -> dict[str, Any]:
    """What a program needs to pay at the gateway, with an account of this test's own."""
    shop, buyer = gate.shop, gate.shop.new_buyer()
    return {
        "url": gate.service_url,
        "rpc": shop.url,
        "key": f"0x{bytes(buyer.key).hex()}",
        "network": f"eip155:{shop.chain.chain_id}",
        "credits": shop.chain.credits.address,
        "planId": str(shop.credits_plan),
    }
