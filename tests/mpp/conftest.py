"""One anvil with a seller, and a gateway in front of a service, for each test file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import upstream as upstream
from tests.gateway.conftest import upstream_url as upstream_url
from tests.mpp.market import Market, Stand, run_market


@pytest.fixture(scope="session")
def market() -> Iterator[Market]:
    """A chain with what the seller sells."""
    with run_market() as market:
        yield market


@pytest.fixture(scope="module")
def stand(market: Market, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that takes charges."""
    folder: Path = tmp_path_factory.mktemp("mpp")
    with market.open(folder, upstream_url) as stand:
        yield stand
