"""A real browser, its pages, and what watches over them.

The browser is open for one file at a time. While it is open, its driver has an event loop in this thread, so tests of other files
could not run loops of their own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.guard import Guard
from tests.browser.wallet import Wallet

PROGRAM = Path(__file__).parents[2] / ".browser" / "chrome"
PATIENCE = 60_000
"""Milliseconds that a page has for each step. Steps take a few of them, except on a machine that is busy."""


expect.set_options(timeout=PATIENCE)


class NewPage(Protocol):
    """Opens a page in a context of its own: with a wallet, on a phone, in the dark."""

    def __call__(self, wallet: Wallet | None = None, **options: Any) -> Page:
        """Return an empty page. ``options`` are those of playwright's `Browser.new_context`."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. A missing one fails the test."""
    assert PROGRAM.exists(), "There is no browser for the tests. Run: make setup"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture
def guard() -> Guard:
    """What watches the pages of a test. The test names the hosts that they may ask: `guard.allow(gate.url)`."""
    return Guard()


@pytest.fixture
def new_page(browser: Browser, guard: Guard) -> Iterator[NewPage]:
    """Opens pages that are guarded, and closed after the test."""
    contexts: list[BrowserContext] = []

    def open_page(wallet: Wallet | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "timezone_id": "UTC", **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        guard.watch(context)
        if wallet:
            wallet.install(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    guard.check()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page without a wallet."""
    return new_page()
