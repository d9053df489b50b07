"""The page of one call and those of its messages: the story as it is kept, and what a person decides about it."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from litestar.testing import AsyncTestClient

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import author_of
from ringbid.accounts.tools import make_tools
from ringbid.outbox.message import MessageState
from ringbid.values.ids import CompanyId
from support.call_stage import exchange
from support.call_world import CallWorld, call_world, dials
from support.outbox import message, put, tried, wish
from support.stores import StorePlace
from support.web import OWNER, FixedIdentities, make_office, web_client

ACTORS = {
    "owner": OWNER,
    "analyst": replace(OWNER, user_id="u-2", name="Ana Analyst", role=Role.ANALYST),
    "stranger": replace(OWNER, user_id="u-3", company_id=CompanyId("umbrella")),
}


@dataclass
class Console:
    """Pages over a world in which one call converted and another ended a second short."""

    world: CallWorld
    browser: AsyncTestClient[Any]
    reservation: str
    converted: str
    short: str

    async def get(self, path: str) -> httpx.Response:
        return await self.browser.get(path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        return await self.browser.post(path, data=fields)

    async def money(self, call: str, **fields: str) -> str:
        """The next page's line, after the form of the call's money was sent."""
        answer = await self.post(f"/calls/{call}/money", **{"key": "k-1", "note": "agreed on the phone"} | fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/calls/{call}#money"), answer.text
        page = (await self.get(f"/calls/{call}")).text
        found = re.search(r'<div class="notice[^>]*>.*?<div class="min-w-0">(.*?)</div>', page, re.DOTALL)
        assert found is not None, page
        return found[1]


def visit(place: StorePlace, story: Callable[[Console], Awaitable[None]], *, session: str = "owner") -> None:
    async def happen() -> None:
        async with call_world(place, catalog=exchange()) as world:
            reply = await world.ping(source="radio")
            [dial, *_] = dials(await world.arrive())
            await world.talk(dial, 120)
            converted = (await world.stored()).call_id
            world.clock.advance(60)
            [second, *_] = dials(await world.arrive(call="call-2"))
            await world.talk(second, 94, call="call-2")
            short = (await world.stored("call-2")).call_id
            office = make_office(
                portals=None,
                clock=world.clock,
                identities=FixedIdentities(ACTORS),
                catalogs=world.catalogs,
                plans=world.catalogs,
                reservations=world.store.reservations,
                calls=world.store.calls,
                ledger=world.store.ledger,
                messages=world.store.outbox,
                listings=world.store.listings,
                people=make_tools(world.store.accounts, world.store.audit, clock=world.clock, random_bytes=os.urandom),
            )
            async with web_client(office, session=session) as browser:
                await story(Console(world, browser, reply["uuid"], converted, short))

    asyncio.run(happen())


@pytest.fixture
def place(sqlite_place: StorePlace) -> StorePlace:
    return sqlite_place


def test_a_call_is_told_from_its_reservation_to_its_money(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        page = await console.get(f"/calls/{console.converted}")
        assert page.status_code == 200
        assert f'href="/call_reservations/{console.reservation}"' in page.text
        for part in ("had the call for 120", "Buyers that were tried", "Call flow", "converted", "publisher/4321ABCD"):
            assert part in page.text, part

    visit(place, story)


def test_pages_name_buyers_and_publishers_and_tell_the_company_s_time(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        call = (await console.get(f"/calls/{console.converted}")).text
        assert re.search(r"<h1[^>]*>[^<]*Alpha had the call for 120[^<]*Lead Gen One is paid", call)
        assert "Alpha answered." in call
        assert re.search(r"<dd>Reserved at \d\d:\d\d:\d\d E[SD]T for Alpha: ", call)
        ping = (await console.get(f"/call_reservations/{console.reservation}")).text
        assert re.search(r"<h1[^>]*>Reserved for Alpha at [^<]* freed at \d\d:\d\d:\d\d E[SD]T\.", ping)

    visit(place, story)


def test_the_call_flow_can_be_read_from_its_end(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        forth, back = [
            re.findall(r'class="timeline-at">([^<]*)', (await console.get(f"/calls/{console.converted}{order}")).text)
            for order in ("", "?order=newest")
        ]
        assert len(forth) > 3
        assert back == forth[::-1]

    visit(place, story)


def test_a_call_that_ended_short_says_by_how_much(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        page = await console.get(f"/calls/{console.short}")
        assert "not converted" in page.text
        assert "s short" in page.text

    visit(place, story)


def test_the_list_says_of_each_call_why_it_ended_on_the_page_and_in_its_files(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        world = console.world
        world.clock.advance(60)
        await world.arrive(call="call-3")
        await world.tell("abandoned", "call-3")
        rows = (await console.get("/calls")).text.split("<tr>")[-3:]
        for row, said in zip(rows, ("caller left", "too short", "converted"), strict=True):
            assert said in row
        lines = csv.DictReader((await console.get("/calls.csv")).text.lstrip("\ufeff").splitlines())
        assert [line["Reason"] for line in lines] == ["caller_hung_up", "call_too_short", "converted"]
        with zipfile.ZipFile(io.BytesIO((await console.get("/calls.xlsx")).content)) as book:
            assert b"call_too_short" in b"".join(book.read(name) for name in book.namelist())

    visit(place, story)


def test_a_person_converts_adjusts_and_voids_with_a_reason(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        said = await console.money(console.short, deed="convert", side="revenue", amount="2.50")
        assert said == "Converted by hand: the revenue of this call."
        said = await console.money(console.short, deed="adjust", side="revenue", amount="2", key="k-2")
        assert said == "Adjusted: the revenue of this call."
        postings = await console.world.store.ledger.postings_of(CompanyId("acme"), console.short)  # type: ignore[arg-type]  # -- a call's uuid
        assert [(one.kind, one.author, one.note) for one in postings] == [
            ("conversion", "Olga Owner", "agreed on the phone"),
            ("adjustment", "Olga Owner", "agreed on the phone"),
        ]
        said = await console.money(console.converted, deed="void", side="payout", key="k-3")
        assert said == "Voided: the payout of this call."
        assert "void" in (await console.get(f"/calls/{console.converted}")).text
        voided, *earlier = await console.world.store.audit.listing(CompanyId("acme"), path="calls[")
        assert (len(earlier), voided.entry.author) == (2, author_of(OWNER))
        assert (voided.entry.before, voided.entry.after) == (
            "publisher/4321ABCD 1.173 USD",
            "nothing: agreed on the phone",
        )
        audit = (await console.get("/audit")).text
        assert f'<a href="/calls/{console.converted}"><code>calls[{console.converted}].payout</code></a>' in audit

    visit(place, story)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deed": "adjust", "side": "revenue", "amount": "much"}, "Expected an amount"),
        ({"deed": "adjust", "side": "revenue"}, "Expected an amount"),
        ({"deed": "adjust", "side": "revenue", "amount": "1", "note": ""}, "ote"),
        ({"deed": "convert", "side": "revenue"}, "decided already"),
        ({"deed": "give away", "side": "revenue"}, "Choose what is to be done"),
    ],
    ids=str,
)
def test_what_cannot_be_booked_is_said_and_books_nothing(place: StorePlace, fields: dict[str, str], said: str) -> None:
    async def story(console: Console) -> None:
        ledger = console.world.store.ledger
        before = await ledger.postings_of(CompanyId("acme"), console.converted)  # type: ignore[arg-type]  # -- as above
        assert said in await console.money(console.converted, **fields)
        assert await ledger.postings_of(CompanyId("acme"), console.converted) == before  # type: ignore[arg-type]  # -- as above

    visit(place, story)


def test_who_only_reads_sees_no_form_and_books_nothing(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        page = await console.get(f"/calls/{console.converted}")
        assert (page.status_code, "/money" in page.text) == (200, False)
        answer = await console.post(f"/calls/{console.converted}/money", deed="void", side="payout", key="k", note="n")
        assert answer.status_code == 403

    visit(place, story, session="analyst")


def test_another_company_s_call_and_message_answer_like_none(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        [message, *_] = await console.world.store.outbox.listing()
        nowhere = await console.get("/calls/01890000-0000-7000-8000-000000000000")
        for path in (f"/calls/{console.converted}", f"/calls/{console.converted}/money"):
            answer = await (
                console.get(path) if path.count("/") == 2 else console.post(path, deed="void", side="payout")
            )
            assert answer.status_code == 404
        assert (await console.get(f"/calls/{console.converted}")).text == nowhere.text
        for answer in (
            await console.get(f"/deliveries/{message.message_id}"),
            await console.post(f"/deliveries/{message.message_id}/replay"),
        ):
            assert answer.status_code == 404

    visit(place, story, session="stranger")


def test_a_message_is_shown_and_sent_again(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        outbox = console.world.store.outbox
        turn = await outbox.turn([], wish())
        await outbox.turn([tried(one, MessageState.DEAD, status=500) for one in turn.claimed], wish(0))
        listed = await console.get("/deliveries?state=dead")
        path = re.findall(r'href="(/deliveries/msg_[^"]+)"', listed.text)[0]
        assert "500" in (await console.get(path)).text
        answer = await console.post(f"{path}/replay")
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        assert "It is sent again now" in (await console.get(path)).text
        shown = await outbox.show(path.rpartition("/")[2])
        assert shown is not None
        assert shown.listed.state is MessageState.WAITING
        [change] = await console.world.store.audit.listing(CompanyId("acme"), path="deliveries")
        assert (change.entry.before, change.entry.after) == ("dead", "waiting")

    visit(place, story)


def test_a_message_of_which_no_request_could_be_made_says_why_and_is_not_sent_again(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        lost = message(unsendable="found 'é', expected ASCII")
        await put(console.world.store, lost)
        path = f"/deliveries/{lost.message_id}"
        assert "no request could be made of it: found &#39;é&#39;, expected ASCII" in (await console.get(path)).text
        await console.post(f"{path}/replay")
        assert "Mend the webhook: the next one is sent." in (await console.get(path)).text

    visit(place, story)


def test_an_endpoint_that_wants_no_more_is_told_and_enabled_again(place: StorePlace) -> None:
    async def story(console: Console) -> None:
        outbox = console.world.store.outbox
        [claimed, *_] = (await outbox.turn([], wish())).claimed
        await outbox.turn([tried(claimed, MessageState.DISABLED, status=410)], wish(0))
        endpoint = claimed.message.endpoint
        assert f"<strong>{endpoint} wants no more.</strong>" in (await console.get("/deliveries")).text
        answer = await console.post("/deliveries/enable", endpoint=endpoint)
        assert answer.status_code == 303
        page = (await console.get("/deliveries")).text
        assert f"{endpoint} is in use again" in page
        assert "wants no more" not in page

    visit(place, story)
