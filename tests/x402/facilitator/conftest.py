"""A facilitator over anvil, once for each file."""

from collections.abc import Iterator

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from tests.support.anvil import open_anvil, run_anvil
from tests.x402.facilitator.desks import FacilitatorDesk, open_desk


@pytest.fixture(scope="module")
def base_chain(anvil_chain: Chain) -> Chain:
    """Anvil, which has a factory from its start."""
    return anvil_chain


@pytest.fixture(scope="module")
def paid_chain() -> Iterator[Chain]:
    """An anvil of this file alone, because what the facilitator's books have may not be undone on the chain."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield chain


@pytest.fixture(scope="module")
def desk(paid_chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacilitatorDesk]:
    """A facilitator with two callers."""
    with open_desk(paid_chain, tmp_path_factory.mktemp("facilitator")) as opened:
        yield opened
