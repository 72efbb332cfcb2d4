"""The public API is what `__all__` says, is documented, and changes only together with public_api.txt.

After a change on purpose: `NVM_CHAIN_WRITE_PUBLIC_API=1 pytest tests/house/test_public_api.py`, and read the difference.
"""

import ast
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import pytest

import nvm_chain

PACKAGE = Path(nvm_chain.__file__).parent
GOLDEN = Path(__file__).parent / "public_api.txt"
WRITE_VARIABLE = "NVM_CHAIN_WRITE_PUBLIC_API"
FILES = sorted(PACKAGE.rglob("*.py"))

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Documented: TypeAlias = Function | ast.ClassDef


def parse(module: str) -> ast.Module:
    """Return the syntax tree of one of the package's modules."""
    return ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text("utf-8"))


def typed_names() -> dict[str, str]:
    """Return what type checkers see: each public name with the module it comes from."""
    block = next(node for node in parse("__init__").body if isinstance(node, ast.If))
    assert isinstance(block.test, ast.Name)
    assert block.test.id == "TYPE_CHECKING"
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    assert all(alias.name == alias.asname for node in imports for alias in node.names)
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def is_property(node: Function) -> bool:
    """Tell whether a function is read as an attribute, so that its docstring names a thing."""
    names = {ast.unparse(decorator) for decorator in node.decorator_list}
    return bool(names & {"property", "cached_property"})


def public_nodes(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """Yield every public function, class and method of a module with its dotted name."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            yield from public_nodes(node.body, f"{prefix}{node.name}.")


# ---------------------------------------------------------------------- the list of names


def test_all__is_what_type_checkers_and_the_lazy_table_say() -> None:
    lazy = {name: f"nvm_chain.{module}" for name, module in nvm_chain._HOMES.items()}
    lazy |= dict.fromkeys(nvm_chain._MODULES, "nvm_chain")
    assert typed_names() == lazy
    assert nvm_chain.__all__ == sorted([*lazy, "__version__"])
    assert dir(nvm_chain) == nvm_chain.__all__


@pytest.mark.parametrize("name", nvm_chain.__all__)
def test_public_name__resolves(name: str) -> None:
    value = getattr(nvm_chain, name)
    home = nvm_chain._HOMES.get(name)
    if isinstance(value, int):  # a constant, which does not know where it comes from
        assert value == getattr(import_module(f"nvm_chain.{home}"), name)
    else:
        assert value.__module__ == f"nvm_chain.{home}" if home else value is not None


def test_unknown_name__raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'nvm_chain' has no attribute 'no_such_name'"):
        nvm_chain.no_such_name  # noqa: B018


# ---------------------------------------------------------------------- docstrings


def is_sentence(text: str) -> bool:
    """Tell whether a line begins and ends as a sentence does."""
    return (text[:1].isupper() or text[:1].isdigit()) and text.endswith(".")


def is_imperative(text: str) -> bool:
    """Tell whether a sentence's first word can be a command, as far as its letters show."""
    word = text.partition(" ")[0].lower().rstrip(".,:")
    noun = word in {"a", "an", "the", "this", "that", "it", "whether", "who", "what", "where", "how", "true", "false"}
    return not noun and not word.endswith(("ing", "ed")) and (word.endswith("ss") or not word.endswith("s"))


@pytest.mark.parametrize(
    ("sentence", "imperative"),
    [
        ("Read a plan.", True),
        ("Pass it on.", True),
        ("Returns a plan.", False),
        ("The plan.", False),
        ("Reading.", False),
    ],
)
def test_is_imperative__of_samples__tells_commands(sentence: str, imperative: bool) -> None:
    assert is_imperative(sentence) is imperative


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings__of_public_names__begin_with_a_sentence(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for name, node in public_nodes(tree.body):
        line = (ast.get_docstring(node) or "").partition("\n")[0]
        assert is_sentence(line), f"{name}: {line!r}"
        if not isinstance(node, ast.ClassDef) and not is_property(node):
            assert is_imperative(line), f"{name}: {line!r}"


# ---------------------------------------------------------------------- signatures


def describe_function(name: str, node: Function) -> str:
    """Write a function's signature as in the source, on one line."""
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    kind = " [property]" if is_property(node) else ""
    return f"{name}({ast.unparse(node.args)}){result}{kind}"


def describe_class(name: str, node: ast.ClassDef) -> Iterator[str]:
    """Write a class with its bases, its public fields, `__init__` and its public methods."""
    yield f"class {name}({', '.join(map(ast.unparse, node.bases))})"
    for item in node.body:
        if isinstance(item, ast.AnnAssign | ast.Assign) and not ast.unparse(item).startswith("_"):
            yield f"    {ast.unparse(item)}"
        elif (
            isinstance(item, ast.FunctionDef)
            and item.name != "message"  # every error has one
            and (item.name == "__init__" or not item.name.startswith("_"))
        ):
            yield f"    {describe_function(item.name, item)}"


def describe(module: str, wanted: set[str] | None) -> Iterator[str]:
    """Write the wanted, or all, public functions and classes that a module defines."""
    for node in parse(module).body:
        name = getattr(node, "name", "_")
        if name.startswith("_") or (wanted is not None and name not in wanted):
            continue
        if isinstance(node, ast.ClassDef):
            yield from describe_class(f"{module}.{name}", node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield describe_function(f"{module}.{name}", node)


def describe_package(package: str) -> Iterator[str]:
    """Write what a public package exports, in the module that defines it."""
    exported = set(import_module(f"nvm_chain.{package}").__all__)
    yield from (f"{package}.{name}" for name in sorted(exported))
    for path in sorted((PACKAGE / package).glob("[!_]*.py")):
        yield from describe(f"{package}.{path.stem}", exported)


def describe_public_api() -> str:
    """Write everything public: the names of the package, and all of the modules that are public as a whole."""
    lines = [f"nvm_chain.{name}" for name in nvm_chain.__all__]
    for module in sorted({*nvm_chain._MODULES, *nvm_chain._HOMES.values()}):
        if (PACKAGE / module).is_dir():
            lines += ["", *describe_package(module)]
        elif "." not in module:  # else it is described with its package
            whole = module in nvm_chain._MODULES
            wanted = None if whole else {name for name, home in nvm_chain._HOMES.items() if home == module}
            lines += ["", *describe(module, wanted)]
    return "\n".join(lines) + "\n"


def test_public_api__is_as_committed() -> None:
    if os.environ.get(WRITE_VARIABLE):
        GOLDEN.write_text(describe_public_api(), "utf-8")
    assert describe_public_api() == GOLDEN.read_text("utf-8")
