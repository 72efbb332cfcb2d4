"""Mutants of the Python modules that reckon money, ids and vouchers: the unit tests find each, or it is argued to be no mistake."""

import sys
import time
from pathlib import Path

import pytest

from tests.assurance.deep.step import ROOT, Options, Outcome, Table, run_step
from tests.assurance.mutation_python.by_hand import MISTAKES
from tests.assurance.mutation_python.mutmut_run import (
    MODULES,
    Broken,
    Mutants,
    copy_project,
    passes,
    run_mutmut,
    survives,
)
from tests.assurance.static.ledger import compare_with_list, read_entries

SURVIVORS = ROOT / "tests" / "assurance" / "mutation_python" / "survivors.toml"
TITLE = "Mutants of Python modules"


def run_mutants(options: Options) -> Outcome:
    """Mutate some modules, and compare those mutants that no unit test finds with the list of those that are argued."""
    folder = options.folder.resolve() / "mutants_of_python"
    try:
        return _run(options, folder)
    except (Broken, pytest.fail.Exception) as error:
        return Outcome(title=TITLE, passed=False, figures={}, notes=[f"The runner is broken, not the package: {error}"])


def _run(options: Options, folder: Path) -> Outcome:
    copy_project(folder, options.seed)
    print("an unmutated copy ...", flush=True)
    if not passes(folder, MODULES, options.seed):
        raise Broken("the tests fail on an unmutated copy")
    alive = []
    for number, mistake in enumerate(MISTAKES, 1):
        print(f"by hand {number}/{len(MISTAKES)}: {mistake.name} ...", flush=True)
        alive += [mistake] if survives(mistake, folder, options.seed) else []
    if len(alive) == len(MISTAKES):
        raise Broken("not one of the mistakes made by hand was found")
    print("mutmut, about four minutes ...", flush=True)
    started = time.monotonic()
    mutants = run_mutmut(folder)
    print(f"mutmut took {time.monotonic() - started:.0f} seconds", flush=True)
    problems = [f"no unit test finds: {mistake.name} ({mistake.module}.py)" for mistake in alive]
    problems += compare_with_list(mutants.survivors, SURVIVORS)
    return Outcome(
        title=TITLE,
        passed=not problems,
        figures=_count(mutants, len(alive)),
        tables=[_table(mutants), _argued()],
        notes=problems,
    )


def _count(mutants: Mutants, alive: int) -> dict[str, int | float | str]:
    total = sum((mutants.counts[module] for module in MODULES), start=type(mutants.counts[MODULES[0]])())
    made = total.total()
    return {
        "mutants of Python modules": made,
        "of these killed by a unit test": total["killed"] + total["timed out"],
        "of these argued to be no mistake": total["survived"],
        "share killed, in percent": round(100 * (made - total["survived"]) / made, 1),
        "mistakes made by hand": len(MISTAKES),
        "mistakes made by hand and found": len(MISTAKES) - alive,
    }


def _table(mutants: Mutants) -> Table:
    rows: list[list[str | int]] = [
        [f"{module}.py", counts.total(), counts["killed"], counts["timed out"], counts["survived"]]
        for module, counts in mutants.counts.items()
    ]
    return Table("Mutants by module", ["module", "mutants", "killed", "timed out", "argued"], rows)


def _argued() -> Table:
    rows: list[list[str | int]] = [
        [str(entry["place"]), f"`{entry['was']}`", f"`{entry['now']}`", str(entry["reason"])]
        for entry in read_entries(SURVIVORS)
    ]
    return Table("Mutants that are no mistake", ["where", "was", "is", "why"], rows)


if __name__ == "__main__":
    sys.exit(run_step("mutants_of_python", run_mutants))
