"""Every page that somebody can reach, in a company where all names, tags and answers are hostile text, and with such
text in addresses and filters: it stays text, on pages and in tables that are taken away.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from support.asgi import Response
from support.hostile_office import TEXTS, Hostile, open_hostile
from support.page_dangers import Page
from support.whole_office import visit

MOST_PAGES = 300
MOST_OF_A_ROUTE = 12  # a table's every filter and page is the same page
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?[\d.]+")
_FAILED = 500


@dataclass
class Crawl:
    """What was found at each address, and all text that was shown."""

    web: Litestar
    role: str
    found: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _visits: dict[str, int] = field(default_factory=dict)

    async def walk(self, starts: list[str]) -> None:
        """Visit these, and what they lead to."""
        waiting = deque(starts)
        while waiting and len(self._seen) < MOST_PAGES:
            address = waiting.popleft().partition("#")[0]
            path, _, query = address.partition("?")
            if address in self._seen or path.startswith("/static/") or self._visits.get(path, 0) >= MOST_OF_A_ROUTE:
                continue
            self._seen.add(address)
            self._visits[path] = self._visits.get(path, 0) + 1
            headers = {"accept": "text/html,text/csv", "cookie": f"ringbid={self.role}"}
            answer = await visit(self.web, "GET", address, headers=headers)
            self.found += [f"{address}: {line}" for line in _dangers(answer)]
            if answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html"):
                page = Page(answer.body.decode())
                self.shown.append(page.text)
                waiting.extend(page.links)
                if not query and page.fields:
                    waiting.extend(f"{path}?{urlencode(dict.fromkeys(page.fields, text))}" for text in TEXTS[:4])


def _dangers(answer: Response) -> Iterator[str]:
    kind = answer.headers.get("content-type", "")
    if answer.status >= _FAILED:
        yield f"answered {answer.status}"
    if answer.headers.get("x-content-type-options") != "nosniff":
        yield "browsers may guess what it is"
    if "no-store" not in answer.headers.get("cache-control", ""):
        yield "browsers may keep it"
    if kind.startswith("text/html"):
        policy = answer.headers.get("content-security-policy", "")
        if "unsafe" in policy or "frame-ancestors 'none'" not in policy or "default-src 'self'" not in policy:
            yield f"its policy is {policy!r}"
        yield from Page(answer.body.decode()).dangers()
    if kind.startswith("text/event-stream"):
        yield from Page(answer.body.decode()).dangers()
    if kind.startswith("text/csv"):
        yield from _formulas(answer.body.decode("utf-8-sig"))


def _formulas(text: str) -> Iterator[str]:
    """Cells that a spreadsheet would calculate: they begin as a formula does, and are no number."""
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            if cell.strip().startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(cell):
                yield f"the cell {cell!r} is a formula"


def _starts(there: Hostile) -> Iterator[str]:
    """The routes without parameters; with them, what is ours, and what is hostile."""
    yield from (f"/call_reservations/{there.ping}", f"/calls/{there.call}", "/campaigns/auto-insurance")
    for route in there.web.routes:
        if isinstance(route, HTTPRoute) and any("GET" in handler.http_methods for handler in route.route_handlers):
            for text in TEXTS if "{" in route.path_format else [""]:
                parts = [part if isinstance(part, str) else quote(text, safe="") for part in route.path_components]
                yield "/" + "/".join(parts)


@pytest.mark.parametrize("role", ["owner", "publisher"])
def test_no_page_takes_hostile_names_tags_or_filters_for_more_than_text(tmp_path: Path, role: str) -> None:
    async def story() -> Crawl:
        async with open_hostile(tmp_path) as there:
            crawl = Crawl(there.web, role)
            await crawl.walk(list(_starts(there)))
            return crawl

    crawl = asyncio.run(story())
    assert crawl.found == []
    assert any(text in shown for text in TEXTS for shown in crawl.shown), "they are shown, as what they are"


def test_a_cell_that_is_a_formula_is_found() -> None:
    assert list(_formulas("a,=1\n"))
    assert list(_formulas('a,"\t@x"\n'))
    assert list(_formulas("a,+12135550123,-1.5,'=1\n")) == []
