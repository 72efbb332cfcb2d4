"""The committed gas table: what it looks like and what it is compared with."""

from pathlib import Path

TABLE = Path(__file__).parent / "table.md"

AIMS = {
    "order, new holder: over transferFrom": 35_000,
    "order again: over transferFrom": 18_000,
    "burn by the holder, whole transaction": 30_500,
    "deploy Credits, whole transaction": 6_000_000,
    "code size of Credits, bytes": 24_576,
}
"""What the design aims at, where it names a number; the deployment's is for all contracts together."""

HEAD = """# Gas

Written by `make bench` from receipts, the same on eth-tester and on anvil; a test compares it with a fresh measurement.
The token is TestUSDC. "Over transferFrom" is what an order costs beyond a plain `transferFrom` of the same token, so it
holds for any ERC-20. Two aims for orders are not reached. By a trace, 16,574 gas of "order again" are three cold storage reads
(6,300), one write (2,900), two events (4,774) and the cold call of the token (2,600); the rest is Solidity's own work.

| operation | gas | aim |
|---|---:|---:|
"""


def format_table(rows: dict[str, int]) -> str:
    """Return the table as the text of its file."""
    lines = (f"| {name} | {gas:,} | {f'≤ {AIMS[name]:,}' if name in AIMS else ''} |" for name, gas in rows.items())
    return HEAD + "\n".join(lines) + "\n"


def parse_table(text: str) -> dict[str, int]:
    """Return the rows of a table's text."""
    cells = (line.split("|") for line in text.removeprefix(HEAD).splitlines() if line.startswith("| "))
    return {cell[1].strip(): int(cell[2].replace(",", "")) for cell in cells if cell[2].strip()[:1].isdigit()}
