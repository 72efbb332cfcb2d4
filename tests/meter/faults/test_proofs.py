"""The table of what may never happen names a test for each sentence, and each of these tests is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.meter.faults.proofs import PROOFS

TESTS = Path(__file__).parent.parent.parent
NUMBERS = ("S1", "S2", "S3", "S4", "S5", "S9", "S10", "S11", "S12")


@cache
def list_tests(path: str) -> set[str]:
    parsed = ast.parse((TESTS / path).read_text("utf-8"))
    return {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}


def test_proofs__of_what_may_never_happen__are_there_for_each_number() -> None:
    assert tuple(PROOFS) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_proofs__of_a_number__are_tests_that_exist(number: str) -> None:
    proof = PROOFS[number]
    missing = [name for name in proof.tests if name.split("::")[1] not in list_tests(name.split("::")[0])]
    assert proof.tests
    assert missing == []
    assert len(set(proof.tests)) == len(proof.tests)
