"""Lists of what was looked at and found right, each entry with its reason: what is not in a list fails, and so does an entry that nothing matches.

A list is a TOML file. To take up what is new, and drop what is gone, run the tests with `NVM_CHAIN_WRITE_GOLDEN=1`:
entries that still match keep their reasons, new ones have an empty reason, and fail until somebody has written it.
"""

import difflib
import json
import os
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

VARIABLE = "NVM_CHAIN_WRITE_GOLDEN"
FEWEST_WORDS = 5
"""A reason shorter than this is none."""

Find = dict[str, str]
"""What a tool found, as the named texts that tell it from others. Line numbers are not among them: they move."""


def is_writing() -> bool:
    """Return whether lists and golden files are to be written anew."""
    return bool(os.environ.get(VARIABLE))


def read_entries(path: Path) -> list[dict[str, str | int]]:
    """Return the entries of a list, in its order."""
    if not path.is_file():
        return []
    entries: list[dict[str, str | int]] = tomllib.loads(path.read_text("utf-8")).get("entry", [])
    return entries


def compare_with_list(found: Iterable[Find], path: Path) -> list[str]:
    """Return in words what differs between what was found and what is listed; write the list anew if that is asked for."""
    counted = Counter(_key(find) for find in found)
    if is_writing():
        write_list(counted, path)
    listed: Counter[tuple[tuple[str, str], ...]] = Counter()
    problems = []
    for entry in read_entries(path):
        find = {name: str(value) for name, value in entry.items() if name not in ("reason", "times")}
        listed[_key(find)] += int(entry.get("times", 1))
        if len(str(entry.get("reason", "")).split()) < FEWEST_WORDS:
            problems.append(f"no reason is given in {path.name} for {_show(_key(find))}")
    problems += [f"not in {path.name} ({count}×): {_show(key)}" for key, count in (counted - listed).items()]
    problems += [f"matches nothing any more, in {path.name}: {_show(key)}" for key in listed - counted]
    return problems


def check_list(found: Iterable[Find], path: Path) -> None:
    """Fail unless a list names exactly what was found."""
    if problems := compare_with_list(found, path):
        pytest.fail(
            "\n\n".join(problems) + f"\n\nLook at each. `{VARIABLE}=1` writes the list anew; the reasons are yours.",
            pytrace=False,
        )


def write_list(counted: Counter[tuple[tuple[str, str], ...]], path: Path) -> None:
    """Write what was found as a list, with the reasons that were there. Comments above the first entry stay."""
    reasons = {
        _key({name: str(value) for name, value in entry.items() if name not in ("reason", "times")}): entry["reason"]
        for entry in read_entries(path)
    }
    head = path.read_text("utf-8").partition("[[entry]]")[0] if path.is_file() else ""
    blocks = []
    for key in [*(key for key in reasons if key in counted), *sorted(key for key in counted if key not in reasons)]:
        lines = ["[[entry]]", *(f"{name} = {_quote(value)}" for name, value in key)]
        lines += [f"times = {counted[key]}"] if counted[key] > 1 else []
        blocks.append("\n".join([*lines, f"reason = {_quote(str(reasons.get(key, '')))}"]) + "\n")
    path.write_text(head + "\n".join(blocks), "utf-8")


def check_golden(text: str, path: Path) -> None:
    """Fail unless a golden file has exactly this text; write it if that is asked for."""
    if is_writing():
        path.write_text(text, "utf-8")
    golden = path.read_text("utf-8") if path.is_file() else ""
    if golden != text:
        lines = difflib.unified_diff(
            golden.splitlines(), text.splitlines(), f"golden/{path.name}", "now", lineterm="", n=0
        )
        pytest.fail(
            "\n".join(lines)
            + f"\n\nIf that is what was meant, run the test with {VARIABLE}=1 and commit the golden file.",
            pytrace=False,
        )


def _key(find: Find) -> tuple[tuple[str, str], ...]:
    return tuple(find.items())


def _quote(text: str) -> str:
    if "\n" in text:
        return f"'''\n{text}'''"
    return json.dumps(text, ensure_ascii=False)


def _show(key: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{name} = {value!r}" if "\n" not in value else f"{name}:\n{value}" for name, value in key)
