"""Write the reference, one page per public module, from the signatures and docstrings of the package.

The source is read, not imported: a page is the same whichever versions are installed. Signatures stand in ``py`` blocks
and doctests in ``pycon`` blocks: only ``python`` blocks are programs, which tests/house/test_readme.py runs. Names in single
backticks and names of errors become links where a page has them. `make site` puts the pages into the site.
"""

from tools.reference.entries import format_entry
from tools.reference.names import (
    ALIASES,
    HOMES,
    Page,
    list_entries,
    list_headings,
    list_pages,
    parse,
    read_exports,
    read_purpose,
)
from tools.reference.text import Linker, format_docstring, format_line


def format_page(page: Page, linker: Linker) -> str:
    """Format a page of the reference."""
    own = sorted(name for name, home in HOMES.items() if home == page.module)
    blocks = [f"# nvm_chain.{page.module}", format_docstring(read_purpose(page), page, linker)]
    aliases = [alias for alias, module in ALIASES.items() if page.module == module and alias != module]
    if aliases:
        blocks.append("Also importable as " + " and ".join(f"`nvm_chain.{alias}`" for alias in aliases) + ".")
    if own:
        blocks.append(
            "`nvm_chain` itself has: " + ", ".join(format_line(f"`{name}`", page, linker) for name in own) + "."
        )
    told = set(list_headings(page))
    others = {alias.asname or alias.name: alias.name for alias in read_exports(page)}
    links = [
        format_line(f"`{name}`" if name == source else f"`{name}` (which is `{source}`)", page, linker)
        for name, source in sorted(others.items())
        if name not in told
    ]
    if links:
        blocks.append(f"`nvm_chain.{page.module}` has too, from elsewhere: {', '.join(links)}.")
    for node in list_entries(page):
        path = next(path for path in page.paths if node in parse(path).body)
        blocks += format_entry(node, path, page, linker)
    return "\n\n".join(block for block in blocks if block) + "\n"


def format_index(pages: list[Page], linker: Linker) -> str:
    """Format the index page with links to all other pages."""
    index = Page("README", ())
    lines = [
        "# Reference",
        "",
        "| module | what is in it |",
        "|---|---|",
    ]
    for page in pages:
        purpose = format_line(read_purpose(page).partition("\n")[0], index, linker)
        lines.append(f"| [{page.module}]({page.name}) | {purpose} |")
    names = [f"[`{name}`]({linker.find(name, index)})" for name in sorted(HOMES)]
    return "\n".join([*lines, "", "## Names of nvm_chain", "", ", ".join(names) + ".", ""])


def write_pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    pages = list_pages()
    linker = Linker(pages)
    return {"README.md": format_index(pages, linker), **{page.name: format_page(page, linker) for page in pages}}
