"""Where the compiler's checks are off: every `unchecked` block, and every cast to a type that has less room."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.assurance.static.ledger import Find
from tests.assurance.static.project import ROOT, read_trees, walk

_DEFINITIONS = ("FunctionDefinition", "ModifierDefinition")


def find_unchecked(root: Path = ROOT) -> list[Find]:
    """Return every `unchecked` block with the function it is in and its text."""
    return [
        {"place": place, "code": _text(node, source)}
        for place, node, source in _find_nodes(root)
        if node["nodeType"] == "UncheckedBlock"
    ]


def find_narrowing_casts(root: Path = ROOT) -> list[Find]:
    """Return every cast that can lose something, with the function it is in and its text. Casts of constants are checked when compiled."""
    found = []
    for place, node, source in _find_nodes(root):
        if node["nodeType"] == "FunctionCall" and node["kind"] == "typeConversion":
            given, made = (part["typeDescriptions"]["typeString"] for part in (node["arguments"][0], node))
            if _loses(given, made):
                found.append(
                    {"place": place, "code": _text(node, source), "cast": f"{_short(given)} to {_short(made)}"}
                )
    return found


def _find_nodes(root: Path) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Yield every node inside a function, with the function's name and the source of the file."""
    for path, tree in read_trees(root).items():
        source = (root / path).read_bytes()
        for outer in tree["nodes"]:
            for definition in outer.get("nodes", [outer]):
                if definition["nodeType"] in _DEFINITIONS:
                    function = definition["name"] or definition["kind"]
                    place = f"{outer['name']}.{function}" if outer is not definition else function
                    yield from ((place, node, source) for node in walk(definition))


def _text(node: dict[str, Any], source: bytes) -> str:
    """Return a node's source, moved to the left margin."""
    start, length = (int(number) for number in node["src"].split(":")[:2])
    before = source[:start].rpartition(b"\n")[2].decode()
    margin = len(before) - len(before.lstrip())
    text = source[start : start + length].decode()
    return re.sub(rf"\n {{{margin}}}", "\n", text) + ("\n" if "\n" in text else "")


def _short(name: str) -> str:
    return name.replace(" memory", "").replace(" calldata", "").replace(" storage ref", "")


def _loses(given: str, made: str) -> bool:
    """Return whether a value of the one type may not fit the other."""
    if given.startswith(("int_const", "enum", "contract", "literal_string")) or made.startswith(("enum", "contract")):
        return False  # constants do not compile where they do not fit, a wrong enum reverts, a contract is an address
    if given.startswith("bytes ") or given == "bytes":
        return made.startswith("bytes") and made != "bytes"
    (kind, bits), (other, room) = _size(given), _size(made)
    return room < bits or {kind, other} == {"uint", "int"}


def _size(name: str) -> tuple[str, int]:
    """Return a value type's kind and its bits."""
    if match := re.fullmatch(r"(uint|int|bytes)(\d+)", name):
        return match[1], int(match[2]) * (8 if match[1] == "bytes" else 1)
    return name, {"address": 160, "address payable": 160, "bool": 1}.get(name, 0)
