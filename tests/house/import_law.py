"""What a source text imports, and which of it breaks the law of the rooms: imports point down, and clients are at the seam."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "nvm_chain"
ROOMS = [
    "enums",
    "errors",
    "types",
    "signing",
    "metadata",
    "terms",
    "chain",
    "storage",
    "operations",
    "index",
    "statements",
    "meter",
    "x402",
    "mpp",
    "client",
    "gateway",
    "integrations",
    "streamlit",
    "payments",
    "demo",
    "cli",
]
"""Lowest first. A room imports from itself and from rooms before it."""
OFFLINE = ("enums", "errors", "types", "signing", "metadata", "terms")
"""Rooms that know neither a node nor a server."""
CLIENTS = {"web3", "requests", "urllib3", "httpx", "aiohttp", "eth_tester"}
"""Libraries that no offline room loads, even through others."""
NETWORK = {"asyncio", "ftplib", "http", "imaplib", "poplib", "smtplib", "socket", "socketserver", "ssl", "subprocess"}
NETWORK |= {"urllib.request", "webbrowser", "xmlrpc"}
"""Modules of Python that reach out. Others of its modules load them too, so offline rooms may not name them."""
SEAM: dict[str, set[str]] = {
    "web3": {
        f"chain/{name}.py"
        for name in (
            *("asking_many", "async_rpc", "batches", "bulk_handover", "bulk_waiting", "client", "embedded", "fees"),
            *("node", "receipts", "replays", "repricing", "rpc", "sending", "shipments", "signed_transactions"),
            "signing_many",
        )
    },
    "eth_tester": {"chain/embedded.py"},
    "requests": {
        *("chain/rpc.py", "chain/transport/http.py", "chain/transport/timed_http.py", "client/requests_adapter.py"),
        "integrations/x402/requests_session.py",
        *("demo/buying.py", "storage/http.py", "storage/public_hosts.py"),
    },
    "urllib3": {
        *("chain/transport/http.py", "chain/transport/timed_http.py", "client/requests_adapter.py", "storage/http.py"),
        "storage/public_hosts.py",
    },
    "websockets": {"chain/transport/websocket.py"},
    "httpx": {"client/httpx_transports.py", "integrations/x402/httpx_client.py"},
    "aiohttp": {"gateway/sockets/upstream.py", "gateway/upstream.py", "gateway/webhooks/posting.py"},
    "urllib.request": set(),
    "ape": set(),
    "solcx": set(),
}
"""Which files may import a library that talks to a node or a server."""
TYPES_ONLY = {"web3.types", "web3.contract.contract"}
"""What operations take from `chain` and hand back to it has types of web3's; nothing in them talks to a node."""
LOADERS = {"cli/groups.py", "cli/lazy.py"}
"""Files that import a module by a text: those of the program, which import the rest when a command needs it."""
FROM_IMPORTLIB = {"importlib.resources", "importlib.machinery", "importlib.util.find_spec"}
"""What every file may use of importlib: it reads files and looks for modules, and imports none."""
BY_TEXT = {"__import__", "eval", "exec"}
BY_TEXT_MODULES = {"importlib", "imp", "pkgutil", "runpy", "zipimport"}
TABLES = {"__init__.py", "_public_names.py", "_moved.py"}
"""The package's own, which name every room and import none."""
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name not in TABLES)


def name(path: Path) -> str:
    """Return a file's name within the package."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(file: str) -> str:
    """Return the room of a file of the package: its folder, or the file itself at the top."""
    return Path(file).with_suffix("").parts[0]


def module_of(path: Path) -> str:
    """Return a file's dotted module."""
    parts = ("nvm_chain", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in FILES}


@functools.lru_cache(maxsize=1)
def list_nodes(module: ast.AST) -> list[ast.AST]:
    """Return all nodes of a file. Each rule looks at them, and to find them takes longer."""
    return [*ast.walk(module)]


def read_imports(tree: ast.AST) -> Iterator[str]:
    """Yield every dotted name that is imported anywhere below a node: `from a import b` is `a.b`, with a dot for each level."""
    for node in list_nodes(tree) if isinstance(tree, ast.Module) else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = "." * node.level + (node.module or "")
            yield from (f"{home}.{alias.name}" if node.module else f"{home}{alias.name}" for alias in node.names)


def own_imports(source: str) -> set[str]:
    """Return the modules of our own that a source imports: `from nvm_chain.types import plans` is nvm_chain.types.plans."""
    return find_own(ast.parse(source))


def find_own(tree: ast.AST) -> set[str]:
    """Return the modules of our own that are imported below a node."""
    found = {imported for imported in read_imports(tree) if imported.startswith("nvm_chain.")}
    return {imported if imported in MODULES else imported.rpartition(".")[0] for imported in found} - {"nvm_chain"}


def is_below(imported: str, module: str) -> bool:
    """Return whether a dotted name is a module or something in it."""
    return imported == module or imported.startswith(f"{module}.")


def find_breaches(file: str, source: str) -> list[str]:
    """Return what a source would do against the law as a file of the package, each as a sentence without its end."""
    tree = ast.parse(source)
    return [
        *_find_upward(file, tree),
        *_find_whole_package(tree),
        *_find_by_text(file, tree),
        *_find_in_functions(tree),
        *_find_clients(file, tree),
    ]


def _find_upward(file: str, tree: ast.AST) -> Iterator[str]:
    allowed = ROOMS[: ROOMS.index(room_of(file)) + 1]
    for module in sorted(find_own(tree)):
        if module.split(".")[1] not in allowed:
            yield f"imports {module}, which is above it"


def _find_whole_package(tree: ast.AST) -> Iterator[str]:
    """Yield imports behind which every room is in reach: by a relative path, of the package itself, of its public names."""
    for node in list_nodes(tree):
        for alias in node.names if isinstance(node, ast.Import) else ():
            if alias.name == "nvm_chain" or (is_below(alias.name, "nvm_chain") and not alias.asname):
                yield f"imports {alias.name} and with it the name nvm_chain, which has every room"
    for imported in read_imports(tree):
        if imported.startswith("."):
            yield f"imports {imported} by a relative path"
        if imported.startswith("nvm_chain.") and imported.split(".")[1] not in [*ROOMS, "__version__"]:
            yield f"imports {imported} from the package, not from its room"


def _find_by_text(file: str, tree: ast.AST) -> Iterator[str]:
    """Yield what imports a module whose name is a text, which no reader of imports sees."""
    for node in list_nodes(tree):
        if isinstance(node, ast.Name) and node.id in BY_TEXT:
            yield f"calls {node.id}"
    for imported in read_imports(tree) if file not in LOADERS else ():
        allowed = any(is_below(imported, module) for module in FROM_IMPORTLIB)
        if imported.split(".")[0] in BY_TEXT_MODULES and not allowed:
            yield f"imports {imported}, which imports by a text"


def _find_in_functions(tree: ast.AST) -> Iterator[str]:
    for node in list_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for imported in read_imports(node):
                if is_below(imported, "nvm_chain") or imported.startswith("."):
                    yield f"imports {imported} inside {node.name}"


def _find_clients(file: str, tree: ast.AST) -> Iterator[str]:
    room = room_of(file)
    types_only = TYPES_ONLY if room == "operations" else set()
    for imported in read_imports(tree):
        if any(is_below(imported, module) for module in types_only):
            continue
        seam = next((SEAM[library] for library in SEAM if is_below(imported, library)), None)
        if seam is not None and file not in seam:
            yield f"imports {imported}, which is of the seam"
        if room in OFFLINE and any(is_below(imported, module) for module in NETWORK):
            yield f"imports {imported}, and is an offline room"
