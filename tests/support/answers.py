"""Checks of --json answers against the tables in docs/cli.md."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from eth_utils.address import is_checksum_address

from nvm_chain.errors.formatting import EXACT_LIMIT

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"
SPREAD = "..."
SAME_AS = {
    "statement plan": "statement holder",
    "statement builder": "statement holder",
    "transaction": "transaction lookup",
}
"""Commands whose answers have the form of another command."""
VARIANTS = {"mint": ("mint", "mint, to many")}
"""Commands with more than one form of answer."""


def is_hex(digits: str) -> Callable[[object], bool]:
    """Return a check for text of 0x and this number of hexadecimal digits."""
    return lambda value: isinstance(value, str) and re.fullmatch(f"0x[0-9a-f]{digits}", value) is not None


def is_number(value: object) -> bool:
    """Return whether a value is an integer. Integers that some parsers cannot hold are text."""
    if isinstance(value, str):
        return re.fullmatch("[0-9]+", value) is not None and int(value) >= EXACT_LIMIT
    return isinstance(value, int) and not isinstance(value, bool) and value < EXACT_LIMIT


SIMPLE: dict[str, Callable[[object], bool]] = {
    "money": lambda value: isinstance(value, str) and re.fullmatch("[0-9]+", value) is not None,
    "plan id": is_hex("{64}"),
    "did": lambda value: isinstance(value, str) and re.fullmatch("did:nv:[0-9a-f]{64}", value) is not None,
    "agent id": is_number,
    "address": lambda value: isinstance(value, str) and is_checksum_address(value),
    "hash": is_hex("{64}"),
    "bytes": is_hex("*"),
    "credits": is_number,
    "integer": is_number,
    "second": is_number,
    "flag": lambda value: isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "json": lambda value: True,
}
"""The checks of the types in the page's first table."""


@cache
def read_page() -> Mapping[str, Mapping[str, str]]:
    """Return the types of the keys in each section of the page, by heading."""
    sections = re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        heading, _, text = section.partition("\n")
        rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|$", text, re.MULTILINE))
        if rows:
            found[heading] = rows
    return found


def find_problems(command: str, answer: Any) -> list[str]:
    """Return the differences between an answer and the page. The list is empty if there are none."""
    headings = VARIANTS.get(command, (SAME_AS.get(command, command),))
    found = [_check_object(heading, answer, command) for heading in headings]
    return min(found, key=len)


def _check_object(heading: str, value: Any, place: str) -> list[str]:
    """Return the differences between an object and a section of the page."""
    if not isinstance(value, dict):
        return [f"{place} is not an object"]
    tree = _build_tree(read_page()[heading])
    if tree.get(SPREAD) == "json":
        return []
    spread = tree.pop(SPREAD, None)
    if spread is not None:
        tree |= _build_tree(read_page()[spread])
    problems = [f"{place} lacks {key}" for key in tree.keys() - value.keys()]
    problems += [f"{place} has {key}, which is not documented" for key in value.keys() - tree.keys()]
    for key in tree.keys() & value.keys():
        problems += _check(tree[key], value[key], f"{place}.{key}")
    return problems


def _build_tree(rows: Mapping[str, str]) -> dict[str, Any]:
    """Convert keys such as `a[].b` into nested objects. A list becomes a tuple with the type of its items."""
    tree: dict[str, Any] = {}
    for path, kind in rows.items():
        head, _, rest = path.partition(".") if path != SPREAD else (path, "", "")
        key = head.removesuffix("[]")
        inner = (
            {**(tree[key][0] if isinstance(tree.get(key), tuple) else tree.get(key, {})), rest: kind} if rest else kind
        )
        tree[key] = (inner,) if head.endswith("[]") else inner
    return tree


def _check(kind: Any, value: Any, place: str) -> list[str]:
    if isinstance(kind, tuple):
        return _check_items(kind[0], value if isinstance(value, list) else None, f"{place}[]")
    if isinstance(kind, dict):
        return _check_keys(kind, value, place)
    if kind.endswith(" or null"):
        return [] if value is None else _check(kind.removesuffix(" or null"), value, place)
    if kind.startswith("map of "):
        items = list(value.values()) if isinstance(value, dict) else None
        return _check_items(kind.removeprefix("map of "), items, f"{place}{{}}")
    if kind not in SIMPLE:
        return _check_object(kind, value, place)
    return [] if SIMPLE[kind](value) else [f"{place} is not {kind}: {json.dumps(value)[:80]}"]


def _check_items(kind: Any, items: Sequence[Any] | None, place: str) -> list[str]:
    if items is None:
        return [f"{place} is not there"]
    return [problem for item in items for problem in _check(kind, item, place)]


def _check_keys(rows: Mapping[str, str], value: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is not an object"]
    tree = _build_tree(rows)
    problems = [f"{place} has other keys than documented: {sorted(tree.keys() ^ value.keys())}"]
    problems = problems if tree.keys() != value.keys() else []
    for key in tree.keys() & value.keys():
        problems += _check(tree[key], value[key], f"{place}.{key}")
    return problems
