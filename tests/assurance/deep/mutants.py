"""Mutation testing: mistakes by the thousand, one at a time in a copy of the contracts, and whether the tests find each.

    python -m tests.assurance.deep.mutants --seed 7 --folder .deep/7 --minutes 60

keeps its verdicts in ``mutants.jsonl`` in the folder and goes on from there. What there is no time for is counted
apart; what was tried is then a sample of all mutants that the seed chooses, after those written by hand.
"""

import sys
import time
from collections import Counter, defaultdict

from tests.assurance.deep.step import Options, Outcome, Table, run_step
from tests.assurance.mutation.catalogue import Mutant
from tests.assurance.mutation.results import (
    ALL_TESTS,
    FORGE,
    HISTORIES,
    KILLED,
    NO_CODE,
    SAME_CODE,
    TESTS_OF_FUNCTION,
    read_arguments,
)
from tests.assurance.mutation.runner import Runner

NOT_MUTATED = (
    "contracts/examples is not mutated: nothing that is deployed calls it, and neither the model nor the histories know it. "
    "Its own tests are tests/contracts/test_quoters.py and tests/assurance/forge/unit/Discounts.t.sol; the coverage above has it."
)
FATES = ("found", "argued", "unexplained", "same code", "does not compile", "not judged by tests", "not tried")


def mutants(options: Options) -> Outcome:
    """Judge as many mutants as there is time for."""
    deadline = time.monotonic() + options.minutes * 60
    runner = Runner(options.folder, options.seed, deadline, _say)
    arguments = read_arguments()
    _say(f"{len(runner.mutants)} mutants, {len(arguments)} argued")
    runner.check_histories()
    runner.ask_histories()
    if runner.has_time() and (open_cases := _unexplained(runner, arguments)):
        runner.check_forge()
        runner.ask_forge(open_cases)
    if runner.has_time() and (open_cases := _unexplained(runner, arguments)):
        runner.check_tests()
        runner.ask_tests(open_cases)
    if runner.has_time() and (open_cases := _unexplained(runner, arguments)):
        runner.check_all_tests()
        runner.ask_all_tests(open_cases)
    return _outcome(runner, arguments)


def _unexplained(runner: Runner, arguments: dict[str, str]) -> list[Mutant]:
    return [mutant for mutant in runner.survivors() if mutant.id not in arguments]


def _outcome(runner: Runner, arguments: dict[str, str]) -> Outcome:
    fates = {mutant.id: _fate(runner, mutant, arguments) for mutant in runner.mutants}
    counts = Counter(fates.values())
    verdicts = [runner.last_verdict(mutant) for mutant in runner.mutants]
    by_judge = Counter(each.judge for each in verdicts if each and each.verdict == KILLED)
    unexplained = [mutant for mutant in runner.mutants if fates[mutant.id] == "unexplained"]
    stale = _stale(arguments, fates)
    figures: dict[str, int | float | str] = {
        "mutants": len(runner.mutants),
        "does not compile": counts["does not compile"],
        "same code": counts["same code"],
        "found by histories": by_judge[HISTORIES],
        "found by forge": by_judge[FORGE],
        "found by the tests of the function": by_judge[TESTS_OF_FUNCTION],
        "found by all tests": by_judge[ALL_TESTS],
        "survivors argued": counts["argued"],
        "survivors unexplained": len(unexplained),
        "not judged by tests": counts["not judged by tests"],
        "not tried": counts["not tried"],
    }
    tables = [
        _table("Mutants by file", "file", {mutant.id: mutant.path for mutant in runner.mutants}, fates),
        _table("Mutants by operator", "operator", {mutant.id: mutant.operator for mutant in runner.mutants}, fates),
        Table("Survivors", ["mutant", "why it is no mistake"], _argued(arguments, fates)),
    ]
    notes = [f"not found: {mutant.id} [{mutant.path}, {mutant.operator}]" for mutant in unexplained]
    notes += [f"tests/assurance/mutation/survivors.toml is out of date: {each}" for each in stale]
    notes.append(NOT_MUTATED)
    complete = not counts["not judged by tests"] and not counts["not tried"]
    return Outcome("Mutation of the contracts", not unexplained and not stale, figures, tables, notes, complete)


def _fate(runner: Runner, mutant: Mutant, arguments: dict[str, str]) -> str:
    """Return what became of a mutant. Of those with equal code, what one judge found counts for all."""
    equals = runner.same_code(mutant)
    verdicts = {found.verdict for found in map(runner.last_verdict, equals) if found}
    for verdict, fate in ((KILLED, "found"), (NO_CODE, "does not compile"), (SAME_CODE, "same code")):
        if verdict in verdicts:
            return fate
    if verdicts and any(each.id in arguments for each in equals):
        return "argued"
    if runner.is_through(mutant):
        return "unexplained"
    return "not judged by tests" if verdicts else "not tried"


def _stale(arguments: dict[str, str], fates: dict[str, str]) -> list[str]:
    missing = [f"there is no mutant {each!r}" for each in arguments if each not in fates]
    return missing + [
        f"{each!r}: {fates[each]}" for each in arguments if fates.get(each) not in {None, "argued", "not tried"}
    ]


def _table(title: str, header: str, groups: dict[str, str], fates: dict[str, str]) -> Table:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant_id, group in groups.items():
        rows[group][fates[mutant_id]] += 1
    lines: list[list[str | int]] = [
        [group, fate_counts.total(), *(fate_counts[fate] for fate in FATES)] for group, fate_counts in rows.items()
    ]
    return Table(title, [header, "mutants", *FATES], lines)


def _argued(arguments: dict[str, str], fates: dict[str, str]) -> list[list[str | int]]:
    return [[each, because] for each, because in arguments.items() if fates.get(each) == "argued"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run_step("mutants", mutants))
