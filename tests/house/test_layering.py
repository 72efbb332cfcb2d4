"""Imports inside nvm_chain point down by the layers of the design, in no circle, and load nothing before it is needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "nvm_chain"
LAYERS = {
    0: "errors contract_errors types units addresses ids pricing networks keys dev_accounts contexts "
    "signatures eip712 wire vouchers authorizations permits abis path_patterns endpoints leaks file_entries metadata "
    "agent_types file_names event_types",
    1: "artifacts deployments reverts chain embedded connecting events whole_files http_client storage folder_store "
    "ipfs_store file_sources downloads",
    2: "tokens token_domains wallets plans credits paying receipts relaying orders usage settling agents assets ddo "
    "deploying",
    3: "statements",
    4: "cli demo payments",
}
LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules.split()}
SEAM = {
    "web3": {"chain", "embedded"},
    "eth_tester": {"embedded"},
    "requests": {"chain", "http_client"},
    "urllib3": {"http_client"},
}
TYPES_ONLY = {
    "orders": {"web3.contract.contract"},
    "paying": {"web3.types", "web3.contract.contract"},
    "receipts": {"web3.types"},
    "settling": {"web3.types"},
}
"""What these take from `chain` and hand back to it has types of web3's; nothing in them talks to a node."""
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def module_of(path: Path) -> str:
    """Return a file's module; a folder such as cli/ counts as one."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


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
    """Return the modules of our own that a file imports, itself left out."""
    names = [name.split(".") for name in read_imports(ast.parse(path.read_text("utf-8")))]
    return {name[1] for name in names if name[0] == "nvm_chain" and len(name) > 1} - {module_of(path)}


def test_layers__of_every_module__are_in_the_table() -> None:
    assert {module_of(path) for path in FILES} <= set(LAYER_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__of_each_file__point_down(path: Path) -> None:
    unknown = own_imports(path) - set(LAYER_OF)
    assert unknown <= {"__version__"}
    assert {name for name in own_imports(path) - unknown if LAYER_OF[name] > LAYER_OF[module_of(path)]} == set()


def test_imports__of_all_files__make_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        graph.setdefault(module_of(path), set()).update(own_imports(path))
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__inside_functions__are_never_of_our_own(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not [name for name in read_imports(node) if name.startswith(("nvm_chain", "."))], node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__of_client_libraries__are_at_the_seam_only(path: Path) -> None:
    names = set(read_imports(ast.parse(path.read_text("utf-8"))))
    assert not {name for name in names if name.split(".")[0] in {"ape", "solcx"}}
    for library, allowed in SEAM.items():
        found = {name for name in names if name.split(".")[0] == library}
        assert module_of(path) in allowed or found <= TYPES_ONLY.get(module_of(path), set())


def test_import__of_the_package__loads_nothing_else() -> None:
    program = "import sys, nvm_chain; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "nvm_chain" in loaded
    assert not loaded & {"web3", "eth_account", "eth_abi", "eth_utils", "eth_tester", "pydantic", "requests", "click"}
