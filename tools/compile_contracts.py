"""Compile the contracts for the package, for the tests and for block explorers.

    python -m tools.compile_contracts package     writes nvm_chain/chain/data/NAME.json;
    python -m tools.compile_contracts all         writes .build/contracts.json, all contracts below contracts/, for the tests;
    python -m tools.compile_contracts explorer    writes build/NAME.standard.json, the compiler input for a block explorer

py-solc-x calls the compiler with one standard JSON input that has every source in it, so nothing else is read. Code comes
without metadata: solc would append a hash over comments, NatSpec and file names, and Ape's plugin cannot turn that off. What
is left depends on the code alone. File names enter no code; the numbers that solc gives to declarations change with the order
of files and with NatSpec, but only name what it generates. `tests/house/test_artifacts_fresh.py` holds that.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import solcx
from solcx.exceptions import SolcError

ROOT: Final = Path(__file__).resolve().parent.parent
DATA: Final = ROOT / "nvm_chain" / "chain" / "data"
ALL: Final = ROOT / ".build" / "contracts.json"
FOR_EXPLORERS: Final = ROOT / "build"
PACKAGED: Final = ("Credits", "AgentRegistry", "TestUSDC")
DEPLOYED: Final = ("Credits", "AgentRegistry")
VERSION: Final = "0.8.37"

MODULES: Final = "node_modules/"
REMAPPINGS: Final = {
    "@openzeppelin/contracts": "node_modules/@openzeppelin/contracts",
    "solady": "node_modules/solady/src",
}
SETTINGS: Final[dict[str, Any]] = {
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 160},
    "remappings": [f"{prefix}={folder}" for prefix, folder in REMAPPINGS.items()],
}
"""Compiler settings of a deployment. foundry.toml has equal settings. ape-config.yaml differs only in the metadata."""
OUTPUTS: Final = ("abi", "devdoc", "evm.bytecode.object", "evm.deployedBytecode.object", "metadata", "userdoc")

IMPORT: Final = re.compile(r'^import\s[^;"]*"([^"]+)"\s*;', re.MULTILINE)


class DoesNotCompile(Exception):
    """Raised when the compiler rejects the sources. The message is the compiler's own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the outputs that the command line names."""
    writers = {"package": write_package, "all": write_all, "explorer": write_for_explorers}
    parser = argparse.ArgumentParser(
        prog="python -m tools.compile_contracts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=writers)
    try:
        writers[parser.parse_args(arguments).what]()
    except DoesNotCompile as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write_package(root: Path = ROOT, folder: Path = DATA) -> None:
    """Write all packaged artifacts. If a contract does not compile, write none."""
    artifacts = {name: build_artifact(root, name) for name in PACKAGED}
    for name, artifact in artifacts.items():
        (folder / f"{name}.json").write_text(json.dumps(artifact, indent=1, sort_keys=True) + "\n", "utf-8")
        print(f"{name}: {len(artifact['runtime_code']) // 2 - 1} bytes of runtime code")


def write_all() -> None:
    """Write all contracts below contracts/ to one file, by name."""
    paths = find_files(ROOT)
    ALL.parent.mkdir(exist_ok=True)
    ALL.write_text(json.dumps(compile_input(build_input(ROOT, paths))), "utf-8")


def write_for_explorers() -> None:
    """Write the compiler input of each deployed contract. The input contains every source."""
    FOR_EXPLORERS.mkdir(exist_ok=True)
    for name in DEPLOYED:
        path = FOR_EXPLORERS / f"{name}.standard.json"
        path.write_text(json.dumps(build_input(ROOT, [find_file(ROOT, name)]), indent=1), "utf-8")
        print(f"{path.relative_to(ROOT)}: for solc {VERSION}, contract {find_file(ROOT, name)}:{name}")


def build_artifact(root: Path, name: str) -> dict[str, Any]:
    """Compile one contract of a project, and return its packaged artifact. Uses no cache."""
    return compile_input(build_input(root, [find_file(root, name)]))[name]


def find_files(root: Path) -> list[str]:
    """Return the paths of all files below contracts/, relative to the project."""
    return sorted(path.relative_to(root).as_posix() for path in (root / "contracts").rglob("*.sol"))


def find_file(root: Path, name: str) -> str:
    """Return the path of the file below contracts/ with the name of a contract."""
    found = [path for path in find_files(root) if posixpath.basename(path) == f"{name}.sol"]
    if len(found) != 1:
        raise DoesNotCompile(f"one file below contracts/ should be named {name}.sol, and these are: {found}")
    return found[0]


def build_input(root: Path, paths: Iterable[str]) -> dict[str, Any]:
    """Build the compiler's input: some files of a project, all their imports, and the settings of a deployment."""
    wanted = list(paths)
    selection = {path: {"*": list(OUTPUTS)} for path in wanted}
    return {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in _read_sources(root, wanted).items()},
        "settings": {**SETTINGS, "outputSelection": selection},
    }


def _read_sources(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return the texts of files and all their imports, by path. Imports from npm come from this clone's node_modules."""
    sources: dict[str, str] = {}
    wanted = list(paths)
    while wanted:
        path = wanted.pop()
        if path not in sources:
            try:
                sources[path] = ((ROOT if path.startswith(MODULES) else root) / path).read_text("utf-8")
            except OSError as error:
                raise DoesNotCompile(f"{path}: {error.strerror}") from None
            wanted += [resolve_import(target, path) for target in IMPORT.findall(sources[path])]
    return dict(sorted(sources.items()))


def resolve_import(target: str, importer: str) -> str:
    """Return the path of an imported file."""
    if target.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    for prefix, folder in REMAPPINGS.items():
        if target.startswith(prefix + "/"):
            return folder + target.removeprefix(prefix)
    return target


def compile_input(asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Compile an input. Return the packaged artifact of each selected contract, by name."""
    here = ROOT / ".solc" / f"solc-v{VERSION}"  # elsewhere py-solc-x looks where it always does
    try:
        answer = solcx.compile_standard(asked, solc_binary=here if here.exists() else None, solc_version=VERSION)
    except SolcError as error:
        raise DoesNotCompile(error.message) from None
    contracts: dict[str, dict[str, Any]] = {}
    for found in answer["contracts"].values():
        for name, output in found.items():
            if name in contracts:
                raise DoesNotCompile(f"two contracts are named {name}, and tests find them by name")
            contracts[name] = _describe(name, output)
    return contracts


def _describe(name: str, output: dict[str, Any]) -> dict[str, Any]:
    """Return the packaged artifact of one contract."""
    # An interface has no code and no metadata.
    version = json.loads(output["metadata"])["compiler"]["version"] if output["metadata"] else None
    return {
        "name": name,
        "compiler": {"name": "solidity", "version": version, "settings": SETTINGS},
        "creation_code": "0x" + output["evm"]["bytecode"]["object"],
        "runtime_code": "0x" + output["evm"]["deployedBytecode"]["object"],
        "abi": output["abi"],
        "natspec": {"user": output["userdoc"], "dev": output["devdoc"]},
    }


if __name__ == "__main__":
    sys.exit(main())
