"""The contracts of this project as `tools/compile_contracts.py` compiled them, those under contracts/test among them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ALL = Path(__file__).parent.parent.parent / ".build" / "contracts.json"
"""Written by `python -m tools.compile_contracts all`, which `make` calls where a source has changed."""


@cache
def read_contracts() -> dict[str, dict[str, Any]]:
    """Return what would be packaged of each contract, by name."""
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
