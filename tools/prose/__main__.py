"""List all breaches of the house's rules for English: `python -m tools.prose [FILES]`."""

import sys
from pathlib import Path

from tools.prose.check import check_files
from tools.prose.texts import find_files

if __name__ == "__main__":
    found = check_files([Path(name).resolve() for name in sys.argv[1:]] or find_files())
    for breach in found:
        print(breach)
    sys.exit(bool(found))
