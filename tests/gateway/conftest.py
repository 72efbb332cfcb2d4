"""One anvil with a seller for each test process, and a gateway for each file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.serving import Upstream, served
from tests.gateway.shop import Gate, Shop, run_shop


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
def open_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway in front of the service."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with shop.open(folder, upstream_url) as gate:
        yield gate


@pytest.fixture
def gate(open_gate: Gate) -> Gate:
    """The gateway, for a buyer of this test's own."""
    return Gate(open_gate.shop, open_gate.url, open_gate.shop.new_buyer())
