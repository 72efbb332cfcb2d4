"""Texts for people: docstrings, messages, NatSpec, help and documents, each with its first line number."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
FOLDERS: Final = {".py": ("nvm_chain", "scripts", "tools"), ".sol": ("contracts",), ".md": ("docs",)}
TOP: Final = ("README.md", "SECURITY.md", "CONTRIBUTING.md")
GENERATED: Final = ("docs/reference/", "docs/assurance.md")
MIN_MESSAGE_WORDS: Final = 5
"""Texts in the code with fewer words are labels, unless they are docstrings or something of `ALWAYS_READ`."""
ALWAYS_READ: Final = {"problem", "next_step", "reason", "advice", "help", "short_help", "epilog"}
"""Constants and arguments whose text people read, however short it is."""

_NATSPEC: Final = re.compile(r"(?:^[ \t]*///[^\n]*\n)+|/\*\*.*?\*/", re.MULTILINE | re.DOTALL)
_SQL: Final = re.compile(
    r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|CREATE) [\s\S]*?\b(?:FROM|AS|INTO|SET|AGGREGATE|TABLE)\b"
)
_TAG: Final = re.compile(r"@(?:notice|dev|title|return|inheritdoc|custom:[\w-]+|(?:param) \w+)")


def find_files() -> list[Path]:
    """Return the files to check."""
    found = [
        path for suffix, folders in FOLDERS.items() for name in folders for path in (ROOT / name).rglob(f"*{suffix}")
    ]
    found += [ROOT / name for name in TOP]
    return sorted(path for path in found if not path.relative_to(ROOT).as_posix().startswith(GENERATED))


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each piece of prose in a file."""
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from _python_texts(ast.parse(source))
    elif path.suffix == ".sol":
        yield from _natspec_texts(source)
    else:
        yield 1, source


def _python_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield docstrings, texts under constants, and messages, without regular expressions and SQL.

    Values in f-strings become code.
    """
    inside: set[int] = set()
    read_always = set(_find_always_read(tree))
    for node in sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0)):
        text = None if id(node) in inside else _text_of(node)
        if text is None or "(?:" in text or _SQL.match(text):
            continue
        inside |= {id(child) for child in ast.walk(node)}
        if id(node) in read_always or len(re.findall(r"[A-Za-z]{2,} ", text)) >= MIN_MESSAGE_WORDS:
            yield getattr(node, "lineno", 0), text


def _text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "`x`" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _find_always_read(tree: ast.Module) -> Iterator[int]:
    """Yield the texts that are checked at any length: docstrings, and the values of the names in `ALWAYS_READ`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield id(node.value)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {ast.unparse(target).rpartition(".")[2] for target in targets}
        elif isinstance(node, ast.keyword):
            names = {node.arg or ""}
        else:
            continue
        if names & ALWAYS_READ and node.value is not None:
            yield from (id(child) for child in ast.walk(node.value))


def _natspec_texts(source: str) -> Iterator[tuple[int, str]]:
    for found in _NATSPEC.finditer(source):
        lines = [re.sub(r"^[ \t]*(?:///|/?\*+/?)[ \t]?", "", line) for line in found[0].splitlines()]
        yield source.count("\n", 0, found.start()) + 1, _TAG.sub("\n\n", "\n".join(lines))
