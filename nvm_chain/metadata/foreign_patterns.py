r"""Path notations of other routers. They have another meaning here, so each is refused with the right notation.

FastAPI, OpenAPI and AWS write ``{id}``, Flask ``<id>``, Next.js ``[id]``, Postman ``{{id}}``. In our path patterns,
braces contain optional text. So ``/users/{id}`` would match only ``/users/`` and ``/users/id``. A backslash makes the
next character plain text: ``\{id\}`` is text with braces, and ``{\id}`` is an optional word.
"""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_NAME: Final = r"(?P<name>\w{1,60}(?:[.-]\w{1,60}){0,8})"
_BRACES: Final = re.compile(r"[$#]?\{{1,2}\s?(?P<many>\+|\*\*)?" + _NAME + r"(?P<rest>[:?+*=!][^{}/]*)?\s?\}{1,2}")
_ANGLES: Final = re.compile(r"<(?:(?P<rest>\w{1,60}(?:\([^<>/]*\))?):)?(?P<many>\*)?" + _NAME + r"(?:=[^<>/]*)?>")
_BRACKETS: Final = re.compile(r"\[{1,2}(?P<many>\.\.\.)?" + _NAME + r"\]{1,2}")
_QUANTIFIED: Final = re.compile(r":" + _NAME + r"(?P<rest>[?+*]|\([^()/]*\)[?+*]?)(?![\w:])")
_MANY_SEGMENTS: Final = re.compile(r":?path|[+*]|=\*\*")


def find_foreign_notation(path: str) -> str | None:
    r"""Return the problem of a path in another router's notation, or None if the path does not have such a notation.

    >>> find_foreign_notation("/users/{id}")
    '{id} is the notation of another router; write :id, or \\{id\\} for the text itself'
    >>> find_foreign_notation("/users{/:id}") is None
    True
    """
    plain = _ESCAPED.sub("\0\0", path)
    for form in (_BRACES, _ANGLES, _BRACKETS, _QUANTIFIED):
        for found in form.finditer(plain):
            if form is not _BRACES or not _is_ending(plain, found):
                return _explain(found, path[found.start() : found.end()])
    return None


def _is_ending(path: str, found: re.Match[str]) -> bool:
    """Return whether braces hold one letter that belongs to a word, such as the plural in ``/user{s}``."""
    if len(found[0]) > 3:
        return False
    before, after = path[: found.start()][-1:], path[found.end() :][:1]
    return before.isalnum() or after.isalnum()


def _explain(found: re.Match[str], written: str) -> str:
    named = found.groupdict()
    is_many = bool(named.get("many") or _MANY_SEGMENTS.fullmatch(named.get("rest") or ""))
    name = re.sub(r"\W", "_", named["name"])
    better = ("*" if is_many else ":") + (name if name.isascii() and name.isidentifier() else "name")
    escaped = re.sub(r"([{}<>\[\]:?+*()])", r"\\\1", written)
    return f"{written} is the notation of another router; write {better}, or {escaped} for the text itself"
