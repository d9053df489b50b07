"""Every page that somebody can reach, in a company where all names, tags and answers are hostile text, and with such
text in addresses and filters: it stays text, on pages and in tables that are taken away.
"""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from ringbid.accounts.tokens import form_token
from support.asgi import Response
from support.hostile_office import TEXTS, Hostile, open_hostile
from support.page_dangers import Form, Page
from support.whole_office import visit

MOST_PAGES = 300
MOST_OF_A_ROUTE = 20  # a table's every filter and page is the same page
MOST_OF_A_FORM = 2
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?[\d.]+")
_DONE, _FAILED = 200, 500


@dataclass
class Crawl:
    """What was found at each address, and all text that was shown."""

    web: Litestar
    role: str
    found: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _visits: Counter[str] = field(default_factory=Counter)
    _texts: Iterator[str] = field(default_factory=lambda: itertools.cycle(TEXTS))

    async def walk(self, starts: list[str]) -> None:
        """Visit these and what they lead to, with hostile text in each filter; and fill in each form with it."""
        waiting = deque(starts)
        while waiting and len(self._seen) < MOST_PAGES:
            address = waiting.popleft().partition("#")[0]
            path, _, query = address.partition("?")
            if address in self._seen or path.startswith("/static/") or self._visits[path] >= MOST_OF_A_ROUTE:
                continue
            self._seen.add(address)
            self._visits[path] += 1
            page = await self._visit("GET", address)
            if page is None:
                continue
            self.shown.append(page.text)
            waiting.extend(page.links)
            for form in page.forms:
                if form.method == "post":
                    has_token = form.fields.get("csrf") == form_token(self.role)
                    self.found += [] if has_token else [f"{address}: the form to {form.action} has no token"]
                    await self._fill_in(form, path)
                elif not query:
                    waiting += [f"{form.action or path}?{urlencode({name: next(self._texts)})}" for name in form.fields]

    async def _fill_in(self, form: Form, path: str) -> None:
        action = form.action or path
        if self._visits[f"POST {action}"] >= MOST_OF_A_FORM:
            return
        self._visits[f"POST {action}"] += 1
        values = {name: next(self._texts) for name in form.fields} | {"csrf": form_token(self.role)}
        await self._visit("POST", action, urlencode(values).encode())

    async def _visit(self, method: str, address: str, body: bytes = b"") -> Page | None:
        """The page, where there is one."""
        headers = {"accept": "text/html,text/csv", "cookie": f"ringbid={self.role}", "sec-fetch-site": "same-origin"}
        headers |= {"content-type": "application/x-www-form-urlencoded"} if body else {}
        answer = await visit(self.web, method, address, headers=headers, body=body)
        self.found += [f"{method} {address}: {line}" for line in _dangers(answer)]
        is_page = answer.status == _DONE and answer.headers.get("content-type", "").startswith("text/html")
        return Page(answer.body.decode()) if is_page else None


def _dangers(answer: Response) -> Iterator[str]:
    kind = answer.headers.get("content-type", "")
    if answer.status >= _FAILED:
        yield f"answered {answer.status}"
    if answer.headers.get("x-content-type-options") != "nosniff":
        yield "browsers may guess what it is"
    is_stream = kind.startswith("text/event-stream")  # no browser keeps one
    if "no-store" not in answer.headers.get("cache-control", "") and not is_stream:
        yield "browsers may keep it"
    if kind.startswith("text/html"):
        policy = answer.headers.get("content-security-policy", "")
        if "unsafe" in policy or "frame-ancestors 'none'" not in policy or "default-src 'self'" not in policy:
            yield f"its policy is {policy!r}"
        yield from Page(answer.body.decode()).dangers()
    if is_stream:
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
    texts = itertools.cycle(TEXTS)
    for route in there.web.routes:
        if isinstance(route, HTTPRoute) and any("GET" in handler.http_methods for handler in route.route_handlers):
            parts = [part if isinstance(part, str) else quote(next(texts), safe="") for part in route.path_components]
            yield "/" + "/".join(parts)


@pytest.mark.parametrize("role", ["owner", "publisher", "buyer"])
def test_no_page_takes_hostile_names_tags_or_filters_for_more_than_text(tmp_path: Path, role: str) -> None:
    async def story() -> Crawl:
        async with open_hostile(tmp_path) as there:
            crawl = Crawl(there.web, role)
            await crawl.walk(list(_starts(there)))
            return crawl

    crawl = asyncio.run(story())
    assert crawl.found == []
    unseen = [text for text in TEXTS if not any(text in shown for shown in crawl.shown)]
    assert len(unseen) < len(TEXTS) if role != "owner" else not unseen, "they are shown, as what they are"


def test_a_cell_that_is_a_formula_is_found() -> None:
    assert list(_formulas("a,=1\n"))
    assert list(_formulas('a,"\t@x"\n'))
    assert list(_formulas("a,+12135550123,-1.5,'=1\n")) == []
