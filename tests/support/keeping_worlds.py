"""Anvils that keep the state of every block, for tests that ask for old ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.chain.embedded import deploy_all
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World


@contextmanager
def run_keeping_world() -> Iterator[World]:
    """Run an anvil that keeps the state of every block, with Credits and TestUSDC, until the block ends.

    An anvil that prunes old states keeps ten of them, and undone blocks count too.
    """
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield World(chain)
