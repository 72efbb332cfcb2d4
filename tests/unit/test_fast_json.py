"""Answers of nodes: large ones are read by msgspec, with the same results as by json."""

import json
from random import Random
from typing import Any

import pytest

from nvm_chain.chain.transport import fast_json
from nvm_chain.chain.transport.fast_json import PARSE, is_shallow, parse_answer, parsing_with
from nvm_chain.types.json_text import MOST_LEVELS, parse_json

SAMPLES = [
    b'{"a": 123456789012345678901234567890, "b": -9223372036854775809, "c": 1.5, "d": -0, "e": -0.0}',
    b'{"a": 1, "a": 2}',
    b'{"a": [null, true, false, "", [], {}]}',
    b'["\\ud800", "\\u00e9", "\xc3\xa9", "]}\\""]',
    b"[NaN, Infinity, 1e400]",
    b"\xef\xbb\xbf[1]",
]
REFUSED = [b"", b"[1]x", b'["\x01"]', b'["\xff"]', b"[1", b"{1: 2}", b"[" * 600 + b"]" * 600]


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small samples take the way of large answers."""
    monkeypatch.setattr(fast_json, "LARGE", 0)


@pytest.mark.parametrize("body", SAMPLES)
def test_parse_answer__json__is_as_json_reads_it(body: bytes) -> None:
    assert repr(parse_answer(body)) == repr(parse_json(body))


@pytest.mark.parametrize("body", REFUSED)
def test_parse_answer__other_text__is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse_answer(body)


def test_parse_answer__random_values__is_as_json_reads_them() -> None:
    random = Random(1)
    for _ in range(300):
        body = json.dumps(_build(random, 4)).encode()
        assert repr(parse_answer(body)) == repr(json.loads(body))


def _build(random: Random, depth: int) -> Any:
    choice = random.randrange(7 if depth else 5)
    if choice < 5:
        texts = ["", "a[b", 'q"]}', "é", "\\"]
        return [None, True, random.uniform(-1e300, 1e300), random.getrandbits(90), random.choice(texts)][choice]
    parts = [_build(random, depth - 1) for _ in range(random.randrange(4))]
    return parts if choice == 5 else {random.choice("ab[{}]"): part for part in parts}


@pytest.mark.parametrize(("levels", "expected"), [(1, True), (MOST_LEVELS // 2, True), (MOST_LEVELS + 1, False)])
def test_is_shallow__deep_lists__are_told(levels: int, expected: bool) -> None:
    assert is_shallow(b"[" * levels + b"]" * levels) is expected
    assert is_shallow(b'{"a":' * levels + b"1" + b"}" * levels) is expected


@pytest.mark.parametrize("opening", [b"[", b'["]",', b'["",', b'{"]}":[', b'{"a":"b","c":['])
def test_is_shallow__brackets_in_texts__hide_no_level(opening: bytes) -> None:
    assert not is_shallow(opening * (MOST_LEVELS + 1))


def test_is_shallow__many_logs__are_shallow() -> None:
    log = {"address": "0x1", "topics": ["0x2", "0x3"], "removed": False}
    assert is_shallow(json.dumps({"id": 1, "result": [log] * 2000}).encode())


def test_parsing_with__inside_the_block_only__replaces_the_function() -> None:
    with parsing_with(len):
        assert PARSE.get()(b"12") == 2
    assert PARSE.get() is parse_answer
