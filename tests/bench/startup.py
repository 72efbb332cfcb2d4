"""Time of `nvm-chain --help` as a multiple of a bare interpreter's time. Both run in turn on the same machine.

`python -m tests.bench.startup 30` measures thirty runs of each.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Final

MOST: Final = 6.0
"""The longest time of the help, as a multiple of a bare interpreter's time."""
RUNS: Final = 15
BARE: Final = (sys.executable, "-c", "pass")
HELP: Final = (sys.executable, "-m", "nvm_chain.cli", "--help")


def measure(command: Sequence[str]) -> float:
    """Return the time of a command in seconds."""
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    return time.perf_counter() - started


def measure_medians(runs: int = RUNS) -> tuple[float, float]:
    """Return the median times of both commands, in seconds.

    The first runs do not count, because they may write caches.
    """
    pairs = [(measure(BARE), measure(HELP)) for _ in range(runs + 1)][1:]
    return median(bare for bare, _ in pairs), median(shown for _, shown in pairs)


def main() -> int:
    """Print the ratio. Return 1 if it is too high."""
    bare, shown = measure_medians(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
    ratio = shown / bare
    print(f"python -c pass     {bare * 1000:6.1f} ms")
    print(f"nvm-chain --help   {shown * 1000:6.1f} ms, {ratio:.1f} times as long; at most {MOST:g}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
