"""Runs slither on the contracts that ship, and puts what it says into words that do not change with line numbers."""

import json
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.assurance.static.ledger import Find
from tests.assurance.static.project import HERE, ROOT, compile_sources, find_compiler, find_tool, keep, read_sources

FEWEST_DETECTORS = 100
_PROGRAM = HERE / "slither_program.py"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NOTHING_FOUND = "[]"


@cache
def run_slither(root: Path = ROOT) -> dict[str, Any]:
    """Return what slither found and printed. Any error that it reports fails, as slither goes on after many."""
    python = find_tool("slither", "python")
    sources = read_sources(root)
    key = [
        json.dumps(sources),
        _PROGRAM.read_text("utf-8"),
        (ROOT / "requirements" / "slither.lock").read_text("utf-8"),
    ]
    answer: dict[str, Any] = json.loads(keep("slither", key, lambda: _run(python, sources, compile_sources(root))))
    return answer


def _run(python: Path, sources: dict[str, str], compiled: str) -> str:
    with tempfile.TemporaryDirectory(prefix="nvm_chain-slither-") as name:
        folder = Path(name)
        for path, text in sources.items():  # slither reads them again, to quote them
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        (folder / "compiled.json").write_text(compiled, "utf-8")
        done = subprocess.run(
            [str(python), "-P", str(_PROGRAM), "compiled.json", str(find_compiler()), "output.json"],
            cwd=folder,
            env={**os.environ, "COLUMNS": "1000"},  # else its tables break lines to fit the terminal
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        errors = [line for line in said.splitlines() if line.startswith(("ERROR", "CRITICAL")) or "Failed to" in line]
        if done.returncode or errors:
            pytest.fail("slither did not get through:\n" + "\n".join(errors or said.splitlines()[-20:]), pytrace=False)
        return (folder / "output.json").read_text("utf-8")


def our_findings(root: Path = ROOT) -> list[Find]:
    """Return each finding that touches a contract of ours, known by its impact, detector, place and code."""
    found = []
    for finding in run_slither(root)["findings"]:
        ours = [item for item in finding["elements"] if _path(item).startswith("contracts/")]
        if ours:
            found.append({"impact": finding["impact"], "rule": finding["check"], **_locate(ours)})
    return sorted(found, key=str)


def _path(element: dict[str, Any]) -> str:
    path: str = element["source_mapping"]["filename_relative"]
    return path


def _locate(elements: list[dict[str, Any]]) -> dict[str, str]:
    """Name the function or variable, and the expression where there is one."""
    if elements[0]["type"] == "pragma":
        return {"place": "all files", "code": ", ".join(sorted({item["name"] for item in elements}))}
    nodes = [item["name"] for item in elements if item["type"] == "node"]
    return {"place": _name(elements[0]), "code": nodes[0] if nodes else elements[0]["name"]}


def _name(element: dict[str, Any]) -> str:
    parent = element.get("type_specific_fields", {}).get("parent", {})
    if element["type"] == "node":
        return _name(parent)
    outer = parent.get("name", "")
    return f"{outer}.{element['name']}" if outer and parent["type"] == "contract" else str(element["name"])


# ---------------------------------------------------------------------- printers


def print_vars_and_auth(contract: str, root: Path = ROOT) -> str:
    """Say of each function that writes, or asks who calls, what it writes and what it asks."""
    answer = run_slither(root)
    tables = answer["printed"]["vars-and-auth"]["elements"]
    rows = next(table["name"]["content"]["rows"] for table in tables if table["name"]["name"] == contract)
    lines = [
        "# function\n#     writes: state variables, or what a storage pointer to them reaches\n#     asks: conditions on msg.sender",
        "",
    ]
    for function, (name, written, asked) in sorted(
        zip(answer["functions"][contract], rows, strict=True), key=lambda pair: str(pair[0]["name"])
    ):
        assert name in ("constructor", function["name"].partition("(")[0].rpartition(".")[2]), "rows in another order"
        told = function["is_reachable"] and (written != _NOTHING_FOUND or asked != _NOTHING_FOUND)
        if told and (function["is_entry_point"] or function["is_ours"]) and "slither" not in name:
            lines.append(function["name"] + ("" if function["is_entry_point"] else "  (internal)"))
            lines += [f"    writes: {word}" for word in re.findall(r"'([^']+)'", written)]
            lines += [f"    asks: {word}" for word in re.findall(r"'([^']+)'", asked)]
    return "\n".join(lines) + "\n"


def print_entry_points(contract: str, root: Path = ROOT) -> str:
    """Say which functions change state, with their modifiers and where they are from."""
    text = _COLOUR.sub("", run_slither(root)["printed"]["entry-points"]["description"])
    section = next(part for part in re.split(r"^Contract ", text, flags=re.MULTILINE) if part.split()[:1] == [contract])
    return "# function | modifiers | inherited from\n\n" + _rows(section.partition("| Functions")[2])


def print_variable_order(contract: str, root: Path = ROOT) -> str:
    """Say where each variable is kept."""
    text = _COLOUR.sub("", run_slither(root)["printed"]["variable-order"]["description"])
    section = next(part for part in re.split(r"\n(?=\w+:\n)", text) if part.lstrip().startswith(contract + ":\n"))
    return "# name | type | slot | offset | kind\n\n" + _rows(section)


def _rows(table: str) -> str:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")
    ]
    return "".join(" | ".join(row).rstrip(" |") + "\n" for row in rows if row[0] != "Name")


PRINTERS = {
    "vars-and-auth": print_vars_and_auth,
    "entry-points": print_entry_points,
    "variable-order": print_variable_order,
}
