"""Runs semgrep with the house's rules: once over the sources, and over what each rule is there to find and to leave alone."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.assurance.static.ledger import Find
from tests.assurance.static.project import HERE, ROOT, find_shipped, find_tool, keep

RULES = HERE / "rules"
_SUFFIX = {"solidity": ".sol", "python": ".py"}
_HEAD = "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n\ncontract Sample {\n    "


@dataclass(frozen=True)
class Rule:
    """One rule, and its samples."""

    name: str
    language: str
    folders: tuple[str, ...]
    """Where it holds; everywhere if there are none."""
    outside: tuple[str, ...]
    """Files that it leaves alone."""
    bad: tuple[str, ...]
    good: tuple[str, ...]

    def holds_in(self, path: str) -> bool:
        """Return whether the rule holds in a file."""
        return path.startswith(self.folders or ("",)) and path not in self.outside


@cache
def read_rules() -> dict[str, Rule]:
    """Return all rules, by name."""
    rules = {}
    for path in sorted(RULES.glob("*.yml")):
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]:
            told = rule["metadata"]
            lists = {key: tuple(told.get(key, ())) for key in ("folders", "outside", "bad", "good")}
            assert rule["id"] not in rules, f"two rules are called {rule['id']}"
            rules[rule["id"]] = Rule(rule["id"], rule["languages"][0], **lists)
    return rules


class Incomplete(Exception):
    """Say what semgrep did not do, or did not understand."""


def find_sources(root: Path = ROOT) -> list[str]:
    """Return the files that the rules are for, relative to the project."""
    python = [path for folder in ("nvm_chain", "scripts") for path in (root / folder).rglob("*.py")]
    return [*find_shipped(root), *sorted(str(path.relative_to(root)) for path in python)]


@cache
def find_breaches(root: Path = ROOT) -> list[Find]:
    """Return every place in the sources where a rule is broken."""
    sources = find_sources(root)
    found = [find for find in _scan(root, sources) if read_rules()[find["rule"]].holds_in(find["place"])]
    return sorted(found, key=str)


@cache
def scan_samples() -> dict[str, list[str]]:
    """Return, for each sample (`rule/bad-0.sol`), the rules that find something in it."""
    with tempfile.TemporaryDirectory(prefix="nvm_chain-semgrep-") as name:
        folder = Path(name)
        for rule in read_rules().values():
            for verdict, samples in (("bad", rule.bad), ("good", rule.good)):
                for number, sample in enumerate(samples):
                    path = folder / rule.name / f"{verdict}-{number}{_SUFFIX[rule.language]}"
                    path.parent.mkdir(exist_ok=True)
                    text = f"{_HEAD}{sample}\n}}\n" if rule.language == "solidity" else f"{sample}\n"
                    path.write_text(text, "utf-8")
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
        found: dict[str, list[str]] = {file: [] for file in files}
        for find in _scan(folder, files):
            found[find["place"]].append(find["rule"])
    return found


def _scan(folder: Path, files: list[str]) -> list[Find]:
    """Scan files; fail where semgrep does not get through, or does not understand all of a file."""
    program = find_tool("semgrep", "semgrep")
    rules = "".join(path.read_text("utf-8") for path in sorted(RULES.glob("*.yml")))
    texts = [f"{file}\n{(folder / file).read_text('utf-8')}" for file in files]
    lock = (ROOT / "requirements" / "semgrep.lock").read_text("utf-8")
    name = "breaches" if folder == ROOT else "samples"
    try:
        answer: list[Find] = json.loads(
            keep(f"semgrep-{name}", [lock, rules, *texts], lambda: _run(program, folder, files))
        )
    except Incomplete as error:
        pytest.fail(str(error), pytrace=False)
    return answer


def _run(program: Path, folder: Path, files: list[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="nvm_chain-semgrep-home-") as home:
        command = [str(program), "scan", "--metrics", "off", "--disable-version-check", "--json", "--no-git-ignore"]
        command += ["--disable-nosem", "--x-ignore-semgrepignore-files", "--jobs", "2", "--config", str(RULES), *files]
        environment = {**os.environ, "HOME": home, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise Incomplete(f"semgrep did not get through:\n{(done.stdout + done.stderr)[-3000:]}") from None
    problems = [str(error.get("message", error))[:500] for error in answer["errors"]]
    problems += [f"not read: {file}" for file in sorted({*files} - {*answer["paths"]["scanned"]})]
    if problems:
        raise Incomplete("semgrep did not understand everything:\n" + "\n".join(problems))
    return json.dumps([_describe(result, folder) for result in answer["results"]])


def _describe(result: dict[str, Any], folder: Path) -> Find:
    lines = (folder / result["path"]).read_text("utf-8").splitlines()
    code = " ".join(lines[result["start"]["line"] - 1].split())
    return {"rule": result["check_id"].rpartition(".")[2], "place": result["path"], "code": code}
