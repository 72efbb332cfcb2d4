"""deployments: records are written whole or not at all, and a broken one is an error that names the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.records import (
    DEFAULT_FOLDER,
    FOLDER_VARIABLE,
    DeploymentRecord,
    find_record,
    read_record,
    record_path,
    records_folder,
    write_record,
)
from nvm_chain.errors import InvalidRecord, RecordNotWritten
from tests.support.full_disk import full_disk
from tests.support.reverts import reverts

CHAIN_ID = 424_242
RECORD = DeploymentRecord(
    chain_id=CHAIN_ID,
    address="0x" + "11" * 20,
    method="CREATE2",
    salt="0x" + "22" * 32,
    block_number=7,
    transaction_hash="0x" + "33" * 32,
    deployer="0x" + "44" * 20,
    constructor_arguments={"feeOwner": "0x" + "55" * 20},
    compiler={"version": "0.8.37"},
    runtime_code_hash="0x" + "66" * 32,
)


# ---------------------------------------------------------------------- where


def test_records_folder__by_default__is_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert records_folder() == Path(DEFAULT_FOLDER)
    assert record_path(5) == Path(DEFAULT_FOLDER) / "5.json"


def test_records_folder__from_the_environment__is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert record_path(5) == tmp_path / "5.json"
    assert record_path(5, tmp_path / "other") == tmp_path / "other" / "5.json"


# ---------------------------------------------------------------------- write, read


def test_write_record__then_read__is_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    path = write_record(RECORD, folder)
    assert path == folder / f"{CHAIN_ID}.json"
    assert read_record(path) == find_record(CHAIN_ID, folder) == RECORD
    assert [item.name for item in folder.iterdir()] == [path.name]


def test_write_record__over_another__replaces_it(tmp_path: Path) -> None:
    write_record(RECORD, tmp_path)
    newer = RECORD.model_copy(update={"block_number": 8})
    assert read_record(write_record(newer, tmp_path)) == newer


def test_write_record__on_a_full_disk__leaves_the_old_one_whole_and_hands_over_the_new(tmp_path: Path) -> None:
    path, newer = write_record(RECORD, tmp_path), RECORD.model_copy(update={"block_number": 8})
    expected = RecordNotWritten(
        "Credits", RECORD.address, RECORD.transaction_hash, str(path), "File too large", newer.model_dump_json()
    )
    with reverts(expected), full_disk():
        write_record(newer, tmp_path)
    assert read_record(path) == RECORD
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert all(
        text in str(expected) for text in (RECORD.address, str(RECORD.transaction_hash), newer.model_dump_json())
    )


def test_write_record__on_a_full_disk__says_what_is_the_record_when_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(RecordNotWritten) as caught, full_disk():
        write_record(RECORD, tmp_path)
    assert list(tmp_path.iterdir()) == []
    Path(caught.value.path).write_text(caught.value.record)
    assert find_record(CHAIN_ID, tmp_path) == RECORD


def test_records_folder__of_the_own_folder__is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(FOLDER_VARIABLE, "~/records")
    assert records_folder() == tmp_path / "records"


def test_record__written__is_json_to_read_and_compare(tmp_path: Path) -> None:
    text = write_record(RECORD, tmp_path).read_text("utf-8")
    assert text.endswith("}\n")
    assert json.loads(text) == json.loads(RECORD.model_dump_json())
    assert json.loads(text)["contract"] == "Credits"


# ---------------------------------------------------------------------- find


def test_find_record__of_a_chain_without_one__is_none(tmp_path: Path) -> None:
    assert find_record(CHAIN_ID, tmp_path) is None


def test_find_record__in_a_file_of_another_chain__raises(tmp_path: Path) -> None:
    path = write_record(RECORD, tmp_path).rename(tmp_path / "5.json")
    with reverts(InvalidRecord(str(path), f"chain_id: it is of chain {CHAIN_ID}, not 5")):
        find_record(5, tmp_path)


def test_record__of_the_registry__is_beside_that_of_credits(tmp_path: Path) -> None:
    registry = RECORD.model_copy(update={"contract": "AgentRegistry"})
    assert write_record(RECORD, tmp_path) != write_record(registry, tmp_path)
    assert find_record(CHAIN_ID, tmp_path) == RECORD
    assert find_record(CHAIN_ID, tmp_path, "AgentRegistry") == registry


def test_find_record__in_a_file_of_another_contract__raises(tmp_path: Path) -> None:
    path = write_record(RECORD, tmp_path).rename(tmp_path / f"{CHAIN_ID}.AgentRegistry.json")
    with reverts(InvalidRecord(str(path), "contract: it is of Credits, not AgentRegistry")):
        find_record(CHAIN_ID, tmp_path, "AgentRegistry")


BROKEN: list[tuple[bytes, str]] = [
    (b"", "file: Invalid JSON: EOF while parsing a value at line 1 column 0"),
    (b"{", "file: Invalid JSON: EOF while parsing an object at line 1 column 1"),
    (b"[]", "file: Input should be an object"),
    (b"{}", "chain_id: Field required"),
    (b"\xff", "UnicodeDecodeError"),
]


@pytest.mark.parametrize(("content", "problem"), BROKEN, ids=[repr(content) for content, _ in BROKEN])
def test_read_record__that_is_broken__raises_with_its_path(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / f"{CHAIN_ID}.json"
    path.write_bytes(content)
    for read in (lambda: read_record(path), lambda: find_record(CHAIN_ID, tmp_path)):
        with pytest.raises(InvalidRecord) as caught:
            read()
        assert caught.value.args == (str(path), problem)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contract", "Other"),
        ("chain_id", "x"),
        ("chain_id", None),
        ("method", "CREATE3"),
        ("block_number", -0.5),
        ("address", 5),
        ("constructor_arguments", []),
        ("surprise", 1),
    ],
)
def test_read_record__with_one_field_wrong__names_it(tmp_path: Path, field: str, value: Any) -> None:
    path = tmp_path / f"{CHAIN_ID}.json"
    path.write_text(json.dumps({**json.loads(RECORD.model_dump_json()), field: value}))
    with pytest.raises(InvalidRecord) as caught:
        read_record(path)
    assert caught.value.path == str(path)
    assert caught.value.reason.startswith(f"{field}: ")


@pytest.mark.parametrize("field", sorted(set(DeploymentRecord.model_fields) - {"contract", "usdc"}))
def test_read_record__without_a_field__names_it(tmp_path: Path, field: str) -> None:
    content = json.loads(RECORD.model_dump_json())
    content.pop(field)
    path = tmp_path / f"{CHAIN_ID}.json"
    path.write_text(json.dumps(content))
    with reverts(InvalidRecord(str(path), f"{field}: Field required")):
        read_record(path)


def test_read_record__that_is_not_there__raises(tmp_path: Path) -> None:
    with reverts(InvalidRecord(str(tmp_path / "1.json"), "FileNotFoundError")):
        read_record(tmp_path / "1.json")
