"""A change of a chain's id while the chain runs, as on one side of a fork. State and history remain."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.chain.embedded import LABEL
from tests.support.world import World


@contextmanager
def forked(world: World) -> Iterator[int]:
    """Let the chain run under another id until the block ends, and yield that id."""
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
