"""JSON from anybody: read as Python's own reader does, unless it nests deep enough to end the process."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.types.json_text import MOST_LEVELS, parse_json

TOO_DEEP = f"lists and objects nest deeper than {MOST_LEVELS} levels"
SAMPLES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nest(levels: int) -> str:
    """Return lists and objects, in turn, that nest so deep."""
    return (
        '[{"a":' * (levels // 2)
        + "[" * (levels % 2)
        + "]" * (levels % 2)
        + ("1" if levels % 2 == 0 else "")
        + "}]" * (levels // 2)
    )


@given(SAMPLES)
def test_parse_json__of_any_value__is_what_python_reads(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps([value] * 600)) == [value] * 600  # brackets enough to be counted


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_parse_json__of_bytes__is_what_python_reads(encoding: str) -> None:
    text = json.dumps({"é": ["[" * 600]}, ensure_ascii=False)
    assert parse_json(text.encode(encoding)) == json.loads(text)


def test_parse_json__with_take_pairs__sees_names_that_repeat() -> None:
    assert parse_json('{"a": 1, "a": 2}', list) == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("levels", [MOST_LEVELS - 1, MOST_LEVELS])
def test_parse_json__at_the_most_levels__is_read(levels: int) -> None:
    assert parse_json(nest(levels)) == json.loads(nest(levels))


@pytest.mark.parametrize("text", [nest(MOST_LEVELS + 1), "[" * (MOST_LEVELS + 1), '{"a":' * 100_000])
def test_parse_json__one_level_deeper__is_refused(text: str) -> None:
    for content in (text, text.encode()):
        with pytest.raises(ValueError, match=f"^{TOO_DEEP}$"):
            parse_json(content)


@pytest.mark.parametrize("string", ["[" * 600, '\\"' + "[" * 600, "{" * 600 + "\\\\", '\\\\\\"[' * 600])
def test_parse_json__with_brackets_in_a_string__does_not_count_them(string: str) -> None:
    text = f'{{"a": "{string}", "b": [1]}}'
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("string", ['"\\', '"\\"\\"', '""', '"'])
def test_parse_json__after_strings_of_any_form__counts_what_follows(string: str) -> None:
    with pytest.raises(ValueError, match=TOO_DEEP if string == '""' else r"."):
        parse_json("[" + string + ("," if string == '""' else "") + "[" * MOST_LEVELS)


@pytest.mark.parametrize(
    "text", ["", "[", "]" * 600 + "[" * 600, '{"a": "[' + "[" * 600, b"\xff", b"[" * 600 + b"\xff"]
)
def test_parse_json__of_no_json__is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_parse_json__of_a_million_escaped_quotes__takes_no_longer_than_reading_them() -> None:
    with pytest.raises(ValueError, match="Unterminated string"):
        parse_json("[" + "{}," * 600 + '"' + '\\"' * 1_000_000)


def test_parse_json__where_the_limit_on_recursion_is_lifted__leaves_the_process_alive() -> None:
    program = "import sys; from nvm_chain.types.json_text import parse_json; sys.setrecursionlimit(100_000); parse_json('[' * 100_000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"ValueError: {TOO_DEEP}")
