"""Navigation of the site: its pages in order, from docs/navigation.toml."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
NAVIGATION: Final = ROOT / "docs" / "navigation.toml"


@dataclass(frozen=True, slots=True)
class Section:
    """Tab of the site: a title, and the repository paths of its pages."""

    title: str
    pages: tuple[str, ...]


def read_navigation(path: Path = NAVIGATION) -> list[Section]:
    """Return the sections as written. Pages may be patterns."""
    data = tomllib.loads(path.read_text("utf-8"))
    return [Section(item["title"], tuple(item["pages"])) for item in data["section"]]


def expand(sections: Iterable[Section], known: Iterable[str]) -> list[Section]:
    """Return the sections with each pattern replaced by its pages, in the order of names.

    A pattern that stands for nothing is left as it is, and found to be missing later.
    """
    pages = sorted(known)

    def match(pattern: str) -> list[str]:
        return [page for page in pages if "*" in pattern and fnmatch(page, pattern)] or [pattern]

    return [Section(item.title, tuple(page for name in item.pages for page in match(name))) for item in sections]
