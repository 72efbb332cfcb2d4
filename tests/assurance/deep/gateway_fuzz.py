"""Inputs of strangers as a step: what reads them gives a value or an error of ours for each, as long as the time lasts."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.assurance.deep.step import Options, Outcome, Table, run_step
from tests.gateway.fuzzing import find_faults, list_parsers

OF_ONE_ROUND: Final = 2_000
"""Inputs of each parser in a round. The first round is always made."""
LEAST: Final = 10_000
"""Inputs of each parser after which the step counts as complete."""


def run_gateway_fuzz(options: Options) -> Outcome:
    """Read changed inputs with each parser, in rounds with seeds of their own."""
    until = time.monotonic() + options.minutes * 60
    faults: list[str] = []
    rounds = 0
    with TemporaryDirectory() as folder:
        parsers = list_parsers(Path(folder))
        while not rounds or (time.monotonic() < until and not faults):
            for parser in parsers:
                faults += find_faults(parser, options.seed + rounds, OF_ONE_ROUND)
            rounds += 1
    return Outcome(
        title="What strangers send to a gateway",
        passed=not faults,
        figures={
            "inputs": rounds * OF_ONE_ROUND * len(parsers),
            "parsers": len(parsers),
            "inputs that raised another error than ours, hung or took much memory": len(faults),
        },
        tables=[Table("Parsers", ["parser", "inputs"], [[each.name, rounds * OF_ONE_ROUND] for each in parsers])],
        notes=faults[:20],
        complete=rounds * OF_ONE_ROUND >= LEAST,
    )


if __name__ == "__main__":
    sys.exit(run_step("gateway_fuzz", run_gateway_fuzz))
