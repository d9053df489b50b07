"""The campaign wizard: five steps to a campaign that takes pings, and no way past a payout of 0 without seeing it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from ringbid.catalog.model import FixedAmount, FixedSeconds, PercentAmount, TagAmount
from support.asgi import Response
from support.catalog_desk import CatalogDesk, catalog_desk, fields_in
from support.catalogs import ACME
from support.web import OWNER, FixedIdentities

NEW = "/campaigns/new"
WHO = FixedIdentities({"owner": OWNER, "ann": replace(OWNER, user_id="u-9", name="Ann")})


def tell(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with catalog_desk(folder, identities=WHO) as desk:
            await story(desk)

    asyncio.run(happen())


def told(response: Response) -> str:
    return response.body.decode()


async def go_on(desk: CatalogDesk, page: Response, go: str = "next", **written: str) -> Response:
    return await desk.post(NEW, fields_in(page) | written | {"go": go})


async def to_review(desk: CatalogDesk, **written: str) -> Response:
    """Through the steps to the last, with these fields each in its step."""
    page = await desk.get(NEW)
    for fields in (
        {"name": "Home solar", "preset": "home"},
        {"b0_name": "Sunny", "b0_number": "+12025550177", "b0_price": "20", "b0_at_once": "2"},
        {"states": "ca, NV", "required": "homeowner"},
        {"pay_4321ABCD": "true", "payout": "15", "number": "+18005550111"},
    ):
        page = await go_on(desk, page, **fields | {name: text for name, text in written.items() if name in fields})
    return page


def test_five_steps_make_a_campaign_that_takes_pings(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        review = await to_review(desk)
        assert "A call of Home solar goes to Sunny, else to nobody." in told(review)
        assert "sunny pays 20.00 after 60 s; 4321ABCD is paid 15.00." in told(review)
        assert await desk.catalog() == ACME, "nothing is in force before the last step"
        made = await go_on(desk, review, "create")
        secret = fields_in(made)["secret"]
        catalog = await desk.catalog()
        campaign = catalog.campaigns[-1]
        assert (campaign.id, campaign.name) == ("home-solar", "Home solar")
        [rule] = campaign.conversions
        assert (rule.revenue, rule.payout, rule.seconds) == (
            FixedAmount(20_000_000),
            FixedAmount(15_000_000),
            FixedSeconds(60),
        )
        assert [tag.required for tag in catalog.tags if tag.key == "homeowner"] == [True]
        await desk.in_force()
        sent = {"key": secret, "publisher_id": "4321ABCD", "caller_number": "+12135550123", "homeowner": "true"}
        reply = await desk.ping(**sent)
        assert (reply["status"], reply["retreaver_payout"]) == ("reserved", 15)
        link = await desk.post("/campaigns/home-solar/posting", fields_in(made) | {
            "publisher": "4321ABCD", "key": "Default", "secret": secret,
        })  # fmt: skip
        assert re.search(r"/p/[\w-]{43}", told(link)), "the page of the new key makes posting links"

    tell(tmp_path, story)


def test_states_are_understood_by_code_and_by_name(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        await go_on(desk, await to_review(desk, states="ny nj; New Mexico, ontario,\nTX, NY,"), "create")
        [passes] = (await desk.catalog()).buyers[-1].filters
        assert (passes.tag, passes.value) == ("caller_state", ("NY", "NJ", "NM", "ON", "TX"))

    tell(tmp_path, story)


def test_a_state_that_does_not_exist_is_not_passed_by(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = await go_on(desk, await desk.get(NEW), name="Typo", preset="other")
        page = await go_on(desk, page, use_alpha="true", price_alpha="20")
        for states in ("NY, New Jersy", "NY, XX", "Jersey"):
            refused = await go_on(desk, page, states=states)
            assert refused.status == 422
            assert f"No state or province of the US or Canada: {states.removeprefix('NY, ')}." in told(refused)
        assert (await go_on(desk, page, states=" ")).status == 200

    tell(tmp_path, story)


def test_a_payout_of_nothing_is_not_passed_by(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = await desk.get(NEW)
        page = await go_on(desk, page, name="Free", preset="other")
        page = await go_on(desk, page, use_alpha="true", price_alpha="20")
        page = await go_on(desk, page)
        for payout in ("", "0", "0.00", "0%"):
            refused = await go_on(desk, page, pay_4321ABCD="true", payout=payout)
            assert refused.status == 422
            assert "The payout is 0" in told(refused)
        meant = await go_on(desk, page, pay_4321ABCD="true", payout="0", zero_ok="true")
        assert meant.status == 200
        assert "Payout 0: these publishers are paid nothing" in told(meant)

    tell(tmp_path, story)


def test_a_step_back_keeps_what_was_written(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        review = await to_review(desk)
        page = await go_on(desk, review, "to 1")
        assert fields_in(page)["b0_name"] == "Sunny"
        page = await go_on(desk, page, "to 0")
        page = await go_on(desk, page, name="Solar for homes")
        assert fields_in(page)["payout"] == "15"

    tell(tmp_path, story)


def test_a_buyer_that_bids_is_asked_and_pays_what_it_bids(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = await go_on(desk, await desk.get(NEW), name="Bids", preset="legal")
        written = {"b0_name": "Bidder", "b0_number": "sip:a@127.0.0.1:5071", "b0_ask": "http://127.0.0.1:9101/bid"}
        page = await go_on(desk, page, **written, b0_bid="bid.amount", b0_hours="Mon-Fri 09:00-17:00; Sat 10:00-12:00")
        page = await go_on(desk, page)
        page = await go_on(desk, page, p_name="New Leads", payout="75%", seconds="30")
        assert (await go_on(desk, page, "create")).status == 200
        catalog = await desk.catalog()
        campaign = catalog.campaigns[-1]
        assert campaign.webhooks[0].outputs == (("bidder_bid", "bid.amount"),)
        assert campaign.conversions[0].revenue == TagAmount("bidder_bid")
        assert campaign.conversions[0].payout == PercentAmount(75)  # type: ignore[arg-type]  # -- equal to its Decimal
        assert len(catalog.buyers[-1].hours or ()) == 2
        assert catalog.publishers[-1].id == "new-leads"

    tell(tmp_path, story)


def test_what_is_wrong_is_told_before_anything_is_made(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        nameless = await go_on(desk, await desk.get(NEW))
        assert nameless.status == 422
        taken = await go_on(desk, await desk.get(NEW), name="X", id="auto-insurance")
        assert "There is a campaign auto-insurance already" in told(taken)
        page = await go_on(desk, await desk.get(NEW), name="Wrong", id="", preset="other")
        page = await go_on(desk, page, b0_name="Nobody", b0_number="12", b0_price="20")
        page = await go_on(desk, page)
        review = await go_on(desk, page, pay_4321ABCD="true", payout="10")
        assert "buyers[nobody].number" in told(review)
        assert 'value="create"' not in told(review)
        await go_on(desk, review, "create")
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_a_closed_page_goes_on_where_it_was_left(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = await go_on(desk, await desk.get(NEW), name="Home solar", preset="home")
        written = fields_in(page) | {"b0_name": "Sunny", "b0_price": "20"}
        assert (await desk.post(f"{NEW}/draft", written)).status == 204, "as the page does after each field"
        again = await desk.get(NEW)
        assert "Step 2 of 5" in told(again)
        assert "Your draft of <strong>Home solar</strong>" in told(again)
        assert [fields_in(again)[name] for name in ("name", "preset", "b0_name", "b0_price")] == [
            *("Home solar", "home", "Sunny", "20")
        ]
        desk.session = "ann"
        assert "Step 1 of 5" in told(await desk.get(NEW)), "a draft is nobody else's"
        desk.session = "owner"
        assert (await desk.post(f"{NEW}/afresh", fields_in(again))).status == 303
        assert "Step 1 of 5" in told(await desk.get(NEW))

    tell(tmp_path, story)


def test_a_draft_is_over_when_its_campaign_is_made(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        review = await to_review(desk)
        assert "Step 5 of 5" in told(await desk.get(NEW))
        await go_on(desk, review, "create")
        assert "Step 1 of 5" in told(await desk.get(NEW))

    tell(tmp_path, story)


def test_the_last_page_leads_to_a_posting_link_and_a_test_ping(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        made = await go_on(desk, await to_review(desk), "create")
        key = (await desk.catalog()).campaigns[-1].rtb_keys[0]
        assert "Home solar is in force" in told(made)
        assert "answered within 5 seconds (its timeout)" in told(made)
        buttons = re.findall(r'name="publisher" value="([^"]+)"', told(made))
        assert buttons[0] == "4321ABCD", "who is paid comes first"
        await desk.in_force()
        tester = await desk.get(f"/tester?key={key.id}&publisher_id=4321ABCD")
        assert f'href="/tester?key={key.id}&amp;publisher_id=4321ABCD"' in told(made)
        assert fields_in(tester)["key"] == key.id

    tell(tmp_path, story)


def test_a_campaign_without_a_number_is_told_what_that_means(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        review = await to_review(desk, number="")
        assert "every ping will be rejected until the campaign has one" in told(review)

    tell(tmp_path, story)
