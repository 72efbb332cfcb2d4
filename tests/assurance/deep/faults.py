"""Faults as a step: every call on a node that does one thing wrong once, at every request, in every kind of way."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from tests.assurance.deep.step import Options, Outcome, Table, digest_of_sources, run_step
from tests.support.faults.campaign import CALLS, Campaign, Place, Run, open_campaign
from tests.support.faults.kinds import KINDS
from tests.support.faults.table import FaultTable

LEAST: Final = 10_000
"""Faults that have to be counted."""
AGAIN: Final = 4
"""How often the places of an empty cell are tried: a request may not be made every time."""
AT_ONCE: Final = 2 * (os.cpu_count() or 1)
"""Jobs that run at once. Each waits most of its time: for its node, or until something has not come."""
Cells: TypeAlias = set[tuple[str, str, str]]


@dataclass(frozen=True)
class Job:
    """A fault for each cell of a call, or ``most`` of all places by chance where that is above 0. What comes of it is kept in a file."""

    call: str
    seed: int
    most: int
    path: Path
    sources: str


def run_faults(options: Options) -> Outcome:
    """Fill the table of calls, requests and kinds of fault, and go on with places of chance until enough have counted."""
    table, rounds = FaultTable(), 0
    while table.counted < LEAST:
        most = 1 + (LEAST - table.counted) // len(CALLS) if rounds else 0
        _run_round(options, table, rounds, most)
        rounds += 1
    return build_outcome(table)


def _run_round(options: Options, table: FaultTable, number: int, most: int) -> None:
    """Run the jobs of all calls, each with an anvil of its own, several at once."""
    folder, sources = options.folder / "faults", digest_of_sources("faults")
    folder.mkdir(exist_ok=True)
    jobs = [
        Job(name, options.seed + number, most, folder / f"{number}-{place}.json", sources)
        for place, name in enumerate(CALLS)
    ]
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as processes:
        waiting = {processes.submit(do_job, job): job for job in jobs}
        for done in as_completed(waiting):
            cells, runs = done.result()
            table.expect(cells)
            for run in runs:
                table.add(run)
            print(f"{waiting[done].call}: {len(runs)} runs, {table.counted} faults counted in all", flush=True)


def do_job(job: Job) -> tuple[Cells, list[Run]]:
    """Do a job, or read what came of it when it was done before for the same sources."""
    if job.path.is_file():
        kept = json.loads(job.path.read_text("utf-8"))
        if kept["job"] == [job.call, job.seed, job.most, job.sources]:
            return {tuple(cell) for cell in kept["cells"]}, [Run(**run) for run in kept["runs"]]
    with open_campaign() as campaign:
        cells, runs = campaign.find_cells(job.call), _run_places(campaign, job)
    kept = {"job": [job.call, job.seed, job.most, job.sources], "cells": sorted(cells), "runs": list(map(asdict, runs))}
    job.path.write_text(json.dumps(kept), "utf-8")
    return cells, runs


def _run_places(campaign: Campaign, job: Job) -> list[Run]:
    places = [place for kind in KINDS for place in campaign.find_places(job.call, kind)]
    if job.most:
        return [campaign.run(place) for place in Random(job.seed).sample(places, min(job.most, len(places)))]
    return list(_fill_cells(campaign, Random(job.seed).sample(places, len(places))))


def _fill_cells(campaign: Campaign, places: Sequence[Place]) -> Iterator[Run]:
    """Yield runs until one has counted in every cell."""
    filled: Cells = set()
    for place in [*places] * AGAIN:
        if place.cell not in filled:
            run = campaign.run(place)
            filled |= {run.cell} if run.counted else set()
            yield run


def build_outcome(table: FaultTable) -> Outcome:
    """Return what the runs found. An empty cell fails, as a lie does."""
    print(table.render(), flush=True)
    empty = [f"no fault was counted: {call}, {request}, {kind}" for call, request, kind in table.empty]
    enough = [] if table.counted >= LEAST else [f"{table.counted} faults counted, of {LEAST} asked for"]
    by_kind = table.by_kind()
    words = ("done", "refused", "unknown")
    return Outcome(
        title="A node that does wrong once",
        passed=not (table.wrong or empty or enough),
        figures={
            "faults counted": table.counted,
            "runs with a fault": table.runs,
            "public calls": len({call for call, _, _ in table.cells}),
            "cells of calls, requests and kinds": len(table.cells),
            "cells left empty": len(table.empty),
            "payments made twice and untrue outcomes": len(table.wrong),
        },
        tables=[
            Table(
                "What callers were told, by kind of fault",
                ["kind", "counted", *words],
                [[kind, by_kind[kind], *(table.told[kind, word] for word in words)] for kind in KINDS],
            ),
            Table("Counted, by call", ["call", *KINDS], table.rows_by_call()),
        ],
        notes=[*table.wrong, *empty, *enough],
    )


if __name__ == "__main__":
    sys.exit(run_step("faults", run_faults))
