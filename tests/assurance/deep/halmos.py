"""How halmos is run: over the checks of one contract, with options that are the same wherever it runs."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.assurance.deep.step import ROOT

TOOLS = ROOT / ".venv-halmos" / "bin"
OUT = Path(".forge") / "symbolic" / "out"
"""What forge builds for it, below the project it is run in."""

LOOPS = 4
"""How often a loop is followed."""

# What halmos says of a check.
PASSED, COUNTEREXAMPLE, TIMEOUT, STUCK, NOTHING_REACHED, EXCEPTION = range(6)
RESULTS = {
    PASSED: "proved",
    COUNTEREXAMPLE: "refuted",
    TIMEOUT: "timed out",
    STUCK: "stuck",
    NOTHING_REACHED: "proves nothing: every path reverts",
    EXCEPTION: "error",
}


@dataclass
class Run:
    """What one run of halmos left: its results by the checks' signatures, and all it printed."""

    results: dict[str, dict] = field(default_factory=dict)
    log: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end, and no check was left undecided for want of time."""
        return bool(self.results) and all(each["exitcode"] != TIMEOUT for each in self.results.values())


def find_missing() -> str | None:
    """Return what is to be done before halmos can run, or None."""
    for tool in ("halmos", "yices-smt2", "z3"):
        if not (TOOLS / tool).exists():
            return f"{tool} is not there. Set it up with: make .venv-halmos/done"
    if shutil.which("forge", path=environment()["PATH"]) is None:
        return "forge is not there. Set it up with: make setup"
    return None


def environment() -> dict[str, str]:
    """Return which forge halmos calls, with which profile; its own options are on its command line."""
    paths = [str(TOOLS), str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(paths), "FOUNDRY_PROFILE": "symbolic", "FOUNDRY_OFFLINE": "true"}


def build(root: Path) -> str:
    """Compile what halmos reads, from nothing, and return the compiler's complaint, which is empty if it has none."""
    # What was left of a check that is gone would still be run.
    shutil.rmtree(root / OUT.parent, ignore_errors=True)
    command = ["forge", "build", "--ast", "--extra-output", "storageLayout", "metadata"]
    built = subprocess.run(command, cwd=root, env=environment(), capture_output=True, text=True)
    return f"{built.stdout}{built.stderr}" if built.returncode else ""


def run_halmos(contract: str, folder: Path, seconds: float, root: Path = ROOT, check: str = "") -> Run:
    """Run the checks of one contract, or one of them until it is refuted, and return what became of each."""
    answer, log = folder / f"halmos-{contract}.json", folder / f"halmos-{contract}.log"
    answer.unlink(missing_ok=True)
    command = ["halmos", "--root", str(root), "--forge-build-out", str(OUT), "--contract", contract]
    # Who asks for one check asks for a counterexample, and the first is enough.
    command += ["--match-test", rf"^{check}\(", "--early-exit"] if check else []
    command += ["--solver", "yices", "--solver-threads", "1", "--loop", str(LOOPS), "--no-status"]
    # With the default of 1 ms most branches stay undecided, and paths that cannot be are followed.
    command += ["--solver-timeout-branching", "1s", "--solver-timeout-assertion", "300s", "--json-output", str(answer)]
    with log.open("w", encoding="utf-8") as file:
        try:
            subprocess.run(command, cwd=root, env=environment(), stdout=file, stderr=file, timeout=seconds)
        except subprocess.TimeoutExpired:
            file.write(f"\ngiven up after {seconds:.0f} seconds\n")
    run = Run(log=re.sub(r"\x1b\[\d*m", "", log.read_text("utf-8")))
    if answer.exists():
        for results in json.loads(answer.read_text("utf-8"))["test_results"].values():
            run.results |= {result["name"]: result for result in results}
    return run


def ask_smt_checker(file: str, seconds: float, root: Path = ROOT) -> tuple[list[dict], str]:
    """Return what the compiler's model checker says of a file of tests/assurance/smt, line by line, and what went wrong."""
    command = ["node", str(root / "tests" / "assurance" / "smt" / "check.js"), str(TOOLS / "z3"), file]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=seconds)
    return (json.loads(ran.stdout)[0]["messages"] if ran.returncode == 0 else []), ran.stderr
