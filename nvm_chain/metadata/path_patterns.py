"""Path patterns with ``:name``, ``*name`` and ``{optional}`` parts, as npm's path-to-regexp 9 understands them.

The matcher does not use regular expressions, and the size of a pattern is limited. So no request can make it slow.
tests/vectors/endpoints.json has the answers of path-to-regexp itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from nvm_chain.errors import InvalidEndpoint

MAX_PATTERN: Final = 2048
"""The largest number of characters in a pattern."""
MAX_GROUPS: Final = 64
"""The largest number of optional parts in a pattern. Each independent part doubles the number of combinations."""
MAX_COMBINATIONS: Final = 256
"""The largest number of combinations of optional parts in a pattern, as in path-to-regexp."""
MAX_WILDCARDS: Final = 64
"""The largest number of wildcards in all combinations together. Each may be tried at every character of a path."""
NEWER_LETTERS: Final = "\u30fb\uff65"
"""Characters that names can have since Unicode 15.1, so with Python 3.13 but not before."""
RESERVED: Final = "}()[]+?!"

Params: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""The value of each name in a path: a text for a parameter, a tuple of segments for a wildcard."""


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
        """Read tokens up to the character ``end``. If ``end`` is empty, read to the end of the pattern."""
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
        """Refuse a name with a non-ASCII character after it.

        A newer version of Unicode, such as path-to-regexp's, may count that character as part of the name.
        """
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
    if character in ("", *NEWER_LETTERS):
        return False
    return character in "$\u200c\u200d" or f"a{character}".isidentifier()


# ---------------------------------------------------------------- compile


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a match, for one token.

    The meaning of ``text`` depends on ``kind``. For "text" it is the text to find. For "param before" it is the text
    that follows the parameter. For "param without" it is a text that the parameter may contain only at its end.
    """

    kind: Literal["text", "param", "param before", "param without", "wildcard"]
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A parsed pattern. It has a row of steps for each combination of optional parts, in order of preference."""

    pattern: str
    rows: tuple[tuple[_Step, ...], ...]

    def match(self, path: str) -> Params | None:
        """Return the values of the names in a decoded path, or None if the path does not match.

        Letter case and a slash at the end are ignored. The lengths of pattern and path limit the time of the match.
        """
        for row in self.rows:
            spans = _Matcher(row, path).match()
            if spans is not None:
                names = ((step, path[slice(*spans[index])]) for index, step in enumerate(row) if index in spans)
                return {step.name: tuple(v.split("/")) if step.kind == "wildcard" else v for step, v in names}
        return None


@lru_cache(maxsize=1024)
def parse_path_pattern(pattern: str) -> PathPattern:
    """Parse a path pattern. No network.

    Raises InvalidEndpoint if the pattern is too large, or if path-to-regexp refuses it.

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


@lru_cache(maxsize=1024)
def expand_path_pattern(pattern: str) -> tuple[tuple[Token, ...], ...]:
    """Return the tokens of each combination of a pattern's optional parts, in order of preference. There is no group in them.

    Raises InvalidEndpoint as `parse_path_pattern` does.

    >>> [[token.kind for token in tokens] for tokens in expand_path_pattern("/tasks{/:id}")]
    [['text', 'text', 'param'], ['text']]
    """
    parse_path_pattern(pattern)  # which refuses a pattern that is too large
    return tuple(_combine(_Parser(pattern).read_until(""), ()))


def _combine(tokens: tuple[Token, ...], before: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    """Yield all combinations of optional parts in path-to-regexp's order: first with a part, then without it."""
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
    """Return the text before the next name of the same segment. Empty if the segment does not have another name."""
    text = ""
    for token in tokens[index:]:
        if token.kind != "text":
            return text
        if "/" in token.value:
            break
        text += token.value
    return ""


def _fold(text: str) -> str:
    """Return the text in one case, as JavaScript's flag ``i`` compares it."""
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    upper = character.upper()
    changes = len(upper) == 1 and character <= "\uffff" and not (character >= "\x80" > upper)
    return upper if changes else character


# ---------------------------------------------------------------- match


class _Matcher:
    """The match of one row of steps with one path. Failed steps are remembered, and never tried twice at one place.

    The choices are those of path-to-regexp's regular expressions. The last wildcard is as long as possible. The other
    wildcards are as short as possible, and later steps do not change them.
    """

    def __init__(self, row: tuple[_Step, ...], path: str) -> None:
        self.row = row
        self.path = _fold(path)
        self.spans: dict[int, tuple[int, int]] = {}
        self.failed: set[tuple[int, int]] = set()
        self.last_wildcard = max((index for index, step in enumerate(row) if step.kind == "wildcard"), default=-1)

    def match(self) -> dict[int, tuple[int, int]] | None:
        """Return the begin and the end of each name's text, by the index of its step. None without a match."""
        return None if self.run(0, 0) is None else self.spans

    def run(self, index: int, start: int, locked: bool = False) -> int | None:
        """Match the steps from ``index`` on, and return the place in the path after them. None if they do not match.

        If ``locked``, stop before the next wildcard.
        """
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
        """Return the end of the path if nothing is left, or only a slash. Return None otherwise."""
        at_slash = bool(self.row) and self.row[-1].kind == "text" and self.row[-1].text.endswith("/")
        rest = self.path[start:]
        return len(self.path) if not rest or (rest == "/" and not at_slash) else None

    def find_ends(self, index: int, step: _Step, start: int) -> Iterator[int]:
        """Yield the possible ends of a step that begins at ``start``. The preferred end comes first."""
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
        """Yield the possible ends of a wildcard, each before the text of the next step.

        For the last wildcard, the farthest end comes first. For any other wildcard, the nearest end comes first.
        """
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
        """Yield the possible ends of a parameter that follows a wildcard in the same segment.

        The parameter does not contain a slash. It may contain ``prefix``, the text before it, only at its end.
        """
        end = start
        while end < len(self.path) and self.path[end] != "/" and not self.path.startswith(prefix, end):
            end += 1
            yield end
        if self.path.startswith(prefix, end):
            yield end + len(prefix)
