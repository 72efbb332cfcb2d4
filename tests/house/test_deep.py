"""What `make deep` takes for done: never another run's results, and never nothing."""

import json
import re
from pathlib import Path

import pytest

from tests.assurance.deep import __main__ as deep
from tests.assurance.deep import campaign, coverage, histories, planted, proofs
from tests.assurance.deep.halmos import COUNTEREXAMPLE, PASSED, TIMEOUT, Run
from tests.assurance.deep.kept import Kept
from tests.assurance.deep.step import DEPENDS, ROOT, digest_of_sources
from tools.write_invariants import INVARIANTS

STEP = deep.Step("histories", 0.5)


def write_outcome(folder: Path, **changes: object) -> None:
    found = {"passed": True, "complete": True, "minutes": 5.0, "sources": digest_of_sources("histories"), **changes}
    (folder / "histories.json").write_text(json.dumps(found), "utf-8")


def test_steps__that_run__are_those_with_something_they_are_about() -> None:
    assert sorted(step.name for step in deep.STEPS) == sorted(DEPENDS)


@pytest.mark.parametrize(("minutes", "done"), [(9.0, True), (10.0, True), (10.1, False)])
def test_is_done__asked_for_more_minutes_than_it_had__is_run_again(tmp_path: Path, minutes: float, done: bool) -> None:
    write_outcome(tmp_path)
    assert deep._is_done(tmp_path, STEP, minutes) is done


@pytest.mark.parametrize("change", [{"passed": False}, {"complete": False}, {"sources": "others"}], ids=str)
def test_is_done__failed_or_left_over_or_about_something_else__is_run_again(tmp_path: Path, change: dict) -> None:
    write_outcome(tmp_path, **change)
    assert not deep._is_done(tmp_path, STEP, 1.0)


def test_histories__of_other_sources__do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "histories.jsonl"
    mine, other = (
        histories.History(seed, sources, "as deployed", {"burn": 1}, {"burn": 1})
        for seed, sources in enumerate((digest_of_sources("histories"), "others"))
    )
    path.write_text("".join(json.dumps(vars(each)) + "\n" for each in (mine, other)), "utf-8")
    assert histories._read(path) == {mine.seed: mine}


def test_kept__of_other_sources__does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kept(tmp_path).keep("LotsProofs", {"result": 1})
    again = Kept(tmp_path)
    again.keep("FlagsProofs", [2])
    assert [Kept(tmp_path).find(name) for name in ("LotsProofs", "FlagsProofs", "x")] == [
        {"result": 1},
        [2],
        None,
    ]
    monkeypatch.setattr("tests.assurance.deep.kept.digest_of_proofs", lambda: "others")
    assert Kept(tmp_path).find("LotsProofs") is None


@pytest.mark.parametrize(
    ("exits", "whole"), [([], False), ([PASSED, COUNTEREXAMPLE], True), ([PASSED, TIMEOUT], False)]
)
def test_run__with_a_check_that_had_too_little_time__is_not_kept(exits: list[int], whole: bool) -> None:
    results = {f"check_{number}()": {"exitcode": code} for number, code in enumerate(exits)}
    assert Run(results).is_whole is whole


def test_bugs__have_names_of_their_own() -> None:
    names = [bug.name for bug in planted.read_bugs()]
    assert len(names) == len(set(names)) > 50


def tally_of(functions: set[str], held: list[str]) -> campaign.Tally:
    """Return a campaign that called these functions, once each and with success, and looked for these properties."""
    tally = campaign.Tally(held={f"invariant_{name}_x": 1 for name in held})
    for counts in (tally.functions, tally.functions_done):
        counts.update(functions)
    for name in campaign.MUST_FAIL:
        tally.tries[name] += 1
    return tally


def test_campaign__of_everything__has_no_gaps() -> None:
    tally = tally_of(set(campaign.changing_functions()), INVARIANTS)
    assert tally.gaps() == []


@pytest.mark.parametrize("name", campaign.changing_functions())
def test_campaign__without_one_function__says_so(name: str) -> None:
    functions = campaign.changing_functions()
    tally = tally_of(functions.keys() - {name}, INVARIANTS)
    assert tally.gaps() == [f"never called: {functions[name]}"]
    tally.functions[name] += 1
    must_fail = functions[name].startswith(("Credits.sendFee(", "Credits.mintItem("))
    assert tally.gaps() == ([] if must_fail else [f"never succeeded: {functions[name]}"])


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_campaign__without_one_invariant__says_so(invariant: str) -> None:
    others = [name for name in INVARIANTS if name != invariant]
    tally = tally_of(set(campaign.changing_functions()), others)
    assert tally.gaps() == [f"never looked for: {invariant}"]


def test_campaign__looks_for_a_property__after_so_many_calls_once() -> None:
    tally = campaign.Tally()
    result = {"status": "Success", "kind": {"Invariant": {"calls": 4000}}}
    tally.add_results({"suite": {"test_results": {"invariant_I1_x()": result}}}, "")
    assert (tally.handled, tally.held) == (4000, {"invariant_I1_x": 4000 // campaign.check_interval()})
    assert campaign.check_interval() > 1


def test_coverage__of_nothing__fails() -> None:
    outcome = coverage._outcome({})
    assert not outcome.passed
    for path in ("contracts/credits/Credits.sol", "contracts/examples/VolumeDiscount.sol"):
        assert f"forge says nothing of {path}" in outcome.notes
    assert outcome.figures["lines, in percent"] == 0


def prove(contract: str, result: str) -> proofs.Proof:
    return proofs.Proof(proofs.Check(contract, "check_something()", "Something holds.", "I1", ""), "halmos", result)


PROOFS = [prove("LotsProofs", "proved"), prove("ArithmeticLemmas", "proved"), prove("RefutedClaims", "refuted")]


def find(result: str) -> planted.Finding:
    return planted.Finding(planted.Bug("Credits.sol", "old", "new", "LotsProofs", "check_something"), result)


def test_proofs__of_expressions__are_counted_apart() -> None:
    outcome = proofs._outcome(PROOFS, None)
    assert outcome.passed
    assert (outcome.figures["properties"], outcome.figures["proofs"]) == (1, 1)
    assert (outcome.figures["arithmetic lemmas"], outcome.figures["arithmetic lemmas proved"]) == (1, 1)
    assert [len(table.rows) for table in outcome.tables] == [1, 1]


@pytest.mark.parametrize(
    ("results", "words", "passed"),
    [
        (["refuted", "refuted"], "2 of 2", True),
        (["refuted", "proved"], "1 of 2", False),
        (["does not compile", "did not run"], "0 of 2", False),
        ([], "0 of 0", False),
    ],
)
def test_planted_bugs__of_which_one_is_not_found__fail_the_proofs(results: list[str], words: str, passed: bool) -> None:
    outcome = proofs._outcome(PROOFS, [find(result) for result in results])
    assert outcome.figures["planted bugs refuted"] == words
    assert outcome.passed is passed


@pytest.mark.parametrize("folder", ["symbolic", "smt"])
def test_lemmas__are_the_contracts_of_properties_that_call_nothing(folder: str) -> None:
    lemmas = set()
    for path in sorted((ROOT / "tests" / "assurance" / folder).glob("*.sol")):
        text = path.read_text("utf-8")
        names = set(re.findall(r'import \{([^}]*)\} from "\.', text)) if path.name != "Setting.sol" else set()
        imported = "|".join(re.findall(r"\w+", " ".join(names))) or "nothing at all"
        for contract, inherited, body in re.findall(r"^contract (\w+)( is [^{]*)? ?\{\n(.*?)^\}", text, re.M | re.S):
            states = re.search(r"function (check_|\w+__)", body)
            if states and not inherited and not re.search(rf"\b({imported})\.|using ", body):
                lemmas.add(contract)
    mine = {name for name in proofs.LEMMAS if name.endswith("Claims") == (folder == "smt")}
    assert lemmas == mine
