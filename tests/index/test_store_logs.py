"""Logs of a node as the index reads them, the frozen numbers of events, and the types of its columns."""

import gc
import json
from typing import Any

import msgspec
import pytest

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.errors import BlockReplaced, MissingExtra, RpcFailed
from nvm_chain.index import extras
from nvm_chain.index.collector import pausing_collector
from nvm_chain.index.columns import ExactSum, fit_amount
from nvm_chain.index.kinds import MAX_BLOCK, MAX_LOG_INDEX, EventKind, MovementCode, place_of, split_place
from nvm_chain.index.logs import AGENTS_TOPICS, CREDITS_TOPICS, Contracts, Log, RawLog, parse_body, parse_logs
from nvm_chain.index.packing import pack_numeric
from nvm_chain.statements.types import MovementKind
from tests.support.canned_logs import CONTRACTS, LogWriter, write_busy_blocks

FROZEN = {
    "PlanRegistered": 1,
    "PlanActiveSet": 2,
    "RedeemerSet": 3,
    "MinterSet": 4,
    "PlanOwnershipOffered": 5,
    "PlanOwnershipTransferred": 6,
    "Ordered": 7,
    "UsagePaid": 8,
    "GrantedExternal": 9,
    "AccessChanged": 10,
    "FeeForgone": 11,
    "MintSkipped": 12,
    "Redeemed": 13,
    "Settled": 14,
    "NotFullySettled": 15,
    "ProtocolFeeSet": 16,
    "TransferSingle": 17,
    "TransferBatch": 18,
    "URI": 19,
    "ApprovalForAll": 20,
    "OwnershipTransferStarted": 21,
    "OwnershipTransferred": 22,
    "Registered": 101,
    "URIUpdated": 102,
    "PlanAttached": 103,
    "PlanDetached": 104,
    "Transfer": 105,
    "Approval": 106,
    "AgentApprovalForAll": 107,
}


def test_kinds__numbers__are_frozen() -> None:
    assert {kind.name: int(kind) for kind in EventKind} == FROZEN
    words = [MovementKind[code.name].value for code in MovementCode]
    expected = "order grant paid_externally transfer_in redemption settlement burn transfer_out"
    assert words == expected.split()
    assert list(map(int, MovementCode)) == list(range(8))


@pytest.mark.parametrize(("contract", "topics"), [("Credits", CREDITS_TOPICS), ("AgentRegistry", AGENTS_TOPICS)])
def test_topics__each_event_of_the_contract__has_a_kind(contract: Any, topics: dict[str, int]) -> None:
    names = {entry["name"] for entry in read_artifact(contract).abi if entry["type"] == "event"}
    assert {EventKind(kind).event_name for kind in topics.values()} == names
    assert len(topics) == len(names)


def test_place__block_and_index__come_back() -> None:
    for block, number in ((0, 0), (1, MAX_LOG_INDEX), (MAX_BLOCK, MAX_LOG_INDEX)):
        assert split_place(place_of(block, number)) == (block, number)
        assert 0 <= place_of(block, number) < 2**63


def one_log(**changes: Any) -> dict[str, Any]:
    """Return a log with some other fields."""
    writer = LogWriter(7)
    writer.emit(EventKind.Redeemed, (1, 2, 3), (4, 5))
    return {**writer.logs[0], **changes}


def test_parse_logs__json_structs_and_body__are_the_same() -> None:
    answer = [log for block in write_busy_blocks(200) for log in block.logs]
    logs = parse_logs(answer, CONTRACTS)
    assert len(logs) == len(answer)
    assert parse_logs(msgspec.convert(answer, list[RawLog]), CONTRACTS) == logs
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": answer}).encode()
    assert parse_body(body, CONTRACTS) == logs
    assert all(isinstance(log, Log) for log in logs)


def test_parse_logs__addresses_with_checksums_and_capitals__are_ours() -> None:
    spellings = [CONTRACTS.credits, CONTRACTS.credits.lower(), f"0x{CONTRACTS.credits[2:].upper()}"]
    found = parse_logs([one_log(address=address) for address in spellings], CONTRACTS)
    assert len(found) == 3
    assert len(set(found)) == 1


def test_parse_logs__other_contracts__are_left_out() -> None:
    agents = one_log(address=(CONTRACTS.agents or "").lower(), topics=[next(iter(AGENTS_TOPICS))])
    assert parse_logs([one_log(address="0x" + "01" * 20), agents], Contracts(CONTRACTS.credits)) == []
    assert len(parse_logs([one_log(), agents], CONTRACTS)) == 2


def test_parse_logs__removed__block_replaced() -> None:
    with pytest.raises(BlockReplaced, match="block 7 "):
        parse_logs([one_log(removed=True)], CONTRACTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"topics": []},
        {"topics": ["0x" + "00" * 32]},
        {"topics": [*one_log()["topics"], "0x1"]},
        {"topics": [one_log()["topics"][0], "0x" + "0" * 63]},
        {"topics": [one_log()["topics"][0], "0x" + " " * 64]},
        {"data": "0x123"},
        {"data": "0x 12 34"},
        {"data": None},
        {"blockNumber": "7_0"},
        {"blockNumber": "-0x7"},
        {"blockNumber": None},
        {"blockNumber": hex(MAX_BLOCK + 1)},
        {"logIndex": hex(MAX_LOG_INDEX + 1)},
        {"logIndex": "0xg"},
        {"logIndex": 3},
        {"blockHash": "0x12"},
        {"transactionHash": None},
        {"blockTimestamp": "soon"},
        {"removed": "no"},
    ],
)
def test_parse_logs__malformed__rpc_failed(changes: dict[str, Any]) -> None:
    with pytest.raises(RpcFailed, match="its logs cannot be read"):
        parse_logs([one_log(**changes)], CONTRACTS)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"id": 1, "error": {"code": -32005, "message": "too many results"}}', "too many results"),
        (b'{"id": 1, "result": [{}]}', "its logs cannot be read"),
        (b'{"id": 1, "result": [', "its logs cannot be read"),
        (b"<html>", "its logs cannot be read"),
    ],
)
def test_parse_body__not_logs__rpc_failed(body: bytes, words: str) -> None:
    with pytest.raises(RpcFailed, match=words):
        parse_body(body, CONTRACTS)


def test_parse_logs__without_time__has_none() -> None:
    log = one_log()
    del log["blockTimestamp"]
    assert parse_logs([log], CONTRACTS)[0].time is None


def test_exact_sum__beyond_64_bits__is_exact() -> None:
    total = ExactSum()
    for value in (2**63 - 1, str(2**200), None, 1):
        total.step(value)
    assert int(total.finalize()) == 2**200 + 2**63
    assert [fit_amount(value) for value in (0, -5, 2**63 - 1)] == [0, -5, 2**63 - 1]
    assert fit_amount(2**63) == f"{2**63:078d}"


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        (0, "0000000800000000" + "00000000"),
        (7, "0000000a00010000000000000007"),
        (-7, "0000000a00010000400000000007"),
        (10_000, "0000000a00010001000000000001"),
        (10_001, "0000000c000200010000000000010001"),
        (120_000_000, "0000000c000200020000000000012ee0"[:24] + "00012ee0"),
    ],
)
def test_pack_numeric__number__has_digits_of_base_10000(number: int, digits: str) -> None:
    if number == 120_000_000:
        digits = "0000000c00020002000000000001" + f"{2000:04x}"
    assert pack_numeric(number).hex() == digits


def test_pausing_collector__overlapping__ends_with_the_last() -> None:
    assert gc.isenabled()
    with pausing_collector():
        with pausing_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_pausing_collector__switched_off_before__stays_off() -> None:
    gc.disable()
    try:
        with pausing_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_require_extra__module_missing__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    extras.require_extra("index", "The index")
    monkeypatch.setattr(extras, "NEEDED", {"postgres": ("psycopg_that_is_not_there",)})
    with pytest.raises(
        MissingExtra, match=r"PostgreSQL needs packages .*pip install 'nvm-chain\[postgres\]'"
    ) as caught:
        extras.require_extra("postgres", "An index in PostgreSQL")
    assert isinstance(caught.value, ImportError)
