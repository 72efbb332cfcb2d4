"""Fixtures for tests of the feed: a chain, and a database for its index."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fixtures import keeping_chain as keeping_chain
from tests.support.world import World


@pytest.fixture
def world(keeping_chain: Any) -> Iterator[World]:
    """An anvil that keeps the states of all blocks."""
    world = World(keeping_chain)
    snapshot = world.take_snapshot()
    yield world
    world.revert_to(snapshot)


@pytest.fixture
def index_url(empty_url: str) -> str:
    """Return the URL of a database without tables, of both engines in turn."""
    return empty_url
