"""Runs mutmut on some modules of the package, in a copy of the project, with the unit tests of these modules to find the mistakes."""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.assurance.mutation_python.by_hand import Mistake
from tests.assurance.static.ledger import Find
from tests.assurance.static.project import ROOT, find_tool

TESTS = {
    "signing/vouchers": "vouchers",
    "types/prices": "pricing",
    "types/credits": "pricing",
    "types/plans": "pricing",
    "types/amounts": "units",
    "types/ids": "ids",
}
"""The modules that are mutated, each with the unit tests of it."""
MODULES = tuple(TESTS)
_COPIED = ("nvm_chain", "tests", "docs", "contracts", "pyproject.toml", "README.md")
_STATUS = {0: "survived", 1: "killed", 3: "killed", 5: "survived", 33: "survived"}
"""By exit code of pytest. 33 and 5: no test runs the function at all."""
_TOO_LONG = {24, -24, 36, 152, 255}


class Broken(Exception):
    """Say why what the runner would say means nothing."""


@dataclass(frozen=True)
class Mutants:
    """What became of the mutants of each module."""

    counts: dict[str, Counter[str]]
    """By module: ``killed``, ``timed out``, ``survived``."""
    survivors: list[Find]


def copy_project(folder: Path, seed: int) -> None:
    """Copy what the unit tests need, and tell mutmut which modules to change."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    settings = {
        "source_paths": ["nvm_chain"],
        "only_mutate": [f"nvm_chain/{module}.py" for module in MODULES],
        "pytest_add_cli_args_test_selection": sorted({_tests_of(module) for module in MODULES}),
        "pytest_add_cli_args": ["-p", "no:randomly", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"],
        "also_copy": ["docs", "contracts", "README.md"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["", "[tool.mutmut]", *lines, ""]))


def _tests_of(module: str) -> str:
    return f"tests/unit/test_{TESTS[module]}.py"


def passes(folder: Path, modules: tuple[str, ...], seed: int) -> bool:
    """Return whether the unit tests of some modules pass in a copy."""
    command = [
        str(find_tool("mutmut", "python")),
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
    ]
    command += [f"--hypothesis-seed={seed}", *sorted({_tests_of(module) for module in modules})]
    done = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True)
    if done.returncode not in (0, 1, 2):  # 2: a module that cannot be imported
        raise Broken(f"pytest did not get through:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.returncode == 0


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def survives(mistake: Mistake, folder: Path, seed: int) -> bool:
    """Make a mistake in the copy, return whether the tests pass all the same, and take it back."""
    path = folder / "nvm_chain" / f"{mistake.module}.py"
    right = path.read_text("utf-8")
    if right.count(mistake.right) != 1:
        raise Broken(f"{mistake.module}.py has changed: {mistake.right!r} is there {right.count(mistake.right)} times")
    path.write_text(right.replace(mistake.right, mistake.wrong), "utf-8")
    try:
        return passes(folder, (mistake.module,), seed)
    finally:
        path.write_text(right, "utf-8")


def run_mutmut(folder: Path) -> Mutants:
    """Run mutmut in the copy and return what became of its mutants. It checks by itself that the tests see mutants at all."""
    program = str(find_tool("mutmut", "mutmut"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [program, "run", "--max-children", "2"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"mutmut did not get through:\n{(done.stdout + done.stderr)[-2000:]}")
    counts, survivors = {}, []
    for module in MODULES:
        told = json.loads((folder / "mutants" / "nvm_chain" / f"{module}.py.meta").read_text("utf-8"))
        verdicts = {name: _judge(name, code) for name, code in told["exit_code_by_key"].items()}
        if not verdicts:
            raise Broken(f"mutmut made no mutant of {module}")
        counts[module] = Counter(verdicts.values())
        survivors += [_describe(name, folder) for name, verdict in verdicts.items() if verdict == "survived"]
    return Mutants(counts, survivors)


def _judge(name: str, code: int | None) -> str:
    if code in _TOO_LONG:
        return "timed out"
    if code not in _STATUS:
        raise Broken(f"mutmut did not get through with {name}: exit code {code}")
    return _STATUS[code]


def _describe(name: str, folder: Path) -> Find:
    """Say what a mutant changes. Mutants are known by that, as their numbers change with the code."""
    program = str(find_tool("mutmut", "mutmut"))
    done = subprocess.run([program, "show", name], cwd=folder, capture_output=True, text=True, check=True)
    *_, module, function = name.split(".")
    parts = re.sub(r"__mutmut_\d+$", "", function).removeprefix("x_").removeprefix("xǁ").split("ǁ")
    lines = list(_changed(done.stdout))
    return {
        "place": ".".join([module, *parts]),
        "was": "\n".join(line[1:].strip() for line in lines if line.startswith("-")),
        "now": "\n".join(line[1:].strip() for line in lines if line.startswith("+")),
    }


def _changed(difference: str) -> Iterator[str]:
    yield from (
        line for line in difference.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---") and line
    )
