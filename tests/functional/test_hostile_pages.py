"""Whatever text strangers send, a page shows it as text: no element, attribute, script or address comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedTag
from ringbid.values.ids import PingId, PublisherId
from support.hostile_text import HOSTILE
from support.page_dangers import Page
from support.stored_pings import ASK_CHARLIE, ASK_FOXTROT, VERDICTS, make_ping, make_trace
from support.web import OWNER, FixedIdentities, make_office, web_client


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

    identities = FixedIdentities({"owner": replace(OWNER, company_id=ping.company_id)})
    office = make_office(reservations=OnePing(), identities=identities)

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
