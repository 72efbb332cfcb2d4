"""Docstrings as Markdown: paragraphs, code blocks, and links from names to their entries."""

import re
from typing import Final

from tools.reference.errors import list_error_classes
from tools.reference.names import ALIASES, ELSEWHERE, HOMES, Page, list_headings, page_of
from tools.reference.signatures import fence

SECTIONS: Final = ("Args:", "Returns:", "Yields:", "Raises:")
"""The sections that docstrings have."""
ERRORS_PAGE: Final = "../errors.md"
"""Where errors are told, seen from the folder of the reference."""


class Linker:
    """Linker of names to their entries in the reference."""

    def __init__(self, pages: list[Page]) -> None:
        """Collect the names of all pages and of all errors."""
        self.places: dict[str, dict[str, str]] = {name: {ELSEWHERE: name_anchor(name)} for name in list_error_classes()}
        for page in pages:
            taken: list[str] = []
            for heading in list_headings(page):
                anchor = name_anchor(heading)
                again = taken.count(anchor)
                taken.append(anchor)
                self.places.setdefault(heading, {})[page.module] = f"{anchor}-{again}" if again else anchor

    def find(self, name: str, page: Page) -> str:
        """Return the link target of a name in a docstring, or an empty text. The same page comes first, then the public page."""
        short = re.sub(r"^(?:nvm_chain|nvm)\.", "", name)
        for face, kind in (("payments.plans.", "PlansApi."), ("payments.agents.", "AgentsApi.")):
            short = kind + short.removeprefix(face) if short.startswith(face) else short
        module, _, last = short.rpartition(".")
        home = page_of(ALIASES.get(module, module))
        if home in self.places.get(last, {}):
            return self.write(last, home, page)
        found = self.places.get(short, {})
        home = page.module if page.module in found else HOMES.get(short, "")
        if home not in found:
            home = next(iter(found)) if len(found) == 1 else ""
        return self.write(short, home, page) if home else ""

    def write(self, name: str, module: str, page: Page) -> str:
        """Return the target of a link from a page."""
        file = ERRORS_PAGE if module == ELSEWHERE else "" if module == page.module else f"{module}.md"
        return f"{file}#{self.places[name][module]}"

    def is_error(self, name: str) -> bool:
        """Return whether a name is the name of an error."""
        return ELSEWHERE in self.places.get(name, {})


def name_anchor(heading: str) -> str:
    """Return the GitHub anchor of a heading. A repeated anchor gets the suffix -1.

    >>> name_anchor("Payments.order_plan")
    'paymentsorder_plan'
    """
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def format_line(text: str, page: Page, linker: Linker) -> str:
    """Format a docstring's prose as Markdown, with code and links. Stars and angle brackets are escaped.

    What stands in two backticks is code, what stands in one is a name.
    """
    parts = re.split(r"(``.+?``|`[^`]+`)", text)
    for number, part in enumerate(parts):
        if part.startswith("``"):
            parts[number] = part[1:-1]
        elif part.startswith("`"):
            target = linker.find(part.strip("`"), page)
            parts[number] = f"[{part}]({target})" if target else part
        else:
            escaped = part.replace("**", r"\*\*").replace("<", "&lt;")
            escaped = re.sub(r"\bdocs/([\w/-]+\.md)\b", r"[docs/\1](../\1)", escaped)
            parts[number] = re.sub(r"\b[A-Z]+[A-Za-z0-9]*\b", lambda word: link_error(word[0], page, linker), escaped)
    return "".join(parts)


def link_error(word: str, page: Page, linker: Linker) -> str:
    """Return a link for the name of an error. Any other word is unchanged."""
    target = linker.find(word, page) if linker.is_error(word) else ""
    return f"[`{word}`]({target})" if target else word


def format_section(lines: list[str], page: Page, linker: Linker) -> str:
    """Format a section of a docstring: its name, then one list item for each argument or error."""
    title, body = lines[0].removesuffix(":"), [line.removeprefix("    ") for line in lines[1:]]
    items = [" ".join(item.split()) for item in re.split(r"\n(?! )", "\n".join(body))]
    if title in ("Returns", "Yields"):
        return f"**{title}:** {format_line(' '.join(items), page, linker)}"
    named = (item.partition(": ") for item in items)
    entries = (
        f"- {link_error(name, page, linker) if title == 'Raises' else f'`{name}`'}: {format_line(told, page, linker)}"
        for name, _, told in named
    )
    return "\n".join([f"**{title}:**", "", *entries])


def format_docstring(text: str, page: Page, linker: Linker) -> str:
    """Format a docstring as Markdown: each paragraph in one line, doctests and drawings in code blocks."""
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text.strip()) if text else ():
        lines = paragraph.splitlines()
        if lines[0] in SECTIONS:
            blocks.append(format_section(lines, page, linker))
        elif lines[0].startswith(">>> "):
            blocks.append(fence("pycon", paragraph))
        elif any(re.match(r"[├└│]", line) for line in lines):
            blocks.append(fence("text", paragraph))
        elif any(re.match(r"\s|- ", line) for line in lines[1:]) or lines[0].startswith("- "):
            blocks.append(format_line(paragraph, page, linker))
        else:
            blocks.append(format_line(" ".join(lines), page, linker))
    return "\n\n".join(blocks)
