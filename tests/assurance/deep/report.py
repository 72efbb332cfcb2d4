"""The report of `make deep`: docs/assurance.md, and the same as JSON in .deep/, which is not committed.

    python -m tests.assurance.deep.report [.deep/assurance.json]

writes the page from such a file or, without one, says on the page that is there whether its figures are of an earlier version.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.assurance.deep.step import ROOT, code_hashes

REPORT = ROOT / "docs" / "assurance.md"
DATA = ROOT / ".deep" / "assurance.json"
HASH = re.compile(r"^- (\w+): `(0x[0-9a-f]{64})`$", re.MULTILINE)
"""A contract and the hash of its code, as the page has them."""

STALE = (
    "These figures are of an earlier version of the contracts, which have changed since. "
    "The long campaigns have not run on the present code."
)
"""Said where the code has another hash than the report is about."""

SENTENCES = {
    "proofs": "**{proofs} properties proved** and {proofs that are bounded} proved up to a bound, by halmos and the compiler's own "
    "prover, over {paths} paths; {wrong claims refuted} wrong claims refuted.",
    "histories": "**{operations compared} operations** in {histories} random histories, {of these done} of them done and the rest "
    "refused: {differences} differences from an independent model.",
    "campaign": "**{calls of the contracts} calls by forge**, {share of calls that succeeded, in percent} % of which succeeded, "
    "with hostile tokens, quoters, receivers and wallets: {properties held} properties held.",
    "faults": "**{faults counted} faults of a node**, each once at a request of {public calls} public calls: "
    "{payments made twice and untrue outcomes} payments made twice or outcomes untrue.",
    "index_kills": "**{kills} kills** of processes that follow the chain and of PostgreSQL, {of these while a write was open} of them "
    "while a write was open: {lost commits} commits lost. A store that leaves out commits is found in "
    "{stores without commits found} databases.",
    "meter_kills": "**{kills} kills** of processes that serve requests and of PostgreSQL, {of these while a write was open} of them "
    "while a write was open, and **{power cuts} power cuts** that drop what was not synced: {holds lost, served twice or taken too much} "
    "holds lost, served twice or taken too much. {mistakes found} of {mistakes} planted mistakes found.",
    "meter_races": "**{requests} requests** of {processes} processes on one PostgreSQL with the same vouchers: "
    "{served twice, and sums that are wrong} of {vouchers served} served twice or with a wrong sum. "
    "{mistakes found} of {mistakes} planted mistakes found.",
    "gateway_kills": "**{kills} kills** of a gateway's processes, its service, its database and its node, under {requests} requests over "
    "HTTP: {served twice, charged and not served, or taken too much} served twice, charged and not served, or taken too much. "
    "{mistakes found} of {mistakes} planted mistakes found.",
    "gateway_fuzz": "**{inputs} changed inputs** of {parsers} parsers of what strangers send: "
    "{inputs that raised another error than ours, hung or took much memory} raised another error than the package's, hung or took much memory.",
    "mutants": "**{mutants} broken contracts**: {found by histories} found by short histories, {found by the tests of the "
    "function} and {found by all tests} more by the tests, {same code} no different in code, {does not compile} not compiling, "
    "{survivors argued} argued to be no mistake, {survivors unexplained} unexplained; {not judged by tests} "
    "that the histories do not find have not been judged by the tests yet, and {not tried} have not been tried at all.",
    "mutants_of_python": "**{mutants of Python modules} broken copies** of vouchers, pricing, units and ids: "
    "{of these killed by a unit test} found, {of these argued to be no mistake} argued to be no mistake.",
    "coverage": "{lines, in percent} % of the lines and {branches, in percent} % of the branches of the contracts are taken by "
    "forge's tests alone.",
    "static": "{slither findings accepted with a reason} findings by {slither detectors} detectors of slither, each looked at and "
    "listed with its reason, {slither findings of these that are false} of them false; {house rules} house rules.",
}
"""What the page says of each step at its head. In braces the name of a figure."""

Found = dict[str, Any]
"""A step's outcome as its JSON file has it."""


class OtherCode(Exception):
    """A step ran on other code than the contracts have now, so what it found is not about them."""


def write_report(outcomes: list[Found]) -> None:
    """Write both from what the steps left behind; raise OtherCode if one of them was about other code."""
    data = {"code_hashes": code_hashes(), "steps": {outcome["name"]: outcome for outcome in outcomes}}
    check_code(data)
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    REPORT.write_text(render_report(data), "utf-8")


def check_code(data: Found) -> None:
    """Raise OtherCode if a step recorded another hash than the report is about."""
    for name, step in data["steps"].items():
        for contract, recorded in step.get("code_hashes", {}).items():
            if recorded != data["code_hashes"].get(contract):
                raise OtherCode(f"{name} ran on {contract} with the code hash {recorded}: run it again")


def render_report(data: Found) -> str:
    """Return the report as Markdown."""
    check_code(data)
    steps = list(data["steps"].values())
    minutes = round(sum(step["seconds"] for step in steps) / 60)
    lines = [
        "# What the long campaigns found",
        "",
        f"Written by `make deep` (seed {steps[0]['seed']}, {minutes} minutes in all), about contracts whose code has these hashes:",
        "",
        *[f"- {name}: `{code_hash}`" for name, code_hash in data["code_hashes"].items()],
        "",
        *([] if is_current(data) else [f"**{STALE}**", ""]),
        *summarize(data),
        "",
        _who_recorded(steps),
        "",
        "`make deep` runs all of it again with another seed, `make deep SEED=…` with the same.",
    ]
    for step in steps:
        lines += ["", f"## {step['title']}", "", *_figures(step)]
        lines += [line for table in step["tables"] for line in _table(table)]
        if step["notes"]:
            lines += ["", *[f"- {note}" for note in step["notes"]]]
    return "\n".join(lines) + "\n"


def is_current(data: Found) -> bool:
    """Tell whether a report is about the contracts as they are now."""
    return bool(data["code_hashes"] == code_hashes())


def _who_recorded(steps: list[Found]) -> str:
    silent = [step["name"] for step in steps if not step.get("code_hashes")]
    if not silent:
        return "Every step recorded these hashes when it ran."
    return f"The code that these steps ran on was not recorded when they ran: {', '.join(silent)}."


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


def mark(page: str) -> str:
    """Return the page with the warning before its figures if its hashes are not those of the contracts now, and without it if they are."""
    fresh = page.replace(f"**{STALE}**\n\n", "")
    hashes = list(HASH.finditer(fresh))
    if {found[1]: found[2] for found in hashes} == code_hashes():
        return fresh
    end = hashes[-1].end() if hashes else 0
    return f"{fresh[:end]}\n\n**{STALE}**{fresh[end:]}"


def summarize(data: Found) -> list[str]:
    """Return what the last run came to, one line for each step, with its figures in the braces."""
    return [f"- {_fill(sentence, data['steps'][name]['figures'])}" for name, sentence in SENTENCES.items()]


def _fill(sentence: str, figures: dict[str, object]) -> str:
    return re.sub(r"\{(.+?)\}", lambda found: _number(figures[found[1]]), sentence)


def main(arguments: list[str]) -> None:
    """Write the page anew."""
    given = [json.loads(Path(path).read_text("utf-8")) for path in arguments]
    REPORT.write_text(render_report(*given) if given else mark(REPORT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
