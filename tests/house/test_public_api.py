"""The public API is what `__all__` says, is documented, and changes only together with public_api.txt.

After a change on purpose: `NVM_CHAIN_WRITE_PUBLIC_API=1 pytest tests/house/test_public_api.py`, and read the difference.
"""

import ast
import inspect
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import pytest

import nvm_chain
from nvm_chain._public_names import HOMES, MODULES
from tools.write_public_names import STUB, TABLE, write_stub, write_table

PACKAGE = Path(nvm_chain.__file__).parent
GOLDEN = Path(__file__).parent / "public_api.txt"
WRITE_VARIABLE = "NVM_CHAIN_WRITE_PUBLIC_API"
FILES = sorted(PACKAGE.rglob("*.py"))

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Documented: TypeAlias = Function | ast.ClassDef


def parse(module: str) -> ast.Module:
    """Return the syntax tree of one of the package's modules, by its dotted name below nvm_chain."""
    path = PACKAGE / module.replace(".", "/")
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8"))


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


def test_table_and_stub__written_again__are_as_committed() -> None:
    assert TABLE.read_text("utf-8") == write_table()
    assert STUB.read_text("utf-8") == write_stub()


def test_all__is_the_table() -> None:
    assert nvm_chain.__all__ == sorted([*HOMES, *MODULES, "__version__"])
    assert dir(nvm_chain) == nvm_chain.__all__


@pytest.mark.parametrize("name", nvm_chain.__all__)
def test_public_name__resolves(name: str) -> None:
    value = getattr(nvm_chain, name)
    if name in MODULES:
        assert value is import_module(MODULES[name])
    elif name in HOMES:
        assert inspect.unwrap(value) is inspect.unwrap(getattr(import_module(HOMES[name]), name))
    else:
        assert value == nvm_chain.__version__


def test_unknown_name__raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'nvm_chain' has no attribute 'no_such_name'"):
        nvm_chain.no_such_name  # type: ignore[attr-defined]  # noqa: B018


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


def find_wrong_docstrings(path: Path) -> Iterator[str]:
    """Yield the public names whose docstring does not begin as it should, with its first line."""
    for name, node in public_nodes(ast.parse(path.read_text("utf-8")).body):
        line = (ast.get_docstring(node) or "").partition("\n")[0]
        is_told = isinstance(node, ast.ClassDef) or is_property(node) or is_imperative(line)
        if not is_sentence(line) or not is_told:
            yield f"{path.relative_to(PACKAGE)}, {name}: {line!r}"


def test_docstrings__of_public_names__begin_with_a_sentence() -> None:
    assert [wrong for path in FILES for wrong in find_wrong_docstrings(path)] == []


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


def describe_public_api() -> str:
    """Write everything public: the names of the package, and what each of their homes defines of them."""
    lines = [f"nvm_chain.{name}" for name in nvm_chain.__all__]
    wanted: dict[str, set[str] | None] = {}
    for name, home in HOMES.items():
        wanted[home] = (wanted.get(home) or set()) | {name}
    wanted |= dict.fromkeys(set(MODULES.values()))
    for module in sorted(wanted):
        lines += ["", *describe_module(module.removeprefix("nvm_chain."), wanted[module])]
    return "\n".join(lines) + "\n"


def describe_module(module: str, wanted: set[str] | None) -> Iterator[str]:
    """Write the wanted names of a module; of a public package all that it exports, in the files that define it."""
    if not (PACKAGE / module).is_dir():
        yield from describe(module, wanted)
        return
    exported = set(import_module(f"nvm_chain.{module}").__all__) if wanted is None else wanted
    yield from (f"{module}.{name}" for name in sorted(exported))
    for path in sorted((PACKAGE / module).glob("[!_]*.py")):
        yield from describe(f"{module}.{path.stem}", exported)


def test_public_api__is_as_committed() -> None:
    if os.environ.get(WRITE_VARIABLE):
        GOLDEN.write_text(describe_public_api(), "utf-8")
    assert describe_public_api() == GOLDEN.read_text("utf-8")
