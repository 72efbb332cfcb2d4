"""A gateway on anvil, and buyers whose requests the official client of x402 pays."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.conftest import gate as gate
from tests.client.conftest import open_gate as open_gate
from tests.gateway.conftest import shop as shop
from tests.gateway.conftest import upstream as upstream
from tests.gateway.conftest import upstream_url as upstream_url
from tests.gateway.shop import Gate
from tests.x402.python.officials import Official, open_official


@pytest.fixture
def official(gate: Gate) -> Iterator[Callable[..., Official]]:
    """Open official clients with the plug-in. The buyer of the test pays, within wide limits, if a test says nothing else."""
    opened: list[Official] = []

    def open_one(kind: str = "session", **changes: Any) -> Official:
        opened.append(open_official(gate, kind, **changes))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
