"""Path patterns: as path-to-regexp has them, and never slow."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import InvalidEndpoint
from nvm_chain.metadata.path_patterns import MAX_COMBINATIONS, MAX_GROUPS, MAX_PATTERN, parse_path_pattern

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "endpoints.json").read_text("utf-8"))
CASES: list[tuple[str, str, Any]] = [tuple(case) for case in VECTORS["cases"]]


def answer(pattern: str, path: str) -> Any:
    """Return what the vectors have: parameters, None, or that the pattern is refused."""
    try:
        found = parse_path_pattern(pattern).match(path)
    except InvalidEndpoint:
        return "error"
    return None if found is None else {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


def test_match__of_every_vector__answers_as_path_to_regexp() -> None:
    wrong = [(pattern, path, expected, answer(pattern, path)) for pattern, path, expected in CASES]
    assert [case for case in wrong if case[2] != case[3]] == []


def test_vectors__have_enough_of_each_kind() -> None:
    kinds = ["error" if answer == "error" else "none" if answer is None else "match" for _, _, answer in CASES]
    assert VECTORS["path-to-regexp"].startswith("9.")
    assert {kind: kinds.count(kind) > 100 for kind in ("error", "none", "match")} == dict.fromkeys(
        ("error", "none", "match"), True
    )


HERE = "has no meaning here; write :name for a segment, *name for several, or"
REFUSED = [
    ("/a?", f"at character 3: ? {HERE} \\? for the character itself"),
    ("/a}", f"at character 3: }} {HERE} \\}} for the character itself"),
    ("/(.*)", f"at character 2: ( {HERE} \\( for the character itself"),
    ("/{a", "at character 3: a { is not closed"),
    ("/:", "at character 2: a name is missing behind :; write :name"),
    ("/*", "at character 2: a name is missing behind *; write *name"),
    ("/:1", "at character 2: a name is missing behind :; write :name"),
    ('/:""', "at character 4: a name is missing behind :; write :name"),
    ('/:"a', 'at character 4: a " is not closed'),
    ("/\\", "at character 2: nothing follows the \\"),
    ("/:a:b", "there has to be text before 'b'"),
    ("/:a\u30fb", 'at character 3: whether \u30fb belongs to the name is not certain; write "a" in quotes'),
    ("/*a\U0001f600/x", 'at character 3: whether \U0001f600 belongs to the name is not certain; write "a" in quotes'),
    ("/:\u037a", "at character 2: a name is missing behind :; write :name"),
]


@pytest.mark.parametrize(("pattern", "problem"), REFUSED)
def test_parse_path_pattern__that_is_refused__says_what_and_where(pattern: str, problem: str) -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        parse_path_pattern(pattern)
    assert caught.value.args == (pattern, problem)


def test_parse_path_pattern__with_a_name_in_quotes_before_any_character__takes_it_for_text() -> None:
    assert answer('/:"a"\u30fb', "/x\u30fb") == {"a": "x"}
    assert answer("/:\u00fcn\u00ef", "/x") == {"\u00fcn\u00ef": "x"}


# ---------------------------------------------------------------------- limits


@pytest.mark.parametrize(("length", "fits"), [(MAX_PATTERN - 1, True), (MAX_PATTERN, True), (MAX_PATTERN + 1, False)])
def test_parse_path_pattern__of_a_length__fits_up_to_the_limit(length: int, fits: bool) -> None:
    assert (answer("/" + "a" * (length - 1), "/" + "a" * (length - 1)) == {}) is fits


@pytest.mark.parametrize(("groups", "fits"), [(7, True), (8, True), (9, False), (40, False)])
def test_parse_path_pattern__with_optional_parts_side_by_side__has_at_most_256_combinations(
    groups: int, fits: bool
) -> None:
    assert MAX_COMBINATIONS == 2**8
    assert (answer("/{a}" * groups, "/" * groups) == {}) is fits


@pytest.mark.parametrize(("depth", "fits"), [(MAX_GROUPS - 1, True), (MAX_GROUPS, True), (MAX_GROUPS + 1, False)])
def test_parse_path_pattern__nested__is_bounded(depth: int, fits: bool) -> None:
    assert (answer("/" + "{a" * depth + "}" * depth, "/aa") == {}) is fits


@pytest.mark.parametrize(("groups", "fits"), [(4, True), (5, False), (6, False)])
def test_parse_path_pattern__with_optional_wildcards__has_at_most_64_in_all(groups: int, fits: bool) -> None:
    """Four make 16 combinations with 32 wildcards, five make 32 with 80."""
    pattern = "/" + "".join(f"{{*{name}-}}" for name in "abcdef"[:groups])
    assert (answer(pattern, "/") == {}) is fits


N = 2000
HOSTILE = [
    ("/*a-:b", "/" + "-" * N),
    ("/*a-:b.:c-:d", "/" + "-." * N),
    ("/*a/x/*b/x/*c/x/*d/y", "/" + "x/" * N),
    ("/*a/:b/*c/:d/*e/z", "/" + "a/" * N),
    ("/*a.*b.*c.*d.*e!".replace("!", "\\!"), "/" + "a." * N),
    ("/:a-:b-:c-:d-:e-:f/x", "/" + "-" * N),
    ("/*a--:b--:c", "/" + "-" * N),
    ("/{*a-}{*b-}{*c-}{*d-}:h/end", "/" + "a-" * N),
    ("/{:a-}{:b-}{:c-}{:d-}{:e-}{:f-}{:g-}:h/end", "/" + "a-" * N),
    ("/*a" + "b" * 500 + "c", "/" + "b" * N),
]


@pytest.mark.parametrize(("pattern", "path"), HOSTILE, ids=[pattern[:40] for pattern, _ in HOSTILE])
def test_match__of_hostile_paths__comes_to_an_end(pattern: str, path: str) -> None:
    """A matcher that tries again and again would take hours. The limit is far above what a slow machine needs."""
    started = time.process_time()
    answer(pattern, path)
    assert time.process_time() - started < 60
