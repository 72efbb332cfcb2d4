"""The table of faults. Its rows are calls and requests, its columns are kinds, and its cells are counted faults."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.support.faults.campaign import Run
from tests.support.faults.kinds import KINDS

NONE: Final = "-"
"""The text of a cell whose answer no fault of the kind can change."""
EMPTY: Final = "EMPTY"
"""The text of a cell without counted faults that a fault could fill."""


@dataclass
class FaultTable:
    """The finished runs, and the cells of the table."""

    cells: set[tuple[str, str, str]] = field(default_factory=set)
    """Call, request and kind."""
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The number of counted faults by kind and by the outcome that the caller got."""
    wrong: list[str] = field(default_factory=list)
    runs: int = 0

    def expect(self, cells: Iterable[tuple[str, str, str]]) -> None:
        """Add cells that can be filled."""
        self.cells |= set(cells)

    def add(self, run: Run) -> None:
        """Add a run."""
        self.runs += 1
        self.wrong += run.wrong
        if run.counted:
            self.counts[run.cell] += 1
            self.told[run.kind, run.told] += 1

    @property
    def counted(self) -> int:
        """The number of counted faults."""
        return self.counts.total()

    @property
    def empty(self) -> list[tuple[str, str, str]]:
        """The cells without counted faults."""
        return sorted(self.cells - {cell for cell, count in self.counts.items() if count})

    def by_kind(self) -> Counter[str]:
        """Return the number of counted faults of each kind."""
        return Counter({kind: sum(self.told[kind, word] for word in ("done", "refused", "unknown")) for kind in KINDS})

    def rows(self) -> list[list[str | int]]:
        """Return the table's rows: call, request, and the number for each kind."""
        return [
            [call, request, *(self._cell(call, request, kind) for kind in KINDS)]
            for call, request in sorted({(call, request) for call, request, _ in self.cells})
        ]

    def rows_by_call(self) -> list[list[str | int]]:
        """Return a shorter table: call, and the number for each kind at all requests of the call."""
        sums: Counter[tuple[str, str]] = Counter()
        for (call, _, kind), count in self.counts.items():
            sums[call, kind] += count
        return [
            [call, *(sums[call, kind] or NONE for kind in KINDS)] for call in sorted({cell[0] for cell in self.cells})
        ]

    def _cell(self, call: str, request: str, kind: str) -> str | int:
        if (call, request, kind) not in self.cells:
            return NONE
        return self.counts[call, request, kind] or EMPTY

    def render(self) -> str:
        """Return the table as text."""
        rows = [["call", "request", *KINDS], *[[str(cell) for cell in row] for row in self.rows()]]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
