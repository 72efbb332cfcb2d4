"""Static analysis as a step: what every tool says of the contracts and the package, and why each accepted finding is right."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from tests.assurance.deep.step import Options, Outcome, Table, run_step
from tests.assurance.static.arithmetic import find_narrowing_casts, find_unchecked
from tests.assurance.static.ledger import Find, compare_with_list, read_entries
from tests.assurance.static.lint import find_lint
from tests.assurance.static.project import CONTRACTS, HERE
from tests.assurance.static.semgrep_run import find_breaches, find_sources, read_rules, scan_samples
from tests.assurance.static.slither_run import PRINTERS, our_findings, run_slither
from tests.assurance.static.solhint_off import find_rules_off

IMPACTS = ("High", "Medium", "Low", "Informational", "Optimization")
ACCEPTED = HERE / "accepted"


def run_static(options: Options) -> Outcome:
    """Run slither, the linters and the house's rules, and compare what they say with what is accepted."""
    lists: dict[str, Callable[[], Iterable[Find]]] = {
        "slither": our_findings,
        "unchecked": find_unchecked,
        "casts": find_narrowing_casts,
        "forge_lint": lambda: [find for find in find_lint() if find["rule"] != "unsafe-typecast"],
        "solhint": find_rules_off,
        "semgrep": find_breaches,
    }
    problems = []
    for name, find in lists.items():
        print(f"{name} ...", flush=True)
        problems += _attempt(partial(_compare_list, name, find))
    problems += _attempt(_compare_goldens) + _attempt(_judge_samples)
    return Outcome(
        title="Static analysis",
        passed=not problems,
        figures={} if problems else _count(),
        tables=[_table(name) for name in lists],
        notes=problems,
    )


def _attempt(check: Callable[[], list[str]]) -> list[str]:
    """Return what a check says; a tool that is missing or fails is said too."""
    try:
        return check()
    except pytest.fail.Exception as error:
        return [str(error)]


def _compare_list(name: str, find: Callable[[], Iterable[Find]]) -> list[str]:
    return compare_with_list(find(), ACCEPTED / f"{name}.toml")


def _compare_goldens() -> list[str]:
    pairs = [(contract, printer) for contract in CONTRACTS for printer in PRINTERS]
    return [
        f"golden/{contract}.{printer}.txt is not what slither prints now: run `make check` to see the difference"
        for contract, printer in pairs
        if PRINTERS[printer](contract) != _read(HERE / "golden" / f"{contract}.{printer}.txt")
    ]


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _judge_samples() -> list[str]:
    wrong = [
        file
        for file, found in scan_samples().items()
        if (file.partition("/")[0] in found) != file.partition("/")[2].startswith("bad")
    ]
    return [f"the rule does not tell its sample apart: {file}" for file in wrong]


def _count() -> dict[str, int | float | str]:
    impacts = Counter(find["impact"] for find in our_findings())
    entries = {path.stem: read_entries(path) for path in ACCEPTED.glob("*.toml")}
    false = [entry for entry in entries["slither"] if str(entry["reason"]).startswith("False: ")]
    return {
        "slither detectors": len(run_slither()["detectors"]),
        **{f"slither findings of impact {impact.lower()}": impacts[impact] for impact in IMPACTS},
        "slither findings accepted with a reason": sum(impacts.values()),
        "slither findings of these that are false": sum(int(entry.get("times", 1)) for entry in false),
        "unchecked blocks with a reason": len(find_unchecked()),
        "narrowing casts with a reason": len(find_narrowing_casts()),
        "forge lint findings accepted": len(find_lint()),
        "house rules": len(read_rules()),
        "samples of house rules told apart": len(scan_samples()),
        "files under house rules": len(find_sources()),
        "breaches of house rules accepted": len(find_breaches()),
        "golden files": len(CONTRACTS) * len(PRINTERS),
    }


def _table(name: str) -> Table:
    headers = ["what", "where", "why"]
    rows: list[list[str | int]] = []
    for entry in read_entries(ACCEPTED / f"{name}.toml"):
        what = " ".join(str(entry[key]) for key in ("impact", "rule", "cast") if key in entry)
        code = re.sub(r"\s+", " ", str(entry.get("code", ""))).strip()
        place = " ".join(word for word in (str(entry.get("place", "")), f"`{code[:80]}`" if code else "") if word)
        rows.append([what or "unchecked", place, str(entry["reason"])])
    return Table(f"Accepted: {name.replace('_', ' ')}", headers, rows)


if __name__ == "__main__":
    sys.exit(run_step("static", run_static))
