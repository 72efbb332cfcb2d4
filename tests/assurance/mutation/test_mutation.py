"""The mutator works: each operator makes mutants, always the same, those by hand fit the sources, and the judges can tell."""

import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from tests.assurance.mutation.by_histories import HISTORIES, judge_by_histories
from tests.assurance.mutation.catalogue import FILES, HAND, Mutant, Trees, read_mutants, read_trees
from tests.assurance.mutation.compiler import AGENTS, CREDITS, ROOT, Target, WarmCompiler
from tests.assurance.mutation.handwritten import HANDWRITTEN
from tests.assurance.mutation.operators import OPERATORS
from tests.assurance.mutation.reach import Reach
from tests.assurance.mutation.results import (
    ALL_TESTS,
    FORGE,
    KILLED,
    NO_CODE,
    SAME_CODE,
    SURVIVED,
    Results,
    Verdict,
    read_arguments,
)
from tests.assurance.mutation.runner import KNOWN_BAD
from tests.assurance.mutation.syntax import place_of, walk

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def compiler() -> Iterator[WarmCompiler]:
    with WarmCompiler() as compiler:
        yield compiler


@pytest.fixture(scope="module")
def trees(compiler: WarmCompiler) -> Trees:
    return read_trees(compiler)


@pytest.fixture(scope="module")
def mutants(trees: Trees) -> list[Mutant]:
    return read_mutants(trees)


def test_mutants__of_each_operator_and_file__are_there(mutants: list[Mutant]) -> None:
    assert {mutant.operator for mutant in mutants} == {*OPERATORS, HAND}
    assert {mutant.path for mutant in mutants} == set(FILES)


def test_mutants__read_twice__are_the_same(mutants: list[Mutant], trees: Trees) -> None:
    assert read_mutants(trees) == mutants


def test_mutants__all_of_them__have_names_of_their_own_and_other_text(mutants: list[Mutant]) -> None:
    assert len({mutant.id for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        assert any(text != (ROOT / path).read_text("utf-8") for path, text in mutant.files.items()), mutant.id


def test_files__that_are_mutated__are_all_that_credits_and_agents_are_made_of() -> None:
    found = [path for folder in ("credits", "agents") for path in (ROOT / "contracts" / folder).rglob("*.sol")]
    # An interface has no code.
    written = {str(path.relative_to(ROOT)) for path in found if not path.name[:2].isupper()}
    assert set(FILES) == written


def test_handwritten__each__is_about_a_function_that_exists(trees: Trees) -> None:
    files = [tree for by_path in trees.values() for tree in by_path.values()]
    kinds = {"FunctionDefinition", "ModifierDefinition"}
    places = {place_of(node) for tree in files for node in walk(tree) if node.kind in kinds}
    assert {mistake.place for mistake in HANDWRITTEN} <= places


def test_survivors__that_are_argued__exist(mutants: list[Mutant]) -> None:
    assert set(read_arguments()) <= {mutant.id for mutant in mutants}
    assert all(len(because) > 20 for because in read_arguments().values())


@pytest.mark.parametrize("verdict", [KILLED, SURVIVED, NO_CODE, SAME_CODE])
@pytest.mark.parametrize("changed", ["sources", "tests", None])
def test_results__read_again__count_while_what_they_rest_on_is_the_same(
    tmp_path: Path, verdict: str, changed: str | None
) -> None:
    """Also a mistake that was found is looked for again with other tests; what the compiler said rests on no test."""
    path = tmp_path / "mutants.jsonl"
    Results(path).add("a mutant", ALL_TESTS, verdict, "code", "")
    if changed:
        kept = replace(Verdict(*json.loads(path.read_text("utf-8"))), **{changed: "others"})
        path.write_text(json.dumps(astuple(kept)) + "\n", "utf-8")
    stands = changed is None or (changed == "tests" and verdict in {NO_CODE, SAME_CODE})
    assert (Results(path).find("a mutant", ALL_TESTS) is not None) is stands


def test_results__written_for_the_repository__stand_in_a_run_of_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.assurance.mutation.results.KEPT", tmp_path / "kept.jsonl")
    results = Results(tmp_path / "mutants.jsonl")
    results.add("a mutant", FORGE, KILLED, "code", "usual 101: " + "far too long" * 20)
    results.add("another", FORGE, SURVIVED, "code", "")
    assert results.write(tmp_path / "kept.jsonl") == 2
    found = Results(tmp_path / "elsewhere.jsonl").find("a mutant", FORGE)
    assert found is not None
    assert (found.verdict, found.by[:11], len(found.by)) == (KILLED, "usual 101: ", 60)


def test_results__of_a_mistake_that_a_test_found__rest_on_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x", "y"):
        (tmp_path / "tests/attacks").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"tests/attacks/test_{name}.py").write_text("one")
    monkeypatch.setattr("tests.assurance.mutation.results.ROOT", tmp_path)
    path = tmp_path / "mutants.jsonl"
    Results(path).add("found", ALL_TESTS, KILLED, "code", "tests/attacks/test_x.py::test_a[1] - no::money")
    Results(path).add("not found", ALL_TESTS, SURVIVED, "code", "")
    (tmp_path / "tests/attacks/test_y.py").write_text("two")
    assert [Results(path).find(each, ALL_TESTS) is not None for each in ("found", "not found")] == [True, False]
    (tmp_path / "tests/attacks/test_x.py").write_text("two")
    assert Results(path).find("found", ALL_TESTS) is None


def test_reach__of_an_inner_function__is_the_outer_functions_and_their_tests(trees: Trees) -> None:
    reach = Reach(trees[CREDITS])
    assert set(reach.functions("Credits._checkValue")) == {"order", "orderWithPermit", "payUsage"}
    assert "tests/attacks/test_forged_vouchers.py" in reach.files(CREDITS, "Vouchers.digestOf")
    assert "tests/contracts/test_trial.py" in reach.files(CREDITS, "Ledger._takeTrial")


def test_reach__of_every_place_with_a_mutant__is_some_tests(trees: Trees, mutants: list[Mutant]) -> None:
    """A mutant that no test is asked about would count as one that no test finds."""
    reach = {target: Reach(trees[target]) for target in trees}
    places = {(mutant.target, mutant.place) for mutant in mutants}
    assert [place for target, place in sorted(places) if not reach[target].files(target, place)] == []


def test_reach__of_a_place_that_looks_who_calls__has_the_tests_of_callers(trees: Trees) -> None:
    callers = "tests/attacks/test_callers.py"
    assert callers in Reach(trees[CREDITS]).files(CREDITS, "Credits.burn")
    assert callers in Reach(trees[AGENTS]).files(AGENTS, "AgentRegistry.setAgentUri")
    assert callers not in Reach(trees[CREDITS]).files(CREDITS, "Plans.setPlanUri")


@pytest.mark.parametrize("target", [CREDITS, AGENTS], ids=["Credits", "AgentRegistry"])
def test_histories__with_a_mistake_and_without__find_it_and_nothing(
    compiler: WarmCompiler, mutants: list[Mutant], target: Target
) -> None:
    bad = next(mutant for mutant in mutants if mutant.id == KNOWN_BAD[target])
    assert judge_by_histories(target, compiler.compile(target, {})[0], HISTORIES[:3]) is None
    assert judge_by_histories(target, compiler.compile(target, bad.files)[0], HISTORIES[:3]) is not None
