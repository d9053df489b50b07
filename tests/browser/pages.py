"""What a browser test does to a page: watch it for what must not happen, check it, and keep a picture of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

ARTEFACTS = Path(__file__).parents[2] / ".artefacts" / "screens"
THEMES, WIDTHS = ("light", "dark"), (1280, 390)
# axe's own "best practice" rules are kept as well: a page has landmarks, one h1, and headings in order.
_AXE_OPTIONS = {"resultTypes": ["violations"]}
_LOADING_FAILED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at."""

    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.theme}-{self.width}"


VIEWS = tuple(View(theme, width) for theme in THEMES for width in WIDTHS)


@dataclass
class Watched:
    """A page, and what it did that no page of ours may do."""

    page: Page
    faults: list[str] = field(default_factory=list)
    refusal_expected: bool = False  # the page itself answers 4xx, which the browser puts on the console

    def assert_faultless(self) -> None:
        assert self.faults == []


def open_context(browser: Browser, view: View, *, base_url: str, session: str | None = "owner") -> BrowserContext:
    """A browser profile of its own, signed in by the cookie `session`."""
    context = browser.new_context(
        base_url=base_url,
        color_scheme="dark" if view.theme == "dark" else "light",
        viewport={"width": view.width, "height": 860},
        reduced_motion="reduce",
    )
    if session is not None:
        context.add_cookies([{"name": "ringbid", "value": session, "url": base_url}])
    return context


def watch(context: BrowserContext) -> Watched:
    """A new page that writes down console errors, exceptions, and requests that leave this machine. What the content
    policy stops is a console error."""
    page = context.new_page()
    watched = Watched(page)

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not (watched.refusal_expected and _LOADING_FAILED.match(message.text)):
            watched.faults.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            watched.faults.append(f"request outside: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: watched.faults.append(f"exception: {error}"))
    page.on("request", on_request)
    return watched


def check_page(page: Page) -> None:
    """axe finds nothing, and nothing is wider than the window."""
    found = Axe().run(page, options=_AXE_OPTIONS)
    assert found.violations_count == 0, found.generate_report()
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"the page can be scrolled sideways by {too_wide} px"


def keep_picture(page: Page, name: str) -> Path:
    """A screenshot of the whole page, as `.artefacts/screens/<name>.png`."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    target = ARTEFACTS / f"{name}.png"
    page.screenshot(path=target, full_page=True)
    return target
