"""The report of `make deep`: docs/assurance.md, the same as JSON beside it, and the lines of the README that quote it."""

import json
from typing import Any

from nvm_chain.artifacts import read_artifact
from tests.deep.step import ROOT

REPORT = ROOT / "docs" / "assurance.md"
DATA = ROOT / "docs" / "assurance.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- assurance: written by make deep -->", "<!-- assurance ends -->"
CONTRACTS = ("Credits", "AgentRegistry")

Found = dict[str, Any]
"""A step's outcome as its JSON file has it."""


def write_report(outcomes: list[Found]) -> None:
    """Write all three from what the steps left behind."""
    data = {
        "code_hashes": {name: read_artifact(name).runtime_code_hash for name in CONTRACTS},
        "steps": {outcome["name"]: outcome for outcome in outcomes},
    }
    DATA.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    REPORT.write_text(render_report(data), "utf-8")
    README.write_text(quote(README.read_text("utf-8"), data), "utf-8")


def render_report(data: Found) -> str:
    """Return the report as Markdown."""
    steps = list(data["steps"].values())
    minutes = round(sum(step["seconds"] for step in steps) / 60)
    lines = [
        "# What the long campaigns found",
        "",
        f"Written by `make deep` (seed {steps[0]['seed']}, {minutes} minutes in all), about contracts whose code has these hashes:",
        "",
        *[f"- {name}: `{code_hash}`" for name, code_hash in data["code_hashes"].items()],
        "",
        "`make deep` runs all of it again with another seed, `make deep SEED=…` with the same.",
    ]
    for step in steps:
        lines += ["", f"## {step['title']}", "", *_figures(step)]
        lines += [line for table in step["tables"] for line in _table(table)]
        if step["notes"]:
            lines += ["", *[f"- {note}" for note in step["notes"]]]
    return "\n".join(lines) + "\n"


def _figures(step: Found) -> list[str]:
    figures = {**step["figures"], "seconds": step["seconds"]}
    return [f"- {name}: {_number(value)}" for name, value in figures.items()]


def _table(table: Found) -> list[str]:
    rows = [[_cell(value) for value in row] for row in table["rows"]]
    headers = [_cell(header) for header in table["headers"]]
    rule = [
        "---:" if rows and all(_is_number(row[at]) for row in table["rows"]) else "---" for at in range(len(headers))
    ]
    return ["", f"**{table['title']}**", "", *[f"| {' | '.join(row)} |" for row in (headers, rule, *rows)]]


def _cell(value: object) -> str:
    return _number(value).replace("|", "\\|").replace("\n", " ")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or str(value).removesuffix("%").replace(",", "").replace(".", "").isdigit()


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def quote(readme: str, data: Found) -> str:
    """Return the README with the lines between the marks written anew."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{summarize(data)}\n{END}{after}"


def summarize(data: Found) -> str:
    """Return what the README says of the last run: each step's figures, with a link to the rest."""
    return "\n".join(f"- {step['title']}: {_sentence(step['figures'])}." for step in data["steps"].values())


def _sentence(figures: dict[str, object]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in figures.items())
