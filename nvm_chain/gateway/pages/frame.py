"""The frame of the pages: a head that is the same for all of them, with the styles and the scripts of each."""

from collections.abc import Sequence
from html import escape

from nvm_chain.gateway.foreign_text import MAX_NAME, shorten
from nvm_chain.gateway.pages.assets import name_asset, read_template


def write_page(
    title: str, body: str, script: str, *, styles: Sequence[str] = ("checkout.css",), folder: str = "assets"
) -> bytes:
    """Return a page as HTML.

    Args:
        title: The title, which may be a text of others.
        body: The body, as HTML.
        script: The script of the page. Each page has the one of wallets too.
        styles: The styles, in their order.
        folder: Where the files are, seen from the page.
    """
    links = [f'<link rel="stylesheet" href="{folder}/{name_asset(name)}">' for name in styles]
    scripts = [f'<script src="{folder}/{name_asset(name)}" defer></script>' for name in ("wallet.js", script)]
    page = read_template("frame.html").substitute(
        title=escape(shorten(title, MAX_NAME)), files="\n".join((*links, *scripts)), body=body
    )
    return page.encode()
