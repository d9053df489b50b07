"""Whatever text strangers send, a page shows it as text: no element, attribute, script or address comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import MISSING, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from msgspec import structs

from ringbid.catalog.snapshot import EMPTY
from ringbid.edge.web.office import Office
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedTag
from ringbid.values.clock import SystemClock
from ringbid.values.ids import PingId, PublisherId
from support.hostile_office import TEXTS, open_hostile
from support.hostile_text import HOSTILE
from support.page_dangers import Page
from support.stored_pings import ASK_CHARLIE, ASK_FOXTROT, VERDICTS, make_ping, make_trace
from support.web import OWNER, FixedIdentities, web_client
from support.whole_office import visit

MOST_PAGES = 150
OWNERS = {"accept": "text/html", "cookie": "ringbid=owner"}


def ping_full_of(text: str) -> StoredPing:
    """A ping with `text` wherever a publisher, a buyer or a caller may put some."""
    charlie = structs.replace(ASK_CHARLIE, request=f"POST http://127.0.0.1/{text}", answer=text, outputs={"a": text})
    trace = make_trace(
        tags={
            "name": TracedTag(text, "ping"),
            "list": TracedTag([text, text], "ping"),
            text[:60]: TracedTag("", "zip"),
        },
        asks=[charlie, structs.replace(ASK_FOXTROT, detail=text)],
        verdicts=[structs.replace(verdict, actual=text, expected=text) for verdict in VERDICTS],
    )
    return make_ping(trace=trace, publisher_id=PublisherId(text[:60]))


def reservation_page(ping: StoredPing) -> Page:
    class OnePing:
        async def find(self, ping_id: PingId) -> StoredPing | None:
            return ping if ping_id == ping.ping_id else None

    parts: dict[str, Any] = {part.name: SimpleNamespace() for part in fields(Office) if part.default is MISSING}
    parts |= {"clock": SystemClock(), "catalogs": SimpleNamespace(snapshot=EMPTY), "reservations": OnePing()}
    office = Office(**parts | {"identities": FixedIdentities({"owner": replace(OWNER, company_id=ping.company_id)})})

    async def story() -> Page:
        async with web_client(office) as browser:
            answer = await browser.get(f"/call_reservations/{ping.ping_id}")
            assert answer.status_code == 200, answer.text
            return Page(answer.text)

    return asyncio.run(story())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_in_a_ping_is_text_on_its_page(name: str) -> None:
    text = HOSTILE[name]
    page = reservation_page(ping_full_of(text))
    assert list(page.dangers()) == []
    assert page.shape == reservation_page(ping_full_of("w" * len(text))).shape
    assert " ".join(text.split())[:40] in page.text


def test_no_page_takes_hostile_names_tags_or_answers_for_more_than_text(tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with open_hostile(tmp_path) as (web, things):
            found: list[str] = []
            waiting = [*_pages_without_parameters(web), f"/call_reservations/{things.ping}", f"/calls/{things.call}"]
            seen: set[str] = set()
            shown = ""
            while waiting and len(seen) < MOST_PAGES:
                path, _, query = waiting.pop(0).partition("#")[0].partition("?")
                if f"{path}?{query}" in seen or path.startswith("/static/"):
                    continue
                seen.add(f"{path}?{query}")
                answer = await visit(
                    web, "GET", path, query=query, headers={"accept": "text/html", "cookie": "ringbid=owner"}
                )
                if answer.status >= 500:
                    found.append(f"{path}?{query}: {answer.status}")
                if answer.status != 200 or not answer.headers.get("content-type", "").startswith("text/html"):
                    continue
                page = Page(answer.body.decode())
                found += [f"{path}?{query}: {danger}" for danger in page.dangers()]
                waiting += page.links
                shown += page.text
            assert any(text in shown for text in TEXTS), "they are shown, as what they are"
            return found

    assert asyncio.run(story()) == []


def _pages_without_parameters(web: Litestar) -> list[str]:
    return [route.path for route in web.routes if isinstance(route, HTTPRoute) and "{" not in route.path_format]


@pytest.mark.parametrize(
    "html",
    [
        "<p><img src=/x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<script src='https://198.51.100.1/a.js'></script>",
        "<a href=' javascript:alert(1)'>",
        "<form action='http://198.51.100.1/'>",
        "<a href='//198.51.100.1/'>",
        "<b data-owned>",
    ],
)
def test_a_page_that_is_not_safe_is_found(html: str) -> None:
    assert list(Page(html).dangers())
