"""What became of each mutant: verdicts, one a line in a file, so that a run that was stopped goes on; and the survivors argued for."""

import hashlib
import json
import re
import tomllib
from dataclasses import astuple, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from tests.assurance.mutation.compiler import ROOT

SURVIVORS: Final = Path(__file__).parent / "survivors.toml"
KEPT: Final = Path(__file__).parent / "verdicts.jsonl"
"""Verdicts of earlier runs, in the repository: judging all mutants takes many hours, so a run in a new clone goes on from here."""
MUTATED: Final = [ROOT / f"nvm_chain/chain/data/{name}.json" for name in ("AgentRegistry", "Credits")]

NO_CODE, SAME_CODE, KILLED, SURVIVED = "does not compile", "same code", "killed", "survived"
HISTORIES, FORGE, TESTS_OF_FUNCTION, ALL_TESTS = "histories", "forge", "tests of the function", "all tests"
JUDGES: Final = (HISTORIES, FORGE, TESTS_OF_FUNCTION, ALL_TESTS)
"""In the order in which they are asked."""


@dataclass(frozen=True)
class Verdict:
    """What one judge said of one mutant."""

    id: str
    judge: str
    verdict: str
    code: str
    """Hash of the code that it compiles to."""
    by: str
    """What found the mistake, and how."""
    sources: str
    tests: str


def hash_of(*patterns: str) -> str:
    """Return a hash over the files that match."""
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def sources_hash() -> str:
    """Return a hash over the code of all that is mutated: a comment or a moved file is no reason to judge anew.

    The committed code is that of the sources, as tests/house/test_artifacts_fresh.py insists.
    """
    codes = [json.loads(path.read_text("utf-8"))["creation_code"] for path in MUTATED]
    return hashlib.sha256("".join(codes).encode()).hexdigest()[:16]


_FOLDERS: Final = ("contracts", "attacks", "conformance")
_HELPERS: Final = (
    "tests/*.py",
    "tests/support/*.py",
    "tests/assurance/mutation/by_tests.py",
    "contracts/test/**/*.sol",
    *(f"tests/{folder}/**/conftest.py" for folder in _FOLDERS),
)
_TESTS: Final = (
    *_HELPERS,
    "tests/integration/raw.py",
    "tests/assurance/invariants/*.py",
    *(f"tests/{folder}/**/*.{ending}" for folder in _FOLDERS for ending in ("py", "mjs")),
)
_JUDGED_WITH: Final = {
    HISTORIES: ("tests/assurance/invariants/*.py", "tests/assurance/mutation/by_histories.py"),
    FORGE: (
        "tests/assurance/mutation/by_forge.py",
        "tests/assurance/forge/unit/*.sol",
        "tests/assurance/forge/support/*.sol",
        "contracts/test/**/*.sol",
    ),
    TESTS_OF_FUNCTION: (*_TESTS, "tests/assurance/mutation/reach.py"),
    ALL_TESTS: _TESTS,
}
"""What a judge looks with: with other eyes, it is asked again."""
_SHORT: Final = 60
_TEST_FILE: Final = re.compile(r"tests/[\w/]+\.py")
_IMPORT: Final = re.compile(r"^from (tests[\w.]*) import", re.MULTILINE)


def eyes_hash(judge: str, file: str) -> str:
    """Return a hash over what a judge looks with: all of it, or the file of the test that found the mistake, with what it imports."""
    return hash_of(*_HELPERS, *_follow(file, set())) if file else hash_of(*_JUDGED_WITH[judge])


def _follow(file: str, seen: set[str]) -> set[str]:
    """Return a file of tests, and those that it takes something from."""
    path = ROOT / file
    if file in seen or not path.is_file():
        return seen
    seen.add(file)
    for module in _IMPORT.findall(path.read_text("utf-8")):
        _follow(f"{module.replace('.', '/')}.py", seen)
    return seen


class Results:
    """The verdicts in a file. Each stands while the contracts and what the judge looked with are as they were: a test that found a mistake
    may be gone or weaker. Whether something compiles, and to what, is the compiler's word and needs no tests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sources = sources_hash()
        self._eyes_hash = cache(eyes_hash)
        self._known: dict[tuple[str, str], Verdict] = {}
        for file in (KEPT, path):
            if file.is_file():
                for line in file.read_text("utf-8").splitlines():
                    self._keep(Verdict(*json.loads(line)))

    def _keep(self, verdict: Verdict) -> None:
        if verdict.sources == self._sources and (
            verdict.verdict in {NO_CODE, SAME_CODE} or verdict.tests == self._hash_for(verdict)
        ):
            self._known[verdict.id, verdict.judge] = verdict

    def _hash_for(self, verdict: Verdict) -> str:
        file = verdict.by.partition("::")[0]
        was_found = verdict.verdict == KILLED and verdict.judge != HISTORIES and _TEST_FILE.fullmatch(file)
        return self._eyes_hash(verdict.judge, file if was_found else "")

    def find(self, mutant_id: str, judge: str) -> Verdict | None:
        """Return what a judge said, if it was asked."""
        return self._known.get((mutant_id, judge))

    def write(self, path: Path) -> int:
        """Write the verdicts that stand, sorted, into a file, and return how many there are."""
        known = [replace(verdict, by=verdict.by[:_SHORT]) for _, verdict in sorted(self._known.items())]
        path.write_text("".join(map(_format, known)), "utf-8")
        return len(known)

    def add(self, mutant_id: str, judge: str, verdict: str, code: str, by: str) -> Verdict:
        """Keep what a judge said."""
        made = Verdict(mutant_id, judge, verdict, code, by, self._sources, "")
        made = replace(made, tests=self._hash_for(made))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_format(made))
        self._keep(made)
        return made


def _format(verdict: Verdict) -> str:
    return json.dumps(astuple(verdict), ensure_ascii=False, separators=(",", ":")) + "\n"


def read_arguments() -> dict[str, str]:
    """Return why each mutant that survives is no mistake, by its id."""
    if not SURVIVORS.is_file():
        return {}
    entries = tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", [])
    arguments: dict[str, str] = {}
    for entry in entries:
        for mutant_id in entry["mutants"]:
            assert mutant_id not in arguments, f"{mutant_id} is argued twice"
            arguments[mutant_id] = " ".join(entry["because"].split())
    return arguments
