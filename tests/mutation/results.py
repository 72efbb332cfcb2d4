"""What became of each mutant: verdicts, one a line in a file, so that a run that was stopped goes on; and the survivors argued for."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.mutation.compiler import ROOT

SURVIVORS: Final = Path(__file__).parent / "survivors.toml"

NO_CODE, SAME_CODE, KILLED, SURVIVED = "does not compile", "same code", "killed", "survived"
HISTORIES, TESTS_OF_FUNCTION, ALL_TESTS = "histories", "tests of the function", "all tests"


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
    """Return a hash over all that is mutated and what it is written against."""
    return hash_of("contracts/*.sol", "contracts/[!t]*/*.sol")


_JUDGED_WITH: Final = {
    HISTORIES: ("tests/invariants/*.py", "tests/mutation/judges.py"),
    TESTS_OF_FUNCTION: (
        "tests/support/*.py",
        "tests/contracts/**/*.py",
        "tests/attacks/**/*.py",
        "tests/conformance/**/*.py",
        "tests/mutation/judges.py",
        "tests/mutation/reach.py",
    ),
    ALL_TESTS: ("tests/support/*.py", "tests/c*/**/*.py", "tests/attacks/**/*.py", "tests/mutation/judges.py"),
}
"""What a judge looks with: with other eyes, it is asked again, also about what it has found."""


class Results:
    """The verdicts in a file. Each stands while the contracts and the judge's tests are as they were: a test that found a mistake may be
    gone or weaker. Whether something compiles, and to what, is the compiler's word and needs no tests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sources = sources_hash()
        self._tests = {judge: hash_of(*patterns) for judge, patterns in _JUDGED_WITH.items()}
        self._known: dict[tuple[str, str], Verdict] = {}
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                self._keep(Verdict(**json.loads(line)))

    def _keep(self, verdict: Verdict) -> None:
        stands = verdict.tests == self._tests[verdict.judge] or verdict.verdict in {NO_CODE, SAME_CODE}
        if verdict.sources == self._sources and stands:
            self._known[verdict.id, verdict.judge] = verdict

    def find(self, mutant_id: str, judge: str) -> Verdict | None:
        """Return what a judge said, if it was asked."""
        return self._known.get((mutant_id, judge))

    def add(self, mutant_id: str, judge: str, verdict: str, code: str, by: str) -> Verdict:
        """Keep what a judge said."""
        made = Verdict(mutant_id, judge, verdict, code, by, self._sources, self._tests[judge])
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(made), ensure_ascii=False) + "\n")
        self._keep(made)
        return made


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
