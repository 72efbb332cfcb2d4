"""Writes the verdicts of a run into the repository, beside those from before that still stand.

python -m tests.assurance.mutation.keep .deep/7
"""

import sys
from pathlib import Path

from tests.assurance.mutation.results import KEPT, Results

if __name__ == "__main__":
    print(f"{Results(Path(sys.argv[1]) / 'mutants.jsonl').write(KEPT)} verdicts stand in {KEPT.name}")
