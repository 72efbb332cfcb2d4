"""The texts that people read: docstrings, messages, NatSpec, help and documents, with the line where each begins."""

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
"""Texts in the code with fewer words are labels."""

_NATSPEC: Final = re.compile(r"(?:^[ \t]*///[^\n]*\n)+|/\*\*.*?\*/", re.MULTILINE | re.DOTALL)
_TAG: Final = re.compile(r"@(?:notice|dev|title|return|inheritdoc|custom:[\w-]+|(?:param) \w+)")


def find_files() -> list[Path]:
    """Return the files whose texts are looked at."""
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
    """Yield docstrings, texts under constants, and messages, without regular expressions; f-strings have code for each value."""
    inside: set[int] = set()
    for node in sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0)):
        if id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            inside |= {id(child) for child in ast.walk(node)}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "`x`" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if len(re.findall(r"[A-Za-z]{2,} ", text)) >= MIN_MESSAGE_WORDS and "(?:" not in text:
            yield node.lineno, text


def _natspec_texts(source: str) -> Iterator[tuple[int, str]]:
    for found in _NATSPEC.finditer(source):
        lines = [re.sub(r"^[ \t]*(?:///|/?\*+/?)[ \t]?", "", line) for line in found[0].splitlines()]
        yield source.count("\n", 0, found.start()) + 1, _TAG.sub("\n\n", "\n".join(lines))
