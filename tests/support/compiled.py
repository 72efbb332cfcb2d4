"""The compiled contracts of this project, including those in contracts/test."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ALL = Path(__file__).parent.parent.parent / ".build" / "contracts.json"
"""The output of `python -m tools.compile_contracts all`. `make` runs this command after a change of a source."""


@cache
def read_contracts() -> dict[str, dict[str, Any]]:
    """Return the artifact of each contract, by name."""
    if not ALL.is_file():
        pytest.fail("the contracts are not compiled: run `make setup`, or `make test`, which does")
    contracts: dict[str, dict[str, Any]] = json.loads(ALL.read_text("utf-8"))
    return contracts


def read_abi(name: str) -> list[dict[str, Any]]:
    """Return a contract's ABI."""
    abi: list[dict[str, Any]] = read_contracts()[name]["abi"]
    return abi


def read_creation_code(name: str) -> str:
    """Return a contract's creation code as hex with 0x."""
    code: str = read_contracts()[name]["creation_code"]
    return code
