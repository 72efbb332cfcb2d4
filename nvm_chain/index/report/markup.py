"""HTML elements in which every text is escaped, unless it is markup already."""

from html import escape
from typing import Final

VOID: Final = frozenset({"meta", "br", "wbr"})
"""Elements without content and without a closing tag."""


class Markup(str):
    """Text that is markup. Only `element` and `join` make it, and the constants of this package."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | int | None) -> Markup:
    """Build an element. A child that is not Markup is a text, and is escaped, as every attribute is.

    An attribute's underscores become hyphens, and one at its end is dropped: ``class_`` is ``class``. An attribute of
    value None is left out.

    >>> element("td", "<b>", class_="number", data_label="Paid")
    '<td class="number" data-label="Paid">&lt;b&gt;</td>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    closing = "" if name in VOID else f"{join(*children)}</{name}>"
    return Markup(f"<{name}{written}>{closing}")


def join(*children: str) -> Markup:
    """Join texts and markup, and escape the texts.

    >>> join(Markup("<br>"), "a & b")
    '<br>a &amp; b'
    """
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))
