"""The committed gas table: its format, and the targets beside its numbers."""

from pathlib import Path

TABLE = Path(__file__).parent / "table.md"

AIMS = {
    "order, new holder: over transferFrom": 36_150,
    "order again: over transferFrom": 19_050,
    "order again by a relayer, with an authorization: over transferFrom": 59_600,
    "order of an expiring plan, new holder: over transferFrom": 36_500,
    "order of an expiring plan after the last has expired: over transferFrom": 19_600,
    "order of an expiring plan, second with live lots: over transferFrom": 41_900,
    "order of an expiring plan, third with live lots and later: over transferFrom": 41_900,
    "order of an expiring plan again with 200 lots: over transferFrom": 41_900,
    "burn by the holder, whole transaction": 30_750,
    "burn on an expiring plan with 1 lot, whole transaction": 30_900,
    "burn on an expiring plan with 200 lots, half expired, whole transaction": 52_300,
    "settle vouchers in a batch of 100, per voucher": 15_500,
    "settle by rule, without signatures, in a batch of 100, per item": 11_000,
    "deploy both, together": 7_400_000,
    "code size of Credits, bytes": 24_576,
}
"""The targets of the design, for operations that have one."""

HEAD = """# Gas

Written by `make bench` from receipts, the same on eth-tester and on anvil; a test compares it with a fresh measurement.
The token is TestUSDC, and at the end Circle's FiatToken v2.2 behind its proxy, as npm has it compiled. "Over transferFrom" is what an
order costs beyond a plain `transferFrom` of the same token; `maxCost` is the price. Lots that have expired since the last burn have to be found, once, by halves: that is what grows with their
number. Vouchers are of holders who have had one settled before.

| operation | gas | aim |
|---|---:|---:|
"""


def format_table(rows: dict[str, int]) -> str:
    """Return the table as the text of its file."""
    lines = (f"| {name} | {gas:,} | {_format_aim(name, gas)} |" for name, gas in rows.items())
    return HEAD + "\n".join(lines) + "\n"


def _format_aim(name: str, gas: int) -> str:
    if name not in AIMS:
        return ""
    return f"≤ {AIMS[name]:,}{'' if gas <= AIMS[name] else ', not reached'}"


def parse_table(text: str) -> dict[str, int]:
    """Return the rows of a table from its text."""
    cells = (line.split("|") for line in text.removeprefix(HEAD).splitlines() if line.startswith("| "))
    return {cell[1].strip(): int(cell[2].replace(",", "")) for cell in cells if cell[2].strip()[:1].isdigit()}
