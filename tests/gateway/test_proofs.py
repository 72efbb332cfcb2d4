"""The table of threats and promises of a gateway names tests for each of them, and each of these tests is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.gateway.proofs import PROMISES, THREATS
from tests.meter.faults.proofs import PROOFS

TESTS = Path(__file__).parent.parent
ALL = {**THREATS, **PROMISES}


@cache
def list_tests(path: str) -> set[str]:
    parsed = ast.parse((TESTS / path).read_text("utf-8"))
    return {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}


def test_proofs__of_threats_and_promises__are_there_for_each_number() -> None:
    assert tuple(THREATS) == tuple(f"G{number}" for number in range(1, 17))
    assert tuple(PROMISES) == tuple(f"S{number}" for number in range(1, 13))


@pytest.mark.parametrize("number", ALL)
def test_proofs__of_a_number__are_tests_that_exist(number: str) -> None:
    proof = ALL[number]
    assert len(proof.sentence.split()) > 3
    assert proof.reason.endswith(".") or number in PROMISES
    missing = [name for name in proof.tests if name.split("::")[1] not in list_tests(name.split("::")[0])]
    assert proof.tests
    assert missing == []
    assert len(set(proof.tests)) == len(proof.tests)


@pytest.mark.parametrize("number", PROOFS)
def test_promises__of_meter_and_gateway__are_in_the_same_words(number: str) -> None:
    assert PROMISES[number].sentence == PROOFS[number].sentence


def test_files_of_attacks__are_each_named_in_the_table() -> None:
    named = {name.split("::")[0].removeprefix("gateway/") for proof in ALL.values() for name in proof.tests}
    mine = {
        *("test_threats.py", "test_attacks.py", "test_caches.py", "test_floods.py", "test_fuzz.py", "test_schema.py"),
        *("test_request_faults.py", "test_slow_upstreams.py", "test_upstream_oddities.py"),
    }
    assert mine <= named
