"""A gateway that knows its own address, with a seller on anvil, and buyers with clients."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.clients import Client, find_port, open_client
from tests.gateway.conftest import shop as shop
from tests.gateway.conftest import upstream as upstream
from tests.gateway.conftest import upstream_url as upstream_url
from tests.gateway.shop import BALANCE, Gate, Shop


@pytest.fixture(scope="module")
def open_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway in front of the service, whose settings have its address."""
    port = find_port()
    folder = tmp_path_factory.mktemp("gateway")
    with shop.open(folder, upstream_url, port=port, url=f"http://127.0.0.1:{port}") as gate:
        yield gate


@pytest.fixture
def gate(open_gate: Gate) -> Gate:
    """The gateway, for a buyer of this test's own."""
    gate = Gate(open_gate.shop, open_gate.url, open_gate.shop.new_buyer())
    gate.wait_for("available", str(BALANCE))  # until the index has the block
    return gate


@pytest.fixture
def client(gate: Gate) -> Iterator[Callable[..., Client]]:
    """Open clients for the gateway. The buyer of the test pays, within wide limits, if a test says nothing else."""
    opened: list[Client] = []

    def open_one(**changes: Any) -> Client:
        opened.append(open_client(gate, **changes))
        return opened[-1]

    yield open_one
    for one in opened:
        one.session.close()
