"""Paths of a service as OpenAPI writes them, from the URL patterns of the agent's endpoints."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from nvm_chain.errors import InvalidEndpoint, InvalidUrl
from nvm_chain.metadata.endpoints import parse_request_url, parse_url_pattern
from nvm_chain.metadata.path_patterns import Token, expand_path_pattern

_PLAIN: Final = "/:@!$&'()*+,;=~"
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]")
SAMPLE: Final = "0"
"""What stands for a name in the sample of a path."""
EVERY: Final = "path"
"""The name in the template of a service that takes every path."""


@dataclass(frozen=True, slots=True)
class Template:
    """A path with names in braces. ``sample`` is a path that fits it, and ``wide`` are the names that stand for several segments."""

    path: str
    names: tuple[str, ...] = ()
    wide: frozenset[str] = frozenset()
    sample: str = ""

    @property
    def shape(self) -> str:
        """The path without its names. Two paths of the same shape are the same to OpenAPI."""
        return re.sub(r"\{[^}]*\}", "{}", self.path)


def list_templates(base: str, url_pattern: str) -> Iterator[Template]:
    """Yield the paths of a URL pattern below a base: one for each combination of its optional parts.

    Args:
        base: The URL before the target of a request, as the endpoints have it.
        url_pattern: The pattern.
    """
    try:
        origin, path = parse_request_url(base)
        wanted, pattern = parse_url_pattern(url_pattern)
    except (InvalidUrl, InvalidEndpoint):
        return
    if origin != wanted:
        return
    for tokens in expand_path_pattern(pattern.pattern):
        below = _cut(tokens, path.rstrip("/"))
        if below is not None:
            yield build_template(below)


def _cut(tokens: tuple[Token, ...], prefix: str) -> list[Token] | None:
    """Return the tokens behind the path of a base. None for a pattern that is elsewhere, or written in other letters."""
    cut: list[Token] = []
    for token in tokens:
        if not prefix:
            cut.append(token)
        elif token.kind != "text" or not (token.value.startswith(prefix) or prefix.startswith(token.value)):
            return None
        else:
            rest, prefix = token.value[len(prefix) :], prefix[len(token.value) :]
            cut += [Token("text", rest)] if rest else []
    if prefix or (cut and not cut[0].value.startswith("/")):
        return None
    return cut


def build_template(tokens: list[Token]) -> Template:
    """Return a path for tokens without groups."""
    path, sample = "", ""
    names: list[str] = []
    wide: set[str] = set()
    for token in tokens:
        if token.kind == "text":
            text = quote(token.value, safe=_PLAIN)
            path, sample = path + text, sample + text
            continue
        name = _find_name(token.value, names)
        names.append(name)
        wide |= {name} if token.kind == "wildcard" else set()
        path, sample = f"{path}{{{name}}}", sample + SAMPLE
    return Template(path or "/", tuple(names), frozenset(wide), sample or "/")


def _find_name(name: str, taken: list[str]) -> str:
    """Return a name that is in the path once, of letters that every tool takes."""
    plain = _ODD.sub("_", name) or "name"
    while plain in taken:
        plain += "_"
    return plain
