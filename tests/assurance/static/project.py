"""The contracts that ship, as one input for the compiler: what every tool of this folder looks at."""

import fcntl
import hashlib
import json
import os
import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
HERE = Path(__file__).parent
SHIPPED = tuple(f"contracts/{folder}/*.sol" for folder in ("credits", "credits/libraries", "agents", "examples"))
CONTRACTS = ("Credits", "AgentRegistry")
"""Those that are deployed and keep something."""

_IMPORT = re.compile(r'^import\s[^;"]*"([^"]+)"\s*;', re.MULTILINE)


def read_settings() -> dict[str, Any]:
    """Return the compiler's settings of a deployment, from the artifact."""
    artifact = json.loads((ROOT / "nvm_chain" / "chain" / "data" / "Credits.json").read_text("utf-8"))
    settings: dict[str, Any] = artifact["compiler"]["settings"]
    return settings


def find_shipped(root: Path = ROOT) -> list[str]:
    """Return the paths of the contracts that ship, relative to the project."""
    return sorted(str(path.relative_to(root)) for pattern in SHIPPED for path in root.glob(pattern))


def read_sources(root: Path = ROOT) -> dict[str, str]:
    """Return what ships and all it imports: texts by path."""
    remappings = [line.partition("=")[::2] for line in read_settings()["remappings"]]
    sources: dict[str, str] = {}
    wanted = find_shipped(root)
    while wanted:
        name = wanted.pop()
        if name not in sources:
            sources[name] = (root / name).read_text("utf-8")
            wanted += [_resolve(target, name, remappings) for target in _IMPORT.findall(sources[name])]
    return dict(sorted(sources.items()))


def _resolve(target: str, importer: str, remappings: list[tuple[str, str]]) -> str:
    if target.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    for prefix, folder in remappings:
        if target.startswith(prefix + "/"):
            return folder + target[len(prefix) :]
    return target


def compiler_input(sources: dict[str, str], outputs: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    """Compose a standard JSON input with the settings of a deployment."""
    contents = {name: {"content": text} for name, text in sources.items()}
    settings = {**read_settings(), "outputSelection": outputs}
    return {"language": "Solidity", "sources": contents, "settings": settings}


def find_compiler() -> Path:
    """Return the house's compiler."""
    compilers = sorted((ROOT / ".solc").glob("solc-v*"))
    if not compilers:
        pytest.fail("the compiler is not there: run `make check`, which sets it up")
    return compilers[-1]


def find_tool(name: str, program: str) -> Path:
    """Return a program in the environment of a tool, and fail where it has not been set up."""
    folder = Path(os.environ.get(f"NVM_CHAIN_{name.upper()}", ROOT / f".venv-{name}"))
    found = folder / "bin" / program
    if not found.exists():
        pytest.fail(f"{name} is not there: run `make check`, which sets it up in .venv-{name}")
    return found


def keep(name: str, key: Sequence[str], run: Callable[[], str]) -> str:
    """Return what a run says, or said when it was last run on exactly this. Two processes do not run it at once."""
    folder = ROOT / ".cache" / "static"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
    kept = folder / f"{name}-{digest}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            answer = run()
            for old in folder.glob(f"{name}-*.json"):
                old.unlink()
            kept.write_text(answer, "utf-8")
        return kept.read_text("utf-8")


@cache
def compile_sources(root: Path = ROOT) -> str:
    """Return what the compiler answers, as JSON: syntax trees and interfaces, no code."""
    asked = json.dumps(compiler_input(read_sources(root), {"*": {"": ["ast"], "*": ["abi", "devdoc", "userdoc"]}}))
    compiler = find_compiler()

    def run() -> str:
        done = subprocess.run([str(compiler), "--standard-json"], input=asked, capture_output=True, text=True)
        if done.returncode:
            pytest.fail(f"the compiler did not get through:\n{done.stderr[-2000:]}", pytrace=False)
        errors = json.loads(done.stdout).get("errors", ())
        problems = [error["formattedMessage"] for error in errors if error["severity"] == "error"]
        if problems:
            pytest.fail("the contracts do not compile:\n" + "\n".join(problems), pytrace=False)
        return done.stdout

    return keep("trees", [asked, str(compiler)], run)


def read_trees(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Return the syntax tree of each contract that ships, by path."""
    sources = json.loads(compile_sources(root))["sources"]
    return {name: sources[name]["ast"] for name in find_shipped(root)}


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a syntax tree's nodes, outer before inner, in the order of the source."""
    if isinstance(node, list):
        for item in node:
            yield from walk(item)
    elif isinstance(node, dict):
        if "nodeType" in node:
            yield node
        for value in node.values():
            if isinstance(value, dict | list):
                yield from walk(value)
