"""The browser the tests of the editor look through, and what they see go wrong in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright

from server.pages import is_built

CHROMIUM = Path(os.environ.get("NOISEWRIGHT_BROWSER", "/usr/bin/chromium"))
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
SIZE = ViewportSize(width=1440, height=900)
PATIENCE = 15_000.0
"""Milliseconds after which what should appear is taken for missing."""

UNREACHABLE = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
"""Begin what Chromium itself says of a server that refuses or is away."""


def need_editor() -> None:
    """The editor must be built: without it a test fails in CI, and is skipped elsewhere."""
    if not is_built():
        _without("The editor is not built. Run: pip install -c constraints.txt -e . (or npm run build in web/)")


def need_browser() -> None:
    """There must be a Chromium: without it a test fails in CI, and is skipped elsewhere."""
    if not CHROMIUM.is_file():
        _without(f"There is no {CHROMIUM}. Run: apt-get install -y chromium (or name another in NOISEWRIGHT_BROWSER)")


def _without(said: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What happened on a page. errors: of scripts and of the console; those of a policy that forbids something are
    among them. refused: what Chromium says of answers from 400 on and of a server that is away. origins: asked by it.
    """

    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def begin(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            text = f"{message.text} ({message.location.get('url', '')})"
            (self.refused if message.text.startswith(UNREACHABLE) else self.errors).append(text)

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss"):
            self.origins.add(f"{address.scheme}://{address.netloc}")


@contextmanager
def visit(browser: Browser, *, scheme: str = "dark") -> Iterator[tuple[Page, Watch]]:
    """A page of a person who was never here, and what happens on it. scheme: "dark" or "light"."""
    context = browser.new_context(
        viewport=SIZE, color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    try:
        page, watch = context.new_page(), Watch()
        watch.begin(page)
        yield page, watch
    finally:
        context.close()
