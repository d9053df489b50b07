"""The portal of a buyer's people: their own calls, hours and caps, and disputes that somebody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from ringbid.accounts.tokens import form_token
from support.asgi import Response
from support.whole_office import Whole, open_whole, says, visit


def play(folder: Path, story: Callable[[Whole], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_whole(folder) as whole:
            await story(whole)

    asyncio.run(run())


async def read(whole: Whole, path: str, *, who: str = "buyer", status: int = 200) -> str:
    response = await visit(whole.web, "GET", path, headers={"accept": "text/html", "cookie": f"ringbid={who}"})
    assert response.status == status, response.body
    return response.body.decode()


async def send(whole: Whole, path: str, *, who: str = "buyer", **fields: str) -> Response:
    headers = {
        "accept": "text/html",
        "cookie": f"ringbid={who}",
        "x-csrf-token": form_token(who),
        "content-type": "application/x-www-form-urlencoded",
    }
    return await visit(whole.web, "POST", path, headers=headers, body=urlencode(fields).encode())


async def save(whole: Whole, **fields: str) -> Response:
    edition = await whole.office.editor.read(whole.identities.actors["buyer"].company_id)
    assert edition is not None
    return await send(whole, "/portal/buyer/terms", version=str(edition.version), **fields)


def test_it_sees_its_calls_with_their_price_and_nothing_of_the_publisher(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        for path in ("/portal/buyer", "/portal/buyer/calls", f"/portal/buyer/calls/{whole.ours.call}"):
            text = await read(whole, path)
            for word in (whole.ours.publisher, "Lead Gen One", "1.173", "Bravo Health", "Charlie"):
                assert not says(text, word), f"{path} says {word}"
        assert "1.50 USD" in await read(whole, "/portal/buyer/calls")
        assert "2:00" in await read(whole, f"/portal/buyer/calls/{whole.ours.call}")

    play(tmp_path, story)


def test_it_changes_its_own_hours_caps_and_pause_and_nothing_else(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        fields = {"hours": "Mon-Fri 09:00-17:00", "caps-daily": "7", "paused": "true"}
        others = {"number": "+12025550199", "buyers[bravo].paused": "true"}
        assert (await save(whole, **fields, **others)).status == 303
        edition = await whole.office.editor.read(whole.identities.actors["buyer"].company_id)
        assert edition is not None
        alpha, bravo = edition.catalog.buyers[:2]
        assert (alpha.paused, alpha.caps.daily, alpha.caps.hourly) == (True, 7, None)
        assert (alpha.number, bravo.paused) == ("+12025550101", False)
        assert alpha.hours is not None
        [interval] = alpha.hours
        assert (interval.days[0], interval.open_minute, interval.close_minute) == ("mon", 540, 1020)
        text = await read(whole, "/portal/buyer/terms")
        assert "Mon-Fri 09:00-17:00" in text

    play(tmp_path, story)


def test_what_cannot_be_read_is_told_at_its_field_and_nothing_is_changed(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        answer = await save(whole, hours="whenever", **{"caps-daily": "many"})
        assert answer.status == 422
        assert b'id="caps-daily-error"' in answer.body
        assert b"allowed: days and times such as Mon-Fri 09:00-17:00, an interval a line." in answer.body
        assert b"many" in answer.body
        edition = await whole.office.editor.read(whole.identities.actors["buyer"].company_id)
        assert edition is not None
        assert edition.catalog.buyers[0].caps.daily == 500

    play(tmp_path, story)


def test_a_dispute_is_opened_seen_by_staff_answered_and_voids_the_call(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        call = whole.ours.call
        refused = await send(whole, f"/portal/buyer/calls/{call}/dispute", reason=" ")
        assert refused.status == 422
        opened = await send(whole, f"/portal/buyer/calls/{call}/dispute", reason="He wanted a <b>taxi</b>")
        assert opened.status == 303
        assert "He wanted a &lt;b&gt;taxi" in await read(whole, "/disputes", who="analyst")
        assert "Close the dispute" not in await read(whole, f"/disputes/{call}", who="analyst")
        shown = await read(whole, f"/calls/{call}", who="analyst")
        assert "He wanted a &lt;b&gt;taxi" in shown
        assert f'href="/disputes/{call}">See the dispute' in shown
        assert "Answer it: the call stands, or is voided" in await read(whole, f"/calls/{call}", who="manager")
        closed = await send(whole, f"/disputes/{call}", who="manager", decision="void", answer="You are right.")
        assert "You are right." in await read(whole, f"/calls/{call}", who="analyst")
        assert closed.status == 303, closed.body
        text = await read(whole, f"/portal/buyer/calls/{call}")
        assert "You are right." in text
        assert "nothing is owed for it" in text
        assert "nothing paid" in await read(whole, "/portal/publisher/calls", who="publisher")
        assert "is even" in await read(whole, "/portal/buyer")
        people = whole.office.people
        assert people is not None
        changes = await people.audit.listing(whole.identities.actors["buyer"].company_id)
        assert [change.entry.path for change in changes].count(f"calls[{call}].dispute") == 2

    play(tmp_path, story)


def test_a_dispute_that_was_closed_before_voids_nothing(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        call = whole.ours.call
        await send(whole, f"/portal/buyer/calls/{call}/dispute", reason="He wanted a taxi")
        await send(whole, f"/disputes/{call}", who="manager", decision="stands", answer="He was a customer.")
        owed = await read(whole, "/portal/buyer")
        late = await send(whole, f"/disputes/{call}", who="manager", decision="void", answer="You are right.")
        assert late.status == 303
        assert await read(whole, "/portal/buyer") == owed
        assert "He was a customer." in await read(whole, f"/portal/buyer/calls/{call}")

    play(tmp_path, story)


def test_another_buyer_s_call_is_none_of_its_own_and_cannot_be_disputed(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        actors = whole.identities.actors
        actors["other"] = replace(actors["buyer"], buyer_id="bravo")
        await read(whole, f"/portal/buyer/calls/{whole.ours.call}", who="other", status=404)
        answer = await send(whole, f"/portal/buyer/calls/{whole.ours.call}/dispute", who="other", reason="x")
        assert answer.status == 404

    play(tmp_path, story)


def test_how_its_address_answers_is_told_with_what_went_wrong(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        actors = whole.identities.actors
        actors["charlie"] = replace(actors["buyer"], buyer_id="charlie")
        text = await read(whole, "/portal/buyer", who="charlie")
        assert "you were asked 2 times, and bid 0 times" in text
        assert "The buyer answered and declined" in text

    play(tmp_path, story)


def test_its_calls_leave_as_a_file_with_nothing_of_the_publisher(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        told = await read(whole, "/portal/buyer/calls.csv")
        assert whole.ours.call in told
        assert says(told, "1.5")
        for word in (whole.ours.publisher, "1.173", whole.theirs.call):
            assert not says(told, word), word

    play(tmp_path, story)
