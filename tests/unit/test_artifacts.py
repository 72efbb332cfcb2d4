"""artifacts: what the package carries is complete, and encodes constructor arguments."""

from typing import get_args

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import ContractName, read_artifact

NAMES: tuple[ContractName, ...] = get_args(ContractName)
ALICE = "0x" + "11" * 20


@pytest.mark.parametrize("name", NAMES)
def test_read_artifact__of_each_contract__is_complete(name: ContractName) -> None:
    artifact = read_artifact(name)
    assert artifact.name == name
    assert {entry["type"] for entry in artifact.abi} >= {"function", "event", "constructor"}
    assert artifact.runtime_code[-60:] in artifact.creation_code
    assert set(artifact.natspec) == {"user", "dev"}
    assert artifact.runtime_code_hash == "0x" + keccak(artifact.runtime_code).hex()


def test_read_artifact__twice__is_read_once() -> None:
    assert read_artifact("Credits") is read_artifact("Credits")


def test_encode_creation__with_an_argument__puts_it_behind_the_code() -> None:
    artifact = read_artifact("Credits")
    data = artifact.encode_creation(ALICE)
    assert data[:-32] == artifact.creation_code
    assert decode(["address"], data[-32:]) == (ALICE,)


def test_encode_creation__without_arguments__is_the_code() -> None:
    artifact = read_artifact("TestUSDC")
    assert artifact.encode_creation() == artifact.creation_code
