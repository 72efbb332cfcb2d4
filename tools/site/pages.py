"""Content of the site: pages of the repository, their link targets, and generated pages."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from tools.reference.errors import write_error_pages
from tools.reference.pages import write_pages
from tools.site.links import BrokenLink, list_targets, map_links, resolve, rewrite
from tools.site.navigation import ROOT, expand, read_navigation

REFERENCE: Final = "docs/reference.md"
ERRORS: Final = "docs/errors.md"
INDEX: Final = "docs/reference/README.md"
LANGUAGES: Final = {".py": "python", ".sol": "solidity", ".toml": "toml", ".json": "json", ".yml": "yaml", ".js": "js"}
PICTURES: Final = (".svg", ".png")
COMMENT: Final = re.compile(r"^<!--.*?-->\n", re.MULTILINE)


@dataclass
class Site:
    """Content of the site: pages and pictures by repository path. A generated page has a path too."""

    texts: dict[str, str] = field(default_factory=dict)
    """The Markdown of each page."""
    pictures: list[str] = field(default_factory=list)

    @property
    def places(self) -> dict[str, str]:
        """Place of each page and picture in the site."""
        return {path: place_of(path) for path in (*self.texts, *self.pictures)}

    def render(self) -> dict[str, str]:
        """Return each page by its place, with links that fit there. Raises BrokenLink."""
        places = self.places
        return {
            places[path]: COMMENT.sub("\n", rewrite(path, text, places, self.texts))
            for path, text in self.texts.items()
        }


def place_of(path: str) -> str:
    """Return the place in the site of a file of the repository.

    >>> [place_of(path) for path in ("docs/README.md", "docs/plans.md", "SECURITY.md", "contracts/credits/ICredits.sol")]
    ['index.md', 'plans.md', 'project/SECURITY.md', 'project/contracts/credits/ICredits.sol.md']
    """
    if path == REFERENCE:
        return "reference/index.md"
    inside = PurePosixPath(path)
    place = inside.relative_to("docs") if inside.is_relative_to("docs") else PurePosixPath("project") / inside
    if place.name == "README.md":
        place = place.with_name("index.md")
    return str(place if place.suffix in (".md", *PICTURES) else place.with_name(f"{place.name}.md"))


def collect(root: Path = ROOT) -> Site:
    """Return the whole site: the pages of the navigation, the generated pages, and all link targets.

    Raises:
        BrokenLink: a page or the navigation names what is not there.
    """
    site = Site(generate(root))
    pages = [page for section in expand(read_navigation(), site.texts) for page in section.pages]
    wanted = [*dict.fromkeys([*pages, *site.texts])]
    for path in wanted:
        if path not in site.texts:
            site.texts[path] = read_page(root, path)
        for target in list_targets(site.texts[path]):
            found = resolve(path, target)
            if found.endswith(PICTURES) and (root / found).is_file():
                site.pictures += [found] if found not in site.pictures else []
            elif found not in wanted:
                if found not in site.texts and not (root / found).exists():
                    raise BrokenLink(f"{path} links to {target}, which is not there")
                wanted.append(found)
    return site


def generate(root: Path) -> dict[str, str]:
    """Return the generated pages: the reference, and the page of errors after its prose."""
    reference = {f"docs/reference/{name}": text for name, text in write_pages().items()}
    index = move(INDEX, reference.pop(INDEX), REFERENCE).partition("\n")[2]
    prose = {path: (root / path).read_text("utf-8").rstrip() for path in (REFERENCE, ERRORS)}
    return {**reference, REFERENCE: f"{prose[REFERENCE]}\n{index}", ERRORS: f"{prose[ERRORS]}\n\n{write_error_pages()}"}


def move(page: str, text: str, place: str) -> str:
    """Return a page's text with links that fit another place in the repository."""

    def write(target: str, anchor: str) -> str:
        moved = os.path.relpath(resolve(page, target), PurePosixPath(place).parent) if target else ""
        return f"{moved}#{anchor}" if anchor else moved

    return map_links(text, write)


def read_page(root: Path, path: str) -> str:
    """Return the Markdown of a file. For source code or a folder return a page that shows its content."""
    place = root / path
    if place.suffix == ".md":
        return place.read_text("utf-8")
    if place.is_dir():
        names = sorted(item.name + "/" * item.is_dir() for item in place.iterdir() if item.name[0] not in "._")
        return f"# {path}/\n\n" + "\n".join(f"- `{name}`" for name in names) + "\n"
    language = LANGUAGES.get(place.suffix, "")
    return f"# {path}\n\n````{language}\n{place.read_text('utf-8')}````\n"
