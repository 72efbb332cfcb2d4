"""The packaged artifacts are what the compiler makes of the contracts now, and of nothing but their code.

What a comment says and where a file is changes neither the code nor the address that CREATE2 gives it.
"""

import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain import artifacts
from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.chain.records import RecordedName
from nvm_chain.operations.deployment import compute_create2_address
from nvm_chain.types.addresses import parse_address
from tools import compile_contracts
from tools.compile_contracts import (
    ALL,
    DATA,
    IMPORT,
    ROOT,
    SETTINGS,
    build_input,
    compile_input,
    find_file,
    find_files,
    resolve_import,
    write_package,
)

NAMES: tuple[ContractName, ...] = ("Credits", "AgentRegistry", "TestUSDC")
DEPLOYED: tuple[RecordedName, ...] = ("Credits", "AgentRegistry")
MAX_CODE_SIZE = 24_576
"""Bytes of runtime code that a chain accepts (EIP-170)."""
FEE_OWNER = "0x" + "11" * 20

pytestmark = pytest.mark.long

Texts = dict[str, str]
Compiled = dict[str, dict[str, Any]] | None


def read_packaged() -> dict[str, dict[str, Any]]:
    """Return the artifacts that the package carries, as they are in their files."""
    return {name: json.loads((DATA / f"{name}.json").read_text("utf-8")) for name in NAMES}


def read_texts() -> Texts:
    """Return the files of contracts/, by path."""
    return {path: (ROOT / path).read_text("utf-8") for path in find_files(ROOT)}


def compile_texts(texts: Texts, folder: Path) -> dict[str, dict[str, Any]]:
    """Write a project with these contracts, and compile what is deployed of it."""
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return compile_input(build_input(folder, [find_file(folder, name) for name in DEPLOYED]))


def change_comments(texts: Texts) -> Texts:
    """Say something else in each comment that is not NatSpec."""
    return {
        path: re.sub(r"^(\s*// )(?!SPDX-)", r"\1Not so. ", text, flags=re.MULTILINE) for path, text in texts.items()
    }


def change_natspec(texts: Texts) -> Texts:
    """Say something else in each line of NatSpec that begins with a tag for prose."""
    tag = re.compile(r"^(\s*/// @(?:title|notice|dev) )", re.MULTILINE)
    return {path: tag.sub(r"\1Not so. ", text) for path, text in texts.items()}


def leave_out_natspec(texts: Texts) -> Texts:
    """Take away all NatSpec, and with it numbers that the compiler gives."""
    return {path: re.sub(r"^\s*///.*\n", "", text, flags=re.MULTILINE) for path, text in texts.items()}


def move(texts: Texts, places: Mapping[str, str]) -> Texts:
    """Put files elsewhere, and have each import lead to where its file is then."""
    moved = {}
    for path, text in texts.items():
        place = places.get(path, path)

        def lead(found: re.Match[str], path: str = path, place: str = place) -> str:
            target = resolve_import(found[1], path)
            if target not in texts:
                return found[0]
            way = posixpath.relpath(places.get(target, target), posixpath.dirname(place))
            return found[0].replace(f'"{found[1]}"', f'"{way if way.startswith(".") else f"./{way}"}"')

        moved[place] = IMPORT.sub(lead, text)
    return moved


def scatter(texts: Texts) -> Texts:
    """Put each file into a folder of its own, so that they come in quite another order."""
    return move(texts, {path: f"contracts/{sha256(path.encode()).hexdigest()}/{Path(path).name}" for path in texts})


def change_one_of_each(texts: Texts) -> Texts:
    """Change comments, lines of NatSpec, and the place of one file that both contracts are made of."""
    shared = find_file(ROOT, "ICredits")
    assert all(shared in build_input(ROOT, [find_file(ROOT, name)])["sources"] for name in DEPLOYED)
    said = change_natspec(change_comments(texts))
    return move(said, {shared: "contracts/agents/more/ICredits.sol"})


def scatter_without_natspec(texts: Texts) -> Texts:
    """Change all that should not count: every place, and NatSpec to nothing."""
    return scatter(leave_out_natspec(texts))


def change_code(texts: Texts) -> Texts:
    """Give each deployed contract one more function."""
    changed = dict(texts)
    for path in (find_file(ROOT, name) for name in DEPLOYED):
        more = "    function more() external pure returns (uint256) {\n        return 1;\n    }\n}"
        changed[path] = texts[path].rstrip().removesuffix("}") + more
    return changed


def compute_addresses(built: dict[str, dict[str, Any]], folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """Return where CREATE2 puts Credits, and the AgentRegistry of that Credits, as the package reckons it of artifacts."""
    for name, artifact in built.items():
        (folder / f"{name}.json").write_text(json.dumps(artifact), "utf-8")
    with patch.context() as patched:
        patched.setattr(artifacts, "FOLDER", folder)
        read_artifact.cache_clear()
        addresses = [parse_address(FEE_OWNER)]
        for name in DEPLOYED:
            addresses.append(compute_create2_address(addresses[-1], name))
    read_artifact.cache_clear()
    return [str(address) for address in addresses[1:]]


# ---------------------------------------------------------------------- fresh


def find_compiled() -> Compiled:
    """Return what `make` compiled of the contracts as they are, or None if it is older than one of them.

    The compiler makes the same of a contract alone and among others.
    """
    sources = [ROOT / path for path in (*find_files(ROOT), "tools/compile_contracts.py")]
    is_new = ALL.is_file() and all(path.stat().st_mtime <= ALL.stat().st_mtime for path in sources)
    return json.loads(ALL.read_text("utf-8")) if is_new else None


def test_artifacts__compiled_again__are_the_same_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if compiled := find_compiled():
        monkeypatch.setattr(compile_contracts, "build_artifact", lambda root, name: compiled[name])
    write_package(folder=tmp_path)
    packaged, fresh = ({path.name: path.read_bytes() for path in folder.glob("*.json")} for folder in (DATA, tmp_path))
    assert sorted(packaged) == sorted(fresh) == sorted(f"{name}.json" for name in NAMES)
    stale = [name for name in fresh if packaged[name] != fresh[name]]
    if stale:  # said in words: a difference of 40 kB in one line helps nobody
        pytest.fail(f"out of date: {', '.join(stale)}. Run `make compile` and look at the difference")


def test_artifacts__compiled_by_forge__have_the_same_code() -> None:
    """What forge and halmos look at is what is deployed."""
    folder = ROOT / ".forge" / "deployed"
    places = {"FOUNDRY_OUT": str(folder / "out"), "FOUNDRY_CACHE_PATH": str(folder / "cache")}
    done = subprocess.run(
        [Path(sys.executable).with_name("forge"), "build", "--offline", *(find_file(ROOT, name) for name in DEPLOYED)],
        cwd=ROOT,
        env={**os.environ, **places, "FOUNDRY_PROFILE": "default"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    packaged = read_packaged()
    for name in DEPLOYED:
        built = json.loads((folder / "out" / f"{name}.sol" / f"{name}.json").read_text("utf-8"))
        same = (
            built["bytecode"]["object"] == packaged[name]["creation_code"],
            built["deployedBytecode"]["object"] == packaged[name]["runtime_code"],
        )
        assert same == (True, True), name


# ---------------------------------------------------------------------- of nothing but the code


@pytest.mark.parametrize("change", [change_one_of_each, scatter_without_natspec], ids=lambda change: change.__name__)
def test_code_and_address__of_contracts_with_other_comments_and_places__are_the_same(
    change: Callable[[Texts], Texts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = read_texts()
    changed, packaged = change(texts), read_packaged()
    built = compile_texts(changed, tmp_path)
    assert set(changed) != set(texts)
    for name in DEPLOYED:
        assert built[name]["natspec"] != packaged[name]["natspec"], f"nothing that is said of {name} has changed"
        for code in ("creation_code", "runtime_code"):
            assert sha256(built[name][code].encode()).digest() == sha256(packaged[name][code].encode()).digest(), name
    places = [compute_addresses(each, tmp_path, monkeypatch) for each in (built, packaged)]
    assert places[0] == places[1]


def test_changes__of_comments__change_files_of_both_contracts() -> None:
    texts = read_texts()
    changed = change_comments(texts)
    for name in DEPLOYED:
        files = build_input(ROOT, [find_file(ROOT, name)])["sources"].keys() & texts.keys()
        assert [path for path in files if changed[path] != texts[path]], name


def test_code_and_address__of_contracts_with_other_code__are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, packaged = compile_texts(change_code(read_texts()), tmp_path), read_packaged()
    for name in DEPLOYED:
        for code in ("creation_code", "runtime_code"):
            assert sha256(built[name][code].encode()).digest() != sha256(packaged[name][code].encode()).digest(), name
    ours, theirs = (compute_addresses(each, tmp_path, monkeypatch) for each in (built, packaged))
    assert not set(ours) & set(theirs)


@pytest.mark.parametrize("name", NAMES)
def test_input__for_an_explorer__has_every_source_and_the_settings(name: ContractName) -> None:
    asked = build_input(ROOT, [find_file(ROOT, name)])
    for path, source in asked["sources"].items():
        assert {resolve_import(target, path) for target in IMPORT.findall(source["content"])} <= set(asked["sources"])
    settings = {key: value for key, value in asked["settings"].items() if key != "outputSelection"}
    assert settings == SETTINGS == read_packaged()[name]["compiler"]["settings"]


# ---------------------------------------------------------------------- as decided


@pytest.mark.parametrize("name", NAMES)
def test_artifact__compiler_settings__are_those_of_a_deployment(name: ContractName) -> None:
    compiler = read_packaged()[name]["compiler"]
    assert compiler["version"] == "0.8.37+commit.f401782d"
    assert compiler["settings"]["evmVersion"] == "cancun"
    assert compiler["settings"]["metadata"] == {"appendCBOR": False, "bytecodeHash": "none"}
    assert compiler["settings"]["optimizer"] == {"enabled": True, "runs": 160}
    assert "viaIR" not in compiler["settings"]


@pytest.mark.parametrize("name", NAMES)
def test_artifact__runtime_code__fits_on_a_chain(name: ContractName) -> None:
    assert 0 < len(read_artifact(name).runtime_code) <= MAX_CODE_SIZE
