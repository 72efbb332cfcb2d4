"""Power cuts under a whole meter: what was served has its hold on the disk, whatever writes are lost that were not synced (S1, S3)."""

from pathlib import Path
from random import Random

import pytest

from tests.meter.faults.ground import Ground, make_ground
from tests.meter.faults.power import Disk, Kind, Record
from tests.meter.faults.power_cuts import PowerRun, try_cuts
from tests.meter.faults.shims import build_shim
from tests.support.world import World

REQUESTS = 150
CUTS = 30


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim("power", tmp_path_factory.mktemp("shim"))


@pytest.fixture
def ground(world: World, tmp_path: Path) -> Ground:
    return make_ground(world, tmp_path / "index.db")


@pytest.mark.long
def test_power__cut_at_any_instant__loses_no_hold_of_what_was_served(
    ground: Ground, shim: Path, tmp_path: Path
) -> None:
    run = PowerRun(ground, tmp_path / "run")
    run.run(shim, 1, REQUESTS)
    found = try_cuts(run, 1, CUTS)
    assert found.lost == []
    assert found.cuts == CUTS
    assert found.promised > CUTS
    assert found.while_writing > CUTS // 4


@pytest.mark.parametrize("plant", ["no sync", "sync at checkpoints"])
def test_power__cut_under_a_store_that_does_not_sync__is_found(
    ground: Ground, shim: Path, tmp_path: Path, plant: str
) -> None:
    run = PowerRun(ground, tmp_path / "run")
    run.run(shim, 2, 30, plant)
    assert try_cuts(run, 2, 6).lost


# ---------------------------------------------------------------------- the disk itself


def cut(*records: tuple[Kind, str, int, int, bytes], keeps: float = 0.0) -> dict[str, bytes]:
    disk = Disk()
    for record in records:
        disk.take(Record(*record))
    return disk.cut(Random(1), keeps)


WRITE = (Kind.WRITTEN, "a", 0, 3, b"one")
SYNC_NAMES = (Kind.SYNCED, "", 1, 0, b"")


def test_disk__file_and_name_synced__are_there() -> None:
    assert cut(WRITE, (Kind.SYNCED, "a", 1, 0, b""), SYNC_NAMES) == {"a": b"one"}


def test_disk__name_not_synced__is_lost_with_the_file() -> None:
    assert cut(WRITE, (Kind.SYNCED, "a", 1, 0, b"")) == {}


def test_disk__write_after_the_sync_began__is_lost() -> None:
    assert cut(WRITE, (Kind.WRITTEN, "a", 3, 3, b"two"), (Kind.SYNCED, "a", 1, 0, b""), SYNC_NAMES) == {"a": b"one"}


def test_disk__removal_that_was_not_synced__is_undone() -> None:
    synced = [WRITE, (Kind.SYNCED, "a", 1, 0, b""), SYNC_NAMES]
    assert cut(*synced, (Kind.UNLINKED, "a", 0, 0, b"")) == {"a": b"one"}
    assert cut(*synced, (Kind.UNLINKED, "a", 0, 0, b""), keeps=1.0) == {}


def test_disk__all_kept__is_as_it_was_written() -> None:
    assert cut(WRITE, (Kind.TRUNCATED, "a", 0, 5, b""), (Kind.WRITTEN, "a", 1, 1, b"x"), keeps=1.0) == {"a": b"oxe\0\0"}
