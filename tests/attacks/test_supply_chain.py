"""The supply chain: the attacker changes what is installed, what compiles, or what is deployed, and nobody looks.

Everything that is installed is named with its hash, the compiler is one build, and the packaged code is what the sources give: compiled
again by another path in tests/house/test_artifacts_fresh.py, byte for byte (P13, P17).
"""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from nvm_chain.chain.artifacts import ContractName, read_artifact
from tools.install_solc import BUILD, SOLJSON, SOLJSON_SHA256, VERSION

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DIRECT = {
    "click",
    "coincurve",
    "eth-abi",
    "eth-account",
    "eth-keys",
    "eth-tester",
    "eth-typing",
    "eth-utils",
    "pydantic",
    "requests",
    "rich",
    "safe-pysha3",
    "urllib3",
    "websockets",
    "web3",
}
"""The packages that this one may ask for by name. A new name belongs here after somebody has looked at who publishes it."""


def name_of(requirement: str) -> str:
    """Return the name in a requirement, as PyPI writes it."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def pinned(lock: Path) -> dict[str, tuple[str, list[str]]]:
    """Return version and hashes of each package of a lock; fails at a line that is anything else."""
    found: dict[str, tuple[str, list[str]]] = {}
    logical = lock.read_text("utf-8").replace("\\\n", " ")
    for line in logical.splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)((?: ; [^-]*?)?)((?:\s+--hash=sha256:[0-9a-f]{64})+)", text)
        assert match, f"{lock.name}: {text[:100]}"
        found[name_of(match[1])] = (match[2], re.findall(r"[0-9a-f]{64}", match[4]))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock__names_every_package_with_one_version_and_its_hashes(lock: Path) -> None:
    """No ranges, no URLs, no other index, no package without a hash."""
    packages = pinned(lock)
    assert all(hashes for _, hashes in packages.values())
    assert packages


def test_makefile__installs_from_locks_with_hashes_only() -> None:
    """Every install of ours either checks hashes or takes nothing from an index."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = [line.strip() for line in makefile.splitlines() if not line.startswith("INSTALL")]
    installs = [line for line in lines if "$(INSTALL)" in line or "pip install" in line or "pip --" in line]
    assert len(installs) > 3
    assert [line for line in installs if not _takes_what_was_seen(line)] == []
    assert "npm ci" in makefile
    assert "npm install" not in makefile


def _takes_what_was_seen(install: str) -> bool:
    return "--require-hashes" in install or "--no-build-isolation --editable ." in install


def test_dependencies__by_name__are_those_that_were_looked_at() -> None:
    """Against a look-alike name that slips in with a change."""
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fast"]]
    assert {name_of(requirement) for requirement in asked} == DIRECT


def test_run_lock__has_a_web3_that_fetches_nothing_a_contract_names() -> None:
    """P13: CVE-2026-40072 is fixed in 7.15; that it is switched off besides is in test_hostile_contracts."""
    version = pinned(ROOT / "requirements" / "run.lock")["web3"][0]
    assert tuple(int(part) for part in version.split(".")[:2]) >= (7, 15)
    [asked] = [requirement for requirement in PROJECT["dependencies"] if name_of(requirement) == "web3"]
    assert ">=7.15" in asked


def test_npm_lock__has_the_integrity_of_every_package_and_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_npm__runs_no_script_of_a_package() -> None:
    assert "ignore-scripts=true" in (ROOT / ".npmrc").read_text("utf-8").splitlines()
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    assert "scripts" not in package
    named = {**package["devDependencies"], **package["optionalDependencies"]}
    assert {
        name: version for name, version in named.items() if not re.fullmatch(r"\d+\.\d+\.\d+(-[a-z0-9.-]+)?", version)
    } == {}


def test_compiler__is_the_build_whose_hash_is_known() -> None:
    """The file that npm brought, whether or not it is what compiles here."""
    assert hashlib.sha256(SOLJSON.read_bytes()).hexdigest() == SOLJSON_SHA256


NAMES: tuple[ContractName, ...] = ("Credits", "AgentRegistry", "TestUSDC")


@pytest.mark.parametrize("name", NAMES)
def test_artifact__says_the_one_compiler_and_its_sources_pin_it(name: ContractName) -> None:
    """No floating pragma in what is deployed."""
    assert read_artifact(name).compiler["version"] == BUILD
    sources = list((ROOT / "contracts").rglob(f"{name}.sol"))
    assert [f"pragma solidity {VERSION};" in path.read_text("utf-8") for path in sources] == [True]
