"""The table of attacks has every row of the catalogue once, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = TESTS / "attacks" / "README.md"
ROWS = {*(f"C{number}" for number in range(1, 40)), *(f"P{number}" for number in range(1, 18))}
NAME = re.compile(r"`([\w/]+\.py)::(\w+)`")


def read_rows() -> list[tuple[str, str, str, str]]:
    """Return the table's rows: id, attack, what becomes of it, tests."""
    rows = []
    for line in TABLE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[CPG]\d+", cells[0]):
            assert len(cells) == 4, line
            rows.append((cells[0], cells[1], cells[2], cells[3]))
    return rows


@cache
def functions_of(path: Path) -> frozenset[str]:
    """Return the test functions of a file, without running it."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


NAMED = NAME.findall(TABLE.read_text("utf-8"))


def test_table__has_every_row_of_the_catalogue_once() -> None:
    found = [row for row, *_ in read_rows()]
    assert (len(found), set(found)) == (len(ROWS), ROWS)


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: row[0])
def test_row__says_what_it_is_and_what_becomes_of_it_and_names_a_test(row: tuple[str, str, str, str]) -> None:
    _, attack, outcome, tests = row
    assert len(attack.split()) > 2
    assert len(outcome.split()) > 1
    assert NAME.findall(tests)
    assert not NAME.sub("", tests).strip()


def test_named_tests__are_there() -> None:
    missing = [
        f"{file}::{function}"
        for file, function in NAMED
        if not (TESTS / file).is_file() or function not in functions_of(TESTS / file)
    ]
    assert missing == []


def test_files_of_attacks__are_each_named_in_the_table() -> None:
    files = {f"attacks/{path.name}" for path in (TESTS / "attacks").glob("test_*.py")}
    assert files - {file for file, _ in NAMED} == set()
