"""metadata.openapi.documents: JSON and YAML within limits, of versions 3.0 and 3.1."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidOpenApi
from nvm_chain.metadata.openapi import documents
from nvm_chain.metadata.openapi.documents import MAX_BYTES, parse_openapi

HEAD = b'{"openapi": "3.1.0", '


@pytest.mark.parametrize(
    ("version", "is_read"),
    [
        ("3.0.0", True),
        ("3.0.3", True),
        ("3.1.0", True),
        ("3.1.0-rc1", True),
        ("3.1", True),
        (3.1, True),
        ("3.2.0", False),
        ("4.0.0", False),
        ("2.0", False),
        ("3.10.0", False),
        ("", False),
        (3, False),
        (None, False),
        ([], False),
    ],
)
def test_parse_openapi__of_each_version__reads_3_0_and_3_1(version: object, is_read: bool) -> None:
    content = json.dumps({"openapi": version}).encode()
    if is_read:
        assert parse_openapi(content)["openapi"] == version
    else:
        with pytest.raises(InvalidOpenApi, match=r"versions 3\.0 and 3\.1 are read.*Convert the document"):
            parse_openapi(content)


def test_parse_openapi__of_version_2__says_what_to_do() -> None:
    with pytest.raises(InvalidOpenApi, match=r"of version 2\. Convert the document to OpenAPI 3\.0 or 3\.1"):
        parse_openapi(b'{"swagger": "2.0"}')


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.1"])
def test_parse_openapi__of_yaml_without_quotes__reads_the_version(version: str) -> None:
    assert parse_openapi(f"openapi: {version}\npaths: {{}}\n".encode()) == {"openapi": version, "paths": {}}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n \t", b"\xef\xbb\xbf\r\n"])
def test_parse_openapi__of_json_after_a_mark_and_blanks__is_json(start: bytes) -> None:
    assert parse_openapi(start + HEAD + b'"x": [1, null, true, 1.5]}')["x"] == [1, None, True, 1.5]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (HEAD + b'"a": 1, "a": 2}', r"\(as JSON\): an object has the name a twice"),
        (HEAD + b'"a": [{"b": {"c": 1, "c": 1}}]}', "an object has the name c twice"),
        (HEAD + b'"a": }', r"\(line 1\): it is not JSON \(Expecting value\)"),
        (HEAD + b"\n\n", r"\(line 3\): it is not JSON"),
        (HEAD + b'"a": ' + b"[" * 100_000, "lists and objects nest deeper than 500 levels"),
        (HEAD + b'"a": ' + b"9" * 5_000 + b"}", "a number in it is too long"),
        (b"\xff\xfe{", r"\(its encoding\): it is not UTF-8"),
        (b"", r"\(its form\): it is not an object with openapi and paths"),
        (b"[]", r"\(its form\)"),
        (b"just a text", r"\(its form\)"),
        (b"<html>not found</html>", r"\(its form\)"),
    ],
)
def test_parse_openapi__of_what_is_not_a_document__says_so(content: bytes, problem: str) -> None:
    with pytest.raises(InvalidOpenApi, match=problem):
        parse_openapi(content)


def test_parse_openapi__of_a_size__reads_up_to_the_limit() -> None:
    padding = b" " * (MAX_BYTES - len(HEAD) - len(b'"x": 1}'))
    assert parse_openapi(HEAD + b'"x": 1}' + padding)["x"] == 1
    with pytest.raises(InvalidOpenApi, match="it has more than 16 MiB"):
        parse_openapi(HEAD + b'"x": 1}' + padding + b" ")


def test_parse_openapi__of_many_values__reads_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_JSON_VALUES", 3_000)
    marks = 3_000 - 3  # without the brace, the bracket and the comma before them
    assert len(parse_openapi(HEAD + b'"x": [1' + b",1" * marks + b"]}")["x"]) == marks + 1
    with pytest.raises(InvalidOpenApi, match="more than 3,000 values"):
        parse_openapi(HEAD + b'"x": [1' + b",1" * (marks + 1) + b"]}")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_parse_openapi__of_any_bytes__reads_or_refuses(content: bytes) -> None:
    try:
        assert isinstance(parse_openapi(content), dict)
    except InvalidOpenApi as error:
        assert str(error).isprintable()
