"""A chain whose id changes while it runs, as that of one side of a fork does: with all its state, and everything that has happened on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.chain.embedded import LABEL
from tests.support.world import World


@contextmanager
def forked(world: World) -> Iterator[int]:
    """Have the chain go on under another id, which is given, until the block ends."""
    before = world.chain.chain_id
    _set_chain_id(world, before + 1)
    try:
        yield before + 1
    finally:
        _set_chain_id(world, before)


def _set_chain_id(world: World, chain_id: int) -> None:
    if world.chain.label == LABEL:
        backend = world.chain.web3.provider.ethereum_tester.backend  # type: ignore[attr-defined]
        backend.chain.chain_id = chain_id
    else:
        answer = world.chain.web3.provider.make_request("anvil_setChainId", [chain_id])  # type: ignore[arg-type]
        assert "error" not in answer, answer
    world.chain.chain_id = chain_id
