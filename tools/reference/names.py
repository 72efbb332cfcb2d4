"""Names of the reference. They are parsed from the source, without an import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Final, TypeAlias

import nvm_chain
from nvm_chain._public_names import HOMES as PUBLIC_HOMES
from nvm_chain._public_names import MODULES
from tools.reference.errors import list_error_classes

PACKAGE: Final = Path(nvm_chain.__file__).parent
WHOLE: Final = ("payments", "statements")
"""Rooms with one page for all that they export; of other rooms each file has a page."""
SPREAD: Final = ("metadata", "types")
"""Rooms all of whose exported names are told, whether `nvm_chain` has them too or not."""
ELSEWHERE: Final = "errors"
"""The room whose names are told on the page of errors."""
ORDER: Final = {
    "payments": ("first_generation", "plans_api", "agents_api", "session", "tokens", "results", "sdk_names")
}
"""The files of a package that come first on its page; others follow in the order in which its `__init__` names them."""
ALIASES: Final[dict[str, str]] = {name: module.removeprefix("nvm_chain.") for name, module in MODULES.items()}
"""Modules by the name under which `nvm_chain` has them."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Entry: TypeAlias = Function | ast.ClassDef | ast.Assign | ast.AnnAssign


def page_of(module: str) -> str:
    """Return the page of a module: a page of its whole room, or of the module only."""
    room = module.partition(".")[0]
    return room if room in (*WHOLE, ELSEWHERE) else module


HOMES: Final[dict[str, str]] = {
    name: page_of(module.removeprefix("nvm_chain.")) for name, module in PUBLIC_HOMES.items()
}
"""The page of each public name."""


@dataclass(frozen=True, slots=True)
class Page:
    """Page of the reference: its module, and the files that it describes."""

    module: str
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """File name of the page."""
        return f"{self.module}.md"


def list_pages() -> list[Page]:
    """Return all pages: modules with public names, public modules, and the files of completely documented rooms."""
    spread = {f"{room}.{path.stem}" for room in SPREAD for path in list_files(room)}
    modules = {*HOMES.values(), *(page_of(module) for module in ALIASES.values() if module not in SPREAD), *spread}
    return [Page(module, list_files(module)) for module in sorted(modules - {ELSEWHERE})]


def list_files(module: str) -> tuple[Path, ...]:
    """Return the files of a module. For a package return the files of its exported names."""
    folder = PACKAGE / module.replace(".", "/")
    if not folder.is_dir():
        return (folder.with_suffix(".py"),)
    body = parse(folder / "__init__.py").body
    homes = [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    own = [home.rpartition(".")[2] for home in homes if home.startswith(f"nvm_chain.{module}.")]
    return tuple(folder / f"{part}.py" for part in dict.fromkeys([*ORDER.get(module, ()), *own]))


@cache
def parse(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def read_purpose(page: Page) -> str:
    """Return the docstring of a page's module."""
    path = PACKAGE / page.module / "__init__.py" if len(page.paths) > 1 else page.paths[0]
    return ast.get_docstring(parse(path)) or ""


def list_entries(page: Page) -> list[Entry]:
    """Return the public names of a page, in source order. A constant counts if it is exported or has a docstring.

    Of a package there are only the names that it exports, and the types of results.
    """
    exported = {alias.asname or alias.name for alias in read_exports(page)}
    entries = []
    for path in page.paths:
        body = parse(path).body
        for node, following in zip(body, [*body[1:], None], strict=True):
            name = name_entry(node)
            if not name or name.startswith("_"):
                continue
            if isinstance(node, ast.Assign | ast.AnnAssign) and not (name in HOMES or read_attribute_doc(following)):
                continue
            if len(page.paths) == 1 or name in exported or is_result(path, node):
                assert isinstance(
                    node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
                )
                entries.append(node)
    return entries


def read_exports(page: Page) -> list[ast.alias]:
    """Return the names that a package's `__init__` imports. Empty for a module in one file."""
    if len(page.paths) == 1:
        return []
    body = parse(PACKAGE / page.module / "__init__.py").body
    return [alias for node in body if isinstance(node, ast.ImportFrom) for alias in node.names]


def is_result(path: Path, node: ast.stmt) -> bool:
    """Return whether a node is the type of a result. Callers use such a type without importing it."""
    return path.stem == "results" and isinstance(node, ast.ClassDef)


def name_entry(node: ast.stmt | None) -> str:
    """Return the name that a statement defines, or an empty text."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def read_attribute_doc(following: ast.stmt | None) -> str:
    """Return the docstring after an attribute, if the next statement is a text."""
    if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
        return cleandoc(following.value.value) if isinstance(following.value.value, str) else ""
    return ""


def find_method(node: ast.ClassDef, name: str) -> Function | None:
    """Return a method of a class by name."""
    return next((item for item in list_methods(node) if item.name == name), None)


def list_methods(node: ast.ClassDef) -> list[Function]:
    """Return all methods of a class."""
    return [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]


def list_headings(page: Page) -> Iterator[str]:
    """Yield the headings of a page: its names, and the methods of its classes."""
    for node in list_entries(page):
        yield name_entry(node)
        if isinstance(node, ast.ClassDef):
            for method in list_public_methods(node):
                yield f"{node.name}.{method.name}"


@cache
def list_classes() -> dict[str, ast.ClassDef]:
    """Return every class of the package by name."""
    trees = [parse(path) for path in sorted(PACKAGE.rglob("*.py"))]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def list_public_methods(node: ast.ClassDef) -> list[Function]:
    """Return the public methods of a class: its own methods, and the methods of undocumented bases.

    What bases that are told have in the same words is left out.
    """
    bases = list(list_bases(node))
    told = {(item.name, ast.get_docstring(item)) for base in bases if is_told(base) for item in list_methods(base)}
    methods: dict[str, Function] = {}
    for owner in (node, *(base for base in bases if not is_told(base))):
        for method in list_methods(owner):
            if not method.name.startswith("_") and (method.name, ast.get_docstring(method)) not in told:
                methods.setdefault(method.name, method)
    return list(methods.values())


def is_told(node: ast.ClassDef) -> bool:
    """Return whether a class is on a page of the reference or of errors."""
    return node.name in list_error_classes() or node in list_told()


@cache
def list_told() -> list[Entry]:
    """Return the names of all pages."""
    return [node for page in list_pages() for node in list_entries(page)]


def list_bases(node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """Yield the base classes of a class, if they belong to the package."""
    for base in node.bases:
        found = list_classes().get(ast.unparse(base).partition("[")[0])
        if found is not None:
            yield found
            yield from list_bases(found)
