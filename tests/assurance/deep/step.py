"""A step of `make deep`: a long piece of work with a seed, that leaves figures and tables behind as JSON.

    python -m tests.assurance.deep.NAME --seed 7 --folder .deep/7 --minutes 5

writes `.deep/7/NAME.json`. What else a step keeps in its folder is its own: run again with the same seed it goes on from there.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nvm_chain.chain.artifacts import ContractName, read_artifact

ROOT = Path(__file__).parent.parent.parent.parent
FORGE = ROOT / ".venv" / "bin" / "forge"
DEPENDS = {
    "static": ("contracts", "nvm_chain", "tests/assurance/static"),
    "proofs": ("contracts", "tests/assurance/symbolic", "tests/assurance/smt"),
    "coverage": ("contracts", "tests/assurance/forge"),
    "histories": ("contracts", "tests/assurance/invariants"),
    "campaign": ("contracts", "tests/assurance/forge"),
    "faults": ("contracts", "nvm_chain"),
    "index_kills": ("contracts", "nvm_chain/chain", "nvm_chain/index"),
    "meter_kills": ("contracts", "nvm_chain", "tests/meter/faults"),
    "gateway_kills": ("contracts", "nvm_chain", "tests/gateway"),
    "gateway_fuzz": ("nvm_chain", "tests/gateway/fuzzing.py", "tests/gateway/fuzz_corpus.py"),
    "meter_races": ("nvm_chain/index", "nvm_chain/meter", "tests/meter/faults"),
    "mutants_of_python": ("nvm_chain", "tests/unit", "tests/assurance/mutation_python"),
    "mutants": (
        "contracts",
        "tests/attacks",
        "tests/conformance",
        "tests/contracts",
        "tests/assurance/forge",
        "tests/assurance/invariants",
        "tests/assurance/mutation",
    ),
}
"""The steps, and what each is about: a finished step counts as long as that stays the same."""
CONTRACTS: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
"""What all steps are about in the end: the contracts that are deployed."""
COMMON = (
    "foundry.toml",
    "package-lock.json",
    "requirements",
    "tests/assurance/deep",
    "tests/support",
    "tools/compile_contracts.py",
)
"""What every step depends on."""
SUFFIXES = {".c", ".js", ".json", ".lock", ".py", ".sol", ".toml", ".txt", ".yml"}


@dataclass(frozen=True)
class Options:
    """What a step is asked for."""

    seed: int
    folder: Path
    """Where the step may keep what it needs to go on."""
    minutes: float
    """How long it may take, about; a step that takes as long as it takes ignores it."""


@dataclass(frozen=True)
class Table:
    """One table of the report."""

    title: str
    headers: list[str]
    rows: list[list[str | int]]


@dataclass(frozen=True)
class Outcome:
    """What a step found. ``figures`` are named numbers, which the report and the README quote by name."""

    title: str
    passed: bool
    figures: dict[str, int | float | str]
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Failures, with what shows them again; remarks."""
    complete: bool = True
    """Whether there is nothing left that more time would do."""


def digest_of_sources(step: str) -> str:
    """Return a hash over everything that a step is about."""
    return hash_files((*COMMON, *DEPENDS[step]))


def hash_files(names: Sequence[str]) -> str:
    """Return a hash over files and folders of the repository."""
    places = [ROOT / name for name in names]
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    digest = hashlib.sha256()
    for path in files:
        if path.suffix in SUFFIXES:
            digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def code_hashes() -> dict[str, str]:
    """Return the hash of each contract's code, as the package has it now."""
    return {name: read_artifact(name).runtime_code_hash for name in CONTRACTS}


def run_step(name: str, step: Callable[[Options], Outcome], arguments: Sequence[str] | None = None) -> int:
    """Run a step as a program: parse its options, time it, write its outcome, and return the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.assurance.deep.{name}", description=step.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / ".deep" / "scratch")
    parser.add_argument("--minutes", type=float, default=5.0)
    options = Options(**vars(parser.parse_args(arguments)))
    options.folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    about = {
        "name": name,
        "seed": options.seed,
        "minutes": options.minutes,
        "sources": digest_of_sources(name),
        "code_hashes": code_hashes(),
    }
    outcome = step(options)
    data = {**about, "seconds": round(time.monotonic() - started), **asdict(outcome)}
    (options.folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    for key, value in outcome.figures.items():
        print(f"{key}: {value}")
    for note in outcome.notes:
        print(note, file=sys.stderr)
    return 0 if outcome.passed else 1
