"""The long campaigns, one after the other, and the report of them: `make deep`, or `python -m tests.assurance.deep --seed 7`.

Each step writes .deep/SEED/NAME.json. With the same seed a second run goes on where the first stopped, and skips what was finished for the
same sources. When all steps have passed, docs/assurance.md is written anew, and the same as JSON in .deep/.
"""

import argparse
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.assurance.deep.report import OtherCode, write_report
from tests.assurance.deep.step import ROOT, digest_of_sources


@dataclass(frozen=True)
class Step:
    """A step by its module's name, with its part of the time."""

    name: str
    share: float = 1.0
    """Of the minutes given. Those of 1 take as long as they take, and less only if told to be short."""


STEPS = (
    Step("static"),
    Step("proofs"),
    Step("coverage"),
    Step("histories", 0.2),
    Step("campaign", 0.3),
    Step("faults"),
    Step("index_kills"),
    Step("meter_kills"),
    Step("meter_races"),
    Step("gateway_kills"),
    Step("gateway_fuzz", 0.1),
    Step("mutants_of_python"),
    Step("mutants", 0.5),
)


def main() -> int:
    """Run the steps, and write the report if none failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.assurance.deep", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat or go on with a run; another one each time if not given")
    parser.add_argument("--minutes", type=float, default=40.0, help="for the steps that go on until the time is over")
    parser.add_argument("--only", action="append", choices=[step.name for step in STEPS], help="run this step only")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    print(f"seed {seed}: `make deep SEED={seed}` repeats this run, or goes on with it", flush=True)
    folder = ROOT / ".deep" / str(seed)
    failed = [
        step.name
        for step in STEPS
        if not (options.only and step.name not in options.only)
        and not _is_done(folder, step, options.minutes)
        and not _run(folder, step, seed, options.minutes)
    ]
    if failed:
        print(f"FAILED: {', '.join(failed)}. See above; `make deep SEED={seed}` repeats it", file=sys.stderr)
        return 1
    if not options.only:
        try:
            write_report([json.loads((folder / f"{step.name}.json").read_text("utf-8")) for step in STEPS])
        except OtherCode as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
        print("written: docs/assurance.md, .deep/assurance.json", flush=True)
    return 0


def _is_done(folder: Path, step: Step, minutes: float) -> bool:
    """Tell whether a step has passed, had as many minutes as it would have now, and left nothing over."""
    path = folder / f"{step.name}.json"
    if not path.is_file():
        return False
    data = json.loads(path.read_text("utf-8"))
    enough = data["complete"] and data["minutes"] >= minutes * step.share
    done = data["passed"] and enough and data["sources"] == digest_of_sources(step.name)
    if done:
        print(f"==> {step.name}: done before", flush=True)
    return bool(done)


def _run(folder: Path, step: Step, seed: int, minutes: float) -> bool:
    print(f"==> {step.name}", flush=True)
    command = [sys.executable, "-m", f"tests.assurance.deep.{step.name}", "--seed", str(seed), "--folder", str(folder)]
    return subprocess.run([*command, "--minutes", str(minutes * step.share)], cwd=ROOT).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
