"""Entries of the reference: heading, signature, docstring, attributes and methods of a name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from tools.reference.names import (
    Entry,
    Page,
    find_method,
    list_public_methods,
    name_entry,
    parse,
    read_attribute_doc,
)
from tools.reference.signatures import LINE_LENGTH, fence, format_annotation, format_signature, format_value
from tools.reference.text import Linker, format_docstring, format_line

HIDDEN: Final = ("model_config",)
"""Class attributes that are a library's settings."""

Attribute: TypeAlias = tuple[str, str, str, str]
"""A class attribute's name, type, default and description."""


def list_attributes(node: ast.ClassDef) -> Iterator[Attribute]:
    """Yield the public attributes of a class: fields, enum members, and aliases of functions."""
    for item, following in zip(node.body, [*node.body[1:], None], strict=True):
        name = name_entry(item)
        if not name or name.startswith("_") or name in HIDDEN or not isinstance(item, ast.Assign | ast.AnnAssign):
            continue
        annotation = format_annotation(item.annotation) if isinstance(item, ast.AnnAssign) else ""
        value = format_value(item.value) if item.value else ""
        yield name, annotation, value, " ".join(read_attribute_doc(following).split())


def format_attributes(node: ast.ClassDef, page: Page, linker: Linker) -> str:
    """Format the attributes of a class as a table, without empty columns."""
    rows = [
        (
            f"`{name}`",
            f"`{annotation}`" if annotation else "",
            link_value(value, page, linker),
            format_line(description, page, linker),
        )
        for name, annotation, value, description in list_attributes(node)
    ]
    if not rows:
        return ""
    titles = ("name", "type", "value" if not any(row[1] for row in rows) else "default", "")
    kept = [number for number in range(4) if number == 0 or any(row[number] for row in rows)]
    lines = [" | ".join(titles[number] for number in kept), "|".join("---" for _ in kept)]
    lines += [" | ".join(row[number].replace("|", r"\|") for number in kept) for row in rows]
    return "\n".join([f"| {lines[0]} |", f"|{lines[1]}|", *(f"| {line} |" for line in lines[2:])])


def link_value(value: str, page: Page, linker: Linker) -> str:
    """Format an attribute's value. A function becomes a link, and a long value becomes empty."""
    other = re.fullmatch(r"(?:staticmethod\()?\w+\.(get_\w+)\)?", value)
    if other:
        return format_line(f"`{other[1]}`", page, linker)
    return f"`{value}`" if value and len(value) <= 60 else ""


def format_constant(node: ast.Assign | ast.AnnAssign, path: Path) -> str:
    """Format a constant as in its source, without a value of several lines."""
    source = ast.get_source_segment(path.read_text("utf-8"), node) or ""
    head, _, value = source.partition(" = ")
    return fence(
        "py", source if len(source) <= LINE_LENGTH and "\n" not in source else f"{head} = …" if value else head
    )


def format_entry(node: Entry, path: Path, page: Page, linker: Linker) -> list[str]:
    """Format the entry of a name: heading, signature and docstring. A class also has attributes and methods."""
    name = name_entry(node)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        body = parse(path).body
        following = body[body.index(node) + 1] if node is not body[-1] else None
        return [
            f"## {name}",
            format_constant(node, path),
            format_docstring(read_attribute_doc(following), page, linker),
        ]
    blocks = [f"## {name}", format_signature(node), format_docstring(ast.get_docstring(node) or "", page, linker)]
    if isinstance(node, ast.ClassDef):
        made = find_method(node, "__init__")
        blocks += [format_docstring(ast.get_docstring(made) or "", page, linker)] if made else []
        blocks.append(format_attributes(node, page, linker))
        for method in list_public_methods(node):
            docstring = format_docstring(ast.get_docstring(method) or "", page, linker)
            blocks += [f"### {node.name}.{method.name}", format_signature(method), docstring]
    return blocks
