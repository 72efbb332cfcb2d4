"""Write the table of invariants and their checks to tests/assurance/invariants/README.md. `make docs` runs this.

A campaign's check is named `invariant_I3_…`; a proof cites its invariants in its `@dev`.
"""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "tests" / "assurance" / "invariants" / "README.md"
BEGIN, END = "<!-- checks: written by make docs -->\n", "<!-- checks end -->"
INVARIANTS: Final = [f"I{number}" for number in range(1, 11)]
CHECK: Final = re.compile(r"invariant_(I\d+)_\w+")
PROOF: Final = re.compile(r"@dev ([^\n]*)\n(?:\s*///[^\n]*\n)*\s*function (check_\w+)")


def read_checks() -> dict[str, list[str]]:
    """Return the check functions of the campaign for each invariant."""
    source = (ROOT / "tests" / "assurance" / "forge" / "Campaign.t.sol").read_text("utf-8")
    names = list(CHECK.finditer(source))
    return {each: sorted({found[0] for found in names if found[1] == each}) for each in INVARIANTS}


def read_proofs() -> dict[str, list[tuple[str, str]]]:
    """Return the proofs of each invariant: file and function."""
    proofs: dict[str, list[tuple[str, str]]] = {each: [] for each in INVARIANTS}
    for path in sorted((ROOT / "tests" / "assurance" / "symbolic").glob("*.sol")):
        for found in PROOF.finditer(path.read_text("utf-8")):
            for each in set(re.findall(r"\bI\d+\b", found[1])) & set(INVARIANTS):
                proofs[each].append((path.name, found[2]))
    return proofs


def render(text: str) -> str:
    """Return the README with current rows between the marks."""
    checks, proofs = read_checks(), read_proofs()
    rows = [f"| {each} | {_names(checks[each])} | {_proofs(proofs[each])} |\n" for each in INVARIANTS]
    before, rest = text.split(BEGIN)
    head = "| | checked after random calls | proved |\n|---|---|---|\n"
    return f"{before}{BEGIN}{head}{''.join(rows)}{END}{rest.split(END)[1]}"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _proofs(proofs: list[tuple[str, str]]) -> str:
    files = sorted({file for file, _ in proofs})
    return "; ".join(f"{file}: {_names([name for of, name in proofs if of == file])}" for file in files)


def main() -> None:
    """Write the table to the README."""
    README.write_text(render(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
