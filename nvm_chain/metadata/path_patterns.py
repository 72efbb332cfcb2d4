"""Path patterns with ``:name``, ``*name`` and ``{optional}`` parts, as npm's path-to-regexp 9 understands them.

Matches by hand, not with regular expressions, and bounds what a pattern may have: no request can make it slow.
tests/vectors/endpoints.json has what path-to-regexp itself answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from nvm_chain.errors import InvalidEndpoint

MAX_PATTERN: Final = 2048
"""Characters of a pattern."""
MAX_GROUPS: Final = 64
"""Optional parts of a pattern; those that can be left out independently double its combinations."""
MAX_COMBINATIONS: Final = 256
"""How many combinations of optional parts a pattern may have, as in path-to-regexp."""
MAX_WILDCARDS: Final = 64
"""Wildcards in all combinations together: each may have to be tried at every character of a path."""
RESERVED: Final = "}()[]+?!"

Params: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""What a path has in place of each name: text, and for a wildcard the segments."""


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a pattern: text, the name of a parameter or wildcard, or the tokens of an optional group."""

    kind: Literal["text", "param", "wildcard", "group"]
    value: str = ""
    tokens: tuple["Token", ...] = ()


# ---------------------------------------------------------------- parse


class _Parser:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.index = 0
        self.groups = 0

    def fail(self, problem: str) -> InvalidEndpoint:
        return InvalidEndpoint(self.pattern, f"at character {self.index}: {problem}")

    def read_until(self, end: str) -> tuple[Token, ...]:
        """Read tokens up to a closing brace, or with no ``end`` up to the end of the pattern."""
        tokens: list[Token] = []
        text = ""
        while self.index < len(self.pattern):
            character = self.pattern[self.index]
            self.index += 1
            if character == end:
                return (*tokens, *_text(text))
            if character in ":*{":
                tokens += _text(text)
                text = ""
                tokens.append(self.read_group() if character == "{" else self.read_name(character))
            elif character in RESERVED:
                raise self.fail(
                    f"{character} has no meaning here; write :name for a segment, *name for several, "
                    f"or \\{character} for the character itself"
                )
            else:
                text += self.read_escaped() if character == "\\" else character
        if end:
            raise self.fail("a { is not closed")
        return (*tokens, *_text(text))

    def read_escaped(self) -> str:
        if self.index == len(self.pattern):
            raise self.fail("nothing follows the \\")
        self.index += 1
        return self.pattern[self.index - 1]

    def read_group(self) -> Token:
        self.groups += 1
        if self.groups > MAX_GROUPS:
            raise self.fail(f"there are more than {MAX_GROUPS} optional parts")
        return Token("group", tokens=self.read_until("}"))

    def read_name(self, mark: str) -> Token:
        """Read the name behind ``:`` or ``*``: a JavaScript identifier, or anything in double quotes."""
        start = self.index
        name = ""
        if self.pattern[start : start + 1] == '"':
            self.index += 1
            name = self.read_quoted()
        elif _starts_name(self.pattern[start : start + 1]):
            while _continues_name(self.pattern[self.index : self.index + 1]):
                self.index += 1
            name = self.pattern[start : self.index]
            self.refuse_doubt(name)
        if not name:
            raise self.fail(f"a name is missing behind {mark}; write {mark}name")
        return Token("param" if mark == ":" else "wildcard", name)

    def refuse_doubt(self, name: str) -> None:
        """Refuse a name before a character that newer versions of Unicode may count to it, as path-to-regexp would."""
        following = self.pattern[self.index : self.index + 1]
        if not following.isascii():
            raise self.fail(f'whether {following} belongs to the name is not certain; write "{name}" in quotes')

    def read_quoted(self) -> str:
        name = ""
        while self.index < len(self.pattern):
            character = self.pattern[self.index]
            self.index += 1
            if character == '"':
                return name
            name += self.read_escaped() if character == "\\" else character
        raise self.fail('a " is not closed')


def _text(text: str) -> tuple[Token, ...]:
    return (Token("text", text),) if text else ()


def _starts_name(character: str) -> bool:
    return character == "$" or character.isidentifier()


def _continues_name(character: str) -> bool:
    return character != "" and (character in "$\u200c\u200d" or f"a{character}".isidentifier())


# ---------------------------------------------------------------- compile


@dataclass(frozen=True, slots=True)
class _Step:
    """A token as it is matched. ``text`` is compared, or where a parameter has to end, or what it may not contain."""

    kind: Literal["text", "param", "param before", "param without", "wildcard"]
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern ready to match: one row of steps for each way of leaving optional parts out, in order of preference."""

    pattern: str
    rows: tuple[tuple[_Step, ...], ...]

    def match(self, path: str) -> Params | None:
        """Return what a decoded path has in place of the names, or None if it does not match.

        Letter case does not matter, nor does a slash at the end. The time is bounded by the lengths of pattern and path.
        """
        for row in self.rows:
            spans = _Matcher(row, path).match()
            if spans is not None:
                names = ((step, path[slice(*spans[index])]) for index, step in enumerate(row) if index in spans)
                return {step.name: tuple(v.split("/")) if step.kind == "wildcard" else v for step, v in names}
        return None


@lru_cache(maxsize=1024)
def parse_path_pattern(pattern: str) -> PathPattern:
    """Parse a path pattern; no network. Raises InvalidEndpoint for what path-to-regexp refuses, or is too long.

    >>> dict(parse_path_pattern("/agents/:agentId/tasks{/*rest}").match("/agents/7/tasks/a/b"))
    {'agentId': '7', 'rest': ('a', 'b')}
    """
    if len(pattern) > MAX_PATTERN:
        raise InvalidEndpoint(pattern, f"it has more than {MAX_PATTERN} characters")
    rows: list[tuple[_Step, ...]] = []
    for tokens in _combine(_Parser(pattern).read_until(""), ()):
        if len(rows) == MAX_COMBINATIONS:
            raise InvalidEndpoint(pattern, f"its optional parts have more than {MAX_COMBINATIONS} combinations")
        rows.append(_build_row(pattern, tokens))
    if sum(step.kind == "wildcard" for row in rows for step in row) > MAX_WILDCARDS:
        raise InvalidEndpoint(
            pattern, f"its optional parts have more than {MAX_WILDCARDS} wildcards in all combinations"
        )
    return PathPattern(pattern, tuple(rows))


def _combine(tokens: tuple[Token, ...], before: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    """Yield the tokens with each optional part in, then out, in path-to-regexp's order."""
    for index, token in enumerate(tokens):
        if token.kind == "group":
            rest = tokens[index + 1 :]
            for inside in _combine(token.tokens, before):
                yield from _combine(rest, inside)
            yield from _combine(rest, before)
            return
        before = (*before, token)
    yield before


def _build_row(pattern: str, tokens: tuple[Token, ...]) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    prefix = ""
    wildcard_in_segment = False
    for index, token in enumerate(tokens):
        if token.kind == "text":
            steps.append(_Step("text", text=_fold(token.value)))
            prefix += token.value
            wildcard_in_segment = wildcard_in_segment and "/" not in token.value
            continue
        if steps and not prefix:
            raise InvalidEndpoint(pattern, f"there has to be text before {token.value!r}")
        if token.kind == "wildcard":
            steps.append(_Step("wildcard", token.value))
            wildcard_in_segment = True
        elif wildcard_in_segment:
            steps.append(_Step("param without", token.value, _fold(prefix)))
        else:
            text = _fold(_text_between(tokens, index + 1))
            steps.append(_Step("param before", token.value, text) if text else _Step("param", token.value))
        prefix = ""
    return tuple(steps)


def _text_between(tokens: tuple[Token, ...], index: int) -> str:
    """Return the text up to the next name, if there is one in the same segment."""
    text = ""
    for token in tokens[index:]:
        if token.kind != "text":
            return text
        if "/" in token.value:
            break
        text += token.value
    return ""


def _fold(text: str) -> str:
    """Make letters that differ in case the same, one by one, as a JavaScript regular expression does with flag i."""
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    upper = character.upper()
    changes = len(upper) == 1 and character <= "\uffff" and not (character >= "\x80" > upper)
    return upper if changes else character


# ---------------------------------------------------------------- match


class _Matcher:
    """One row of steps against one path. Remembers what has failed where, so that nothing is tried twice.

    Takes the choices that path-to-regexp's regular expressions take: the last wildcard is as long as possible, those
    before it as short as possible and then not changed any more.
    """

    def __init__(self, row: tuple[_Step, ...], path: str) -> None:
        self.row = row
        self.path = _fold(path)
        self.spans: dict[int, tuple[int, int]] = {}
        self.failed: set[tuple[int, int]] = set()
        self.last_wildcard = max((index for index, step in enumerate(row) if step.kind == "wildcard"), default=-1)

    def match(self) -> dict[int, tuple[int, int]] | None:
        """Return where each name's text begins and ends, by step, or None."""
        return None if self.run(0, 0) is None else self.spans

    def run(self, index: int, start: int, locked: bool = False) -> int | None:
        """Match the steps from ``index``; return where they end. If ``locked``, only those before the next wildcard."""
        if index == len(self.row):
            return self.find_end(start)
        step = self.row[index]
        if step.kind == "wildcard" and locked:
            return start
        if (index, start) in self.failed:
            return None
        for end in self.find_ends(index, step, start):
            if step.kind != "text":
                self.spans[index] = (start, end)
            if step.kind != "wildcard" or index == self.last_wildcard:
                done = self.run(index + 1, end, locked)
            else:
                done = self.run(index + 1, end, True)
                if done is not None:
                    done = self.run(self.next_wildcard(index), done)
                    if done is None:
                        break
            if done is not None:
                return done
        self.failed.add((index, start))
        return None

    def next_wildcard(self, index: int) -> int:
        return next(i for i in range(index + 1, len(self.row)) if self.row[i].kind == "wildcard")

    def find_end(self, start: int) -> int | None:
        """Return the end of the path, which a slash may come before."""
        at_slash = bool(self.row) and self.row[-1].kind == "text" and self.row[-1].text.endswith("/")
        rest = self.path[start:]
        return len(self.path) if not rest or (rest == "/" and not at_slash) else None

    def find_ends(self, index: int, step: _Step, start: int) -> Iterator[int]:
        """Yield where a step that begins at ``start`` can end, the preferred end first."""
        if step.kind == "text":
            yield from (start + len(step.text),) * self.path.startswith(step.text, start)
        elif step.kind == "wildcard":
            yield from self.find_wildcard_ends(index, start)
        elif step.kind == "param without":
            yield from self.find_guarded_ends(step.text, start)
        else:
            stop = self.path.find("/", start)
            stop = len(self.path) if stop < 0 else stop
            if step.kind == "param before":
                found = self.path.find(step.text, start + 1, stop + len(step.text))
                yield from (found,) * (start + 1 <= found <= stop)
            else:
                yield from range(stop, start, -1)

    def find_wildcard_ends(self, index: int, start: int) -> Iterator[int]:
        """Yield ends from far to near for the last wildcard, from near to far for the others; only where text follows."""
        following = self.row[index + 1].text if index + 1 < len(self.row) else ""
        size = len(self.path)
        if index == self.last_wildcard:
            end = self.path.rfind(following, start + 1)
            while end > start:
                yield end
                end = self.path.rfind(following, start + 1, end + len(following) - 1) if following else end - 1
        else:
            end = self.path.find(following, start + 1)
            while 0 <= end <= size:
                yield end
                end = self.path.find(following, end + 1)

    def find_guarded_ends(self, prefix: str, start: int) -> Iterator[int]:
        """Yield ends of a parameter behind a wildcard in its segment: it has neither a slash nor the text before it."""
        end = start
        while end < len(self.path) and self.path[end] != "/" and not self.path.startswith(prefix, end):
            end += 1
            yield end
        if self.path.startswith(prefix, end):
            yield end + len(prefix)
