"""Settings of the site's builder: zensical.toml with the navigation."""

import json
from collections.abc import Iterable
from typing import Any, Final

from tools.site.navigation import Section
from tools.site.pages import place_of

SETTINGS: Final[dict[str, Any]] = {
    "site_name": "nvm_chain",
    "site_description": "Payment plans for AI agents, services and files: sold, owned and redeemed on chain.",
    "docs_dir": "pages",
    "site_dir": "html",
    "use_directory_urls": False,  # pages open from a disk as well
    "copyright": "Apache-2.0",
    "plugins": {"search": {"enabled": True}, "offline": {"enabled": True}},
    "theme": {
        "language": "en",
        "font": False,  # none is fetched
        "features": [
            "content.code.copy",
            "navigation.footer",
            "navigation.tabs",
            "navigation.top",
            "search.highlight",
            "toc.follow",
        ],
        "palette": [
            {
                "media": "(prefers-color-scheme: light)",
                "scheme": "default",
                "toggle": {"icon": "lucide/sun", "name": "Dark"},
            },
            {
                "media": "(prefers-color-scheme: dark)",
                "scheme": "slate",
                "toggle": {"icon": "lucide/moon", "name": "Light"},
            },
        ],
    },
    "markdown_extensions": {
        "attr_list": {},
        "tables": {},
        "toc": {"permalink": True},
        "pymdownx": {"highlight": {}, "superfences": {}},
    },
}
"""What the builder is told, apart from the navigation."""


def build_settings(sections: Iterable[Section]) -> dict[str, Any]:
    """Return the builder's settings with the navigation."""
    nav = [{section.title: [name_page(page) for page in section.pages]} for section in sections]
    return {"project": {**SETTINGS, "nav": nav}}


def name_page(page: str) -> str | dict[str, str]:
    """Return the menu entry of a page. A page of the reference has its module's name, any other page its heading.

    >>> name_page("docs/reference/operations.orders.md"), name_page("docs/plans.md")
    ({'operations.orders': 'reference/operations.orders.md'}, 'plans.md')
    """
    module = page.removeprefix("docs/reference/").removesuffix(".md")
    return {module: place_of(page)} if page.startswith("docs/reference/") else place_of(page)


def write_toml(value: object) -> str:
    """Format a value as TOML with inline tables: a string, a bool, or a list or dictionary of them.

    >>> write_toml({"a": ["b", True]})
    '{"a" = ["b", true]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {write_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_toml, value)) + "]"
    return json.dumps(value)
