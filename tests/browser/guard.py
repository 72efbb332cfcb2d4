"""What pages do that no page of ours may do: ask other hosts, fail, or try what their own policy forbids."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

OF_THE_PAGE = ("data", "blob", "about")
"""Schemes of what is in the page already."""


@dataclass
class Guard:
    """Watches the pages of contexts. At the end of a test, `check` fails if a page did what it may not."""

    hosts: set[str] = field(default_factory=set)
    """Hosts with their ports that pages may ask."""
    asked: list[str] = field(default_factory=list)
    """URLs that were asked for, in their order."""
    errors: list[str] = field(default_factory=list)
    """Errors of scripts that nothing caught."""
    forbidden: list[str] = field(default_factory=list)
    """What the Content-Security-Policy of a page forbade it."""
    console: list[str] = field(default_factory=list)
    """All that was written to the console, each with its kind."""

    def allow(self, *urls: str) -> None:
        """Allow requests to the hosts of some URLs."""
        self.hosts |= {urlsplit(url).netloc for url in urls}

    def watch(self, context: BrowserContext) -> None:
        """Watch every page of a context, also those that it opens later."""
        context.on("request", self._take_request)
        context.on("weberror", self._take_error)
        context.on("console", self._take_console)
        context.on("page", self._take_page)

    def find(self) -> list[str]:
        """Return what was done that no page may do."""
        others = sorted({url for url in self.asked if urlsplit(url).netloc not in self.hosts})
        return [*(f"asked {url}" for url in others), *self.errors, *self.forbidden]

    def check(self) -> None:
        """Fail if a page did what it may not."""
        assert self.find() == [], "\n".join(self.find())

    def forget(self) -> None:
        """Forget what was done until now."""
        for seen in (self.asked, self.errors, self.forbidden, self.console):
            seen.clear()

    def _take_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in OF_THE_PAGE:
            self.asked.append(request.url)

    def _take_page(self, page: Page) -> None:
        page.on("websocket", lambda socket: self.asked.append(socket.url))

    def _take_error(self, error: WebError) -> None:
        self.errors.append(f"failed with {error.error}")

    def _take_console(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")
        if message.type == "error" and "Content Security Policy" in message.text:
            self.forbidden.append(f"was refused: {message.text}")
