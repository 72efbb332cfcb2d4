"""Time of one holder's statement from an index of many logs, against the same statement from an index of few.

`python -m tests.bench statements --json` prints one JSON object, with 2,000,000 logs in the large index. The rows are
written straight in. `python -m tests.bench.statements 10000000` measures with as many logs as you say, also `--postgres`.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from nvm_chain.index.database import Index
from nvm_chain.index.kinds import EventKind, MovementCode, SaleCode, place_of
from nvm_chain.index.schema import accounts, blocks, events, movements, sales
from nvm_chain.statements.reading import read_holder_statement
from nvm_chain.types.addresses import format_address
from tests.bench.figures import Figure, print_figures
from tests.support.canned_logs import PRICE, START, LogWriter, credits_terms
from tests.support.index_tables import feed, open_new
from tests.support.postgres import run_postgres

FEW: Final = 100_000
MANY: Final = 2_000_000
STEPS: Final = 25
"""Things that a holder does: one order, then redemptions. Each has two logs."""
PAIRS_IN_BLOCK: Final = 50
ROUNDS: Final = 40
AT_ONCE: Final = 50_000
CREDITS: Final = 1000
PLAN: Final = int.from_bytes(hashlib.sha256(b"plan").digest())
BUILDER: Final = int.from_bytes(b"\xb1" * 20)
NOBODY: Final = bytes(32)
LATER: Final = {"movements_by_plan": "movements (plan, place)"}
"""The index of the database that is built after the rows, because they are written by holder."""
Row = tuple[Any, ...]


class Crowd:
    """Holders that all do the same, in turn: step by step, one holder after the other."""

    def __init__(self, logs: int) -> None:
        """Take the number of logs."""
        self.count = logs // (2 * STEPS)
        self.keys = [hashlib.sha256(b"%d" % number).digest()[:20] for number in range(self.count)]

    def place(self, holder: int, step: int) -> int:
        """Return the place of a step's first log."""
        number = step * self.count + holder
        return place_of(2 + number // PAIRS_IN_BLOCK, number % PAIRS_IN_BLOCK * 2)

    @property
    def last_block(self) -> int:
        """The last block."""
        return 2 + (self.count * STEPS - 1) // PAIRS_IN_BLOCK


def yield_events(crowd: Crowd) -> Iterator[Row]:
    """Yield the two events of each step, in order: the transfer of the credits, and the order or the redemption."""
    plan, operator = PLAN.to_bytes(32), BUILDER.to_bytes(32)
    taken, bought = plan + (1).to_bytes(32), plan + CREDITS.to_bytes(32)
    order, redemption = (1).to_bytes(32) + PRICE.to_bytes(32), (1).to_bytes(32) + bytes(32)
    transfer, ordered, redeemed = map(int, (EventKind.TransferSingle, EventKind.Ordered, EventKind.Redeemed))
    for step in range(STEPS):
        for number, key in enumerate(crowd.keys):
            place, holder = crowd.place(number, step), bytes(12) + key
            tx = place.to_bytes(32)
            if step:
                yield place, transfer, tx, operator, holder, NOBODY, taken
                yield place + 1, redeemed, tx, plan, holder, operator, redemption
            else:
                yield place, transfer, tx, holder, NOBODY, holder, bought
                yield place + 1, ordered, tx, plan, holder, holder, order


def yield_movements(crowd: Crowd) -> Iterator[Row]:
    """Yield the movements, by holder."""
    plan, builder = PLAN.to_bytes(32), BUILDER.to_bytes(20)
    for number in sorted(range(crowd.count), key=lambda number: crowd.keys[number]):
        key = crowd.keys[number]
        yield key, plan, crowd.place(number, 0), 0, int(MovementCode.ORDER), CREDITS, key
        for step in range(1, STEPS):
            yield key, plan, crowd.place(number, step), 0, int(MovementCode.REDEMPTION), -1, builder


def yield_others(crowd: Crowd) -> Iterator[tuple[Any, Iterator[Row]]]:
    """Yield the rows of the other tables."""
    plan, order, left = PLAN.to_bytes(32), int(SaleCode.ORDER), CREDITS - STEPS + 1
    numbers = range(crowd.count)
    yield (
        sales,
        ((crowd.place(n, 0) + 1, order, plan, crowd.keys[n], crowd.keys[n], 1, PRICE, None) for n in numbers),
    )
    by_key = sorted(numbers, key=lambda number: crowd.keys[number])
    last = STEPS - 1
    yield (
        accounts,
        ((plan, crowd.keys[n], left, 0, 0, True, None, None, crowd.place(n, last)) for n in by_key),
    )
    yield blocks, ((number, number.to_bytes(32), START + 2 * number) for number in range(2, crowd.last_block + 1))


def fill(index: Index, logs: int) -> Crowd:
    """Register a plan in the usual way, then write the rows of a crowd straight in, and move the head."""
    first = LogWriter(1)
    first.register(PLAN, BUILDER, credits_terms(credits=CREDITS))
    feed(index, [first.canned], keeps_undo=False)
    crowd = Crowd(logs)
    with index.writing() as connection:
        pen = index.take_pen(connection)
        for name in LATER:
            pen.change(f"DROP INDEX {name}")
        for table, rows in ((events, yield_events(crowd)), (movements, yield_movements(crowd)), *yield_others(crowd)):
            while some := list(islice(rows, AT_ONCE)):
                pen.add(table, some)
        for name, columns in LATER.items():
            pen.change(f"CREATE INDEX {name} ON {columns}")
        last = crowd.last_block
        head = (last, last.to_bytes(32), START + 2 * last, last)
        pen.change("UPDATE state SET head_number = ?, head_hash = ?, head_time = ?, undo_floor = ?", head)
    with index.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE").close()
        connection.commit()
    return crowd


def time_statement(index: Index, crowd: Crowd, number: int) -> float:
    """Read a holder's statement, check its sums, and return the seconds."""
    holder = format_address(crowd.keys[number])
    began = time.perf_counter()
    statement = read_holder_statement(None, holder, index=index)
    seconds = time.perf_counter() - began
    assert len(statement.movements) == STEPS
    assert [plan.closing for plan in statement.plans] == [CREDITS - STEPS + 1]
    assert [item.total for item in statement.revenue] == [PRICE]
    return seconds


@contextmanager
def open_two(*, in_postgres: bool) -> Iterator[tuple[Index, Index]]:
    """Make two empty indexes."""
    with tempfile.TemporaryDirectory(prefix="nvm_chain-bench-") as folder:
        if in_postgres:
            with run_postgres() as server:
                yield from _open(server.new_database(), server.new_database())
        else:
            yield from _open(str(Path(folder) / "few.db"), str(Path(folder) / "many.db"))


def _open(*places: str) -> Iterator[tuple[Index, Index]]:
    few, many = map(open_new, places)
    try:
        yield few, many
    finally:
        few.close()
        many.close()


def measure(logs: int = MANY, *, in_postgres: bool = False) -> dict[str, Figure]:
    """Return the median time of statements of holders spread over all, in turn from both indexes, and the ratio."""
    with open_two(in_postgres=in_postgres) as (few, many):
        began = time.perf_counter()
        crowds = [(index, fill(index, count)) for index, count in ((few, FEW), (many, logs))]
        filled = time.perf_counter() - began
        times: list[list[float]] = [[], []]
        for turn in range(ROUNDS):
            for taken, (index, crowd) in zip(times, crowds, strict=True):
                taken.append(time_statement(index, crowd, turn * (crowd.count - 1) // (ROUNDS - 1)))
    small, large = map(statistics.median, times)
    return {
        "logs": {"value": logs, "unit": "in the large index", "aim": ""},
        "filled": {"value": round(filled, 1), "unit": "s for both", "aim": ""},
        "few": {"value": round(small * 1000, 2), "unit": f"ms from {FEW:,} logs", "aim": ""},
        "many": {"value": round(large * 1000, 2), "unit": f"ms from {logs:,} logs", "aim": ""},
        "many_against_few": {"value": round(large / small, 2), "unit": "x the time from few", "aim": "<= 2"},
    }


def main() -> None:
    """Measure with another number of logs, or in PostgreSQL."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.statements")
    parser.add_argument("logs", type=int, nargs="?", default=MANY)
    parser.add_argument("--postgres", action="store_true", help="measure in a PostgreSQL that is thrown away")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    print_figures("statements", measure(options.logs, in_postgres=options.postgres), as_json=options.json)


if __name__ == "__main__":
    main()
