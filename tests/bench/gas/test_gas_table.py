"""Check that the committed gas table equals a new measurement. Gas is counted, not timed, so the numbers are exact."""

from tests.bench.gas.measure import measure_gas
from tests.bench.gas.table import TABLE, format_table, parse_table
from tests.support.world import World


def test_gas_table__measured_again__is_as_committed(world: World) -> None:
    assert parse_table(TABLE.read_text("utf-8")) == measure_gas(world), (
        "run `make bench` and commit tests/bench/gas/table.md"
    )


def test_gas_table__written_and_read__is_the_same() -> None:
    rows = {"burn by the holder, whole transaction": 30_500, "another": 7}
    assert parse_table(format_table(rows)) == rows
