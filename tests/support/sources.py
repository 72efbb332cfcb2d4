"""Tests use artifacts from the current Solidity sources, not the exported artifacts of the package.

`tests/house/test_artifacts_fresh.py` compares the exported artifacts with the sources. If all tests used these
artifacts, a mistake in a source would only show there as "out of date".
"""

import json
import os
from importlib.resources.abc import Traversable
from pathlib import Path

from nvm_chain.chain import artifacts
from tests.support.compiled import ALL, read_contracts

VARIABLE = "NVM_CHAIN_ARTIFACTS"
"""The environment variable with a folder of other artifacts, for example of a contract with a deliberate mistake."""


def use_sources(folder: Path) -> None:
    """Make the package use artifacts from the folder in the environment, or new ones if the sources have changed."""
    if named := os.environ.get(VARIABLE):
        _use(Path(named))
    elif ALL.is_file() and (changed := _changed()):
        for path in _packaged():
            (folder / path.name).write_text(json.dumps(changed.get(path.name) or json.loads(path.read_text("utf-8"))))
        _use(folder)


def _use(folder: Path) -> None:
    artifacts.FOLDER = folder
    artifacts.read_artifact.cache_clear()


def _packaged() -> list[Traversable]:
    """Return the files of the packaged contracts. Deployment records are in another folder."""
    return [path for path in artifacts.FOLDER.iterdir() if path.name.endswith(".json")]


def _changed() -> dict[str, dict[str, object]]:
    """Return the artifacts that differ from the compiled sources, by file name."""
    changed = {}
    for path in _packaged():
        packaged = json.loads(path.read_text("utf-8"))
        compiled = read_contracts()[packaged["name"]]
        if compiled["creation_code"] != packaged["creation_code"]:
            changed[path.name] = compiled
    return changed
