"""One random history on model and contract; where they differ, the few steps that show it."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.assurance.invariants.comparison import Comparison, Disagreement
from tests.assurance.invariants.histories import Historian, Step
from tests.assurance.invariants.shrinking import Names, shrink

SHRINK_SECONDS: Final = 20.0


def seed_of_commit() -> int:
    """Return a seed that follows the commit that is checked out; 1 where there is none, as in an archive."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=8", "HEAD"]
    try:
        return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout, 16)
    except (OSError, subprocess.CalledProcessError):
        return 1


def run_history(
    seed: int,
    length: int,
    creation_code: bytes | None = None,
    mood: str = "usual",
    *,
    shrink_seconds: float = SHRINK_SECONDS,
) -> Comparison:
    """Run one history. A Disagreement tells the difference, the seed, and the shortest history found that shows it."""
    comparison = Comparison(creation_code)
    historian = Historian(comparison.model, comparison.engine, seed, mood)
    done: list[Step] = []
    try:
        for step in historian.opening():
            done.append(step)
            comparison.run(step)
        for _ in range(length):
            step = historian.next_step()
            done.append(step)
            comparison.run(step)
        comparison.compare_everything()
        comparison.compare_rebuilt()
    except Disagreement as difference:
        shortest = shrink(done, lambda steps: differs(steps, creation_code) is not None, shrink_seconds)
        raise Disagreement(_explain(difference, seed, done, shortest, creation_code)) from None
    return comparison


def differs(steps: Sequence[Step], creation_code: bytes | None) -> Disagreement | None:
    """Do these steps on both from the start, and return the difference if there is one."""
    comparison = Comparison(creation_code)
    try:
        for step in steps:
            comparison.run(step)
        comparison.compare_everything()
        comparison.compare_rebuilt()
    except Disagreement as difference:
        return difference
    return None


def _explain(
    difference: Disagreement, seed: int, done: Sequence[Step], shortest: Sequence[Step], creation_code: bytes | None
) -> str:
    comparison = Comparison(creation_code)
    names = Names.of(comparison.engine, _registered(comparison, shortest))
    found = differs(shortest, creation_code) or difference
    steps = [f"  {number}. {names.show(step)}" for number, step in enumerate(shortest, 1)]
    lines = [
        names.replace(str(found)),
        f"Model and contract differ at step {len(done)} of the history of seed {seed}.",
        f"These {len(shortest)} steps show it (NVM_CHAIN_SEED={seed} makes the whole history again):",
        *steps,
    ]
    return "\n".join(lines)


def _registered(comparison: Comparison, steps: Sequence[Step]) -> list[int]:
    """Return the ids of the plans that some steps register, in their order."""
    plan_ids = []
    for step in steps:
        if step.name == "fork":
            comparison.model.fork(step.caller, *step.arguments)
        if step.name == "register_plan":
            plan_ids.append(comparison.model.plan_id(step.caller, *step.arguments[:2]))
    return plan_ids
