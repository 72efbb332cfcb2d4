"""The rooms of nvm_chain and their order: imports point down, in no circle, and load nothing before it is needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "nvm_chain"
ROOMS = [
    "enums",
    "errors",
    "types",
    "signing",
    "metadata",
    "chain",
    "storage",
    "operations",
    "statements",
    "payments",
    "demo",
    "cli",
]
"""Lowest first. A room imports from itself and from rooms before it."""
OFFLINE = ("enums", "errors", "types", "signing", "metadata")
"""Rooms that know neither a node nor a server."""
CLIENTS = {"web3", "requests", "urllib3", "httpx", "aiohttp", "http", "socket", "eth_tester"}
SEAM = {
    "web3": {"chain/client.py", "chain/embedded.py"},
    "eth_tester": {"chain/embedded.py"},
    "requests": {"chain/client.py", "storage/http.py"},
    "urllib3": {"storage/http.py"},
}
TYPES_ONLY = {"web3.types", "web3.contract.contract"}
"""What operations take from `chain` and hand back to it has types of web3's; nothing in them talks to a node."""
TABLES = {"__init__.py", "_public_names.py", "_moved.py"}
"""The package's own, which name every room and import none."""
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name not in TABLES)


def name(path: Path) -> str:
    """Return a file's name within the package."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """Return the room of a file: its folder, or the file itself at the top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def module_of(path: Path) -> str:
    """Return a file's dotted module."""
    parts = ("nvm_chain", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in FILES}


def read_imports(tree: ast.AST) -> Iterator[str]:
    """Yield every dotted name that is imported anywhere below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "nvm_chain":
            yield from (f"nvm_chain.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


def own_imports(path: Path) -> set[str]:
    """Return the modules of our own that a file imports: `from nvm_chain.types import plans` is nvm_chain.types.plans."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            home = node.module or ""
            whole = {f"{home}.{alias.name}" for alias in node.names}
            found |= (whole & MODULES) | ({home} if whole - MODULES else set())
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {module for module in found if module.startswith("nvm_chain.")}


def test_rooms__are_the_folders_of_the_package() -> None:
    assert {room_of(path) for path in FILES} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports__of_each_file__point_down(path: Path) -> None:
    allowed = ROOMS[: ROOMS.index(room_of(path)) + 1]
    assert {module for module in own_imports(path) if module.split(".")[1] not in allowed} == set()


def test_imports__of_all_files__make_no_circle() -> None:
    graph = {module_of(path): own_imports(path) - {module_of(path)} for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports__inside_functions__are_never_of_our_own(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not [module for module in read_imports(node) if module.startswith(("nvm_chain", "."))], node.name


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports__of_client_libraries__are_at_the_seam_only(path: Path) -> None:
    modules = set(read_imports(ast.parse(path.read_text("utf-8"))))
    assert not {module for module in modules if module.split(".")[0] in {"ape", "solcx"}}
    for library, allowed in SEAM.items():
        found = {module for module in modules if module.split(".")[0] == library}
        types_only = TYPES_ONLY if room_of(path) == "operations" else set()
        assert name(path) in allowed or found <= types_only


@pytest.mark.parametrize("room", OFFLINE)
def test_offline_room__loads_no_client__even_through_others(room: str) -> None:
    modules = sorted(module for module in MODULES if module.split(".")[1] == room)
    program = f"import sys, {', '.join(modules)}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    assert not load(program) & (CLIENTS - {"http", "socket"})  # which the standard library's own modules load


def load(program: str) -> set[str]:
    """Run a program in a new interpreter and return the words that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import__of_the_package__loads_nothing_else() -> None:
    loaded = load("import sys, nvm_chain; print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert "nvm_chain" in loaded
    assert not loaded & {"web3", "eth_account", "eth_abi", "eth_utils", "eth_tester", "pydantic", "requests", "click"}
