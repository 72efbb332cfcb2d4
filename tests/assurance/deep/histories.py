"""Long random histories of every operation, on the contract and on the independent model of it (tests/assurance/invariants)."""

import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.assurance.deep.step import Options, Outcome, Table, digest_of_sources, run_step
from tests.assurance.invariants.comparison import Disagreement, Tally
from tests.assurance.invariants.running import run_history
from tests.assurance.mutation.compiler import CREDITS, WarmCompiler
from tests.support.sources import use_sources

STEPS = 3000
PROCESSES = 2
SEEDS_APART = 1_000_000
"""A campaign of seed 7 runs the histories of seeds 7,000,000 and on."""


PIPELINES: dict[str, dict[str, bool]] = {
    "as deployed": {},
    "without the optimizer": {"optimize": False},
    "by the other code generator": {"optimize": True, "via_ir": True},
}
"""How the contract was compiled: a mistake of the compiler would show in one of them. Every fourth history has another."""


@dataclass(frozen=True)
class History:
    """What one history came to: how often each operation was tried and done, or the difference."""

    seed: int
    sources: str
    """Digest of what it was about."""
    pipeline: str
    tried: dict[str, int]
    succeeded: dict[str, int]
    difference: str = ""


def run_histories(options: Options) -> Outcome:
    """Compare model and contract over histories until the time is over; go on where an earlier run stopped."""
    path = options.folder / "histories.jsonl"
    done = _read(path)
    _run(options, path, done)
    tally, failed = Tally(), [history for history in done.values() if history.difference]
    for history in done.values():
        tally.add(Tally(tried=Counter(history.tried), succeeded=Counter(history.succeeded)))
    rows: list[list[str | int]] = [
        [name, tally.tried[name], tally.succeeded[name], f"{tally.succeeded[name] / tally.tried[name]:.0%}"]
        for name in sorted(tally.tried)
    ]
    pipelines: list[list[str | int]] = [
        [name, sum(history.pipeline == name for history in done.values())] for name in PIPELINES
    ]
    return Outcome(
        title="Random histories against an independent model",
        passed=bool(done) and not failed,
        figures={
            "histories": len(done),
            "operations compared": tally.tried.total(),
            "of these done": f"{tally.succeeded.total() / max(1, tally.tried.total()):.0%}",
            "differences": len(failed),
        },
        tables=[
            Table("Operations", ["operation", "tried", "done", "share"], rows),
            Table("How the contract was compiled", ["pipeline", "histories"], pipelines),
        ],
        notes=[history.difference for history in failed],
    )


def _run(options: Options, path: Path, done: dict[int, History]) -> None:
    codes, sources = _compile(), digest_of_sources("histories")
    end, following = time.monotonic() + options.minutes * 60, options.seed * SEEDS_APART
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(PROCESSES, None, _begin, (folder,)) as pool,
        path.open("a") as file,
    ):
        running: set[Future[History]] = set()
        while time.monotonic() < end or running:
            while len(running) < PROCESSES and time.monotonic() < end:
                if following not in done:
                    running.add(
                        pool.submit(
                            _run_one, following, sources, _pipeline_of(following), codes[_pipeline_of(following)]
                        )
                    )
                following += 1
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for history in (future.result() for future in finished):
                done[history.seed] = history
                file.write(json.dumps(vars(history)) + "\n")
                file.flush()
                print(f"history {history.seed}: {'DIFFERS' if history.difference else 'agrees'}", flush=True)
            if any(history.difference for history in done.values()):
                end = 0.0


def _begin(folder: str) -> None:
    own = Path(folder) / str(os.getpid())
    own.mkdir()
    use_sources(own)


def _compile() -> dict[str, bytes | None]:
    """Return the code of each pipeline; none stands for what is deployed."""
    with WarmCompiler() as compiler:
        return {
            name: bytes.fromhex(compiler.compile(CREDITS, {}, **settings)[0]) if settings else None
            for name, settings in PIPELINES.items()
        }


def _pipeline_of(seed: int) -> str:
    names = list(PIPELINES)
    return names[1 + seed // 4 % (len(names) - 1)] if seed % 4 == 0 else names[0]


def _run_one(seed: int, sources: str, pipeline: str, code: bytes | None) -> History:
    try:
        tally = run_history(seed, STEPS, code).tally
    except Disagreement as difference:
        return History(seed, sources, pipeline, {}, {}, f"compiled {pipeline}: {difference}")
    return History(seed, sources, pipeline, dict(tally.tried), dict(tally.succeeded))


def _read(path: Path) -> dict[int, History]:
    if not path.is_file():
        return {}
    sources = digest_of_sources("histories")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    histories = [History(**line) for line in lines if line.get("sources") == sources]
    return {history.seed: history for history in histories if not history.difference}


if __name__ == "__main__":
    sys.exit(run_step("histories", run_histories))
