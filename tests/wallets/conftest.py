"""The chains of the wallets' tests: anvil always, and one with the precompile for passkeys (EIP-7951)."""

from collections.abc import Iterator

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World


@pytest.fixture(scope="module")
def base_chain(anvil_chain: Chain) -> Chain:
    """Anvil, whichever chain was asked for: some tests change the code of an address, and all are quicker there."""
    return anvil_chain


@pytest.fixture(scope="module")
def osaka_chain() -> Iterator[Chain]:
    """An anvil of the Osaka hardfork, with Credits and TestUSDC."""
    with run_anvil(hardfork="osaka") as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield chain


@pytest.fixture
def osaka(osaka_chain: Chain) -> Iterator[World]:
    """The Osaka chain as freshly deployed. Whatever a test does to it is undone."""
    world = World(osaka_chain)
    snapshot = world.take_snapshot()
    yield world
    world.revert_to(snapshot)
