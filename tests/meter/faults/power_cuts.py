"""Runs of a seller whose power is cut: one run under the file shim, and then one restart for each of many instants."""

import json
import os
import shutil
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from nvm_chain.errors import NvmChainError
from tests.meter.faults.ground import Ground
from tests.meter.faults.power import TOLD, Disk, Kind, Record, read_trace
from tests.meter.faults.promises import Lost, Promises, ServedTwice, check_left_behind

ROOT: Final = Path(__file__).parent.parent.parent.parent
SECONDS: Final = 120
KEEPS: Final = (0.0, 0.0, 0.5, 1.0)
"""How probably what is not safe is kept at a cut. Two of four disks lose all of it."""


@dataclass
class PowerRun:
    """What a seller wrote in a run, to be cut at any instant."""

    ground: Ground
    folder: Path
    records: list[Record] = field(default_factory=list)

    def run(self, shim: Path, seed: int, requests: int, plant: str = "none") -> None:
        """Let a seller serve in a process of its own, and read what it wrote."""
        disk = self.folder / "disk"
        disk.mkdir(parents=True)
        (self.folder / "ground.json").write_text(json.dumps(asdict(self.ground)), "utf-8")
        log = self.folder / "log"
        shimmed = {"LD_PRELOAD": str(shim), "POWER_FOLDER": str(disk), "POWER_LOG": str(log)}
        program = [sys.executable, "-m", "tests.meter.faults.power_seller", str(disk), str(seed), str(requests), plant]
        done = subprocess.run(
            program, cwd=ROOT, env={**os.environ, **shimmed}, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
        self.records = read_trace(log, disk)
        assert any(record.kind is Kind.SYNCED for record in self.records)

    def list_instants(self, random: Random, count: int) -> list[int]:
        """Return after how many records to cut: half of them right after something was told, the others anywhere."""
        told = [number + 1 for number, record in enumerate(self.records) if record.name == TOLD]
        right_after = random.sample(told, count // 2)
        return sorted([*right_after, *(random.randint(0, len(self.records)) for _ in range(count - count // 2))])

    def cut(self, random: Random, count: int) -> Iterator[tuple[int, Promises, dict[str, bytes]]]:
        """Yield each instant, what was promised until then, and the files that are left."""
        disk, promises, begin = Disk(), Promises(), 0
        for instant in self.list_instants(random, count):
            for record in self.records[begin:instant]:
                disk.take(record)
                if record.name == TOLD:
                    what, number, hold_id, owner, credits = record.data.decode().split()
                    promises.take(what, int(number), hold_id, owner, int(credits))
            begin = instant
            files = disk.cut(random, random.choice(KEEPS))
            files.pop(TOLD, None)
            yield instant, promises, files


@dataclass
class Cuts:
    """What cuts have come to."""

    cuts: int = 0
    promised: int = 0
    """How many served requests were looked up, of all cuts together."""
    while_writing: int = 0
    """Cuts before which the latest write of the books was not safe yet."""
    lost: list[str] = field(default_factory=list)


def try_cuts(run: PowerRun, seed: int, count: int) -> Cuts:
    """Cut the power at some instants. After each one, open what is left, and look for what was lost or served twice."""
    random, found = Random(seed), Cuts()
    syncs = [number for number, record in enumerate(run.records) if record.kind is Kind.SYNCED and record.name]
    for instant, promises, files in run.cut(random, count):
        place = run.folder / f"cut-{instant}"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        try:
            check_left_behind(str(place / "books.db"), run.ground, promises, random)
        except (Lost, ServedTwice, NvmChainError) as error:  # a damaged file is an error of the store
            found.lost.append(f"the power was cut after {instant} calls: {error}")
        found.cuts, found.promised = found.cuts + 1, found.promised + len(promises.served)
        last = bisect_left(syncs, instant) - 1
        written = run.records[(syncs[last] + 1 if last >= 0 else 0) : instant]
        found.while_writing += any(record.name != TOLD for record in written)
        shutil.rmtree(place)
    return found
