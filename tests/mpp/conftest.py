"""One anvil with a seller, and a gateway in front of a service, for each test file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.serving import Upstream, served
from tests.mpp.market import Market, Stand, run_market


@pytest.fixture(scope="session")
def market() -> Iterator[Market]:
    """A chain with what the seller sells."""
    with run_market() as market:
        yield market


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    """The seller's service."""
    return Upstream()


@pytest.fixture(scope="module")
def upstream_url(upstream: Upstream) -> Iterator[str]:
    """Where the seller's service is."""
    with served(upstream) as url:
        yield url


@pytest.fixture(scope="module")
def stand(market: Market, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that takes charges."""
    folder: Path = tmp_path_factory.mktemp("mpp")
    with market.open(folder, upstream_url) as stand:
        yield stand
