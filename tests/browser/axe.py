"""Axe on a page: what keeps people from using it by keyboard, with a screen reader, or with weak eyes."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

SOURCE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")


def find_axe(page: Page | Frame) -> list[dict[str, Any]]:
    """Return all that axe finds on a page and in its frames, or in one frame alone."""
    source = SOURCE.read_text("utf-8")
    for frame in page.frames if isinstance(page, Page) else [page]:
        frame.evaluate(source)  # no script of the page, so its Content-Security-Policy has no say in it
    found: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")
    return list(found["violations"])


def check_axe(page: Page | Frame) -> None:
    """Fail if axe finds something serious or critical."""
    lines = [
        f"{found['id']} ({found['impact']}): {found['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for found in find_axe(page)
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]
    assert lines == [], "\n".join(lines)
