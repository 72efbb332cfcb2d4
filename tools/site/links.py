"""Links between pages: checked against the files of the repository, and rewritten for the site."""

import os
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from tools.site.anchors import github_anchors, site_anchors

CODE: Final = re.compile(
    r"^(?P<mark>`{3,}|~{3,}).*?^(?P=mark)\s*$|(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)", re.M | re.S
)
LINK: Final = re.compile(
    r"(?P<open>!?\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\()(?P<target>[^)\s#]*)(?:#(?P<anchor>[^)\s]*))?\)"
)
OUTSIDE: Final = ("http://", "https://", "mailto:")


class BrokenLink(Exception):
    """Raised when a page links to a missing file or heading."""


def split_code(text: str) -> list[tuple[bool, str]]:
    """Return the parts of a page's text. Each part says whether it is code, because code has no links.

    A link's own text may have code in it, so that one line of `code` is a part only outside of brackets.

    >>> split_code("a ```b``` c")
    [(False, 'a '), (True, '```b```'), (False, ' c')]
    """
    parts, last = [], 0
    for found in CODE.finditer(text):
        if found["tick"] and is_within_link(text, found.start(), found.end()):
            continue
        parts += [(False, text[last : found.start()]), (True, found[0])]
        last = found.end()
    return [*parts, (False, text[last:])]


def is_within_link(text: str, start: int, end: int) -> bool:
    """Return whether code is in the brackets of a link, as in [`order`](order.md)."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line.rfind("[") > line.rfind("]") and re.match(r"[^\[\]\n]*\]\(", text[end:]) is not None


def map_links(text: str, write: Callable[[str, str], str]) -> str:
    """Return a page with a new target for each link. ``write`` returns the new target of a target and its anchor."""

    def replace(found: re.Match[str]) -> str:
        if found["target"].startswith(OUTSIDE):
            return found[0]
        return f"{found['open']}{write(found['target'], found['anchor'] or '')})"

    return "".join(part if is_code else LINK.sub(replace, part) for is_code, part in split_code(text))


def list_links(text: str) -> list[tuple[str, str]]:
    """Return the links of a page into the repository: the written targets, each with its anchor.

    >>> list_links("[a](b.md#c) `[no](d.md)` ![e](f.svg) [g](https://h) [i](#j)")
    [('b.md', 'c'), ('f.svg', ''), ('', 'j')]
    """
    found: list[tuple[str, str]] = []

    def note(target: str, anchor: str) -> str:
        found.append((target, anchor))
        return target

    map_links(text, note)
    return found


def list_targets(text: str) -> list[str]:
    """Return the targets of a page's links to files, as written."""
    return [target for target, _ in list_links(text) if target]


def resolve(page: str, target: str) -> str:
    """Return the repository path of a link's target.

    >>> resolve("docs/operations/order.md", "../plans.md")
    'docs/plans.md'
    """
    return os.path.normpath(PurePosixPath(page).parent / target) if target else page


def rewrite(page: str, text: str, places: dict[str, str], texts: dict[str, str]) -> str:
    """Return a page's text with links that fit its place in the site.

    Args:
        page: the page's path in the repository.
        text: its Markdown.
        places: where the site has each file, by its path in the repository.
        texts: the Markdown of all pages, by the same.

    Raises:
        BrokenLink: a target is not in the site, or has no such heading.
    """

    def write(target: str, anchor: str) -> str:
        found = resolve(page, target)
        if found not in places:
            raise BrokenLink(f"{page} links to {target}, which is not there")
        here = os.path.relpath(places[found], PurePosixPath(places[page]).parent) if target else ""
        if not anchor:
            return here
        known = github_anchors(texts.get(found, ""))
        if anchor not in known:
            raise BrokenLink(f"{page} links to {target}#{anchor}, and there is no such heading")
        return f"{here}#{site_anchors(texts[found])[known.index(anchor)]}"

    return map_links(text, write)
