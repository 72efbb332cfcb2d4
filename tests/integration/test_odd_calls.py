"""Calls of `send_many` that are malformed or cannot be priced: all that was sent has its outcome."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain import bulk_sending, shipments
from nvm_chain.chain.client import open_rpc
from nvm_chain.chain.fees import GAS_ORACLE
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import InvalidConfig, TransactionError
from tests.support.anvil import run_anvil
from tests.support.coins import ME, OTHER, pay_calls, read_paid
from tests.support.odd_node import SEND, Forward, OddNode, Reply, run_odd_node

BASE_SEPOLIA = "84532"
OOPS = "0x08c379a0" + "20".rjust(64, "0") + "4".rjust(64, "0") + b"oops".hex().ljust(64, "0")


@pytest.fixture(autouse=True)
def few_under_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At most three transactions are under way at once. The journals have a folder of their own."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    for module in (shipments, bulk_sending):
        monkeypatch.setattr(module, "MOST_ON_THEIR_WAY", 3)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an anvil with the chain id of a rollup."""
    with run_anvil("--chain-id", BASE_SEPOLIA) as found:
        yield found


@pytest.fixture
def node(url: str) -> Iterator[OddNode]:
    with run_odd_node(url) as odd:
        yield odd


MALFORMED: dict[str, dict[str, Any]] = {
    "bytes": {"data": b"\x01"},
    "half a byte": {"data": "0x123"},
    "no 0x": {"data": "1234"},
    "no data": {"data": None},
    "small letters": {"to": OTHER.address.lower()},
    "a list": {"to": [OTHER.address]},
    "negative": {"value": -1},
    "too much": {"value": 2**256},
    "text": {"value": "5"},
    "a flag": {"value": True},
    "no gas": {"gas": 0},
    "negative extra gas": {"extra_gas": -1},
}


@pytest.mark.parametrize("gas", [None, 60_000])
@pytest.mark.parametrize("place", [1, 4])
@pytest.mark.parametrize("field", MALFORMED)
def test_send_many__with_a_malformed_call__says_which_and_sends_nothing(
    node: OddNode, field: str, place: int, gas: int | None
) -> None:
    fields: Any = {"data": "0x", "to": OTHER.address, "value": 1, "gas": gas, **MALFORMED[field]}
    calls = pay_calls(6)
    calls[place] = Call(**fields)
    [name] = MALFORMED[field]
    with pytest.raises(InvalidConfig, match=f"The {name} of call {place} is not "):
        open_rpc(node.url, timeout_seconds=3).send_many(ME, calls)
    assert SEND not in node.asked


def test_send_many__whose_second_part_cannot_be_priced__tells_every_outcome(node: OddNode) -> None:
    """The oracle of the rollup answers for the first part, and reverts then."""
    before, asked = read_paid(node), list[str]()

    def revert(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != "eth_call" or params[0].get("to", "").lower() != GAS_ORACLE.lower():
            return None
        asked.append(method)
        if len(asked) == 1:
            return {"result": f"0x{1:064x}"}
        return {"error": {"code": 3, "message": "execution reverted", "data": OOPS}}

    node.hook = revert
    outcomes = open_rpc(node.url, timeout_seconds=3).send_many(ME, pay_calls(7))
    assert [outcome.error for outcome in outcomes[:3]] == [None] * 3
    assert all(isinstance(outcome.error, TransactionError) for outcome in outcomes[3:])
    assert {outcome.transaction_hash for outcome in outcomes[3:]} == {None}
    assert read_paid(node) - before == 6
