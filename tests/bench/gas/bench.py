"""Measure gas on both chains, compare it with the committed table, and write the table: `make bench`.

With --check the table is not written, and a difference gives exit code 1.
"""

import sys

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all, open_embedded
from tests.bench.gas.measure import measure_gas
from tests.bench.gas.table import AIMS, TABLE, format_table, parse_table
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World


def main() -> int:
    """Run the bench and return the exit code."""
    print("Measuring on eth-tester")
    rows = measure_gas(World(open_embedded()))
    print("Measuring on anvil")
    others = _measure_on_anvil()
    if rows != others:
        print(
            "eth-tester and anvil disagree:",
            {name: (rows[name], others[name]) for name in rows if rows[name] != others[name]},
        )
        return 1
    committed = parse_table(TABLE.read_text("utf-8")) if TABLE.is_file() else {}
    for name, gas in rows.items():
        print(f"{name:<58}{gas:>11,}{_compare(gas, committed.get(name)):>12}{_aim(name, gas)}")
    changed = rows != committed
    if "--check" in sys.argv[1:]:
        return int(changed)
    TABLE.write_text(format_table(rows), "utf-8")
    print(f"{TABLE.name} is {'written anew' if changed else 'as it was'}.")
    return 0


def _measure_on_anvil() -> dict[str, int]:
    with run_anvil() as url:
        chain: Chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        return measure_gas(World(chain))


def _compare(gas: int, before: int | None) -> str:
    if before is None:
        return "new"
    return f"{gas - before:+,}" if gas != before else ""


def _aim(name: str, gas: int) -> str:
    return f"  aim ≤ {AIMS[name]:,}{'' if gas <= AIMS[name] else ', not reached'}" if name in AIMS else ""


if __name__ == "__main__":
    sys.exit(main())
