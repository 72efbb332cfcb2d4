"""The bugs that the proofs must find fit the contracts as they are, and a run that finds nothing is not taken for one that does."""

import re

import pytest

from tests.assurance.deep import planted
from tests.assurance.deep.halmos import Run
from tests.assurance.deep.planted import Bug, find_source, read_bugs
from tests.assurance.deep.proofs import LEMMAS
from tests.assurance.deep.step import ROOT

BUGS = read_bugs()
BUG = Bug("credits/libraries/SaleTerms.sol", "!= 0", "== 0", "FlagsProofs", "check_has__anyWord__oneBit")
SIGNATURE = f"{BUG.check}(uint256,uint8)"


def name(bug: Bug) -> str:
    """Name a bug in test ids."""
    return f"{bug.file}: {bug.proof}"


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_bug__of_the_table__has_one_place_in_its_contract(bug: Bug) -> None:
    assert (ROOT / "contracts" / bug.file).read_text("utf-8").count(bug.old) == 1
    assert bug.old != bug.new


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_bug__of_the_table__has_a_proof_to_find_it(bug: Bug) -> None:
    inherited = find_source(bug).read_text("utf-8")
    assert len(re.findall(rf"    function {bug.check}\(", inherited)) == 1


def test_bugs__of_the_table__are_each_there_once() -> None:
    assert len(set(BUGS)) == len(BUGS)


def test_readme__of_the_proofs__counts_the_bugs() -> None:
    readme = (ROOT / "tests" / "assurance" / "symbolic" / "README.md").read_text("utf-8")
    assert f"`planted.toml` has {len(BUGS)} bugs" in readme


def test_contracts_of_proofs__about_the_code__have_each_a_bug_to_find() -> None:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "assurance" / "symbolic").glob("*.sol"))]
    contracts = {found for text in texts for found in re.findall(r"^contract (\w+Proofs) ", text, re.MULTILINE)}
    assert contracts == {bug.contract for bug in BUGS if not bug.is_claim}
    assert not contracts & set(LEMMAS)


@pytest.mark.parametrize(
    ("results", "log", "words"),
    [
        ({SIGNATURE: {"exitcode": 1}}, "Counterexample: \n", "refuted"),
        ({SIGNATURE: {"exitcode": 1}}, "WARNING  nothing certain", "no counterexample"),
        ({SIGNATURE: {"exitcode": 0}}, "", "proved"),
        ({SIGNATURE: {"exitcode": 2}}, "Counterexample: \n", "timed out"),
        ({SIGNATURE: {"exitcode": 4}}, "", "proves nothing: every path reverts"),
        ({SIGNATURE: {"exitcode": 5}}, "", "error"),
        ({}, "given up after 300 seconds", "did not run"),
        ({f"{BUG.check}More()": {"exitcode": 1}}, "Counterexample: \n", "did not run"),
    ],
)
def test_try_bug__after_each_way_halmos_ends__is_refuted_by_a_counterexample_only(
    monkeypatch: pytest.MonkeyPatch, results: dict, log: str, words: str
) -> None:
    monkeypatch.setattr(planted, "build", lambda root: "")
    monkeypatch.setattr(planted, "run_halmos", lambda *arguments: Run(results, log))
    finding = planted.try_bug(BUG)
    assert finding.result == words
    assert finding.ok == (words == "refuted")


def test_try_bug__that_does_not_compile__is_not_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "build", lambda root: "Error: expected a semicolon")
    assert planted.try_bug(BUG).result == "does not compile"


@pytest.mark.parametrize(
    ("code", "words"), [("4661", "refuted"), ("2961", "undecided"), ("1218", "undecided"), (None, "did not run")]
)
def test_try_bug__after_each_answer_of_the_smt_checker__is_refuted_by_a_violation_only(
    monkeypatch: pytest.MonkeyPatch, code: str | None, words: str
) -> None:
    bug = next(bug for bug in BUGS if bug.is_claim)
    lines = find_source(bug).read_text("utf-8").split("\n")
    line = next(number for number, text in enumerate(lines, 1) if f"function {bug.check}(" in text) + 2
    messages = [{"code": code, "line": line}, {"code": "4661", "line": line + 1000}] if code else []
    monkeypatch.setattr(planted, "ask_smt_checker", lambda *arguments: (messages, ""))
    assert planted.try_bug(bug).result == words
