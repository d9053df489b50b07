"""Posting instructions: a page for one publisher that needs no sign-in, holds until it is revoked, and shows no more
than that publisher needs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from ringbid.values.ids import CampaignId
from support.asgi import Response
from support.catalog_desk import ACME, CatalogDesk, catalog_desk, fields_in
from support.catalogs import ACME_KEY
from support.whole_office import says

POSTING = "/campaigns/auto-insurance/posting"
FORM = {"publisher": "4321ABCD", "key": "Default"}


def tell(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with catalog_desk(folder) as desk:
            await story(desk)

    asyncio.run(happen())


def told(response: Response) -> str:
    return response.body.decode()


async def make_link(desk: CatalogDesk, **form: str) -> str:
    """The path of a new link's page."""
    made = await desk.post(POSTING, FORM | form)
    found = re.search(r'data-copy="[^"]*(/p/[\w-]{43})"', told(made))
    assert found is not None, told(made)
    return found[1]


def test_a_link_opens_without_sign_in_filled_in_for_its_publisher(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = await make_link(desk, secret=ACME_KEY)
        desk.session = None
        page = await desk.get(path)
        text = told(page)
        assert page.status == 200
        for words in (
            f"rtbs.json?key={ACME_KEY}&amp;publisher_id=4321ABCD&amp;caller_number=%2B12125550123",
            "within <strong>15 seconds</strong>",
            "the same caller ID",
            "curl",
            "URLSearchParams",
            "http_build_query",
            "urllib.request",
            "retreaver_payout",
            "campaign_paused",
            "rate_limited",
            "Waiting for your first ping",
            "age",
        ):
            assert words in text, words
        for hidden in ("Alpha Insurance", "bravo", "charlie", "PUB-TWO", "jornaya_id", "1.173"):
            assert not says(text, hidden), hidden

    tell(tmp_path, story)


def test_without_the_key_the_page_says_so(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        text = told(await desk.get(await make_link(desk)))
        assert "key=YOUR_KEY" in text
        assert ACME_KEY not in text
        wrong = await desk.post(POSTING, FORM | {"secret": "not-the-key-of-anybody"})
        assert wrong.status == 422
        assert "not the secret of that key" in told(wrong)

    tell(tmp_path, story)


def test_a_revoked_link_and_one_that_never_was_answer_alike(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = await make_link(desk)
        link = fields_in(await desk.get(POSTING)) | {}
        [kept] = await desk.links.of_campaign(ACME, CampaignId("auto-insurance"))
        assert link is not None
        assert (await desk.post(f"{POSTING}/revoke", {"link": kept.link_id})).status == 303
        assert (await desk.post(f"{POSTING}/revoke", {"link": kept.link_id})).status == 404
        desk.session = None
        gone, never = await desk.get(path), await desk.get("/p/" + "x" * 43)
        assert (gone.status, never.status) == (404, 404)
        assert told(gone) == told(never)

    tell(tmp_path, story)


def test_a_test_ping_answers_like_a_ping_and_leaves_nothing(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = await make_link(desk, secret=ACME_KEY)
        desk.session = None
        for _ in range(2):  # a place that was held would make the second a duplicate
            tried = told(await desk.post(f"{path}/try", {"caller_number": "+12135550123", "age": "30"}))
            assert "HTTP 200" in tried
            assert "reserved" in tried
            assert "retreaver_ping_shield" not in tried
        wrong = told(await desk.post(f"{path}/try", {"caller_number": "nobody"}))
        assert "HTTP 422" in wrong
        assert "caller_number_invalid" in wrong
        assert "Waiting for your first ping" in told(await desk.get(f"{path}/first")), "a test is no ping"

    tell(tmp_path, story)


def test_the_page_sees_the_first_ping_arrive(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = await make_link(desk, secret=ACME_KEY)
        await desk.ping(key=ACME_KEY, publisher_id="4321ABCD", caller_number="+12135550123")
        desk.session = None
        assert "Your first ping was received" in told(await desk.get(f"{path}/first"))
        assert "Your first ping was received" in told(await desk.get(path))

    tell(tmp_path, story)


def test_the_instructions_are_kept_as_markdown(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = await make_link(desk, secret=ACME_KEY)
        desk.session = None
        assert f'href="{path}/instructions.md"' in told(await desk.get(path))
        kept = await desk.get(f"{path}/instructions.md")
        headers = {name.lower(): value for name, value in kept.headers.items()}
        assert headers["content-type"].startswith("text/markdown")
        assert "attachment" in headers["content-disposition"]
        for words in (
            "# Posting instructions for Lead Gen One",
            f"rtbs.json?key={ACME_KEY}&publisher_id=4321ABCD",
            "within **15 seconds**",
            "| `caller_number` | required | phone number |",
            "### Python\n\n```\nimport json",
            "| `rate_limited` | 429 |",
        ):
            assert words in told(kept), words
        for hidden in ("Alpha Insurance", "bravo", "charlie", "PUB-TWO", "jornaya_id", "1.173"):
            assert not says(told(kept), hidden), hidden
        assert (await desk.get("/p/no-such-link/instructions.md")).status == 404

    tell(tmp_path, story)
