"""One anvil with a seller's plans for each test process, and a gateway for each file."""

from collections.abc import Iterator

import pytest

from tests.gateway.checkout.new_plans import Seller
from tests.gateway.checkout.stall import RELAYS, Stall, Stand, run_stall


@pytest.fixture(scope="session")
def stall() -> Iterator[Stall]:
    """A chain with a seller's plans."""
    with run_stall() as stall:
        yield stall


@pytest.fixture(scope="module")
def stand(stall: Stall, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sends no orders of buyers."""
    with stall.open(tmp_path_factory.mktemp("checkout"), upstream_url) as stand:
        yield stand


@pytest.fixture(scope="module")
def relaying(stall: Stall, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sends signed orders of buyers."""
    with stall.open(tmp_path_factory.mktemp("relaying"), upstream_url, checkout=RELAYS) as stand:
        yield stand


@pytest.fixture
def seller(stand: Stand) -> Seller:
    """The seller of the stall in front of the page of a new plan. The gateway serves the seller's agents."""
    return Seller(stand, stand.stall.shop.builder)
