"""One anvil with a seller for each test file. Each test begins with the same state."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.embedded import deploy_all
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World
from tests.x402.buying.market import Desk, Market, build_market, open_desk


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """A seller on a chain of its own."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield build_market(World(chain), url)


@pytest.fixture
def desk(market: Market, tmp_path: Path) -> Iterator[Desk]:
    """The books of a gateway, and its keys."""
    market.errors.clear()
    with open_desk(market, tmp_path) as opened:
        yield opened
