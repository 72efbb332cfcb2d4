"""The contract agrees with an independent model of it over long random histories of every operation.

The first seed is made of the commit, so each commit has histories of its own, and whoever checks it out has the same. NVM_CHAIN_SEED
names another, NVM_CHAIN_HISTORIES how many histories, NVM_CHAIN_STEPS how long each is. Seeds stand in the names of the tests, and a
failure names the seed and the step: the same seed makes the same history.
NVM_CHAIN_MUTANTS says of how many mistakes, made on purpose, it is tried whether the comparison finds them; each takes two seconds. tests/assurance/mutation has the rest of them.
"""

import os

import pytest

from tests.assurance.invariants.comparison import Comparison, Disagreement
from tests.assurance.invariants.histories import MOODS, Historian
from tests.assurance.invariants.running import run_history, seed_of_commit
from tests.assurance.mutation.catalogue import Mutant, read_handwritten
from tests.assurance.mutation.compiler import WarmCompiler
from tests.assurance.mutation.handwritten import FIRST

pytestmark = pytest.mark.long

SEED = int(os.environ.get("NVM_CHAIN_SEED") or seed_of_commit())
HISTORIES = int(os.environ.get("NVM_CHAIN_HISTORIES", "8"))
STEPS = int(os.environ.get("NVM_CHAIN_STEPS", "1200"))
MISTAKES = read_handwritten(FIRST[: int(os.environ.get("NVM_CHAIN_MUTANTS", "2"))])
ENOUGH_STEPS = 1000
"""In so many steps every operation succeeds."""


def operations() -> set[str]:
    comparison = Comparison()
    return set(Historian(comparison.model, comparison.engine, 0).makers)


def run_histories(creation_code: bytes) -> None:
    """Run what the test above runs by default."""
    for seed in range(1, 9):
        run_history(seed, 1200, creation_code, shrink_seconds=5)


@pytest.mark.parametrize("seed", range(SEED, SEED + HISTORIES))
def test_history__of_every_operation__model_and_contract_agree(seed: int) -> None:
    comparison = run_history(seed, STEPS)
    print(f"\nseed {seed}, {STEPS} steps\n{comparison.tally.table()}")
    if STEPS >= ENOUGH_STEPS:
        assert operations() - set(comparison.tally.succeeded) == set()
        assert comparison.tally.succeeded.total() > comparison.tally.tried.total() * 0.6


@pytest.mark.parametrize("seed", [SEED])
@pytest.mark.parametrize("mood", [mood for mood in MOODS if mood != "usual"])
def test_history__in_a_mood__model_and_contract_agree(mood: str, seed: int) -> None:
    run_history(seed, STEPS // 2, mood=mood)


def test_history__with_the_same_seed__is_the_same() -> None:
    first, second = run_history(7, 100), run_history(7, 100)
    assert first.log == second.log


@pytest.mark.parametrize("mutant", MISTAKES, ids=lambda mutant: mutant.id)
def test_history__of_a_broken_contract__is_found_out(mutant: Mutant) -> None:
    with WarmCompiler() as compiler:
        creation_code, _ = compiler.compile(mutant.target, mutant.files)
    with pytest.raises(Disagreement) as found:
        run_histories(bytes.fromhex(creation_code))
    print(f"\n{mutant.id}: {found.value}")
