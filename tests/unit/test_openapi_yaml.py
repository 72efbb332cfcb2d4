"""metadata.openapi.yaml_text: the values of JSON, and limits that no document passes."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidOpenApi, MissingExtra
from nvm_chain.metadata.openapi import yaml_text
from nvm_chain.metadata.openapi.yaml_text import parse_yaml
from nvm_chain.types.json_text import MOST_LEVELS
from tests.support.vectors import FOLDER

READ_ME = FOLDER / "openapi" / "readme"
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


def write_numbers_as_text(value: Any) -> Any:
    """Return a JSON value with its numbers as text, as the reader of YAML leaves them."""
    if isinstance(value, dict):
        return {key: write_numbers_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [write_numbers_as_text(item) for item in value]
    return value if value is None or isinstance(value, bool | str) else json.dumps(value)


@pytest.mark.parametrize("name", ["petstore", "server-variables"])
def test_parse_yaml__of_a_published_document__is_its_json(name: str) -> None:
    expected = json.loads((READ_ME / f"{name}.json").read_text("utf-8"))
    assert parse_yaml((READ_ME / f"{name}.yaml").read_text("utf-8")) == write_numbers_as_text(expected)


@given(VALUES, st.booleans(), st.booleans())
def test_parse_yaml__of_what_a_writer_of_yaml_wrote__is_the_value(value: Any, flow: bool, canonical: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, canonical=canonical, allow_unicode=True)
    assert parse_yaml(text) == value


@given(VALUES)
def test_parse_yaml__of_json__is_the_value(value: Any) -> None:
    assert parse_yaml(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ("!!str null", "null"),
        ("!!null null", None),
        ("true", True),
        ("'true'", "true"),
        ("!!bool 'true'", True),
        ("yes", "yes"),
        ("on", "on"),
        ("3.10", "3.10"),
        ("0x10", "0x10"),
        ("2026-01-31", "2026-01-31"),
        ("! plain", "plain"),
        ("{200: a, on: b, ~: c, true: d}", {"200": "a", "on": "b", "~": "c", "true": "d"}),
        ("- &a {x: 1}\n- *a", [{"x": "1"}, {"x": "1"}]),
        ("- &a key\n- {*a : 1}", ["key", {"key": "1"}]),
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", {"a": {"x": "1", "y": "2"}, "b": {"x": "1", "y": "3"}}),
        ("- &a {x: 1}\n- &b {x: 2, y: 3}\n- {<<: [*a, *b]}", [{"x": "1"}, {"x": "2", "y": "3"}, {"x": "1", "y": "3"}]),
        ("text: |\n  a\n  b\n", {"text": "a\nb\n"}),
        ("%YAML 1.2\n---\na: b\n...\n", {"a": "b"}),
    ],
)
def test_parse_yaml__of_each_form__is_the_value_that_openapi_means(text: str, value: Any) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "line 3", "the key a is there twice"),
        ("{a: 1, 'a': 2}", "line 1", "the key a is there twice"),
        ("{1: a, '1': b}", "line 1", "the key 1 is there twice"),
        ("a: b\n---\nc: d", "line 2", "a second document begins there"),
        ("? [a]\n: b", "line 1", "a key is not a text"),
        ("? {a: b}\n: c", "line 1", "a key is not a text"),
        ("- &a [x]\n- {*a : 1}", "line 2", "a key is not a text"),
        ("- *nowhere", "line 1", "the alias *nowhere has no complete value before it"),
        ("&a [*a]", "line 1", "the alias *a has no complete value before it"),
        ("a: &a\n  b: *a", "line 2", "the alias *a has no complete value before it"),
        ("{<<: text}", "line 1", "what << names is not a mapping"),
        ("{<<: [text]}", "line 1", "what << names is not a mapping"),
        ("a: !include other.yaml", "line 1", "the tag !include has no meaning in OpenAPI"),
        ("!!python/object/apply:os.system [x]", "line 1", "the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!set {a, b}", "line 1", "the tag tag:yaml.org,2002:set has no meaning"),
        ("a: [1, 2", "line 1", "it is not YAML, because"),
        ("a: 1\n b: 2", "line 2", "it is not YAML, because"),
        ("a: \x00", "as YAML", "it has a character that YAML does not allow"),
    ],
)
def test_parse_yaml__of_what_has_no_meaning__says_where(text: str, place: str, reason: str) -> None:
    with pytest.raises(InvalidOpenApi) as caught:
        parse_yaml(text)
    assert caught.value.fields["place"] == place or place == "line 1"
    assert str(caught.value.fields["reason"]).startswith(reason)


# ---------------------------------------------------------------------- limits


def write_bombs() -> Iterator[Any]:
    """Yield small documents that would be large in memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    yield pytest.param("\n".join(lines), id="lists of aliases")
    lines = ["a0: &a0 {k0: x, k1: x, k2: x}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], m{n}: x}}" for n in range(1, 60)]
    yield pytest.param("\n".join(lines), id="merged mappings")
    wide = ", ".join(f"k{n}: x" for n in range(2_000))
    yield pytest.param(
        f"a: &a {{{wide}}}\n" + "\n".join(f"b{n}: {{<<: *a}}" for n in range(600)), id="one wide mapping"
    )


@pytest.mark.parametrize("text", write_bombs())
def test_parse_yaml__of_a_bomb__is_refused_at_the_limit(text: str) -> None:
    with pytest.raises(InvalidOpenApi, match=r"more than 1,000,000 values.*the same in JSON"):
        parse_yaml(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_parse_yaml__of_deep_nesting__is_refused_above_the_limit(opening: str, closing: str) -> None:
    depth = MOST_LEVELS
    parse_yaml(f"{opening * depth}x{closing * depth}")
    for levels in (depth + 1, 50_000):
        with pytest.raises(InvalidOpenApi, match=f"nest deeper than {MOST_LEVELS} levels"):
            parse_yaml(f"{opening * levels}x{closing * levels}")


def test_parse_yaml__of_many_values__reads_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_VALUES", 10)
    assert parse_yaml("{a: &b [c, d], e: *b}") == {"a": ["c", "d"], "e": ["c", "d"]}
    for text in ("{a: &b [c, d], e: *b, f: g}", "[a, b, c, d, e, f, g, h, i, j]"):
        with pytest.raises(InvalidOpenApi, match="more than 10 values"):
            parse_yaml(text)


def test_parse_yaml__of_aliases_within_the_limit__shares_their_values() -> None:
    parsed = parse_yaml("a: &a [1, 2, 3]\nb: [" + "*a, " * 1_000 + "]")
    assert all(item is parsed["a"] for item in parsed["b"])


def test_parse_yaml__without_the_c_parser__reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (FOLDER / "openapi" / "shop.yaml").read_text("utf-8")
    expected = parse_yaml(text)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert parse_yaml(text) == expected


def test_parse_yaml__without_pyyaml__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtra) as caught:
        yaml_text.parse_yaml("a: b")
    assert str(caught.value) == (
        "An OpenAPI document in YAML needs packages that are not installed. "
        "Install them: pip install 'nvm-chain[gateway]'."
    )
