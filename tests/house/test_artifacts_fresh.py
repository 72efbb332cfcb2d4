"""The packaged artifacts are what the compiler makes of the contracts now, with the settings that were decided on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nvm_chain.artifacts import ContractName, read_artifact

ROOT = Path(__file__).parent.parent.parent
NAMES: tuple[ContractName, ...] = ("Credits", "AgentRegistry", "TestUSDC")
MAX_CODE_SIZE = 24_576
"""Bytes of runtime code that a chain accepts (EIP-170)."""


def export_artifacts(project: Path) -> Path:
    """Compile a copy of the project from nothing, and return the folder of its artifacts."""
    for folder in ("contracts", "scripts"):
        shutil.copytree(ROOT / folder, project / folder)
    shutil.copy(ROOT / "ape-config.yaml", project)
    (project / "nvm_chain" / "data").mkdir(parents=True)
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    environment = {**os.environ, "APE_DATA_FOLDER": str(project / ".ape"), "PYTHONPATH": str(ROOT)}
    if (ROOT / ".solc").is_dir():
        environment["SOLCX_BINARY_PATH"] = str(ROOT / ".solc")
    command = [str(Path(sys.executable).with_name("ape")), "run", "export_artifacts"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "nvm_chain" / "data"


def test_artifacts__compiled_again__are_the_same_to_the_byte(tmp_path: Path) -> None:
    packaged, fresh = (
        {path.name: path.read_bytes() for path in folder.glob("*.json")}
        for folder in (ROOT / "nvm_chain" / "data", export_artifacts(tmp_path))
    )
    assert sorted(packaged) == sorted(fresh) == sorted(f"{name}.json" for name in NAMES)
    stale = [name for name in fresh if packaged[name] != fresh[name]]
    if stale:  # said in words: a difference of 40 kB in one line helps nobody
        pytest.fail(f"out of date: {', '.join(stale)}. Run `make compile` and look at the difference")


@pytest.mark.parametrize("name", NAMES)
def test_artifact__compiler_settings__are_those_of_a_deployment(name: ContractName) -> None:
    compiler = read_artifact(name).compiler
    assert compiler["version"] == "0.8.37+commit.f401782d"
    assert compiler["settings"]["evmVersion"] == "cancun"
    assert compiler["settings"]["optimizer"] == {"enabled": True, "runs": 100}


@pytest.mark.parametrize("name", NAMES)
def test_artifact__runtime_code__fits_on_a_chain(name: ContractName) -> None:
    assert 0 < len(read_artifact(name).runtime_code) <= MAX_CODE_SIZE
