"""Coverage of the contracts by line, branch and function, from forge; each branch that no test takes must be explained."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.assurance.deep.step import FORGE, ROOT, Options, Outcome, Table, run_step
from tests.assurance.mutation.catalogue import FILES

REPORT = ROOT / ".forge" / "lcov.info"
EXPLANATIONS = ROOT / "tests" / "assurance" / "forge" / "uncovered.toml"
NOT_OURS = "(^|/)(contracts/test|tests|node_modules)/"
HISTORIES = 8
"""Histories of 400 calls in one test; forge does not count all that an invariant test calls, so those need not run."""


_FUNCTION: Final = re.compile(r"^\s*(function|constructor|modifier)\b", re.MULTILINE)


def measured_files() -> list[str]:
    """Return the files that forge has to say something of: all that is mutated, and the examples, where they have code that can run."""
    examples = sorted((ROOT / "contracts" / "examples").glob("*.sol"))
    files = [*FILES, *(str(path.relative_to(ROOT)) for path in examples)]
    return [name for name in files if _FUNCTION.search((ROOT / name).read_text("utf-8"))]


@dataclass
class FileCoverage:
    """What forge says of one file."""

    lines: dict[int, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    branches: dict[tuple[int, str], int] = field(default_factory=dict)
    """By line and path; a line can have several branches."""


@dataclass(frozen=True)
class Branch:
    """A branch that no test takes, or the explanation of one."""

    file: str
    code: str
    """The line it is in, without the spaces around."""
    path: str
    """forge's number of the way taken: `block.path`, counted anew on each line."""


def read_lcov(text: str) -> dict[str, FileCoverage]:
    """Read a tracefile of lcov, version 1."""
    files: dict[str, FileCoverage] = {}
    current = FileCoverage()
    blocks: dict[int, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        parts = value.split(",")
        if key == "SF":
            current = files.setdefault(value, FileCoverage())
            blocks = {}
        elif key == "DA":
            current.lines[int(parts[0])] = int(parts[1])
        elif key == "FNDA":
            current.functions[parts[1]] = int(parts[0])
        elif key == "BRDA":
            number = int(parts[0])
            seen = blocks.setdefault(number, [])
            if parts[1] not in seen:
                seen.append(parts[1])
            taken = 0 if parts[3] == "-" else int(parts[3])
            current.branches[(number, f"{seen.index(parts[1])}.{parts[2]}")] = taken
    return files


def uncovered_branches(files: dict[str, FileCoverage]) -> dict[Branch, int]:
    """Find the branches that no test takes, with their lines."""
    found = {}
    for name, coverage in sorted(files.items()):
        source = (ROOT / name).read_text("utf-8").splitlines()
        for (number, path), taken in sorted(coverage.branches.items()):
            if not taken:
                found[Branch(name, source[number - 1].strip(), path)] = number
    return found


def read_explanations(path: Path = EXPLANATIONS) -> dict[Branch, str]:
    """Read why branches are not covered."""
    rows = tomllib.loads(path.read_text("utf-8")).get("branch", [])
    return {Branch(row["file"], row["code"], row["path"]): row["reason"] for row in rows}


def measure_coverage(options: Options) -> Outcome:
    """Run every forge test with counters in the contracts, and compare what is not covered with what is explained."""
    print("forge coverage: compiling and running every test, some minutes", flush=True)
    settings = {"FOUNDRY_PROFILE": "quick", "CAMPAIGN_HISTORIES": str(HISTORIES)}
    command = [str(FORGE), "coverage", "--offline", "--fuzz-seed", str(options.seed), "--report", "lcov"]
    command += ["--report-file", str(REPORT.relative_to(ROOT)), "--no-match-coverage", NOT_OURS]
    command += ["--no-match-test", "^invariant_"]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    words = " ".join(f"{key}={value}" for key, value in settings.items())
    if done.returncode != 0 or not REPORT.exists():
        note = f"forge coverage failed: {(done.stdout + done.stderr)[-3000:]}\n  again: {words} {' '.join(command)}"
        return Outcome("Coverage of the contracts", False, {}, notes=[note])
    return _outcome(read_lcov(REPORT.read_text("utf-8")))


def _outcome(files: dict[str, FileCoverage]) -> Outcome:
    uncovered, explanations = uncovered_branches(files), read_explanations()
    notes = [
        f"{branch.file}:{line}: no test takes path {branch.path} of `{branch.code}`: test it, or explain it in {EXPLANATIONS.name}"
        for branch, line in uncovered.items()
        if branch not in explanations
    ]
    notes += [
        f"{EXPLANATIONS.name}: path {branch.path} of `{branch.code}` in {branch.file} is covered, or is not there: remove it"
        for branch in explanations
        if branch not in uncovered
    ]
    notes += [f"forge says nothing of {name}" for name in measured_files() if not files.get(name, FileCoverage()).lines]
    every = FileCoverage()
    rows: list[list[str | int]] = []
    for name, coverage in sorted(files.items()):
        rows.append([name, *(_share(part) for part in (coverage.lines, coverage.branches, coverage.functions))])
        every.lines |= {len(every.lines) + i: hits for i, hits in enumerate(coverage.lines.values())}
        every.functions |= {f"{name} {function}": hits for function, hits in coverage.functions.items()}
        every.branches |= {(len(every.branches) + i, ""): hits for i, hits in enumerate(coverage.branches.values())}
    figures: dict[str, int | float | str] = {
        "lines, in percent": _percent(every.lines),
        "branches, in percent": _percent(every.branches),
        "functions, in percent": _percent(every.functions),
        "branches that no forge test takes": len(uncovered),
        "of these explained": len([branch for branch in uncovered if branch in explanations]),
    }
    reasons: list[list[str | int]] = [
        [f"{branch.file}:{line}", branch.code, branch.path, explanations.get(branch, "not explained")]
        for branch, line in uncovered.items()
    ]
    tables = [
        Table("Coverage of the contracts", ["file", "lines", "branches", "functions"], rows),
        Table("Branches no forge test takes", ["line", "code", "path", "why"], reasons),
    ]
    return Outcome("Coverage of the contracts", not notes, figures, tables, notes)


def _share(hits: Mapping[Any, int]) -> str:
    return f"{sum(map(bool, hits.values()))} of {len(hits)}"


def _percent(hits: Mapping[Any, int]) -> float:
    return round(100 * sum(map(bool, hits.values())) / max(1, len(hits)), 1)


if __name__ == "__main__":
    sys.exit(run_step("coverage", measure_coverage))
