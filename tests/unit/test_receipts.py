"""Receipts as nodes give them: whole or not yet, with what decides something, and with what a transaction cost."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from nvm_chain.chain.receipts import read_receipt, summarize

HASH = "0x" + "ab" * 32
CONTRACT = "0x" + "cd" * 20
LOG = {"address": CONTRACT, "topics": ["0x" + "01" * 32], "data": "0x02", "logIndex": "0x5"}
WHOLE: dict[str, Any] = {
    "transactionHash": HASH,
    "blockHash": "0x" + "11" * 32,
    "blockNumber": "0x10",
    "transactionIndex": "0x2",
    "status": "0x1",
    "gasUsed": "0x64",
    "effectiveGasPrice": "0x7",
    "from": CONTRACT,
    "to": CONTRACT,
    "contractAddress": None,
    "logs": [LOG],
}
UNREADABLE: list[object] = [None, "", "0x", "many", -1, True, [], 1 << 256]


def read(**changes: object) -> Any:
    """Read a receipt that is changed."""
    return read_receipt({**WHOLE, **changes}, HASH)


@pytest.mark.parametrize("missing", ["blockHash", "blockNumber"])
def test_read_receipt__without_its_block__is_not_there_yet(missing: str) -> None:
    """Either of both: some nodes give one before the other."""
    assert read(**{missing: None}) is None
    assert read_receipt({name: value for name, value in WHOLE.items() if name != missing}, HASH) is None


def test_read_receipt__that_is_whole__has_what_it_says() -> None:
    receipt = read()
    assert (receipt["status"], receipt["blockNumber"], receipt["transactionIndex"]) == (1, 16, 2)
    assert (receipt["gasUsed"], receipt["effectiveGasPrice"], receipt["l1Fee"]) == (100, 7, None)
    assert (receipt["from"], receipt["to"]) == (to_checksum_address(CONTRACT),) * 2
    [log] = receipt["logs"]
    assert (log["address"], log["logIndex"], log["blockNumber"]) == (to_checksum_address(CONTRACT), 5, 16)
    assert log["transactionHash"] == receipt["transactionHash"]


@pytest.mark.parametrize("spelling", [HASH, "0x" + "AB" * 32, bytes.fromhex(HASH[2:])], ids=str)
def test_read_receipt__whose_hash_is_spelled_otherwise__is_the_same(spelling: object) -> None:
    assert read(transactionHash=spelling) == read()


def test_read_receipt__of_another_transaction__is_refused() -> None:
    with pytest.raises(ValueError, match="another transaction"):
        read(transactionHash="0x" + "ac" * 32)


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
@pytest.mark.parametrize("name", ["status", "gasUsed", "effectiveGasPrice", "l1Fee"])
def test_read_receipt__with_a_number_that_cannot_be_read__has_none(name: str, value: object) -> None:
    """Not zero: a status of zero is a failure, and a cost of zero is a cost."""
    assert read(**{name: value})[name] is None


@pytest.mark.parametrize("status", [0, "0x0", 1, "0x1"])
def test_read_receipt__with_a_status__tells_it(status: object) -> None:
    assert read(status=status)["status"] == int(str(status), 0)


@pytest.mark.parametrize(("changes", "cost"), [({}, 700), ({"l1Fee": "0x0"}, 700), ({"l1Fee": "0x3e8"}, 1700)])
def test_summarize__of_a_receipt__has_the_cost_on_both_chains(changes: dict[str, Any], cost: int) -> None:
    found = summarize(read(**changes))
    assert (found.hash, found.block_number, found.gas_used, found.fee_wei) == (HASH, 16, 100, cost)


@pytest.mark.parametrize("missing", ["gasUsed", "effectiveGasPrice"])
def test_summarize__of_a_receipt_without_its_cost__does_not_guess(missing: str) -> None:
    assert summarize(read(**{missing: None, "l1Fee": "0x3e8"})).fee_wei is None
