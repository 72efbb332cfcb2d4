"""Have the package use the contracts as their sources stand, so that tests judge what is written and not what was exported.

The package carries compiled contracts, and `tests/house/test_artifacts_fresh.py` compares those with the sources. Were every other
test run on them too, a mistake in a source would show as "out of date" and as nothing else.
"""

import json
import os
from importlib.resources.abc import Traversable
from pathlib import Path

from nvm_chain.chain import artifacts
from tests.support.compiled import ALL, read_contracts

VARIABLE = "NVM_CHAIN_ARTIFACTS"
"""Names a folder of artifacts to use in their place: of a contract with a mistake in it, say."""


def use_sources(folder: Path) -> None:
    """Point the package to other artifacts: those the environment names, or fresh ones where the sources have changed."""
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
    """Return the files of the packaged contracts; deployment records are in a folder beside them."""
    return [path for path in artifacts.FOLDER.iterdir() if path.name.endswith(".json")]


def _changed() -> dict[str, dict[str, object]]:
    """Return the artifacts, by file name, of which the sources make something else."""
    changed = {}
    for path in _packaged():
        packaged = json.loads(path.read_text("utf-8"))
        compiled = read_contracts()[packaged["name"]]
        if compiled["creation_code"] != packaged["creation_code"]:
            changed[path.name] = compiled
    return changed
