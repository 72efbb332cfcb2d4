"""Compile the contracts and write what the package carries of them: `ape run export_artifacts`."""

import json
from pathlib import Path
from typing import Any

import ape

FOLDER = Path(__file__).parent.parent / "nvm_chain" / "data"
CONTRACTS = ("Credits", "AgentRegistry", "TestUSDC")


def main() -> None:
    """Write one JSON file per packaged contract."""
    for name, artifact in build_artifacts().items():
        path = FOLDER / f"{name}.json"
        path.write_text(format_artifact(artifact), "utf-8")
        size = (len(artifact["runtime_code"]) - 2) // 2
        print(f"{path.relative_to(FOLDER.parent.parent)}: {size} bytes of runtime code")


def build_artifacts() -> dict[str, dict[str, Any]]:
    """Compile from nothing and return each packaged contract as it is stored."""
    project = ape.project
    types = project.load_contracts(use_cache=False)
    compilers = {name: compiler for compiler in project.manifest.compilers for name in compiler.contractTypes or ()}
    return {name: _artifact(types[name].contract_type, compilers[name]) for name in CONTRACTS}


def _artifact(contract: Any, compiler: Any) -> dict[str, Any]:
    settings = {key: value for key, value in compiler.settings.items() if key != "outputSelection"}
    return {
        "name": contract.name,
        "compiler": {"name": compiler.name, "version": compiler.version, "settings": settings},
        "creation_code": contract.deployment_bytecode.bytecode,
        "runtime_code": contract.runtime_bytecode.bytecode,
        "abi": [entry.model_dump(mode="json", by_alias=True, exclude_none=True) for entry in contract.abi],
        "natspec": {"user": contract.userdoc, "dev": contract.devdoc},
    }


def format_artifact(artifact: dict[str, Any]) -> str:
    """Return an artifact as the text of its file."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"
