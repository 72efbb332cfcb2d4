"""Run one suite of benches: ``python -m tests.bench balances``. ``--json`` prints one JSON object."""

import argparse
import importlib

from tests.bench.figures import print_figures

SUITES = (
    "balances",
    "gateway",
    "index",
    "meter",
    "official",
    "payments",
    "plugin",
    "requests",
    "statements",
    "transactions",
    "vouchers",
)


def main() -> None:
    """Measure a suite, and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios of two sides in one run.")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = importlib.import_module(f"tests.bench.{options.suite}").measure()
    print_figures(options.suite, figures, as_json=options.json)


if __name__ == "__main__":
    main()
