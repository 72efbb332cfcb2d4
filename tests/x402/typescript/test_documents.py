"""The programs in the readme of our TypeScript package and in its page compile strictly, and pay a real gateway."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.x402.typescript.workspace import ROOT, Workspace

DOCUMENTS = (ROOT / "clients" / "typescript" / "README.md", ROOT / "docs" / "typescript.md")
PROGRAMS = [
    (path, number, program)
    for path in DOCUMENTS
    for number, program in enumerate(
        re.findall(r"^```ts\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    )
]
CREDITS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def name(entry: tuple[Path, int, str]) -> str:
    """Name a program in test ids."""
    return f"{entry[0].name}-{entry[1]}"


@pytest.fixture(scope="module")
def compiled(workspace: Workspace) -> Workspace:
    """The folder, with all programs of the documents compiled in strict mode."""
    files = []
    for path, number, program in PROGRAMS:
        files.append(f"{path.stem}{number}.mts")
        (workspace.folder / files[-1]).write_text(program, "utf-8")
    settings = json.loads((workspace.folder / "tsconfig.json").read_text("utf-8"))
    settings["files"], settings["compilerOptions"]["types"] = files, ["node"]
    (workspace.folder / "tsconfig.documents.json").write_text(json.dumps(settings), "utf-8")
    done = workspace.call(["node_modules/.bin/tsc", "-p", "tsconfig.documents.json"])
    assert done.returncode == 0, done.stdout
    return workspace


def test_documents__have_programs() -> None:
    assert len(PROGRAMS) >= 5


@pytest.mark.parametrize("entry", PROGRAMS, ids=name)
def test_program__in_a_document__pays_for_its_request(
    compiled: Workspace, settings: dict[str, Any], entry: tuple[Path, int, str]
) -> None:
    path, number, _ = entry
    built = compiled.folder / "compiled" / f"{path.stem}{number}.mjs"
    text = built.read_text("utf-8")
    origin, _, _ = settings["url"].partition("/services/")
    for shown, real in (
        ("https://gateway.example.com/ask", f"{settings['url']}/ask"),
        ("https://gateway.example.com", origin),
        ("https://node.example.com", settings["rpc"]),
        ("eip155:84532", settings["network"]),
        (CREDITS, settings["credits"]),
    ):
        text = text.replace(shown, real)
    built.with_suffix(".run.mjs").write_text(text, "utf-8")
    done = compiled.call(["node", f"compiled/{path.stem}{number}.run.mjs"], {"BUYER_KEY": settings["key"]})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 {"), done.stdout
