"""The contracts of this project as Ape compiled them, those under contracts/test among them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

MANIFEST = Path(__file__).parent.parent.parent / ".build" / "__local__.json"


@cache
def contract_types() -> dict[str, Any]:
    """Return all that Ape says of each contract, by name."""
    if not MANIFEST.is_file():
        pytest.fail("the contracts are not compiled: run `ape compile --force`, or `make test`, which does")
    types: dict[str, Any] = json.loads(MANIFEST.read_text("utf-8"))["contractTypes"]
    return types


def read_abi(name: str) -> list[dict[str, Any]]:
    """Return a contract's ABI."""
    abi: list[dict[str, Any]] = contract_types()[name]["abi"]
    return abi


def read_creation_code(name: str) -> str:
    """Return a contract's creation code as hex with 0x."""
    code: str = contract_types()[name]["deploymentBytecode"]["bytecode"]
    return code
