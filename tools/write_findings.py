"""Write slither's high and medium findings to SECURITY.md, each with the reason why it is false. `make docs` runs this.

The reasons are those of tests/assurance/static/accepted/slither.toml, which `make check` compares with what slither says now.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
DOCUMENT: Final = ROOT / "SECURITY.md"
ACCEPTED: Final = ROOT / "tests" / "assurance" / "static" / "accepted" / "slither.toml"
BEGIN, END = "<!-- findings: written by make docs -->\n", "<!-- findings end -->"
GRAVE: Final = ("High", "Medium")
FALSE: Final = "False: "

Entry = dict[str, str | int]


def read_grave() -> list[Entry]:
    """Return the accepted findings of high and medium impact. High impact comes first."""
    entries: list[Entry] = tomllib.loads(ACCEPTED.read_text("utf-8"))["entry"]
    grave = [entry for entry in entries if entry["impact"] in GRAVE]
    return sorted(grave, key=lambda entry: GRAVE.index(str(entry["impact"])))


def render(text: str) -> str:
    """Return the document with a current table between the marks."""
    entries = read_grave()
    counts: Counter[str] = Counter()
    for entry in entries:
        counts[str(entry["impact"])] += int(entry.get("times", 1))
    kinds = " and ".join(f"{counts[impact]} findings {impact}" for impact in GRAVE)
    rows = [_row(entry) for entry in entries]
    head = "| impact | detector | where | why it is false |\n|---|---|---|---|\n"
    before, rest = text.split(BEGIN)
    sentence = f"Slither calls {kinds}. All of them are false:\n\n"
    return f"{before}{BEGIN}{sentence}{head}{''.join(rows)}{END}{rest.split(END)[1]}"


def _row(entry: Entry) -> str:
    reason = str(entry["reason"]).removeprefix(FALSE)
    cells = (str(entry["impact"]), f"`{entry['rule']}`", f"`{entry['place']}`", reason[:1].upper() + reason[1:])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> None:
    """Write the table to SECURITY.md."""
    DOCUMENT.write_text(render(DOCUMENT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
