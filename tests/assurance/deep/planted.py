"""Plants bugs in a copy of the contracts, one at a time, and runs the proof that must break: tests/assurance/symbolic/planted.toml.

A proof that holds whatever the code does proves nothing, and looks the same as one that holds. Here each has to find a bug it is there
to find. Only a counterexample counts: a copy that does not compile, a proof that is given up and one that never gets past its own
assumptions have refuted nothing.

    python -m tests.assurance.deep.planted                    # all of them
    python -m tests.assurance.deep.planted VoucherProofs      # those that this contract's proofs must find
"""

import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.assurance.deep.halmos import COUNTEREXAMPLE, RESULTS, ask_smt_checker, build, find_missing, run_halmos
from tests.assurance.deep.step import ROOT

TABLE = ROOT / "tests" / "assurance" / "symbolic" / "planted.toml"
SECONDS = 600
"""What one proof may take to find its bug."""
AT_ONCE = 2
REFUTED = RESULTS[COUNTEREXAMPLE]
VIOLATED = "4661"
"""What the compiler says of an assertion that is wrong."""


@dataclass(frozen=True)
class Bug:
    """One text of a contract that becomes another, and the proof that must break."""

    file: str
    """Below contracts/."""
    old: str
    new: str
    contract: str
    check: str

    @property
    def proof(self) -> str:
        """The proof's name in messages."""
        return f"{self.contract}.{self.check}"

    @property
    def name(self) -> str:
        """A name that no other bug has."""
        return f"planted {self.proof} {sha256(f'{self.file} {self.old} {self.new}'.encode()).hexdigest()[:16]}"

    @property
    def is_claim(self) -> bool:
        """Whether the proof is one of tests/smt."""
        return self.contract.endswith("Claims")


@dataclass(frozen=True)
class Finding:
    """What became of one bug."""

    bug: Bug
    result: str
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the proof found it."""
        return self.result == REFUTED

    @property
    def words(self) -> str:
        """What became of which, in one line."""
        place = self.bug.old.strip().splitlines()[0]
        return f"{self.result}, {self.seconds:.0f} s: {self.bug.proof}: {self.bug.file}: {place}"


def read_bugs() -> list[Bug]:
    """Return the table."""
    return [Bug(**entry) for entry in tomllib.loads(TABLE.read_text("utf-8"))["bug"]]


def find_source(bug: Bug, root: Path = ROOT) -> Path:
    """Return the file in which a bug's proof is written."""
    if bug.is_claim:
        return root / "tests" / "assurance" / "smt" / f"{bug.contract.removesuffix('Claims')}.sol"
    for path in sorted((root / "tests" / "assurance" / "symbolic").glob("*.sol")):
        if re.search(rf"^contract {bug.contract} ", path.read_text("utf-8"), re.MULTILINE):
            return path
    raise LookupError(f"no contract {bug.contract} in tests/assurance/symbolic")


def try_bugs(bugs: list[Bug]) -> Iterator[Finding]:
    """Plant each bug in a copy of its own and tell, in their order, what its proof says."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(try_bug, bugs)


def try_bug(bug: Bug) -> Finding:
    """Plant one bug in a copy of its own and run its proof there."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        root = Path(folder)
        _copy(bug, root)
        result = _run_claim(bug, root) if bug.is_claim else _run_check(bug, root)
    return Finding(bug, result, time.monotonic() - started)


def _copy(bug: Bug, root: Path) -> None:
    shutil.copytree(ROOT / "contracts", root / "contracts")
    shutil.copy(ROOT / "foundry.toml", root)
    # The compiler looks for what it needs beside itself.
    shutil.copytree(ROOT / "tools", root / "tools")
    shutil.copytree((ROOT / ".solc").resolve(), root / ".solc", symlinks=True)
    (root / "node_modules").symlink_to((ROOT / "node_modules").resolve())
    shutil.copytree(ROOT / "tests" / "assurance" / "smt", root / "tests" / "assurance" / "smt")
    (root / "tests" / "assurance" / "symbolic").mkdir()
    for path in _follow(find_source(bug)):  # and no other, which would only be compiled
        shutil.copy(path, root / path.relative_to(ROOT))
    planted = root / "contracts" / bug.file
    text = planted.read_text("utf-8")
    if text.count(bug.old) != 1:
        raise LookupError(f"{bug.file} has not one place for: {bug.old}")
    planted.write_text(text.replace(bug.old, bug.new), "utf-8")


def _follow(path: Path) -> set[Path]:
    """Return a file and those beside it that it needs."""
    needed = {path}
    for name in re.findall(r'"\./(\w+\.sol)"', path.read_text("utf-8")):
        needed |= _follow(path.parent / name)
    return needed


def _run_check(bug: Bug, root: Path) -> str:
    if build(root):
        return "does not compile"
    run = run_halmos(bug.contract, root, SECONDS, root, bug.check)
    found = [result for signature, result in run.results.items() if signature.startswith(f"{bug.check}(")]
    if len(found) != 1:
        return "did not run"
    # halmos fails a check for several reasons, and prints its counterexample for one.
    result = RESULTS.get(found[0]["exitcode"], "error")
    return "no counterexample" if result == REFUTED and "Counterexample: " not in run.log else result


def _run_claim(bug: Bug, root: Path) -> str:
    source = find_source(bug, root)
    messages, _ = ask_smt_checker(source.name, SECONDS, root)
    lines = source.read_text("utf-8").split("\n")
    start = next(number for number, line in enumerate(lines, 1) if f"function {bug.check}(" in line)
    end = next(number for number, line in enumerate(lines[start:], start + 1) if line == "    }")
    codes = [message["code"] for message in messages if start <= message["line"] <= end]
    return REFUTED if VIOLATED in codes else "undecided" if codes else "did not run"


def main() -> int:
    """Try the bugs of the table, or those of some contracts of proofs, and tell what became of each."""
    if problem := find_missing():
        sys.exit(problem)
    wanted = sys.argv[1:]
    bugs = [bug for bug in read_bugs() if not wanted or bug.contract in wanted]
    refuted = 0
    started = time.monotonic()
    for finding in try_bugs(bugs):
        refuted += finding.ok
        print(finding.words, flush=True)
    print(f"planted bugs refuted: {refuted} of {len(bugs)}, in {time.monotonic() - started:.0f} s")
    return 0 if bugs and refuted == len(bugs) else 1


if __name__ == "__main__":
    sys.exit(main())
