"""Anchors of headings in the forms of GitHub and of the site's builder. Links in the sources use GitHub's form."""

import re
import unicodedata

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def read_headings(text: str) -> list[str]:
    r"""Return the headings of a page with its title, without lines in code blocks.

    >>> read_headings("# A\n\n```sh\n# no heading\n```\n\n## B `c`\n")
    ['A', 'B `c`']
    """
    return re.findall(r"^#{1,6} +(.*?) *#*$", FENCE.sub("", text), re.MULTILINE)


def plain(heading: str) -> str:
    """Return a heading's text without the marks of Markdown.

    >>> plain("What [settle](settle.md) `takes`")
    'What settle takes'
    """
    return re.sub(r"[`*]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading))


def github_anchors(text: str) -> list[str]:
    r"""Return the GitHub anchors of a page's headings. A repeated anchor gets the suffix -1.

    >>> github_anchors("# A & B\n\n## One\n\n## One\n")
    ['a--b', 'one', 'one-1']
    """
    names = [re.sub(r"[^\w -]", "", plain(heading).lower()).replace(" ", "-") for heading in read_headings(text)]
    return number(names, "-")


def site_anchors(text: str) -> list[str]:
    r"""Return the Python-Markdown anchors of a page's headings. A repeated anchor gets the suffix _1.

    >>> site_anchors("# A & B\n\n## One\n\n## One\n")
    ['a-b', 'one', 'one_1']
    """
    names = []
    for heading in read_headings(text):
        ascii_only = unicodedata.normalize("NFKD", plain(heading)).encode("ascii", "ignore").decode()
        names.append(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower()))
    return number(names, "_")


def number(names: list[str], mark: str) -> list[str]:
    """Add a number to repeated anchors.

    >>> number(["a", "b", "a", "a"], "-")
    ['a', 'b', 'a-1', 'a-2']
    """
    return [
        name + (f"{mark}{again}" if (again := names[:place].count(name)) else "") for place, name in enumerate(names)
    ]
