"""No page is without its tests in a browser: whoever makes one is told to add it to them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from browser.screens import OTHER_PATHS, SCREENS
from support.routes import ways_of
from support.whole_office import open_whole

_FILES = (".csv", ".xlsx")


def test_every_page_is_a_screen_of_the_browser_tests(tmp_path: Path) -> None:
    async def read() -> set[str]:
        async with open_whole(tmp_path) as whole:
            return {way.template for way in ways_of(whole.web) if way.method == "GET"}

    templates = {one for one in asyncio.run(read()) if not one.startswith("/api/") and not one.endswith(_FILES)}
    shown = [screen.path.partition("?")[0] for screen in SCREENS]
    missing = {
        one for one in templates - OTHER_PATHS.keys() if not any(_pattern(one).fullmatch(path) for path in shown)
    }
    assert missing == set()
    assert OTHER_PATHS.keys() - templates == set()


def _pattern(template: str) -> re.Pattern[str]:
    """Of the paths that the template stands for."""
    return re.compile("[^/]+".join(re.escape(text) for text in re.split(r"\{[^}]+\}", template)))
