"""A folder of a buyer who works in JavaScript: our package as npm packs it, the official packages beside it, and programs."""

import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent.parent
PACKAGE = ROOT / "clients" / "typescript"
PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 120


@dataclass(frozen=True)
class Workspace:
    """The folder. ``source`` is a copy of the package's own folder, in which it was built."""

    folder: Path
    source: Path

    def run(self, program: str, **settings: Any) -> Any:
        """Run a program of this folder with settings as JSON, and return the JSON that it prints."""
        done = self.call(["node", f"{program}.mjs"], {"SETTINGS": json.dumps(settings)})
        assert done.returncode == 0, f"{done.stdout[-2_000:]}\n{done.stderr[-4_000:]}"
        return json.loads(done.stdout)

    def call(self, command: list[str], more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder."""
        environment = {**os.environ, "NODE_NO_WARNINGS": "1", **(more or {})}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )


def run_npm(folder: Path, *arguments: str) -> str:
    """Run npm without a network, and return what it prints."""
    environment = {**os.environ, "npm_config_offline": "true", "npm_config_cache": str(folder / ".npm")}
    done = subprocess.run(
        ["npm", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2_000:]}\n{done.stderr[-4_000:]}"
    return done.stdout


def replace_officials(modules: Path) -> None:
    """Put other versions of official packages in place of ours, from the folder in NVM_CHAIN_X402_MODULES if it is set."""
    others = os.environ.get("NVM_CHAIN_X402_MODULES")
    if others is None:
        return
    official = modules / "@x402"
    official.unlink()
    official.mkdir()
    for each in [*Path(others, "@x402").iterdir(), *(ROOT / "node_modules" / "@x402").iterdir()]:
        if not (official / each.name).exists():
            shutil.copytree(each, official / each.name)


def build_workspace(folder: Path) -> Workspace:
    """Pack our package as it would be published, and put it where a buyer's npm would."""
    source = folder / "clients" / "typescript"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("dist", "node_modules"))
    modules = folder / "node_modules"
    modules.mkdir()
    for each in (ROOT / "node_modules").iterdir():
        if each.is_dir():
            (modules / each.name).symlink_to(each)
    (folder / "tests").symlink_to(ROOT / "tests")
    replace_officials(modules)
    packed = json.loads(run_npm(source, "pack", "--json", "--silent", "--pack-destination", str(folder)))
    target = modules / "@nvm-chain"
    target.mkdir()
    with tarfile.open(folder / packed[0]["filename"]) as archive:
        archive.extractall(target, filter="data")
    (target / "package").rename(target / "x402")
    for program in PROGRAMS.iterdir():
        shutil.copy(program, folder)
    return Workspace(folder, source)
