"""The portal of a publisher's people: their own pings, calls and payouts; nothing of buyers, revenue or other tags."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import yaml

from support.scenario import ACME
from support.whole_office import Whole, open_whole, says, visit

PAGES = ("", "/pings", "/calls", "/payouts")


def play(folder: Path, story: Callable[[Whole], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_whole(folder) as whole:
            await story(whole)

    asyncio.run(run())


async def read(whole: Whole, path: str, *, who: str = "publisher") -> str:
    response = await visit(whole.web, "GET", path, headers={"accept": "text/html", "cookie": f"ringbid={who}"})
    assert response.status == 200, response.body
    return response.body.decode()


def hidden() -> list[str]:
    """Every buyer's id, name and number, what they pay, and what rules are called after them."""
    tree = yaml.safe_load(re.sub(r"(?m)^(\s+)on:", r'\1"on":', ACME))
    words = [buyer[field].lower() for buyer in tree["buyers"] for field in ("id", "name", "number")]
    return [*words, *(group["name"].lower() for group in tree["buyer_groups"]), "1.50", "0.327", "revenue", "margin"]


def test_no_page_has_a_word_of_buyers_revenue_or_margin(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        paths = [f"/portal/publisher{page}" for page in PAGES] + [f"/portal/publisher/pings/{whole.ours.ping}"]
        for path in paths:
            text = re.sub(r"(?s)<head>.*</head>", "", await read(whole, path)).lower()
            for word in hidden():
                assert not says(text, word), f"{path} says {word!r}"

    play(tmp_path, story)


def test_it_sees_its_pings_its_call_and_what_that_pays(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        pings = await read(whole, "/portal/publisher/pings")
        assert pings.count("/portal/publisher/pings/0") >= 2
        assert "no target" in pings
        assert "1.173 USD" in await read(whole, "/portal/publisher/calls")
        payouts = await read(whole, "/portal/publisher/payouts")
        assert whole.ours.call in payouts
        assert "1.173 USD" in payouts

    play(tmp_path, story)


def test_reservations_that_were_not_delivered_are_a_filter_away(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        assert "None of your pings fits" in await read(whole, "/portal/publisher/pings?state=expired")
        assert whole.ours.ping in await read(whole, "/portal/publisher/pings?state=done")

    play(tmp_path, story)


def test_a_filter_that_would_tell_of_buyers_is_none(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        text = await read(whole, f"/portal/publisher/pings?buyer_id={whole.ours.buyer}")
        assert "has no filter" in text

    play(tmp_path, story)


def test_only_granted_tags_are_shown(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        path = f"/portal/publisher/pings/{whole.ours.ping}"
        assert "caller_state" not in await read(whole, path)
        actors = whole.identities.actors
        actors["publisher"] = replace(actors["publisher"], tags=frozenset({"caller_state"}))
        text = await read(whole, path)
        assert "caller_state" in text
        assert "caller_city" not in text

    play(tmp_path, story)


def test_another_publisher_s_ping_is_none_of_its_own(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        actors = whole.identities.actors
        actors["other"] = replace(actors["publisher"], publisher_id="PUB-TWO")
        headers = {"accept": "text/html", "cookie": "ringbid=other"}
        answer = await visit(whole.web, "GET", f"/portal/publisher/pings/{whole.ours.ping}", headers=headers)
        assert answer.status == 404
        assert whole.ours.ping not in await read(whole, "/portal/publisher/pings", who="other")

    play(tmp_path, story)


def test_it_is_led_to_its_own_posting_instructions_of_each_campaign(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        path = f"/portal/publisher/posting/{whole.ours.campaign}"
        assert f'href="{path}"' in await read(whole, "/portal/publisher")
        shown = await read(whole, path)
        assert "/rtbs.json" in shown
        assert f"publisher_id={whole.ours.publisher}" in shown
        assert "YOUR_KEY" in shown
        for foreign in (f"/portal/publisher/posting/{whole.theirs.campaign}", f"{path}?key=none"):
            headers = {"accept": "text/html", "cookie": "ringbid=publisher"}
            assert (await visit(whole.web, "GET", foreign, headers=headers)).status == 404

    play(tmp_path, story)


def test_its_lists_leave_as_files_without_a_word_of_buyers(tmp_path: Path) -> None:
    async def story(whole: Whole) -> None:
        shown = await read(whole, "/portal/publisher/pings")
        assert 'href="/portal/publisher/pings.csv?"' in shown or 'href="/portal/publisher/pings.csv"' in shown
        pings = await read(whole, "/portal/publisher/pings.csv?status=reserved")
        assert whole.ours.ping in pings
        calls = await read(whole, "/portal/publisher/calls.csv")
        assert whole.ours.call in calls
        assert says(calls, "1.173")
        for word in hidden():
            assert not says((pings + calls).lower(), word), word
        headers = {"accept": "text/html", "cookie": "ringbid=publisher"}
        book = await visit(whole.web, "GET", "/portal/publisher/calls.xlsx", headers=headers)
        assert book.body[:2] == b"PK"
        for path in ("/portal/publisher/pings.csv?buyer_id=alpha", "/portal/buyer/calls.csv"):
            assert (await visit(whole.web, "GET", path, headers=headers)).status in (403, 422)

    play(tmp_path, story)
