"""Races as a step: four processes on one PostgreSQL make a million requests with the same vouchers, and serve each one once.

    python -m tests.assurance.deep.meter_races --requests 50000

makes fewer.
"""

import argparse
import sys
from typing import Final

from tests.assurance.deep.step import DEPENDS, Options, Outcome, Table, run_step
from tests.meter.faults.racers import PLANTS
from tests.meter.faults.races import COUNT, count_vouchers, run_race
from tests.support.postgres import run_postgres

REQUESTS: Final = 1_000_000
OF_ONE_PLANT: Final = 200
"""Vouchers with which a planted mistake has to be found."""


def run_meter_races(requests: int, options: Options) -> Outcome:
    """Let processes present the same vouchers at the same time, and add up what they have seen."""
    with run_postgres() as server:
        found = run_race(server.new_database(), count_vouchers(requests), seed=options.seed)
        missed = [
            f"not found: a store that {plant}"
            for plant in PLANTS[1:]
            if not run_race(server.new_database(), OF_ONE_PLANT, plant=plant).wrong
        ]
    return Outcome(
        title="The meter in four processes",
        passed=not (found.wrong or missed),
        figures={
            "requests": found.requests,
            "processes": COUNT,
            "vouchers served": found.served,
            "served twice, and sums that are wrong": len(found.wrong),
            "mistakes": len(PLANTS) - 1,
            "mistakes found": len(PLANTS) - 1 - len(missed),
        },
        tables=[
            Table(
                "Outcomes", ["outcome", "requests"], [[name, found.outcomes[name]] for name in sorted(found.outcomes)]
            )
        ],
        notes=[*found.wrong[:20], *missed],
        complete=found.requests >= REQUESTS,
    )


if __name__ == "__main__":
    # It runs by itself, and is not among the steps yet.
    DEPENDS["meter_races"] = ("nvm_chain/index", "nvm_chain/meter", "tests/meter/faults")
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    asked, others = parser.parse_known_args()
    sys.exit(run_step("meter_races", lambda options: run_meter_races(asked.requests, options), others))
